"""The lines that a widget says make its result again: run, they make it, to the last digit."""

from __future__ import annotations

import copy
import dataclasses
import time
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import nnviz_widgets as nnviz
from nnviz_widgets import methods
from nnviz_widgets.engine.objectives import similarity
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.images.image_set import ImageSet
from nnviz_widgets.methods.presets import PRESETS
from nnviz_widgets.widgets.code import write, write_objective
from tests.widgets.conftest import engine_of, noise

CONV = "conv2"


def run(widget: Any, **names: Any) -> Any:
    """What `result` is after the widget's code; an engine of one's own module is made anew."""
    names = {"module": widget.engine.module, **names}
    exec(compile(widget.code, "code", "exec"), names)
    return names["result"]


def same(first: Any, second: Any) -> None:
    """Equal to the last digit, whatever they are made of."""
    if isinstance(first, torch.Tensor):
        torch.testing.assert_close(first, second, rtol=0, atol=0, equal_nan=True)
    elif isinstance(first, np.ndarray):
        np.testing.assert_array_equal(first, second)
    elif isinstance(first, dict):
        assert first.keys() == second.keys()
        for key in first:
            same(first[key], second[key])
    elif isinstance(first, list | tuple):
        assert len(first) == len(second)
        for one, other in zip(first, second, strict=True):
            same(one, other)
    elif dataclasses.is_dataclass(first):
        assert type(first) is type(second)
        for field in dataclasses.fields(first):
            if field.name not in ("state", "plan", "contract", "milliseconds"):
                same(getattr(first, field.name), getattr(second, field.name))
    else:
        assert first == second or first != first


def agrees(widget: Any, **names: Any) -> None:
    expected = widget.compute()
    same(run(widget, **names), expected)


def rest(widget: Any) -> None:
    """Until a run is paused or over."""
    end = time.monotonic() + 10
    while widget.phase == "running":
        assert time.monotonic() < end
        time.sleep(0.002)


STATES = [{}, {"layer": "conv1"}, {"layer": "conv2", "filter": 3}]


@pytest.mark.parametrize("state", STATES)
def test_filters(opened, engine, state):
    agrees(opened(nnviz.Filters(engine, **state)))


@pytest.mark.parametrize("state", [{}, {"layer": "conv1", "channel": 2}, {"layer": CONV, "unit": (1, 2)}])
def test_activation_maps(opened, engine, state):
    agrees(opened(nnviz.ActivationMaps(engine, "coffee", **state)))


def test_a_picture_of_ones_own_is_a_name_and_a_path_is_itself(opened, engine, tmp_path):
    picture = noise()
    widget = opened(nnviz.ActivationMaps(engine, picture))
    assert "# picture: the picture that you gave" in widget.code
    agrees(widget, picture=picture)
    path = tmp_path / 'a "cat".png'
    nnviz.sample("cat").save(path)
    widget.photo = path
    agrees(widget)
    assert "# picture" not in widget.code


@pytest.mark.parametrize(
    "state",
    [
        {"size": 6, "stride": 3},
        {"size": 4, "stride": 4, "fill": "noise", "layer": "", "target": 2},
        {"size": 5, "stride": 4, "fill": (0.1, 0.2, 0.3), "layer": "conv1"},
        {"size": 8, "stride": 4, "fill": 0.25, "half": True},
    ],
)
def test_occlusion(opened, engine, state):
    widget = opened(nnviz.Occlusion(engine, "cat", **state))
    expected, found = widget.compute(), run(widget)
    for name in ("logits", "activation", "boxes", "predicted"):
        same(getattr(found, name), getattr(expected, name))


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"target": 1, "against": 3, "rules": ("guided",)},
        {"of": "channel", "layer": "conv2", "channel": 3, "view": "times_input"},
        {"of": "neuron", "layer": "relu1", "channel": 1},
        {"of": "neuron", "layer": "conv2", "channel": 1, "unit": (2, 3), "rules": ("vanilla",)},
        {"of": "channel", "layer": "conv1", "channel": 1},  # no ReLU on the way: other rules have no map
        {"smooth": 5, "noise": 0.3, "rules": ("vanilla", "guided")},
        {"integrated": 7, "baseline": "blur", "target": 4},
        {"integrated": 3},
        {"randomised": 2, "rules": ("vanilla",)},
    ],
)
def test_saliency(opened, engine, state):
    agrees(opened(nnviz.Saliency(engine, "rocket", **state)))


@pytest.mark.parametrize(
    "state",
    [
        {"layer": "conv2", "target": 3},
        {"layer": "relu1", "variant": "grad_cam++"},
        {"layer": "conv2", "target": 1, "second": 2, "against": 0},
        {"layer": "relu2", "target": 2, "guided": True, "variant": "layer_cam"},
    ],
)
def test_grad_cam(opened, engine, state):
    agrees(opened(nnviz.GradCam(engine, "cat", **state)))


def test_grad_cam_where_one_product_gives_all_classes_is_the_same_but_for_rounding(opened):
    engine = nnviz.load("cifar_net")
    widget = opened(nnviz.GradCam(engine, "cat"))
    torch.testing.assert_close(run(widget), widget.compute(), rtol=1e-4, atol=1e-5)


SHORT = {"size": 12, "steps": 6}


@pytest.mark.parametrize(
    "state",
    [
        {"target": 2},
        {"of": "channel", "layer": "conv2", "channel": 3, "preset": "Yosinski 3"},
        {"of": "neuron", "layer": "relu2", "channel": 1, "preset": "None"},
        {"of": "direction", "layer": "conv2", "direction": {1: 0.5, 4: -2.0}},
        {"objective": nnviz.logit(1) - 0.3 * nnviz.channel("conv1", 2), "seed": 4, "rule": "plain", "l2": 0.01},
        {"target": 1, "pictures": 4, "size": (12, 10)},
        {"target": 1, "start_from": "photo", "photo": "coffee", "preset": "Simonyan"},
    ],
)
def test_ascent(opened, engine, state):
    agrees(opened(nnviz.Ascent(engine, **{**SHORT, **state})))


def test_an_ascent_that_was_steered_and_stopped(opened, engine):
    widget = opened(nnviz.Ascent(engine, target=2, preset="Yosinski 3", autorun=False, **SHORT))
    for sigma in (0.8, 0.8, 0.4):
        rest(widget)
        widget.sigma = sigma
        widget.step()
    rest(widget)
    same(run(widget), widget.result)
    assert widget.result.step == 3
    assert "steered" in widget.code


@pytest.mark.parametrize("state", [{}, {"of": "channel", "layer": "conv2", "channel": 1, "columns": tuple(PRESETS)}])
def test_ascent_columns(opened, engine, state):
    agrees(opened(nnviz.AscentColumns(engine, seed=1, **SHORT, **state)))


@pytest.mark.parametrize("state", [{"batch": 3}, {"layer": "conv1", "first": 2, "count": 3, "preset": "None"}])
def test_ascent_sheet(opened, engine, state):
    widget = opened(nnviz.AscentSheet(engine, **SHORT, **state))
    expected = widget.compute()
    channels, pictures, values = run(widget)
    same((tuple(channels), np.stack(pictures), np.array(values)), dataclasses.astuple(expected))


@pytest.mark.parametrize(
    "state",
    [
        {"layer": "conv2"},
        {"of": "channels", "layer": "relu1", "channels": (1, 3), "seed": 2},
        {"of": "class", "tile": 24},
        {"layer": "conv2", "guide": "coffee"},
    ],
)
def test_deepdream(opened, engine, state):
    agrees(opened(nnviz.DeepDream(engine, "cat", side=30, octaves=2, steps=2, **state)))


def test_a_dream_that_was_steered_and_stopped(opened, engine):
    widget = opened(nnviz.DeepDream(engine, "cat", side=24, octaves=2, steps=3, jitter=4, autorun=False))
    for size in (1.0, 4.0, 4.0, 2.0):
        rest(widget)
        widget.step_size = size
        widget.step()
    rest(widget)
    assert widget.result.number == 4
    same(run(widget), widget.result)


def images(count: int = 24) -> ImageSet:
    labels = ["left" if i % 2 else "right" for i in range(count)]
    return ImageSet(np.random.default_rng(0).integers(0, 256, (count, 16, 16, 3), np.uint8), labels=labels)


@pytest.mark.parametrize(
    "state",
    [
        {"channel": 2},
        {"channel": 1, "kind": "smallest", "rule": "none"},
        {"channel": 1, "kind": "random", "seed": 3, "rule": "vanilla"},
        {"layer": "relu1", "page": "all"},
    ],
)
def test_top_patches(opened, engine, tmp_path, state):
    set_ = images()
    widget = opened(nnviz.TopPatches(engine, set_, path=tmp_path, n=3, layers=["relu1", "conv2"], **state))
    expected = widget.compute()
    same(tuple(run(widget, images=set_)), expected)
    known = opened(nnviz.TopPatches(engine, widget.index, **{"layer": "conv2", **state}))
    expected = known.compute()
    same(tuple(run(known, images=set_, index=widget.index)), expected)


@pytest.fixture
def embedding(engine):
    return methods.embed(engine, images())


@pytest.mark.parametrize("state", [{}, {"metric": "cosine", "references": (3, 5), "photo": "cat"}])
def test_neighbours(opened, embedding, state):
    agrees(opened(nnviz.Neighbours(embedding.engine, embedding, **state)), images=embedding.images)


@pytest.mark.parametrize(
    "state", [{}, {"kind": "tsne", "perplexity": 5.0, "seed": 1}, {"filled": True, "photo": "cat"}]
)
def test_embedding_map(opened, embedding, state):
    widget = opened(nnviz.EmbeddingMap(embedding.engine, embedding, **state))
    agrees(widget, images=embedding.images)
    if widget.own_place is not None:
        names: dict[str, Any] = {"module": embedding.engine.module, "images": embedding.images}
        exec(widget.code, names)
        assert names["place"] == widget.own_place


def learner() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 10))


@pytest.mark.parametrize("state", [{"epochs": 1}, {"epochs": 2, "batch": 300, "seed": 2, "momentum": 0.5}])
def test_training(opened, state):
    module = learner()
    first, digits = copy.deepcopy(module), ImageSet("digits")
    widget = opened(nnviz.Training(module, digits, mean=0.5, std=0.5, size=8, **state))
    expected = widget.compute()
    same(run(widget, module=first), expected)
    same(list(first.parameters()), list(module.parameters()))


def test_a_training_that_was_steered_and_stopped(opened):
    module = learner()
    first, digits = copy.deepcopy(module), ImageSet("digits")
    widget = opened(nnviz.Training(module, digits, mean=0.5, std=0.5, size=8, autorun=False))
    for rate in (0.1, 0.5, 0.01):
        rest(widget)
        widget.learning_rate = rate
        widget.step()
    rest(widget)
    same(run(widget, module=first), widget.result)
    same(list(first.parameters()), list(module.parameters()))


def test_the_engine_is_loaded_as_it_was(opened):
    for engine, line in (
        (nnviz.load("cifar_net", device="cpu"), 'engine = nnviz.load("cifar_net", device="cpu")'),
        (engine_of(resize=20, interpolation="bicubic"), 'resize=20, interpolation="bicubic"'),
    ):
        widget = opened(nnviz.Filters(engine))
        assert line in widget.code.replace(",\n    ", ", ")
        agrees(widget)


def test_a_run_without_a_picture_has_no_code(opened, engine):
    widget = opened(nnviz.Ascent(engine, of="neuron", layer="conv2", unit=(90, 90), **SHORT))
    with pytest.raises(NnvizError, match="shown nothing yet"):
        _ = widget.code


@pytest.mark.parametrize(
    "objective",
    [
        2 * nnviz.logit(3) - 0.1 * nnviz.neuron("a.b", 1, 2, 3) / 3,
        -nnviz.layer_energy("x") + similarity("y"),
        nnviz.direction("x", [0.0] * 9 + [0.25]) - nnviz.direction("x", [1.0, 0.1, 3.0], cosine_power=2),
        nnviz.channel('a "name"\n', 1),
    ],
)
def test_an_objective_is_written_as_one_that_is_equal(objective):
    assert eval(write_objective(objective), {"nnviz": nnviz, "similarity": similarity}) == objective


@pytest.mark.parametrize("value", [(1,), (), [1, "a'\"\\\n\u2028é"], {"a": (None, True)}, 0.1 + 0.2, -0.0, range(3)])
def test_a_value_is_written_as_python_reads_it(value):
    assert eval(write(value)) == value


def test_lines_are_short(opened, engine):
    widget = opened(nnviz.Saliency(engine, "cat", integrated=3))
    assert max(map(len, widget.code.splitlines())) <= 120


def test_code_speaks_the_widgets_language(opened, engine):
    assert "# module\u00a0: votre réseau" in opened(nnviz.Filters(engine, language="fr")).code
