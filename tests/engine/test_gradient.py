"""engine.gradient against autograd by hand on the plain module."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.engine.objectives import Objective, channel, direction, layer_energy, logit, neuron
from nnviz_widgets.errors import NnvizError
from tests.engine.networks import (
    Branches,
    Functional,
    Leaky,
    Plain,
    Reused,
    Writer,
    engine_of,
    picture,
    seeded,
    snapshot,
)

V = [0.5, -1.0, 2.0, 0.0, 1.0, -0.25]
OBJECTIVES: list[tuple[Objective, Callable[[dict[str, Tensor]], Tensor]]] = [
    (logit(3), lambda a: a["fc"][:, 3]),
    (channel("conv1", 2), lambda a: a["conv1"][:, 2].mean((1, 2))),
    (channel("fc", 2), lambda a: a["fc"][:, 2]),
    (neuron("block.0", 1, 2, 0), lambda a: a["block.0"][:, 1, 2, 0]),
    (neuron("fc", 1), lambda a: a["fc"][:, 1]),
    (direction("act1", V), lambda a: (a["act1"] * torch.tensor(V).view(6, 1, 1)).sum(1).mean((1, 2))),
    (direction("flatten", torch.arange(8.0)), lambda a: a["flatten"] @ torch.arange(8.0)),
    (layer_energy("pool"), lambda a: 0.5 * a["pool"].square().mean((1, 2, 3))),
    (2 * logit(0) - logit(1) / 4 + layer_energy("block"), None),
]
OBJECTIVES[-1] = (
    OBJECTIVES[-1][0],
    lambda a: 2 * a["fc"][:, 0] - a["fc"][:, 1] / 4 + 0.5 * a["block.2"].square().mean((1, 2, 3)),
)


def by_hand(module: nn.Module, x: Tensor, value: Callable[[dict[str, Tensor]], Tensor], of: str) -> Tensor:
    """Plain hooks, plain autograd, all of the graph."""
    leaf = x.clone().requires_grad_()
    found = {"input": leaf}
    handles = [
        part.register_forward_hook(lambda _m, _i, out, name=name: found.setdefault(name, out))
        for name, part in module.named_modules()
        if name
    ]
    module(leaf)
    for handle in handles:
        handle.remove()
    return torch.autograd.grad(value(found).sum(), found[of])[0]


@pytest.mark.parametrize(("objective", "value"), OBJECTIVES, ids=lambda v: repr(v) if isinstance(v, Objective) else "")
@pytest.mark.parametrize("inplace", [False, True])
def test_gradients_of_the_input(objective: Objective, value: Callable[..., Tensor], inplace: bool) -> None:
    x = picture(2)
    got = engine_of(seeded(lambda: Plain(inplace))).gradient(x, objective)
    assert torch.allclose(got, by_hand(seeded(Plain), x, value, "input"), atol=1e-7, rtol=1e-4)
    assert got.abs().sum() > 0
    assert not got.requires_grad


@pytest.mark.parametrize("of", ["conv1", "bn1", "act1", "pool", "block.0", "block.1", "block", "average", "flatten"])
@pytest.mark.parametrize("inplace", [False, True])
def test_gradients_of_layers(of: str, inplace: bool) -> None:
    x = picture(2)
    engine = engine_of(seeded(lambda: Plain(inplace)))
    got = engine.gradient(x, logit(3) - 2 * logit(1), of=of)
    expected = by_hand(seeded(Plain), x, lambda a: a["fc"][:, 3] - 2 * a["fc"][:, 1], of)
    assert torch.allclose(got, expected.flatten(1) if got.ndim == 2 else expected, atol=1e-7)
    assert got.shape == engine.activations(x, of).shape
    assert torch.equal(got, engine.gradient(x, logit(3) - 2 * logit(1), of=engine.layers[of]))


@pytest.mark.parametrize(
    "of", ["conv1", "relu", "conv2", "max_pool2d", "relu@2", "conv3", "clamp", "adaptive_avg_pool2d"]
)
def test_gradients_of_functions_in_place_equal_those_of_their_twin(of: str) -> None:
    x = picture(2)
    ours, twin = engine_of(seeded(lambda: Functional(inplace=True))), engine_of(seeded(Functional))
    objective = logit(3) + layer_energy(of)
    got = ours.gradient(x, objective, of=of)
    assert torch.allclose(got, twin.gradient(x, objective, of=of), atol=1e-7)
    assert got.abs().sum() > 0
    assert torch.allclose(ours.gradient(x, objective), twin.gradient(x, objective), atol=1e-7)


@pytest.mark.parametrize("make", [Leaky, Branches, Reused, Writer])
def test_gradients_of_the_input_whatever_the_network_does_in_place(make: Callable[[], nn.Module]) -> None:
    module, x = seeded(make), picture(2)
    leaf = x.clone().requires_grad_()
    module(leaf.clone())[:, 1].sum().backward()
    assert torch.allclose(engine_of(module).gradient(x, logit(1)), leaf.grad, atol=1e-7)
    assert torch.equal(x, picture(2))


def test_gradient_of_one_call_of_a_reused_module() -> None:
    module, x = seeded(Reused), picture()
    engine = engine_of(module)
    with torch.no_grad():
        second = module.block[0](module.conv1(x).relu()).relu()
    leaf = second.clone().requires_grad_()
    module.fc((module.block[0](leaf).relu() - 0.1).relu().mean((2, 3)))[0, 4].backward()
    assert torch.allclose(engine.gradient(x, logit(4), of="relu@2"), leaf.grad, atol=1e-7)
    assert torch.allclose(engine.gradient(x, logit(4), of="block"), leaf.grad, atol=1e-7)


def test_the_objectives_own_layer() -> None:
    engine, x = engine_of(seeded(lambda: Plain(inplace=True))), picture()
    activation = engine.activations(x, "block.1")
    got = engine.gradient(x, layer_energy("block.1"), of="block.1")
    assert torch.allclose(got, activation / activation[0].numel())


def test_no_weights_gradient_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    module, x = seeded(Plain), picture()
    engine, before, asked = engine_of(module), snapshot(module), []
    grad = torch.autograd.grad

    def spy(outputs: Tensor, inputs: Tensor, *rest: object, **more: object) -> tuple[Tensor, ...]:
        asked.append(inputs)
        nodes, leaves = [outputs.grad_fn], set()
        while nodes:
            node = nodes.pop()
            leaves |= {id(node.variable)} if hasattr(node, "variable") else set()
            nodes += [following for following, _ in node.next_functions if following is not None]
        assert leaves == {id(inputs)}  # the graph holds nothing else that wants a gradient
        return grad(outputs, inputs, *rest, **more)

    monkeypatch.setattr(torch.autograd, "grad", spy)
    engine.gradient(x, logit(0))
    engine.gradient(x, logit(0) + channel("act1", 1), of="act1")
    assert len(asked) == 2
    assert all(parameter.grad is None for parameter in engine._passes.shadow.module.parameters())
    assert snapshot(module) == before


def test_a_layer_behind_the_objective_is_refused_clearly() -> None:
    engine, x = engine_of(seeded(Plain)), picture()
    with pytest.raises(NnvizError, match=r"channel\('conv1', 0\) does not depend on 'fc'") as caught:
        engine.gradient(x, channel("conv1", 0), of="fc")
    assert caught.value.code == "gradient_none"
    branches = engine_of(seeded(Branches))
    with pytest.raises(NnvizError, match="does not depend on 'right'"):
        branches.gradient(x, channel("left", 0), of="right")


@pytest.mark.parametrize(
    ("objective", "code"),
    [
        (logit(5), "index_range"),
        (channel("conv1", 6), "index_range"),
        (neuron("conv1", 0, 16, 0), "index_range"),
        (neuron("conv1", 0), "neuron_shape"),
        (neuron("fc", 0, 1, 1), "neuron_shape"),
        (direction("conv1", [1.0]), "direction_length"),
        (channel("convv1", 0), "layer_unknown"),
        (logit(0) - logit(0), "objective_empty"),
    ],
)
def test_objectives_that_do_not_fit(objective: Objective, code: str) -> None:
    with pytest.raises(NnvizError) as caught:
        engine_of(seeded(Plain)).gradient(picture(), objective)
    assert caught.value.code == code


def test_an_unknown_layer_to_differentiate() -> None:
    with pytest.raises(NnvizError, match="'conv1'"):
        engine_of(seeded(Plain)).gradient(picture(), logit(0), of="conv_1")


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode, torch.enable_grad])
def test_whatever_mode_the_caller_is_in(mode: Callable[[], object]) -> None:
    engine, x = engine_of(seeded(lambda: Plain(inplace=True))), picture(2)
    fresh = engine_of(seeded(lambda: Plain(inplace=True)))
    expected = engine.logits(x), engine.gradient(x, logit(1)), engine.gradient(x, logit(1), of="bn1")
    with mode():
        y = x.clone()  # in inference mode, an inference tensor
        got = fresh.logits(y), fresh.gradient(y, logit(1)), fresh.gradient(y, logit(1), of="bn1")
    for ours, theirs in zip(got, expected, strict=True):
        assert torch.equal(ours, theirs)
        assert not ours.requires_grad
    assert torch.equal(fresh.gradient(y, logit(1)), expected[1])
    assert torch.equal(fresh.activations(y, "conv1"), engine.activations(x, "conv1"))


def test_the_callers_own_gradient_is_left_alone() -> None:
    engine, x = engine_of(seeded(Plain)), picture().requires_grad_()
    engine.gradient(x, logit(0))
    assert x.grad is None
    assert x.requires_grad
    assert not engine.logits(x).requires_grad


def test_log_p_is_differentiated_for_probabilities() -> None:
    class Softmax(Plain):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x).softmax(1)

    module, x = seeded(Softmax), picture(2)
    engine: Engine = engine_of(module, outputs="probabilities")
    leaf = x.clone().requires_grad_()
    module(leaf)[:, 2].log().sum().backward()
    assert torch.allclose(engine.gradient(x, logit(2)), leaf.grad, atol=1e-6)
