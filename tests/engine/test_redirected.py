"""Lucid's rule for ReLUs at the beginning of an ascent, against NumPy and against networks written out by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nnviz_widgets import channel, logit
from nnviz_widgets.engine.relu_rules import ReluRule
from tests.engine.networks import engine_of, picture, seeded, snapshot

Array = npt.NDArray[np.float64]


def by_formula(a: Array, g: Array, upper: float) -> Array:
    """One picture after the other, unit by unit, as Lucid's source says it for a descent of minus the objective."""
    out = np.zeros_like(g)
    for n in range(len(a)):
        usual = np.where((a[n] > 0) & (a[n] < upper), g[n], 0)
        further = ((a[n] <= 0) & (g[n] < 0)) | ((a[n] >= upper) & (g[n] > 0))
        out[n] = usual if np.any(usual) else np.where(further, 0, g[n])
    return out


CALLS: dict[str, tuple[Callable[[Tensor], Tensor], float]] = {
    "module": (nn.ReLU(), np.inf),
    "module in place": (nn.ReLU(inplace=True), np.inf),
    "function": (F.relu, np.inf),
    "method in place": (lambda a: a.relu_(), np.inf),
    "return value ignored": (lambda a: (a.relu_(), a)[1], np.inf),
    "clamp": (lambda a: a.clamp(min=0), np.inf),
    "relu6": (nn.ReLU6(), 6.0),
    "relu6 in place": (nn.ReLU6(inplace=True), 6.0),
    "relu6 function": (F.relu6, 6.0),
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("shape", [(4, 3, 5, 2), (4, 30)])
def test_every_kind_of_relu_follows_the_formula(name: str, shape: tuple[int, ...]) -> None:
    call, upper = CALLS[name]
    generator = torch.Generator().manual_seed(1)
    a = 5 * torch.randn(shape, generator=generator, dtype=torch.float64)
    a[1] = -a[1].abs()  # nothing of the second picture gets through
    a[3] = torch.where(a[3] > 0, 6 + a[3], a[3])  # nor of the fourth through a bounded ReLU
    g = torch.randn(shape, generator=generator, dtype=torch.float64)
    g[2, ...] = torch.where(a[2] > 0, 0, g[2])  # nor of the third: no active unit is asked for
    leaf = a.clone().requires_grad_()
    with ReluRule("redirected") as relus:
        out = call(leaf.clone())
    (found,) = torch.autograd.grad(out, leaf, g)
    assert torch.equal(out, a.clamp(0, upper))
    np.testing.assert_array_equal(found.numpy(), by_formula(a.numpy(), g.numpy(), upper))
    assert all(found[n].any() for n in range(4))
    assert relus.overridden == 1


class Deep(nn.Module):
    """An in-place ReLU used twice, a functional one on a shortcut, and a ReLU6."""

    def __init__(self, redirected: Callable[[Tensor, float], Tensor] | None = None) -> None:
        super().__init__()
        self.a, self.b, self.c = (nn.Conv2d(i, 6, 3, padding=1) for i in (3, 6, 6))
        self.relu, self.six, self.head = nn.ReLU(inplace=True), nn.ReLU6(), nn.Linear(6, 5)
        self.by_hand = redirected

    def forward(self, x: Tensor) -> Tensor:
        hand = self.by_hand
        if hand is not None:
            x = hand(self.a(x), np.inf)
            x = hand(x + self.b(hand(self.c(x), np.inf)), np.inf)
            return self.head(hand(self.six_in(x), 6.0).mean((2, 3)))
        x = self.relu(self.a(x))
        x = self.relu(x + self.b(F.relu(self.c(x))))
        return self.head(self.six(self.six_in(x)).mean((2, 3)))

    def six_in(self, x: Tensor) -> Tensor:
        return 100 * x + 7


class Hand(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a, upper):
        ctx.save_for_backward(a.clone())
        ctx.upper = upper
        return a.clamp(0, upper)

    @staticmethod
    def backward(ctx, g):
        (a,) = ctx.saved_tensors
        return torch.from_numpy(by_formula(a.double().numpy(), g.double().numpy(), ctx.upper)).to(g.dtype), None


@pytest.mark.parametrize("dead", [False, True])
def test_a_network_equals_its_twin_by_hand(dead: bool) -> None:
    module, twin = seeded(Deep), seeded(lambda: Deep(Hand.apply))
    if dead:
        for each in (module, twin):
            each.a.bias.data.fill_(-50)
    x, engine, before = picture(3), engine_of(module), snapshot(module)
    leaf = x.clone().requires_grad_()
    value = twin(leaf)[:, 2]
    (expected,) = torch.autograd.grad(value.sum(), leaf)
    values, got = engine.value_and_gradient(x, logit(2), redirected=True)
    assert torch.allclose(values, value.detach(), atol=1e-5)
    assert torch.allclose(got, expected, rtol=1e-4, atol=1e-6)
    assert got.any()
    plain = engine.value_and_gradient(x, logit(2))[1]
    assert not torch.allclose(plain, got)
    assert torch.equal(plain, engine.gradient(x, logit(2)))
    assert snapshot(module) == before


def test_a_dead_unit_comes_alive() -> None:
    module = seeded(lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 3)))
    module[0].bias.data.fill_(-5)
    engine, x = engine_of(module, size=8), picture(size=(8, 8))
    assert not engine.value_and_gradient(x, channel("1", 2))[1].any()
    for _ in range(20):
        value, gradient = engine.value_and_gradient(x, channel("1", 2), redirected=True)
        x = x + 3 * gradient / gradient.norm()
    assert value > 0
