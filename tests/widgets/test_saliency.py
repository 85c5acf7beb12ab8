import numpy as np
import pytest
import torch
from torch import nn
from traitlets import TraitError

import nnviz_widgets as nnviz
from nnviz_widgets import methods
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.widgets.pointer import Event
from tests.widgets.conftest import engine_of

PICTURE = np.random.default_rng(3).random((20, 24, 3)).astype(np.float32)
RULES = ("vanilla", "deconvnet", "guided")


@pytest.fixture
def saliency(engine, opened):
    return opened(nnviz.Saliency(engine, PICTURE, target=1, layer="conv2"))


def test_the_result_holds_the_gradient_by_each_rule(engine, saliency):
    found = saliency.compute()
    assert tuple(found) == RULES
    for rule in RULES:
        expected = methods.saliency(engine, engine.prepare(PICTURE), nnviz.logit(1), rule=rule)
        assert torch.equal(found[rule], expected)


def test_of_a_channel_and_of_one_neuron(engine, saliency):
    x = engine.prepare(PICTURE)
    saliency.of, saliency.channel = "channel", 3
    expected = methods.saliency(engine, x, nnviz.channel("conv2", 3))
    assert torch.equal(saliency.compute()["vanilla"], expected)
    saliency.of, saliency.unit = "neuron", (2, 4)
    expected = methods.saliency(engine, x, nnviz.neuron("conv2", 3, 2, 4))
    assert torch.equal(saliency.compute()["vanilla"], expected)
    saliency.unit = None  # the strongest of the channel
    row, col = divmod(int(engine.activations(x, "conv2")[0, 3].argmax()), 6)
    expected = methods.saliency(engine, x, nnviz.neuron("conv2", 3, row, col))
    assert torch.equal(saliency.compute()["vanilla"], expected)


def test_a_click_chooses_the_neuron_and_its_field_is_drawn(engine, saliency):
    saliency.of = "neuron"
    saliency.compute()
    saliency._happened(Event("click", "photo", x=0.5, y=0.2))
    assert saliency.unit == (1, 3)
    saliency.compute()
    assert saliency._shown[1].field == engine.receptive_field("conv2", 1, 3)


def test_smooth_and_times_input_are_those_of_the_method(engine, saliency):
    saliency.rules, saliency.smooth, saliency.view = ("guided",), 3, "times_input"
    expected = methods.saliency(
        engine, engine.prepare(PICTURE), nnviz.logit(1), rule="guided", smooth=3, times_input=True
    )
    found = saliency.compute()
    assert list(found) == ["guided"]
    assert torch.equal(found["guided"], expected)


def test_a_network_without_relu_shows_vanilla_and_says_why_not_the_others(opened):
    engine = engine_of(lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.SiLU(), nn.Flatten(), nn.Linear(784, 5)))
    saliency = opened(nnviz.Saliency(engine, PICTURE, language="fr"))
    assert list(saliency.compute()) == ["vanilla"]
    for rule in ("deconvnet", "guided"):
        assert "ReLU" in saliency._frames[rule].caption.value
    assert "nnviz-error" not in saliency._status.text.value


def test_controls_that_cannot_act_are_disabled(saliency):
    assert saliency._controls["channel"].disabled
    assert not saliency._target.disabled
    saliency.of = "neuron"
    assert not saliency._controls["channel"].disabled
    assert saliency._target.disabled


@pytest.mark.parametrize(("name", "value"), [("rules", ("sideways",)), ("channel", 8), ("layer", "fc"), ("view", "x")])
def test_bad_state_is_refused(saliency, name, value):
    before = getattr(saliency, name)
    with pytest.raises((NnvizError, TraitError)):
        setattr(saliency, name, value)
    assert getattr(saliency, name) == before


@pytest.mark.parametrize("unit", [(6, 0), (0, -1), (1.5, 2), "12", 3])
def test_a_neuron_that_is_not_there_is_refused(saliency, unit):
    with pytest.raises(NnvizError):
        saliency.unit = unit
    assert saliency.unit is None


@pytest.mark.parametrize("widget", [nnviz.Saliency, nnviz.GradCam, nnviz.Occlusion])
def test_a_network_without_maps_is_told(widget):
    flat = engine_of(lambda: nn.Sequential(nn.Flatten(), nn.Linear(768, 5)))
    with pytest.raises(NnvizError, match="no maps"):
        widget(flat, PICTURE)
