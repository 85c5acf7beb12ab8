"""Small networks, pictures and vectors of the checks, always the same for a seed; an engine for the reference."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from nnviz_widgets.engine.engine import Engine

SIZE = (16, 20)  # not square, so that rows are not taken for columns


def small_network(seed: int = 0, *, inplace: bool = False) -> nn.Sequential:
    """Convolution, ReLU, pooling, convolution, ReLU, linear, ReLU, linear: x (N, 3, 16, 20) -> logits (N, 5)."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        parts = nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(inplace), nn.MaxPool2d(2), nn.Conv2d(6, 8, 3), nn.ReLU(inplace)
        last = nn.Linear(12, 5)
        last.weight.data.mul_(4)  # logits far enough apart that a softmax is not almost linear
        return nn.Sequential(*parts, nn.Flatten(), nn.Linear(384, 12), nn.ReLU(), last).eval()


def engine_of(module: nn.Module, size: tuple[int, int] = SIZE) -> Engine:
    """An engine on a copy, so that nothing that a student's function does to the module can reach the reference."""
    return Engine(copy.deepcopy(module), mean=0.0, std=1.0, size=size, outputs="logits", device="cpu")


def picture(seed: int = 0, channels: int = 3, size: tuple[int, int] = SIZE) -> Tensor:
    """A prepared x, (1, channels, height, width)."""
    return torch.randn(1, channels, *size, generator=torch.Generator().manual_seed(seed))


def second_class(module: nn.Module, x: Tensor) -> int:
    """A class to ask about that is not the most probable one."""
    with torch.no_grad():
        return int(module(x)[0].argsort(descending=True)[1])


def vectors_of(seed: int, *counts: int, units: int) -> list[Tensor]:
    """Tensors of so many random vectors each."""
    draws = torch.Generator().manual_seed(seed)
    return [torch.randn(count, units, generator=draws) for count in counts]
