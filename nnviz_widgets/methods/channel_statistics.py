"""Mean, maximum and share of zeros of each channel over pictures, merged in any order to the same numbers."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

FINE = 2**24
"""Sums are whole multiples of 1 / FINE: adding those is exact, so that no order of adding shows in the result."""


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

    def __add__(self, other: ChannelStatistics) -> ChannelStatistics:
        return ChannelStatistics(
            self.pictures + other.pictures,
            self.sums + other.sums,
            torch.maximum(self.greatest, other.greatest),
            self.zeros + other.zeros,
            max(self.cells, other.cells),
        )


def no_statistics(channels: int, cells: int) -> ChannelStatistics:
    """Of no picture."""
    none = torch.zeros(channels, dtype=torch.int64)
    return ChannelStatistics(0, none, torch.full((channels,), -torch.inf), none.clone(), cells)


def statistics_of(maps: Tensor, peaks: Tensor, *, rectified: bool) -> ChannelStatistics:
    """Of one batch.

    Args:
        maps: (N, channels, h, w), or (N, units).
        peaks: (N, channels), their maxima over space.
        rectified: whether a rectifier follows, so that values up to zero count as zeros.
    """
    flat = maps.unsqueeze(-1) if maps.ndim == 2 else maps.flatten(2)
    means = flat.float().mean(2).double().cpu()
    zeros = (flat <= 0 if rectified else flat == 0).sum((0, 2)).cpu()
    return ChannelStatistics(
        len(maps), (means * FINE).round().long().sum(0), peaks.float().amax(0).cpu(), zeros, flat.shape[2]
    )
