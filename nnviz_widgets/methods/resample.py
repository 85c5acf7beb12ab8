"""Bilinear resampling whose gradient comes out the same every time, on a GPU too."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


def resample(maps: Tensor, grid: Tensor) -> Tensor:
    """maps (1, M, h, w) at a grid (1, H, W, 2) of places as of `F.grid_sample`, zeros outside; (1, M, H, W).

    CUDA adds up the gradient of `F.grid_sample` in whatever order its threads come, so that two ascents from one seed
    part in the last digits, and then in all.
    """
    if maps.device.type == "cuda":
        sampled: Tensor = Resample.apply(maps, grid)
        return sampled
    return _sample(maps, grid)


class Resample(torch.autograd.Function):
    """`F.grid_sample` with a gradient by the maps whose sums are always taken in one order."""

    @staticmethod
    def forward(ctx: Any, maps: Tensor, grid: Tensor) -> Tensor:
        ctx.save_for_backward(grid)
        ctx.shape = maps.shape
        return _sample(maps, grid)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (grid,) = ctx.saved_tensors
        _, count, height, width = ctx.shape
        across = ((grid[0, ..., 0] + 1) * width - 1) / 2
        down = ((grid[0, ..., 1] + 1) * height - 1) / 2
        places, weights = [], []
        for row in (down.floor(), down.floor() + 1):
            for col in (across.floor(), across.floor() + 1):
                inside = (row >= 0) & (row < height) & (col >= 0) & (col < width)
                weights.append((1 - (down - row).abs()) * (1 - (across - col).abs()) * inside)
                places.append((row * width + col).where(inside, 0).long())
        each = torch.stack(weights).flatten()[:, None] * gradient[0].flatten(1).T.repeat(4, 1)
        found = gradient.new_zeros(height * width, count)
        # On CUDA this sorts the places first, and so always adds up in one order.
        found.index_put_((torch.stack(places).flatten(),), each, accumulate=True)
        return found.T.reshape(ctx.shape), None


def _sample(maps: Tensor, grid: Tensor) -> Tensor:
    return F.grid_sample(maps, grid, "bilinear", "zeros", align_corners=False)
