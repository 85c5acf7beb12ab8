"""Occlusion maps against occluding and running every picture by hand."""

from __future__ import annotations

import importlib
import inspect
import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models import vit_b_32

from nnviz_widgets.engine.load import load
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.images.samples import sample
from nnviz_widgets.methods import occlusion
from nnviz_widgets.methods.occluders import FILLS, occluder
from nnviz_widgets.methods.occlusion import occlusion_batches
from nnviz_widgets.methods.occlusion_map import OcclusionMap
from nnviz_widgets.methods.positions import nearest_known, stages, starts
from tests.engine.networks import (
    Branches,
    Drawing,
    Functional,
    OneChannel,
    Plain,
    Raising,
    engine_of,
    picture,
    seeded,
    snapshot,
)


def by_hand(module: nn.Module, x: Tensor, size: int, stride: int, fill: Tensor) -> Tensor:
    """(rows, cols, classes), one picture after the other."""
    rows = []
    height, width = x.shape[2:]
    for i in range(math.ceil((height - size) / stride) + 1):
        row = []
        for j in range(math.ceil((width - size) / stride) + 1):
            top, left = min(i * stride, height - size), min(j * stride, width - size)
            hidden = x.clone()
            hidden[..., top : top + size, left : left + size] = fill[..., top : top + size, left : left + size]
            with torch.no_grad():
                row.append(module(hidden).flatten(1)[0])
        rows.append(torch.stack(row))
    return torch.stack(rows)


def last(maps: Any) -> OcclusionMap:
    *_, final = maps
    return final


@pytest.mark.parametrize("make", [Plain, Functional, Branches])
@pytest.mark.parametrize(("size", "stride"), [(4, 2), (3, 5), (1, 4), (5, 7), (13, 1), (16, 1)])
def test_same_as_by_hand(make: Callable[[], nn.Module], size: int, stride: int):
    module = seeded(make)
    x = picture()
    final = last(occlusion(engine_of(module), x, size=size, stride=stride))
    wanted = by_hand(module, x, size, stride, torch.zeros_like(x))
    assert final.logits.shape == wanted.shape
    assert (final.logits - wanted).abs().max() <= 1e-5 * wanted.abs().max()
    if final.predicted.numel() > 1:
        assert wanted.flatten(0, 1).std(0).max() > 1e-3 * wanted.abs().max()


@pytest.mark.parametrize("seed", range(12))
def test_any_size_stride_fill_and_shape_of_picture(seed: int):
    generator = torch.Generator().manual_seed(seed)

    def drawn(low: int, high: int) -> int:
        return int(torch.randint(low, high + 1, (), generator=generator))

    shape = (drawn(12, 30), drawn(12, 30))
    size, stride, channels = drawn(1, 9), drawn(2, 9), 1 if seed % 3 == 0 else 3
    fill: Any = FILLS[drawn(0, 4)] if seed % 4 else 0.3 * drawn(-9, 9)
    module = seeded(OneChannel if channels == 1 else (Plain, Branches, Functional)[seed % 3]).double()
    engine = engine_of(module, size=shape, mean=(0.4,) * channels, std=(0.3,) * channels)
    x = picture(1, channels, shape, seed=seed).double()
    final = last(occlusion(engine, x, size=size, stride=stride, fill=fill))
    wanted = by_hand(module, x, size, stride, occluder(engine.contract, x, fill))
    assert (final.logits - wanted).abs().max() <= 1e-10 * wanted.abs().max()


def test_the_small_offline_network():
    engine = load("cifar_net", device="cpu")
    x = picture(1, 3, (32, 32))
    final = last(occlusion(engine, x, size=6, stride=3))
    wanted = by_hand(engine.module.eval(), x, 6, 3, torch.zeros_like(x))
    assert final.exact_by == "windows"
    assert final.gain > 1.3
    assert (final.logits - wanted).abs().max() <= 1e-5 * wanted.abs().max()


def test_the_default_network():
    engine = load(device="cpu")
    x = engine.prepare(sample("cat"))
    final = last(occlusion(engine, x, size=48, stride=88))
    wanted = by_hand(engine.module.eval(), x, 48, 88, torch.zeros_like(x))
    assert final.exact_by == "windows"
    assert wanted.flatten(0, 1).std(0).max() > 0.01 * wanted.abs().max()
    assert (final.logits - wanted).abs().max() <= 1e-5 * wanted.abs().max()


def test_a_network_of_attention_runs_whole():
    module = seeded(lambda: vit_b_32(image_size=64, num_classes=5)).eval()
    nn.init.normal_(module.heads.head.weight)
    x = picture(1, 3, (64, 64))
    final = last(occlusion(engine_of(module, size=64), x, size=24, stride=20))
    wanted = by_hand(module, x, 24, 20, torch.zeros_like(x))
    assert final.exact_by == "whole"
    assert (final.logits - wanted).abs().max() <= 1e-5 * wanted.abs().max()
    assert wanted.flatten(0, 1).std(0).max() > 1e-2


def test_a_picture_of_another_size_than_the_engine_s_runs_whole():
    module, x = seeded(Plain), picture(1, 3, (20, 24))
    final = last(occlusion(engine_of(module), x, size=4, stride=6))
    assert final.exact_by == "whole"
    torch.testing.assert_close(final.logits, by_hand(module, x, 4, 6, torch.zeros_like(x)), rtol=1e-5, atol=1e-6)


def test_a_network_that_draws_random_numbers_runs_whole_one_by_one():
    engine, x = engine_of(seeded(Drawing)), picture()
    state = torch.get_rng_state()
    first, again = (last(occlusion(engine, x, size=4, stride=6)) for _ in range(2))
    assert first.exact_by == "whole"
    assert torch.equal(first.logits, again.logits)
    assert torch.equal(torch.get_rng_state(), state)


def test_the_squares_cover_the_border():
    final = last(occlusion(engine_of(seeded(Plain), size=(17, 23)), picture(1, 3, (17, 23)), size=5, stride=4))
    assert final.boxes.shape == (4, 6, 4)
    assert final.boxes[:, 0, 0].tolist() == [0, 4, 8, 12]
    assert final.boxes[0, :, 1].tolist() == [0, 4, 8, 12, 16, 18]
    assert (final.boxes[..., 2:] == 5).all()
    assert (final.boxes[-1, -1, :2] + 5).tolist() == [17, 23]
    assert starts(224, 16, 4).tolist() == list(range(0, 209, 4))
    assert starts(7, 7, 3).tolist() == [0]


@pytest.mark.parametrize(
    ("rows", "cols", "stride", "side"), [(53, 53, 4, 224), (25, 11, 8, 224), (1, 9, 1, 9), (2, 2, 9, 11)]
)
def test_each_grid_holds_the_one_before(rows: int, cols: int, stride: int, side: int):
    seen: set[int] = set()
    grids = list(stages(rows, cols, stride, side))
    for stage in grids:
        fresh = set(stage.fresh.tolist())
        assert not fresh & seen
        seen |= fresh
        assert seen == {i * cols + j for i in stage.rows.tolist() for j in stage.cols.tolist()}
        assert {0, rows * cols - 1} <= seen
    assert seen == set(range(rows * cols))
    if rows == 53:
        assert [len(stage.rows) for stage in grids] == [8, 14, 27, 53]  # 32 pixels apart at first


def test_maps_become_finer_and_never_forget():
    engine, x = engine_of(seeded(Plain), size=42), picture(1, 3, (42, 42))
    maps = list(occlusion(engine, x, size=4, stride=2, layer="conv1"))
    final = maps[-1]
    assert len(maps) >= 2
    assert final.done == 1
    assert final.known.all()
    assert [m.done for m in maps] == sorted(m.done for m in maps)
    for before, after in itertools.pairwise(maps):
        assert (after.known | ~before.known).all()
        assert before.done == pytest.approx(before.known.float().mean().item())
    for partial in maps:
        assert torch.equal(partial.logits[partial.known], final.logits[partial.known])
        assert torch.equal(partial.activation[partial.known], final.activation[partial.known])
    first = maps[0]
    assert 0 < first.done < 0.2
    i, j = (~first.known).nonzero()[7].tolist()
    places = first.known.nonzero()
    distance = (places - torch.tensor([i, j])).square().sum(1)
    nearest = places[distance == distance.min()]
    assert any(torch.equal(first.logits[i, j], first.logits[a, b]) for a, b in nearest.tolist())


def test_maps_within_a_stage_and_a_stop_in_the_middle(monkeypatch):
    home = importlib.import_module("nnviz_widgets.methods.occlusion")  # the package has the function by this name
    monkeypatch.setattr(home, "EVERY", 0.0)
    engine, x = engine_of(seeded(Plain), size=42), picture(1, 3, (42, 42))
    whole = list(occlusion(engine, x, size=4, stride=2))
    assert len(whole) > len(list(stages(20, 20, 2, 42)))
    assert sum(not m.known.any() for m in whole) == 0
    maps = occlusion(engine, x, size=4, stride=2)
    assert inspect.isgenerator(maps)
    next(maps)
    maps.close()
    assert torch.equal(last(occlusion(engine, x, size=4, stride=2)).logits, whole[-1].logits)


def test_before_the_first_grid_is_complete_the_nearest_is_shown():
    known = torch.zeros(3, 4, dtype=torch.bool).numpy()
    known[0, 0] = known[2, 3] = True
    assert nearest_known(known).tolist() == [[0, 0, 0, 11], [0, 0, 11, 11], [0, 11, 11, 11]]


def test_probabilities_and_predictions():
    final = last(occlusion(engine_of(seeded(Plain)), picture(), size=4, stride=4))
    wanted = final.logits.softmax(-1)
    for c in range(5):
        torch.testing.assert_close(final.probability(c), wanted[..., c])
    assert torch.equal(final.predicted, wanted.argmax(-1))
    with pytest.raises(NnvizError, match="not an index from 0 to 4"):
        final.probability(5)


def test_outputs_that_are_probabilities_become_logs():
    module = nn.Sequential(seeded(Plain), nn.Softmax(1))
    x = picture()
    final = last(occlusion(engine_of(module, outputs="probabilities"), x, size=4, stride=4))
    wanted = by_hand(module, x, 4, 4, torch.zeros_like(x))
    torch.testing.assert_close(final.probability(2), wanted[..., 2])


@pytest.mark.parametrize("layer", ["conv1", "bn1", "pool", "block.0", "block"])
def test_the_activation_of_a_layer_s_strongest_map(layer: str):
    module, x = seeded(Plain), picture()
    engine = engine_of(module)
    final = last(occlusion(engine, x, size=3, stride=3, layer=layer))
    totals = engine.activations(x, layer)[0].sum((1, 2))
    assert final.channel == totals.argmax().item()
    for i, j in ((0, 0), (2, 3), (-1, -1)):
        top, left, height, width = final.boxes[i, j].tolist()
        hidden = F.pad(torch.zeros(1, 3, height, width), (left, 16 - left - width, top, 16 - top - height), value=1.0)
        total = engine.activations(x * hidden, layer)[0, final.channel].sum()
        torch.testing.assert_close(final.activation[i, j], total, rtol=1e-5, atol=1e-5)
    assert final.activation.std() > 0


def test_the_same_activation_where_pictures_run_whole():
    module, x = seeded(Plain), picture()
    engine = engine_of(module)
    wide = last(occlusion(engine, x, size=12, stride=2, layer="pool"))
    assert wide.exact_by == "whole"
    hidden = x.clone()
    hidden[..., 2:14, 4:16] = 0
    total = engine.activations(hidden, "pool")[0, wide.channel].sum()
    torch.testing.assert_close(wide.activation[1, 2], total, rtol=1e-5, atol=1e-5)


def test_fills():
    contract, x = engine_of(seeded(Plain), mean=(0.4, 0.5, 0.6)).contract, picture(1, 3, (40, 24))
    made = {name: occluder(contract, x, name) for name in FILLS}
    assert made["grey"].eq(0).all()
    assert made["black"][0, :, 0, 0].tolist() == pytest.approx([-1.6, -2.0, -2.4])
    assert made["white"][0, :, 3, 5].tolist() == pytest.approx([2.4, 2.0, 1.6])
    assert made["blur"].std() < 0.3 * x.std()
    assert made["blur"].mean() == pytest.approx(x.mean().item(), abs=0.1)
    assert torch.equal(made["noise"], occluder(contract, x, "noise"))
    assert made["noise"].std() > 0.5
    assert contract.picture(made["noise"]).min() < 20
    assert occluder(contract, x, 1.5).eq(1.5).all()
    assert occluder(contract, x, -2).eq(-2).all()
    assert occluder(contract, x, np.float32(0.25)).eq(0.25).all()
    assert contract.picture(occluder(contract, x, (0.2, 0.4, 1)))[3, 5].tolist() == [51, 102, 255]
    assert all(fill.shape == x.shape for fill in made.values())
    assert occluder(contract, picture(1, 3, (1, 5)), "blur").shape == (1, 3, 1, 5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 17}, "A square of 17 pixels does not fit into a picture of 16 x 16: choose a size up to 16"),
        ({"size": 0}, "size=0 does not fit"),
        ({"size": 2.5}, "size=2.5 does not fit"),
        ({"size": True}, "size=True does not fit"),
        ({"stride": 0}, "stride=0 does not fit: expected a whole number of pixels, 1 or more"),
        ({"stride": -4}, "stride=-4 does not fit"),
        ({"fill": "gray"}, "fill='gray' is not known: choose \"grey\""),
        ({"fill": float("nan")}, "fill=nan is not known"),
        ({"fill": None}, "fill=None is not known"),
        ({"fill": (0.5, 0.5)}, "as many as channels: 3"),
        ({"fill": (0.5, 0.5, 1.5)}, "pixel values in 0..1"),
        ({"layer": "conv9"}, "No layer is called 'conv9'"),
        ({"layer": "fc"}, "has no maps"),
    ],
)
def test_what_does_not_fit_is_said_at_once(options: dict[str, Any], message: str):
    engine = engine_of(seeded(Plain))
    with pytest.raises(NnvizError, match=message.replace("(", r"\(")):
        occlusion(engine, picture(), **{"size": 4, "stride": 4, **options})


def test_between_maps_every_batch_gives_the_caller_its_turn(monkeypatch: pytest.MonkeyPatch):
    engine, x, size = engine_of(seeded(Plain)), picture(), {"size": 4, "stride": 1}
    monkeypatch.setattr(importlib.import_module("nnviz_widgets.methods.occlusion"), "EVERY", 1e9)
    steps = list(occlusion_batches(engine, x, **size))
    fractions = [step if isinstance(step, float) else step.done for step in steps]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    assert sum(isinstance(step, float) for step in steps) >= 3
    maps = [step for step in steps if isinstance(step, OcclusionMap)]
    expected = list(occlusion(engine, x, **size))
    assert len(maps) == len(expected)
    assert torch.equal(maps[-1].logits, expected[-1].logits)


@pytest.mark.parametrize(
    "x", [torch.zeros(0, 3, 16, 16), torch.zeros(3, 16, 16), torch.full((1, 3, 16, 16), torch.nan)]
)
def test_an_x_that_is_none(x: Tensor):
    with pytest.raises(NnvizError):
        occlusion(engine_of(seeded(Plain)), x, size=4, stride=4)


def test_only_the_first_picture_counts_and_x_is_left_alone():
    engine, x = engine_of(seeded(Plain)), picture(3)
    before = x.clone()
    both = last(occlusion(engine, x, size=4, stride=4)), last(occlusion(engine, x[:1], size=4, stride=4))
    assert torch.equal(both[0].logits, both[1].logits)
    assert torch.equal(x, before)


def test_the_module_is_left_as_it_was_also_after_an_error():
    module = seeded(Raising)
    engine, x = engine_of(module), picture()
    before = snapshot(module)
    last(occlusion(engine, x, size=4, stride=4, layer="conv1"))
    with torch.inference_mode():
        last(occlusion(engine, x, size=4, stride=4))
    assert snapshot(module) == before
    maps = occlusion(engine, picture(1, 3, (20, 20)), size=4, stride=4)
    Raising.error = ValueError("in the middle")
    try:
        with pytest.raises(NnvizError, match="in the middle"):
            last(maps)
    finally:
        Raising.error = None
    assert snapshot(module) == before
