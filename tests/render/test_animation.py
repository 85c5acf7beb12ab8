import tracemalloc

import numpy as np
import pytest
from PIL import Image, ImageSequence

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.render.animation import write_animation


def ramps(count, height=48, width=64):
    """Smooth frames, each of another brightness."""
    rows, columns = np.mgrid[:height, :width]
    for number in range(count):
        frame = np.stack([rows * 4, columns * 3, np.full_like(rows, 20 * number % 256)], 2)
        yield frame.astype(np.uint8)


def read(path):
    with Image.open(path) as file:
        frames = [(np.asarray(f.convert("RGB")).astype(int), f.info["duration"]) for f in ImageSequence.Iterator(file)]
        return frames, file.info["loop"]


@pytest.mark.parametrize("kind", ["gif", "webp"])
def test_the_frames_come_back_in_their_time_and_loop(tmp_path, kind):
    path = write_animation(tmp_path / f"a.{kind}", ramps(12), rate=12, hold=1)
    frames, loop = read(path)
    assert loop == 0
    assert len(frames) == 12
    for (found, _), wanted in zip(frames, ramps(12), strict=True):
        assert np.abs(found - wanted).mean() < 6
    times = [time for _, time in frames]
    assert abs(sum(times) - 2000) <= 10
    assert set(times[:-1]) == {80, 90}  # a twelfth of a second, in hundredths
    assert times[-1] == 1080


def test_a_gif_gives_each_frame_its_own_colours(tmp_path):
    red, blue = (np.zeros((32, 32, 3), np.uint8) for _ in "ab")
    red[..., 0] = np.arange(32) * 8
    blue[..., 2] = np.arange(32) * 8
    frames, _ = read(write_animation(tmp_path / "a.gif", [red, blue, red]))
    for (found, _), wanted in zip(frames, (red, blue, red), strict=True):
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("kind", ["gif", "webp"])
def test_memory_does_not_grow_with_the_frames(tmp_path, kind):
    noise = np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8)

    def peak(count):
        tracemalloc.start()
        write_animation(tmp_path / f"{count}.{kind}", (np.roll(noise, i, 1) for i in range(count)))
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(2)
    assert peak(60) < peak(6) + 5 * noise.nbytes
    assert (tmp_path / f"60.{kind}").stat().st_size > 5 * (tmp_path / f"6.{kind}").stat().st_size


@pytest.mark.parametrize("kind", ["gif", "webp"])
def test_frames_are_asked_for_one_at_a_time(tmp_path, kind):
    asked, sizes = [], []

    def frames():
        for number, frame in enumerate(ramps(9)):
            asked.append(number)
            sizes.append((tmp_path / f"a.{kind}.part").stat().st_size)
            yield frame

    write_animation(tmp_path / f"a.{kind}", frames())
    assert asked == list(range(9))
    assert (tmp_path / f"a.{kind}").exists()


@pytest.mark.parametrize(("size", "wanted"), [(128, (96, 128)), ((30, 50), (30, 50)), (None, (48, 64))])
def test_another_size(tmp_path, size, wanted):
    frames, _ = read(write_animation(tmp_path / "a.webp", ramps(2), size=size))
    assert frames[0][0].shape == (*wanted, 3)


def test_nothing_is_left_of_an_animation_that_fails_and_the_old_file_stays(tmp_path):
    path = write_animation(tmp_path / "a.gif", ramps(2))
    before = path.read_bytes()

    def broken():
        yield from ramps(1)
        raise RuntimeError("cancelled")

    with pytest.raises(RuntimeError, match="cancelled"):
        write_animation(path, broken())
    assert [file.name for file in tmp_path.iterdir()] == ["a.gif"]
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("name", "frames", "options", "message"),
    [
        ("a.mp4", ramps(1), {}, "end the name in .gif or .webp"),
        ("a.gif", [], {}, "no frame to write to a.gif"),
        ("a.gif", ramps(1), {"rate": 0}, "rate=0"),
        ("a.webp", [*ramps(1), *ramps(1, 20, 20)], {}, r"not \(48, 64\) and \(20, 20\)"),
        ("a.webp", [np.zeros((4, 4, 3))], {}, "are not pixels"),
    ],
)
def test_what_cannot_be_written_is_told(tmp_path, name, frames, options, message):
    with pytest.raises(NnvizError, match=message):
        write_animation(tmp_path / name, frames, **options)
    assert list(tmp_path.iterdir()) == []
