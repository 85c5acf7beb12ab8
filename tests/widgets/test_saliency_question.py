"""What is asked of a network, and the causes of a gradient that is 0 all over, one by one."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import nnviz_widgets as nnviz
from nnviz_widgets import methods
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.widgets.saliency_question import (
    before_activation,
    bound_of,
    first_layer,
    question_of,
    strongest,
    telling_channel,
    why_no_gradient,
)
from tests.widgets.conftest import engine_of

PICTURE = np.random.default_rng(3).random((20, 24, 3)).astype(np.float32)


class Bounded(nn.Module):
    """A ReLU6 that is at its end in places, at 0 in others, and a channel that is off."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.relu6, self.fc = nn.Conv2d(3, 4, 3, padding=1), nn.ReLU6(), nn.Linear(4, 5)
        with torch.no_grad():
            self.conv.weight.mul_(30)
            self.conv.bias[2] = -1e3

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.relu6(self.conv(x)).mean((2, 3)))


@pytest.fixture
def bounded():
    return engine_of(Bounded)


def state_of(engine, **given):
    state = {"of": "neuron", "target": None, "against": None, "layer": "relu6", "channel": 0, "unit": None}
    x, class_names = engine.prepare(PICTURE), engine.labels
    return SimpleNamespace(**{**state, "x": x, "class_names": class_names, **given})


def place(engine, wanted, channel=0):
    """A neuron of the ReLU6 whose value is `wanted`."""
    values = engine.activations(engine.prepare(PICTURE), "relu6")[0, channel]
    row, col = (values == wanted).nonzero()[0].tolist()
    return row, col


def why(engine, **given):
    """The error of a real gradient, explained."""
    state = state_of(engine, **given)
    question = question_of(engine, state)
    with pytest.raises(NnvizError) as caught:
        methods.saliency(engine, state.x, question.objective)
    assert caught.value.code == "gradient_zero"
    return why_no_gradient(engine, state, question, caught.value)


def test_a_class_and_the_difference_of_two(engine):
    x = engine.prepare(PICTURE)
    top = engine.top(x, 5)
    question = question_of(engine, state_of(engine, of="class"))
    assert repr(question.objective) == repr(nnviz.logit(top[0][0]))
    question = question_of(engine, state_of(engine, of="class", target=2, against=4))
    assert repr(question.objective) == repr(nnviz.logit(2) - nnviz.logit(4))
    assert question.measure == "difference"
    assert dict(question.classes) == pytest.approx({i: p for i, _, p in top if i in (2, 4)})


@pytest.mark.parametrize("target", [3, None])
def test_a_class_minus_itself_is_told(engine, target):
    against = 3 if target else engine.top(engine.prepare(PICTURE), 1)[0][0]
    with pytest.raises(NnvizError) as caught:
        question_of(engine, state_of(engine, of="class", target=target, against=against))
    assert caught.value.code == "classes_equal"


def test_a_unit_of_a_layer_without_maps(engine):
    question = question_of(engine, state_of(engine, layer="fc", channel=3))
    assert repr(question.objective) == repr(nnviz.neuron("fc", 3))
    assert question.maps is None
    assert repr(question_of(engine, state_of(engine, of="channel", layer="fc", channel=3)).objective) == repr(
        question.objective
    )


def test_the_strongest_neuron_is_one_that_answers(bounded):
    question = question_of(bounded, state_of(bounded))
    assert question.maps is not None
    assert question.unit is not None
    values = question.maps[0]
    assert (values == 6).sum() > 1  # there are saturated ones, which tie
    assert values[question.unit] == values[values < 6].max() > 0
    assert methods.saliency(bounded, bounded.prepare(PICTURE), question.objective).any()
    assert strongest(np.full((2, 3), 6, np.float32), 6.0) == (0, 0)


def test_it_is_said_which_value_is_shown(bounded, engine):
    assert question_of(bounded, state_of(bounded)).stage == ("after", "ReLU6")
    assert question_of(bounded, state_of(bounded, layer="conv")).stage == ("before", "ReLU6")
    assert question_of(engine, state_of(engine, layer="pool", of="channel")).stage is None


def test_it_begins_before_a_bounded_activation_and_behind_a_plain_one(bounded, engine):
    assert first_layer(bounded) == "conv"
    assert first_layer(engine) in ("relu1", "relu2")
    assert bound_of(bounded.layers["relu6"]) == 6
    assert bound_of(engine.layers["relu1"]) is None


def test_the_layer_before_an_activation(bounded, engine):
    assert before_activation(bounded, "relu6") == "conv"
    assert before_activation(engine, "relu2") == "conv2"
    assert before_activation(engine, "conv2") is None
    assert before_activation(engine, "conv1") is None


def test_a_neuron_that_is_off(bounded):
    error = why(bounded, unit=place(bounded, 0))
    assert error.code == "unit_off_before"
    assert error.fields["before"] == "conv"
    tried = error.fields["best_row"], error.fields["best_col"]
    question = question_of(bounded, state_of(bounded, unit=tried))
    assert methods.saliency(bounded, bounded.prepare(PICTURE), question.objective).any()


def test_a_neuron_at_the_end_of_its_activation(bounded):
    unit = place(bounded, 6)
    error = why(bounded, unit=unit)
    assert error.code == "unit_saturated"
    assert "6" in str(error)
    question = question_of(bounded, state_of(bounded, unit=unit, layer=error.fields["before"]))
    assert methods.saliency(bounded, bounded.prepare(PICTURE), question.objective).any()


@pytest.mark.parametrize("of", ["neuron", "channel"])
def test_a_channel_that_is_off(bounded, of):
    error = why(bounded, of=of, channel=2)
    assert error.code == "channel_off"
    assert error.fields["best"] != 2
    question = question_of(bounded, state_of(bounded, of=of, channel=error.fields["best"]))
    assert methods.saliency(bounded, bounded.prepare(PICTURE), question.objective).any()


def test_a_telling_channel_stands_out_inside_its_map():
    maps = torch.zeros(3, 16, 16)
    maps[0, 0, 5], maps[1, 7, 7], maps[2] = 9, 4, 8  # at the border, inside, and everywhere alike
    assert telling_channel(maps) == 1
    assert telling_channel(torch.tensor([1.0, 5.0, 2.0])) == 1
    assert telling_channel(torch.tensor([[[1.0]], [[1.0]]])) == 0
