"""SmoothGrad: the mean gradient over noisy copies of a picture."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def noisy_copies(x: Tensor, noise: float, seed: int) -> Callable[[int], Tensor]:
    """Copy i of x (N, C, H, W) with normal noise (Smilkov et al. 2017); copy i is the same every time.

    Args:
        noise: standard deviation, as a share of each picture's range, its largest value minus its smallest.
    """
    span = x.amax((1, 2, 3), keepdim=True) - x.amin((1, 2, 3), keepdim=True)

    def copy(i: int) -> Tensor:
        # Drawn on the CPU, so that every device sees the same; seeded by copy, so that batches do not matter.
        generator = torch.Generator().manual_seed(seed * 1_000_003 + i)
        drawn = torch.randn(x.shape, generator=generator, dtype=torch.float32)
        return x + noise * span * drawn.to(x.device, x.dtype)

    return copy
