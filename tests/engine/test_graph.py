"""The recorded list of operations against the network itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from nnviz_widgets.engine.graph import Graph, Step
from tests.engine.networks import (
    Branches,
    Drawing,
    Functional,
    Leaky,
    Normed,
    Plain,
    Reused,
    Tuples,
    Writer,
    engine_of,
    picture,
    seeded,
    snapshot,
)


def run(graph: Graph, x: Tensor) -> dict[Step, Tensor]:
    """What every step gives for a picture, one operation after the other."""
    values: dict[Step, Tensor] = {graph.picture: x}

    def value_of(argument: Any) -> Any:
        if isinstance(argument, Step):
            return values[argument]
        return [value_of(part) for part in argument] if isinstance(argument, list) else argument

    with torch.no_grad():
        for step in graph.steps:
            if step.constant is not None:
                values[step] = step.constant
            elif step.target is not None:
                out = step.target(**{name: value_of(argument) for name, argument in step.arguments.items()})
                values[step] = out if step.index is None else out[step.index]
    return values


class Windows(nn.Module):
    """Views written to in place, tokens, splits, and a gate."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 2, stride=2)
        self.norm = nn.LayerNorm(4)
        self.token = nn.Parameter(torch.randn(1, 1, 4))
        self.fc = nn.Linear(4, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        x[:, :2] *= x.mean((2, 3), keepdim=True)[:, 2:].sigmoid()
        x[:, :, 0] = 0.5
        tokens = torch.cat([self.token.expand(x.shape[0], -1, -1), x.flatten(2).transpose(1, 2)], 1)
        first, rest = self.norm(tokens).split([1, tokens.shape[1] - 1], 1)
        return self.fc(first[:, 0] + rest.softmax(1).amax(1))


NETWORKS: list[Callable[[], nn.Module]] = [
    Plain,
    lambda: Plain(inplace=True),
    lambda: Functional(inplace=True),
    Reused,
    Branches,
    Leaky,
    Tuples,
    Normed,
    Writer,
    Windows,
]


@pytest.mark.parametrize("make", NETWORKS)
def test_its_steps_give_every_layer_of_another_picture(make: Callable[[], nn.Module]) -> None:
    engine, x = engine_of(seeded(make)), picture(seed=5)
    graph = engine.graph()
    assert graph is not None
    values = run(graph, x.clone())
    torch.testing.assert_close(values[graph.logits].flatten(1), engine.logits(x))
    for layer in engine.layers.distinct():
        step = graph.outputs[layer.name]
        assert step.shape == values[step].shape
        torch.testing.assert_close(layer.canonical(values[step]), engine.activations(x, layer))
    assert not any(step.target is not None and step.target._schema.is_mutable for step in graph.steps)


def test_its_constants_are_the_weights_so_training_shows_through() -> None:
    module, x = seeded(Plain), picture()
    engine = engine_of(module)
    graph = engine.graph()
    assert graph is not None
    held = {step.constant.data_ptr() for step in graph.steps if step.constant is not None}
    assert {parameter.data_ptr() for parameter in module.parameters()} <= held
    with torch.no_grad():
        for tensor in (*module.parameters(), *module.buffers()):
            if tensor.is_floating_point():
                tensor.mul_(1.5)
    assert engine.graph() is graph
    torch.testing.assert_close(run(graph, x)[graph.logits], module(x))


def test_a_new_layer_makes_a_new_graph() -> None:
    module = seeded(Plain)
    engine = engine_of(module)
    before = engine.graph()
    module.act1 = nn.Sigmoid()
    after = engine.graph()
    assert after is not None
    assert after is not before
    assert "sigmoid" in {step.operation for step in after.steps}


@pytest.mark.parametrize("make", [Plain, Normed, Writer, Drawing])
def test_recording_leaves_no_trace(make: Callable[[], nn.Module]) -> None:
    module, x = seeded(make), picture()
    engine = engine_of(module)
    logits = engine.logits(x)
    before = snapshot(module), snapshot(engine._passes.shadow.module)
    engine.graph()
    after = snapshot(module), snapshot(engine._passes.shadow.module)
    if make is Writer:  # counts its own passes
        before[1].pop(("", "count"))
        after[1].pop(("", "count"))
    assert before == after
    assert torch.equal(logits, engine_of(module).logits(x))
    assert torch.equal(logits, engine.logits(x + 0))


class Deciding(Plain):
    """Takes another branch for bright pictures."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) if x.mean() > 0 else super().forward(-x)


def test_no_list_stands_for_a_network_that_decides() -> None:
    assert engine_of(seeded(Deciding)).graph() is None
