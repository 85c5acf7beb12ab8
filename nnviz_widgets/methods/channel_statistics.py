"""Mean, maximum and share of zeros of each channel over pictures, merged in any order to the same numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

FINE = 2**24
"""Sums are whole multiples of 1 / FINE: adding those is exact, so that no order of adding shows in the result."""

PIECE = 2**20
"""Values that are looked at together on a CPU."""


@dataclass(frozen=True, eq=False)
class ChannelStatistics:
    """What a channel does over all pictures seen.

    Attributes:
        pictures: how many.
        sums: (channels,) int64, of the pictures' spatial means, in multiples of 1 / FINE.
        greatest: (channels,) float32, the largest single activation.
        zeros: (channels,) int64, how many activations are zero, or not above zero where a rectifier follows.
        cells: activations of a channel in one picture.
    """

    pictures: int
    sums: Tensor
    greatest: Tensor
    zeros: Tensor
    cells: int

    @property
    def mean(self) -> Tensor:
        """(channels,) float64, over pictures and places."""
        return self.sums.double() / FINE / max(1, self.pictures)

    @property
    def share_of_zeros(self) -> Tensor:
        """(channels,) float64 in 0..1."""
        return self.zeros.double() / max(1, self.pictures * self.cells)

    def cpu(self) -> ChannelStatistics:
        """The same in memory."""
        return replace(self, sums=self.sums.cpu(), greatest=self.greatest.cpu(), zeros=self.zeros.cpu())

    def __add__(self, other: ChannelStatistics) -> ChannelStatistics:
        return ChannelStatistics(
            self.pictures + other.pictures,
            self.sums + other.sums,
            torch.maximum(self.greatest, other.greatest),
            self.zeros + other.zeros,
            max(self.cells, other.cells),
        )


def no_statistics(channels: int, cells: int, device: torch.device | None = None) -> ChannelStatistics:
    """Of no picture."""
    none = torch.zeros(channels, dtype=torch.int64, device=device)
    return ChannelStatistics(0, none, torch.full((channels,), -torch.inf, device=device), none.clone(), cells)


def statistics_of(maps: Tensor, peaks: Tensor, *, rectified: bool) -> ChannelStatistics:
    """Of one batch, on its device.

    Args:
        maps: (N, channels, h, w), or (N, units).
        peaks: (N, channels), their maxima over space.
        rectified: whether a rectifier follows, so that values up to zero count as zeros.
    """
    flat = maps.unsqueeze(-1) if maps.ndim == 2 else maps.flatten(2)
    sums = (flat.float().mean(2) * FINE).round().long().sum(0)  # a power of two: the product is exact
    zeros = _zeros(flat, rectified=rectified)
    return ChannelStatistics(len(maps), sums, peaks.float().amax(0), zeros, flat.shape[2])


def _zeros(flat: Tensor, *, rectified: bool) -> Tensor:
    """(channels,) int64: how many of the values (N, channels, cells) are zero, or not above it."""
    count, channels, cells = flat.shape
    if flat.device.type != "cpu":
        return ((flat <= 0) if rectified else (flat == 0)).sum((0, 2))
    # By sums of signs, which are exact: to compare takes a CPU several times longer than to read. Each sum is a product
    # of matrices, for every operation more is a chance for the threads that decode to come between.
    rows = flat.transpose(1, 2).reshape(-1, channels)
    others = torch.zeros(channels, dtype=torch.int64)
    step = max(1, PIECE // channels)
    for first in range(0, len(rows), step):
        signs = rows[first : first + step].float().sign()
        ones = signs.clamp_(min=0) if rectified else signs.abs_()
        others += (torch.ones(len(ones)) @ ones).long()
    return count * cells - others
