"""Small networks of the checks: always the same for a seed, quick on any machine, with an engine for the reference."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from nnviz_widgets.engine.engine import Engine

SIDE = 16


def small_network(seed: int = 0) -> nn.Sequential:
    """Convolution, ReLU, pooling, convolution, ReLU, linear, ReLU, linear: x (N, 3, 16, 16) -> logits (N, 5)."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        parts = nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 8, 3), nn.ReLU()
        return nn.Sequential(*parts, nn.Flatten(), nn.Linear(288, 12), nn.ReLU(), nn.Linear(12, 5)).eval()


def engine_of(module: nn.Module, size: int | tuple[int, int] = SIDE) -> Engine:
    """An engine on a copy, so that nothing that a student's function does to the module can reach the reference."""
    return Engine(copy.deepcopy(module), mean=0.0, std=1.0, size=size, outputs="logits", device="cpu")


def picture(seed: int = 0, channels: int = 3, height: int = SIDE, width: int = SIDE) -> Tensor:
    """A prepared x, (1, channels, height, width)."""
    return torch.randn(1, channels, height, width, generator=torch.Generator().manual_seed(seed))
