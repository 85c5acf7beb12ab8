"""One pass over many pictures: held against a plain loop and sort; resumed, added to, killed, broken."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from nnviz_widgets import methods
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.images.image_set import ImageSet
from nnviz_widgets.methods.patch_index import INDEX, PatchIndex
from nnviz_widgets.methods.scan_file import load
from nnviz_widgets.methods.scan_layers import penultimate, spatial_blocks
from nnviz_widgets.methods.scan_state import add_to
from tests.engine.networks import Branches, Functional, OneChannel, Plain, engine_of, seeded, snapshot

COUNT = 41


def pictures(count=COUNT, seed=0):
    return ImageSet(np.random.default_rng(seed).integers(0, 256, (count, 30, 36, 3), np.uint8))


def whole(engine, images, path, **options):
    *_, last = methods.scan(engine, images, path=path, **options)
    assert last.done == 1
    return last.index


def same(first: PatchIndex, second: PatchIndex) -> bool:
    """Whether two indices hold the very same numbers."""
    a, b = first.state, second.state
    if (a.ids, a.marks, dict(a.broken), list(a.layers)) != (b.ids, b.marks, dict(b.broken), list(b.layers)):
        return False
    tensors = [(a.vectors.nan_to_num(7), b.vectors.nan_to_num(7))]
    for x, y in zip(a.layers.values(), b.layers.values(), strict=True):
        tensors += [(getattr(x.top, p), getattr(y.top, p)) for p in ("values", "pictures", "places")]
        tensors += [(getattr(x.statistics, p), getattr(y.statistics, p)) for p in ("sums", "greatest", "zeros")]
    return all(torch.equal(p, q) for p, q in tensors)


@pytest.mark.parametrize("make", [Plain, Functional, Branches])
def test_every_layer_equals_a_plain_loop_and_sort(make, tmp_path):
    engine, images, n = engine_of(seeded(make)), pictures(17), 4
    layers = [layer for layer in engine.layers.distinct() if layer.spatial]
    index = whole(engine, images, tmp_path, layers=layers, n=n, batch=1, smallest=True)
    xs = [engine.prepare(images[i]) for i in range(17)]
    for layer in layers:
        maps = torch.cat([engine.activations(x, layer) for x in xs]).numpy()
        flat = maps.reshape(17, layer.channels, -1)
        for sign in (1, -1):
            peaks = sign * (sign * flat).max(2)
            for k in range(layer.channels):
                order = sorted(range(17), key=lambda i, k=k, peaks=peaks, sign=sign: (-sign * peaks[i, k], i))[:n]
                assert index.ids(layer.name, smallest=sign < 0)[k] == [images.ids[i] for i in order]
                assert index.values(layer.name, smallest=sign < 0)[k].tolist() == [peaks[i, k] for i in order]
                rows_cols = index.positions(layer.name, smallest=sign < 0)[k].tolist()
                found = [maps[i, k, row, col] for i, (row, col) in zip(order, rows_cols, strict=True)]
                assert found == [peaks[i, k] for i in order]
        statistics = index.statistics(layer.name)
        assert np.allclose(statistics.mean, flat.mean((0, 2)), atol=1e-6)
        assert np.array_equal(statistics.greatest, flat.max((0, 2)))
        zeros = (flat <= 0) if layer.activation else (flat == 0)
        assert np.allclose(statistics.share_of_zeros, zeros.mean((0, 2)))
    vectors = torch.cat([engine.activations(x, penultimate(engine)) for x in xs])
    vectors = vectors.flatten(2).mean(2) if vectors.ndim == 4 else vectors
    assert torch.allclose(index.vectors, vectors, atol=1e-6)


def test_the_order_of_the_pictures_does_not_show(tmp_path):
    engine = engine_of(seeded(Plain))
    array = np.random.default_rng(0).integers(0, 256, (12, 32, 32, 3), np.uint8)
    array[7] = array[2]  # equal values: by id
    folder = tmp_path / "pictures"
    folder.mkdir()
    for i, pixels in enumerate(array):
        Image.fromarray(pixels).save(folder / f"{i:02d}.png")
    files = sorted(folder.glob("*.png"))
    order = np.random.default_rng(1).permutation(12)
    first = whole(engine, ImageSet(files), tmp_path / "a", batch=1)
    second = whole(engine, ImageSet([files[i] for i in order]), tmp_path / "b", batch=1)
    assert same(first, second)


@pytest.mark.parametrize("seed", range(4))
def test_ended_early_anywhere_it_goes_on_to_the_same(seed, tmp_path):
    engine, images = engine_of(seeded(Plain)), pictures()
    wanted = whole(engine, images, tmp_path / "whole", batch=2)
    random = np.random.default_rng(seed)
    steps = methods.scan(engine, images, path=tmp_path / "cut", batch=2)
    for _ in range(6):  # each time some batches further
        for _ in range(int(random.integers(1, 5))):
            if next(steps, None) is None:
                break
        steps.close()
        steps = methods.scan(engine, images, path=tmp_path / "cut", batch=2)
    *_, last = steps
    assert same(last.index, wanted)


def test_another_size_of_batch_gives_the_same_but_for_rounding(tmp_path):
    engine, images = engine_of(seeded(Plain)), pictures()
    one = whole(engine, images, tmp_path / "one", batch=1)
    many = whole(engine, images, tmp_path / "many", batch=16)
    for layer in one.layers:
        a, b = one.values(layer), many.values(layer)
        assert (a - b).abs().max() <= 1e-5 * a.abs().max()
        for ids, others, values in zip(one.ids(layer), many.ids(layer), a, strict=True):
            apart = values[:-1] - values[1:] > 1e-4 * values.abs().max()
            if apart.all():
                assert ids == others


@given(st.permutations(range(20)), st.lists(st.integers(0, 9), max_size=3), st.booleans())
@settings(max_examples=12, deadline=None, derandomize=True)
def test_any_order_and_any_rests_give_the_same(order, rests, smallest):
    """Pictures in any order, by batches of one, ended early and gone on with any number of times."""
    engine = engine_of(seeded(Plain))
    array = np.random.default_rng(0).integers(0, 4, (20, 30, 36, 1), np.uint8) * 60
    array[order[0]] = array[order[1]]  # equal values: by id
    with TemporaryDirectory() as home:
        files = [Path(home) / f"{i:02d}.png" for i in range(20)]
        for file, pixels in zip(files, array, strict=True):
            Image.fromarray(pixels[..., 0]).save(file)
        found = [ImageSet(files), ImageSet([files[i] for i in order])]
        how = {"batch": 1, "smallest": smallest}
        for rest in rests:
            steps = methods.scan(engine, found[1], path=Path(home) / "b", **how)
            for _, _ in zip(range(rest), steps, strict=False):
                pass
            steps.close()
        assert same(whole(engine, found[0], Path(home) / "a", **how), whole(engine, found[1], Path(home) / "b", **how))


def test_processes_decode_to_the_same(tmp_path):
    engine, images = engine_of(seeded(Plain)), pictures(9)
    assert same(
        whole(engine, images, tmp_path / "a", batch=4), whole(engine, images, tmp_path / "b", batch=4, workers=2)
    )


def test_a_finished_index_opens_again_without_a_pass(tmp_path, monkeypatch):
    engine, images = engine_of(seeded(Plain)), pictures()
    index = whole(engine, images, tmp_path)
    monkeypatch.setattr(type(engine), "read", lambda *_: pytest.fail("a pass"))
    assert same(whole(engine, images, tmp_path), index)
    (home,) = tmp_path.iterdir()
    assert same(PatchIndex.open(home, index.widths), index)


def test_the_index_of_another_set_is_made_anew(tmp_path, monkeypatch):
    engine, small, large = engine_of(seeded(Plain)), pictures(), pictures(60, seed=1)
    first, second = (whole(engine, images, tmp_path) for images in (small, large))
    (home,) = tmp_path.iterdir()
    assert same(PatchIndex.open(home, first.widths), second)
    monkeypatch.setattr(type(engine), "read", lambda *_: pytest.fail("a pass"))
    assert same(whole(engine, small, tmp_path), first)
    assert same(PatchIndex.open(home, first.widths), first)
    (home / INDEX).write_bytes(b"cut short")
    assert same(whole(engine, small, tmp_path), first)


def test_datasets_of_one_class_and_length_do_not_mix(tmp_path):
    class Made(list):
        pass

    engine = engine_of(seeded(Plain))
    sets = [ImageSet(Made(pictures(9, seed))) for seed in (0, 1)]
    first, second = (whole(engine, images, tmp_path / "both") for images in sets)
    assert not same(first, second)
    assert same(second, whole(engine, sets[1], tmp_path / "alone"))


def test_few_states_are_held_however_many_shards(tmp_path):
    engine, images = engine_of(seeded(Plain)), pictures(64)
    states, held = [], []
    whole(engine, images, tmp_path, batch=1)
    (home,) = tmp_path.iterdir()
    for file in home.glob("shard-*"):
        add_to(states, load(file))
        held.append(len(states))
    assert held == [1, 1, 2, 1, 2, 2, 3, 1]
    assert len(states[0].ids) == 64


def test_new_pictures_are_added_and_only_they_are_seen(tmp_path, monkeypatch):
    engine = engine_of(seeded(Plain))
    array = np.random.default_rng(0).integers(0, 256, (20, 32, 32, 3), np.uint8)
    for i, pixels in enumerate(array[:14]):
        Image.fromarray(pixels).save(tmp_path / f"{i:02d}.png")
    whole(engine, ImageSet(tmp_path), tmp_path / "index", batch=1)
    for i in range(14, 20):
        Image.fromarray(array[i]).save(tmp_path / f"{i:02d}.png")
    passes = []
    read = type(engine).read
    monkeypatch.setattr(type(engine), "read", lambda self, x, layers: passes.append(len(x)) or read(self, x, layers))
    index = whole(engine, ImageSet(tmp_path), tmp_path / "index", batch=1)
    assert sum(passes) == 6
    assert same(index, whole(engine, ImageSet(tmp_path), tmp_path / "fresh", batch=1))


def test_a_changed_picture_is_looked_at_again(tmp_path):
    engine = engine_of(seeded(Plain))
    for i, pixels in enumerate(np.random.default_rng(0).integers(0, 256, (6, 32, 32, 3), np.uint8)):
        Image.fromarray(pixels).save(tmp_path / f"{i:02d}.png")
    whole(engine, ImageSet(tmp_path), tmp_path / "index", batch=1)
    Image.new("RGB", (40, 40), "red").save(tmp_path / "03.png")
    index = whole(engine, ImageSet(tmp_path), tmp_path / "index", batch=1)
    assert same(index, whole(engine, ImageSet(tmp_path), tmp_path / "fresh", batch=1))


def test_changed_weights_are_never_mixed(tmp_path):
    module = seeded(Plain)
    engine, images = engine_of(module), pictures(5)
    first = whole(engine, images, tmp_path)
    with torch.no_grad():
        next(module.parameters()).mul_(2)
    second = whole(engine, images, tmp_path)
    assert not same(first, second)
    assert len(list(tmp_path.iterdir())) == 2


def test_weights_that_change_meanwhile_end_the_scan(tmp_path):
    module = seeded(Plain)
    steps = methods.scan(engine_of(module), pictures(40), path=tmp_path, batch=1)
    for _ in range(12):
        next(steps)
    with torch.no_grad():
        next(module.parameters()).mul_(2)
    with pytest.raises(NnvizError, match="weights changed"):
        list(steps)
    (home,) = tmp_path.iterdir()
    assert [len(load(file).ids) for file in home.glob("shard-*")] == [8]


def test_broken_pictures_are_counted_listed_and_skipped(tmp_path):
    engine = engine_of(seeded(Plain))
    for i in range(4):
        Image.new("RGB", (40, 30), (60 * i, 10, 200 - 50 * i)).save(tmp_path / f"{i}.png")
    (tmp_path / "2.png").write_text("no picture")
    index = whole(engine, ImageSet(tmp_path), tmp_path / "index", batch=2)
    assert list(index.broken) == ["2.png"]
    assert index.vectors.isnan().all(1).tolist() == [False, False, True, False]
    assert all("2.png" not in ids for layer in index.layers for ids in index.ids(layer))
    assert index.ids(index.layers[0])[0].count(None) == 6  # three pictures, nine places


def test_only_broken_pictures(tmp_path):
    (tmp_path / "a.jpg").write_text("no")
    for smallest in (False, True):
        index = whole(engine_of(seeded(Plain)), ImageSet(tmp_path), tmp_path / "index", smallest=smallest)
        assert list(index.broken) == ["a.jpg"]


def test_progress_tells_rate_and_what_is_left(tmp_path):
    steps = list(methods.scan(engine_of(seeded(Plain)), pictures(10), path=tmp_path, batch=2))
    assert [step.pictures for step in steps] == [2, 4, 6, 8, 10]
    assert [step.done for step in steps] == [0.2, 0.4, 0.6, 0.8, 1.0]
    assert all(step.rate > 0 for step in steps)
    assert steps[-1].left == 0
    begun = methods.scan(engine_of(seeded(Plain)), pictures(10, seed=1), path=tmp_path / "other", batch=2)
    next(begun)
    assert next(begun).index.pictures == ("0", "1", "2", "3")


def test_one_grey_picture(tmp_path):
    engine = engine_of(seeded(OneChannel), mean=0.5, std=0.5)
    index = whole(engine, ImageSet(np.zeros((1, 20, 20), np.uint8)), tmp_path, n=3)
    assert index.ids(index.layers[0])[0] == ["0", None, None]


def test_bad_files_and_a_full_disk_are_one_line(tmp_path, monkeypatch):
    engine, images = engine_of(seeded(Plain)), pictures(6)
    index = whole(engine, images, tmp_path, batch=2)
    (home,) = tmp_path.iterdir()
    with pytest.raises(NnvizError, match="no finished index"):
        PatchIndex.open(tmp_path, index.widths)
    kept = (home / INDEX).read_bytes()
    (home / INDEX).write_bytes(kept[: len(kept) // 2])
    with pytest.raises(NnvizError, match="cut short"):
        PatchIndex.open(home, index.widths)
    with pytest.raises(NnvizError, match="was not scanned"):
        index.values("nothing")
    with pytest.raises(NnvizError, match="smallest=True"):
        index.values(index.layers[0], smallest=True)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(NnvizError, match="No space left"):
        whole(engine, images, tmp_path / "other", batch=2)
    assert not list((tmp_path / "other").rglob("*.*"))


def test_the_module_stays_as_it_was(tmp_path):
    module = seeded(Plain)
    before = snapshot(module)
    whole(engine_of(module), pictures(5), tmp_path)
    assert snapshot(module) == before


@pytest.mark.parametrize(("make", "blocks"), [(Plain, ["conv1", "conv2"]), (Branches, None)])
def test_a_network_without_blocks_is_looked_at_before_its_activations(make, blocks):
    engine = engine_of(seeded(make))
    found = spatial_blocks(engine)
    assert all(engine.layers[name].spatial for name in found)
    if blocks is not None:
        assert all(engine.layers[name].activation for name in found)


KILLED = """
import sys, numpy as np, torch
from nnviz_widgets import methods
from nnviz_widgets.images.image_set import ImageSet
from tests.methods.test_scan import pictures
from tests.engine.networks import Plain, engine_of, seeded
print("ready", flush=True)
for step in methods.scan(engine_of(seeded(Plain)), pictures(400), path=sys.argv[1], batch=2):
    print(step.pictures, flush=True)
"""


@pytest.mark.soak
def test_killed_ten_times_nothing_finished_is_lost(tmp_path):
    root = Path(__file__).parents[2]
    random = np.random.default_rng(0)
    kept = 0
    for _ in range(10):
        command = [sys.executable, "-c", KILLED, str(tmp_path / "killed")]
        with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            time.sleep(float(random.uniform(0.05, 0.4)))
            process.send_signal(signal.SIGKILL)
            seen = [int(line) for line in process.stdout.read().split()]
        finished = kept + (max(seen, default=kept) - kept) // 16 * 16
        assert not [p for p in (tmp_path / "killed").rglob("*.safetensors") if p.stat().st_size == 0]
        steps = methods.scan(engine_of(seeded(Plain)), pictures(400), path=tmp_path / "killed", batch=2)
        first = next(steps)
        kept = first.pictures if first.rate is None else 0
        assert kept >= finished
        steps.close()
    index = whole(engine_of(seeded(Plain)), pictures(400), tmp_path / "killed", batch=2)
    assert same(index, whole(engine_of(seeded(Plain)), pictures(400), tmp_path / "calm", batch=2))
