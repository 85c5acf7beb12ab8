"""engine.value_and_gradient against autograd by hand on the plain module."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn

from nnviz_widgets.engine.objectives import Objective, channel, direction, layer_energy, logit, neuron, similarity
from nnviz_widgets.errors import NnvizError
from tests.engine.networks import Counting, Drawing, Plain, engine_of, picture, seeded, snapshot

V = [0.5, -1.0, 2.0, 0.0, 1.0, -0.25, 0.125, 3.0]
OBJECTIVES: list[tuple[Objective, Callable[[dict[str, Tensor]], Tensor]]] = [
    (logit(3), lambda a: a["fc"][:, 3]),
    (channel("conv1", 2), lambda a: a["conv1"][:, 2].mean((1, 2))),
    (neuron("block.0", 1, 2, 0), lambda a: a["block.0"][:, 1, 2, 0]),
    (direction("block.1", V), lambda a: (a["block.1"] * torch.tensor(V).view(8, 1, 1)).sum(1).mean((1, 2))),
    (layer_energy("pool") - logit(1) / 4, lambda a: a["pool"].square().mean((1, 2, 3)) / 2 - a["fc"][:, 1] / 4),
]


def by_hand(x: Tensor, value: Callable[[dict[str, Tensor]], Tensor]) -> tuple[Tensor, Tensor]:
    leaf, found, module = x.clone().requires_grad_(), {}, seeded(Plain)
    for name, part in module.named_modules():
        part.register_forward_hook(lambda _m, _i, out, name=name: found.update({name: out}))
    module(leaf)
    values = value(found)
    return values.detach(), torch.autograd.grad(values.sum(), leaf)[0]


@pytest.mark.parametrize(("objective", "value"), OBJECTIVES, ids=lambda v: repr(v) if isinstance(v, Objective) else "")
@pytest.mark.parametrize("size", [(16, 16), (23, 12)])
def test_one_objective(objective: Objective, value: Callable[..., Tensor], size: tuple[int, int]) -> None:
    module, x = seeded(lambda: Plain(inplace=True)), picture(3, size=size)
    engine, before = engine_of(module), snapshot(module)
    values, gradient = engine.value_and_gradient(x, objective)
    wanted = by_hand(x, value)
    assert torch.allclose(values, wanted[0], atol=1e-6)
    assert torch.allclose(gradient, wanted[1], atol=1e-7, rtol=1e-4)
    assert gradient.abs().sum() > 0
    assert not values.requires_grad
    assert not gradient.requires_grad
    assert snapshot(module) == before
    assert torch.equal(x, picture(3, size=size))


def test_one_objective_a_picture() -> None:
    x, engine = picture(len(OBJECTIVES)), engine_of(seeded(Plain))
    values, gradient = engine.value_and_gradient(x, [objective for objective, _ in OBJECTIVES])
    for i, (_, value) in enumerate(OBJECTIVES):
        wanted = by_hand(x[i : i + 1], value)
        assert torch.allclose(values[i], wanted[0][0], atol=1e-6)
        assert torch.allclose(gradient[i], wanted[1][0], atol=1e-7, rtol=1e-4)


@pytest.mark.parametrize("several", [False, True])
def test_pictures_that_are_compared(several: bool) -> None:
    def value(a: dict[str, Tensor]) -> Tensor:
        cells = a["conv1"].flatten(2)
        grams = (cells @ cells.mT).flatten(1)
        cosines = torch.nn.functional.cosine_similarity(grams[:, None], grams[None], dim=2)
        return a["fc"][:, 3] - 2 * (cosines.sum(1) - 1) / 2

    objective, x = logit(3) - 2 * similarity("conv1"), picture(3)
    got = engine_of(seeded(Plain)).value_and_gradient(x, [objective] * 3 if several else objective)
    wanted = by_hand(x, value)
    assert torch.allclose(got[0], wanted[0], atol=1e-5)
    assert torch.allclose(got[1], wanted[1], atol=1e-5, rtol=1e-4)


def test_anything_that_measures() -> None:
    @dataclass(frozen=True)
    class Match:
        layers: tuple[str, ...] = ("conv1", "")

        def value(self, read: Callable[[str], Tensor]) -> Tensor:
            return read("conv1").amax((1, 2, 3)) * read("")[:, 0]

    got = engine_of(seeded(Plain)).value_and_gradient(picture(2), Match())
    wanted = by_hand(picture(2), lambda a: a["conv1"].amax((1, 2, 3)) * a["fc"][:, 0])
    assert torch.allclose(got[0], wanted[0], atol=1e-6)
    assert torch.allclose(got[1], wanted[1], atol=1e-6)


def test_random_numbers_of_the_network_are_its_own() -> None:
    engine, before = engine_of(seeded(Drawing)), torch.get_rng_state()
    first, again = (engine.value_and_gradient(picture(), logit(1)) for _ in range(2))
    assert torch.equal(first[1], again[1])
    assert torch.equal(torch.get_rng_state(), before)


def test_a_changed_module_shows_at_once() -> None:
    module = seeded(Plain)
    engine = engine_of(module)
    before, _ = engine.value_and_gradient(picture(), logit(1))
    with torch.no_grad():
        module.fc.bias += 1
    assert torch.allclose(engine.value_and_gradient(picture(), logit(1))[0], before + 1, atol=1e-6)


def test_one_pass_a_call() -> None:
    engine = engine_of(seeded(Counting))
    engine.value_and_gradient(picture(), logit(1))
    passes = Counting.passes
    for _ in range(3):
        engine.value_and_gradient(picture(), logit(1))
    assert Counting.passes == passes + 3


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_numbers_that_are_none(bad: float) -> None:
    module, x = seeded(Plain), picture()
    x[0, 0, 3, 3] = bad
    with pytest.raises(NnvizError) as caught:
        engine_of(module).value_and_gradient(x, logit(1))
    assert caught.value.code == "input_nan"
    engine = engine_of(module)
    with torch.no_grad():
        module.conv1.weight[0] = bad
    with pytest.raises(NnvizError, match=r"conv1\.weight"):
        engine.value_and_gradient(picture(), logit(1))


def test_shapes_that_do_not_fit() -> None:
    engine = engine_of(seeded(Plain))
    with pytest.raises(NnvizError, match="3, height"):
        engine.value_and_gradient(picture(channels=1), logit(1))
    with pytest.raises(NnvizError, match="3, 3"):
        engine.value_and_gradient(picture(size=(3, 3)), logit(1))


def test_too_few_objectives_for_the_pictures() -> None:
    with pytest.raises(NnvizError) as caught:
        engine_of(seeded(Plain)).value_and_gradient(picture(3), [logit(1), logit(2)])
    assert caught.value.code == "ascent_count"


class Unlike(nn.Module):
    """Takes channels last at the size of its contract alone."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.pool, self.fc = nn.Conv2d(3, 4, 3, padding=1), nn.AdaptiveAvgPool2d(1), nn.Linear(4, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        if x.shape[2] != 16:
            x = x.view(x.shape[0], 4, -1)[..., None]
        return self.fc(self.pool(x).flatten(1))


def test_a_layout_that_another_size_refuses() -> None:
    module, x = seeded(Unlike), picture(2, size=(12, 12))
    engine = engine_of(module)
    leaf = x.contiguous().requires_grad_()
    module(leaf)[:, 1].sum().backward()
    for _ in range(2):
        assert torch.allclose(engine.value_and_gradient(x, logit(1))[1], leaf.grad, atol=1e-7)


@pytest.mark.parametrize("objective", [logit(3), channel("block.0", 2), neuron("conv1", 1, 8, 8)])
def test_half_precision_is_near(objective: Objective) -> None:
    engine, x = engine_of(seeded(Plain)), picture(2)
    value, gradient = engine.value_and_gradient(x, objective)
    halved, near = engine.value_and_gradient(x, objective, half=True)
    assert (halved.dtype, near.dtype, near.shape) == (x.dtype, x.dtype, x.shape)
    assert not torch.equal(near, gradient)
    assert torch.allclose(halved, value, atol=0.05)
    assert torch.nn.functional.cosine_similarity(near.flatten(1), gradient.flatten(1)).min() > 0.98
    assert torch.equal(engine.value_and_gradient(x, objective)[1], gradient)
