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
        units = torch.tensor([width, height], device=grid.device)
        across, down = (((grid[0] + 1) * units - 1) / 2).unbind(-1)
        # The four pixels around each place: two rows by two columns, all at once, for a GPU waits for each operation.
        next_one = torch.arange(2, device=grid.device).view(2, 1, 1)
        row, col = (down.floor() + next_one)[:, None], (across.floor() + next_one)[None]
        inside = (row >= 0) & (row < height) & (col >= 0) & (col < width)
        weights = (1 - (down - row).abs()) * (1 - (across - col).abs()) * inside
        # What comes from outside goes to a place of its own: many at one place would be added up one by one.
        beyond = height * width + torch.arange(across.numel(), device=grid.device).view(across.shape)
        places = (row * width + col).long().where(inside, beyond)
        each = (weights.flatten(2).flatten(0, 1)[..., None] * gradient[0].flatten(1).T).flatten(0, 1)
        found = gradient.new_zeros(height * width + across.numel(), count)
        # On CUDA this sorts the places first, and so always adds up in one order.
        found.index_put_((places.flatten(),), each, accumulate=True)
        return found[: height * width].T.reshape(ctx.shape), None


def _sample(maps: Tensor, grid: Tensor) -> Tensor:
    return F.grid_sample(maps, grid, "bilinear", "zeros", align_corners=False)
