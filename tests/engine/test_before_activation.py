"""Objectives moved to the value before an activation that rectifies or bounds."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nnviz_widgets.engine.objectives import Objective, channel, direction, layer_energy, logit, neuron
from nnviz_widgets.errors import NnvizError
from tests.engine.networks import Branches, Functional, OneChannel, Plain, Reused, engine_of, picture, seeded


class Residual(nn.Module):
    """As in torchvision's ResNet: an addition in place, then the ReLU that the block has already used."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6)
        self.conv2, self.bn2 = nn.Conv2d(6, 3, 3, padding=1), nn.BatchNorm2d(3)
        self.relu, self.fc = nn.ReLU(inplace=True), nn.Linear(3, 5)

    def forward(self, x: Tensor) -> Tensor:
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        out += x
        return self.fc(self.relu(out).mean((2, 3)))


class Added(nn.Module):
    """A sum that is a layer of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.sum, self.act, self.fc = nn.Conv2d(3, 3, 1), Sum(), nn.ReLU6(True), nn.Linear(3, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.act(self.sum(self.conv(x), x)).mean((2, 3)))


class Sum(nn.Module):
    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return a + b


class Smooth(nn.Module):
    """Activations of many kinds, one after the other, and a gate."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.gelu, self.silu = nn.Conv2d(3, 4, 1), nn.GELU(), nn.SiLU()
        self.swish, self.gate, self.squeeze = nn.Hardswish(), nn.Sigmoid(), nn.Conv2d(4, 4, 1)
        self.tanh, self.leaky, self.drop, self.fc = nn.Hardtanh(), nn.LeakyReLU(), nn.Dropout(0.2), nn.Linear(4, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.leaky(self.silu(self.gelu(self.conv(x))))
        x = self.swish(x)
        x = x * self.gate(self.squeeze(x.mean((2, 3), keepdim=True)))
        x = self.drop(self.tanh(x))
        return self.fc(F.relu(F.hardtanh(self.drop(x), -2, 2) * 2).clamp(0, 1).mean((2, 3)))


BEFORE: list[tuple[Callable[[], nn.Module], dict[str, str]]] = [
    (lambda: Plain(False), {"act1": "bn1", "block.2": "block.1", "block": "block.1"}),
    (lambda: Plain(True), {"act1": "bn1", "block.2": "block.1", "block": "block.1"}),
    (lambda: Functional(False), {"relu": "conv1", "relu@2": "max_pool2d", "clamp": "conv3"}),
    (lambda: Functional(True), {"relu": "conv1", "relu@2": "max_pool2d", "clamp": "conv3"}),
    (
        Reused,
        {"relu": "conv1", "relu@2": "block.0", "block": "block.0", "relu@3": "block.0@2", "block@2": "block.0@2"},
    ),
    (lambda: Branches(True), {"relu": "stem"}),
    (lambda: Branches(False), {"relu": "stem"}),
    (Residual, {"relu": "bn1"}),
    (Added, {"act": "sum"}),
    (Smooth, {"swish": "leaky", "gate": "squeeze", "hardtanh": "tanh", "clamp": "relu"}),
]


@pytest.mark.parametrize(("make", "moved"), BEFORE)
def test_the_layer_before(make: Callable[[], nn.Module], moved: dict[str, str]) -> None:
    engine = engine_of(seeded(make))
    found = {layer.name: engine.before_activation(channel(layer.name, 1)).layers[0] for layer in engine.layers}
    assert {name: before for name, before in found.items() if before != name} == moved


@pytest.mark.parametrize(("make", "moved"), BEFORE)
def test_its_values_rectified_are_those_of_the_layer(make: Callable[[], nn.Module], moved: dict[str, str]) -> None:
    engine, x = engine_of(seeded(make)), picture(2)
    for name, before in moved.items():
        raw, bounded = engine.activations(x, before), engine.activations(x, name)
        clear = (raw > 0) & (raw < 1) if "sigmoid" not in name and name not in ("gate", "swish") else raw > 1e9
        assert torch.allclose(raw[clear], bounded[clear])
        assert (raw.diff(dim=1) * bounded.diff(dim=1) >= -1e-6).all() or name == "swish"  # in the same order


def test_every_term_is_moved_and_the_rest_stays() -> None:
    engine = engine_of(seeded(Plain))
    v = [1.0, 2.0, 0.0, 0.0, -1.0, 0.5]
    before = engine.before_activation(
        2 * neuron("block", 3, 1, 2) + direction("act1", v) - layer_energy("block.2") / 2 + logit(4) + channel("fc", 0)
    )
    assert before == (
        2 * neuron("block.1", 3, 1, 2) + direction("bn1", v) - layer_energy("block.1") / 2 + logit(4) + channel("fc", 0)
    )
    assert engine.before_activation(before) == before
    assert engine.before_activation(Objective(())) == Objective(())


def test_a_dead_neuron_can_be_ascended() -> None:
    module = seeded(OneChannel)
    module.conv.bias.data.fill_(-50)
    engine = engine_of(module, mean=0.5, std=0.25, size=(9, 11))
    x, dead = picture(1, 1, (9, 11)), neuron("relu", 2, 3, 4)
    assert not engine.value_and_gradient(x, dead)[1].any()
    assert engine.value_and_gradient(x, engine.before_activation(dead))[1].any()


def test_an_unknown_layer() -> None:
    with pytest.raises(NnvizError, match="act9"):
        engine_of(seeded(Plain)).before_activation(channel("act9", 0))
