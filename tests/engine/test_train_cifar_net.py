"""Training of the small offline network: seeded, resumable bit for bit, and clear about missing data."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image

from nnviz_widgets.engine.cifar_net import CIFAR_LABELS, CIFAR_MEAN, CifarNet, load_weights
from nnviz_widgets.engine.cifar_pictures import Pictures, augment, load_pictures, normalise
from nnviz_widgets.engine.train_cifar_net import Recipe, accuracy, main, train
from nnviz_widgets.errors import NnvizError

TINY = Recipe(epochs=3, batch_size=8)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Steps this small spend their time waiting for threads; the command sets their number for good."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def pictures() -> Pictures:
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (20, 32, 32, 3), generator=generator, dtype=torch.uint8)
    return Pictures(pixels, torch.arange(20) % 10)


@pytest.fixture
def archive(tmp_path: Path) -> Callable[..., Path]:
    def write(**changes: np.ndarray) -> Path:
        files = []
        for k in range(20):
            file = io.BytesIO()
            Image.new("RGB", (32, 32), (12 * k, 100, 50)).save(file, "JPEG", quality=95)
            files.append(file.getvalue())
        fields = {
            "jpeg": np.frombuffer(b"".join(files), np.uint8),
            "offset": np.cumsum([0, *map(len, files)]),
            "labels": (np.arange(20) % 10).astype(np.uint8),
            "names": np.array(CIFAR_LABELS),
            **changes,
        }
        path = tmp_path / "pictures.npz"
        np.savez(path, **fields)
        return path

    return write


def weights(net: CifarNet) -> torch.Tensor:
    return torch.cat([value.detach().flatten() for value in net.parameters()])


def test_killed_and_resumed_equals_uninterrupted(pictures: Pictures, tmp_path: Path) -> None:
    whole = [weights(epoch.net) for epoch in train(pictures, TINY)]
    checkpoint = tmp_path / "part.checkpoint"
    killed = train(pictures, TINY, checkpoint=checkpoint)
    next(killed)
    killed.close()
    rest = [(epoch.number, weights(epoch.net)) for epoch in train(pictures, TINY, checkpoint=checkpoint, resume=True)]
    assert [number for number, _ in rest] == [2, 3]
    assert torch.equal(rest[-1][1], whole[-1])
    assert not torch.equal(whole[0], whole[-1])


def test_the_seed_decides_whatever_the_global_state(pictures: Pictures) -> None:
    torch.manual_seed(1)
    one = weights(next(train(pictures, TINY)).net)
    torch.manual_seed(2)
    two = weights(next(train(pictures, TINY)).net)
    other = weights(next(train(pictures, Recipe(epochs=3, batch_size=8, seed=1))).net)
    assert torch.equal(one, two)
    assert not torch.equal(one, other)


def test_training_leaves_the_global_random_state_alone(pictures: Pictures) -> None:
    before = torch.get_rng_state()
    next(train(pictures, TINY))
    assert torch.equal(before, torch.get_rng_state())


def test_it_learns() -> None:
    labels = torch.arange(16) % 2
    pixels = (labels * 200 + 20).to(torch.uint8)[:, None, None, None].expand(16, 32, 32, 3).contiguous()
    bright_or_dark = Pictures(pixels, labels)
    *_, last = train(bright_or_dark, Recipe(epochs=8, batch_size=8, learning_rate=0.01, average=0.5))
    assert accuracy(last.net, bright_or_dark) == 1.0


def test_resuming_nothing_or_another_recipe_is_refused(pictures: Pictures, tmp_path: Path) -> None:
    checkpoint = tmp_path / "part.checkpoint"
    with pytest.raises(NnvizError, match="No checkpoint"):
        next(train(pictures, TINY, checkpoint=checkpoint, resume=True))
    next(train(pictures, TINY, checkpoint=checkpoint))
    with pytest.raises(NnvizError, match="another seed"):
        next(train(pictures, Recipe(epochs=3, batch_size=8, seed=5), checkpoint=checkpoint, resume=True))


def test_augmented_pictures_are_moved_mirrored_or_flipped() -> None:
    ramp = torch.arange(32, dtype=torch.uint8).expand(64, 32, 32)[..., None].expand(-1, -1, -1, 3)
    moved = augment(ramp, torch.Generator().manual_seed(0))
    rows = moved[:, 0, :, 0].long()
    flipped = rows[:, 8] > rows[:, 20]
    assert 16 < flipped.sum() < 48
    centre = rows.where(~flipped[:, None], rows.flip(1))[:, 10] - 10
    assert set(centre.tolist()) == set(range(-4, 5))
    assert torch.equal(augment(ramp, torch.Generator().manual_seed(0)), moved)
    assert not torch.equal(augment(ramp, torch.Generator().manual_seed(1)), moved)


def test_unmoved_pictures_keep_their_pixels(pictures: Pictures) -> None:
    same = augment(pictures.pixels, torch.Generator().manual_seed(0), shift=0)
    unflipped = (same == pictures.pixels).flatten(1).all(1)
    assert 0 < unflipped.sum() < 20
    assert torch.equal(same[~unflipped], pictures.pixels[~unflipped].flip(2))


def test_the_mean_colour_becomes_zero() -> None:
    pixels = (torch.tensor(CIFAR_MEAN) * 255).round().to(torch.uint8).expand(1, 32, 32, 3)
    x = normalise(pixels)
    assert x.shape == (1, 3, 32, 32)
    assert x.is_contiguous(memory_format=torch.channels_last)
    assert x.abs().max() < 0.01


def test_the_command_writes_weights_and_reads_them_back(
    archive: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = archive(), tmp_path / "made" / "net.safetensors"
    main(["--data", str(data), "--test", str(data), "--out", str(out), "--epochs", "1"])
    assert "accuracy on the test pictures" in capsys.readouterr().out
    assert [path.name for path in out.parent.iterdir()] == ["net.safetensors"]
    assert weights(load_weights(CifarNet(), out)).isfinite().all()


def test_the_command_says_in_one_line_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"CIFAR-10 is not at .*gone\.npz") as caught:
        main(["--data", str(tmp_path / "gone.npz"), "--out", str(tmp_path / "net.safetensors")])
    assert "\n" not in str(caught.value)


def test_pictures_come_decoded_from_a_file(archive: Callable[..., Path]) -> None:
    pictures = load_pictures(archive())
    assert pictures.pixels.shape == (20, 32, 32, 3)
    assert pictures.labels.tolist() == [k % 10 for k in range(20)]
    assert abs(int(pictures.pixels[7, 16, 16, 0]) - 84) < 5


def test_a_file_of_other_classes_or_none_is_refused(archive: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(NnvizError, match="ten CIFAR-10 classes"):
        load_pictures(archive(names=np.array(CIFAR_LABELS[::-1])))
    np.savez(tmp_path / "empty.npz", jpeg=np.zeros(3, np.uint8))
    with pytest.raises(NnvizError, match="offset"):
        load_pictures(tmp_path / "empty.npz")


def test_no_internet_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(*_: object, **__: object) -> None:
        raise URLError("no route to host")

    monkeypatch.setattr(torchvision.datasets, "CIFAR10", offline)
    with pytest.raises(NnvizError, match=r"no route to host.*connect to the internet"):
        load_pictures(tmp_path)
