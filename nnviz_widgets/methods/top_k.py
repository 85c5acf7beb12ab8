"""The largest values that a channel took, one a picture: merged in any order to the same result."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

NOBODY = -1
"""In place of a picture where there were fewer than n."""
FEW = 32
"""Channels below which columns are read beside each other."""


@dataclass(frozen=True, eq=False)
class TopK:
    """The n best pictures of each channel, best first.

    Attributes:
        values: (channels, n), float32; -inf where there were fewer.
        pictures: (channels, n), their numbers, int64; `NOBODY` where there were fewer.
        places: (channels, n), where in the map, row * width + column, int64.
    """

    values: Tensor
    pictures: Tensor
    places: Tensor

    @property
    def n(self) -> int:
        return self.values.shape[1]


def nobody(channels: int, n: int, device: torch.device | None = None) -> TopK:
    """What no picture gives: the neutral element of `merged`."""
    numbers = torch.full((channels, n), NOBODY, dtype=torch.int64, device=device)
    return TopK(torch.full((channels, n), -torch.inf, device=device), numbers, torch.zeros_like(numbers))


def everybody(maps: Tensor, pictures: Tensor, *, sign: int = 1) -> TopK:
    """All pictures of a batch as they come; see `updated`."""
    flat = sign * (maps.unsqueeze(2) if maps.ndim == 2 else maps.flatten(2))
    values, places = (part.T for part in flat.max(2))
    return TopK(values.float(), pictures.expand_as(values), places)


def beside(first: TopK, second: TopK) -> TopK:
    """All of both, of disjoint pictures, in no order."""
    return TopK(
        torch.cat([first.values, second.values], 1),
        torch.cat([first.pictures, second.pictures], 1),
        torch.cat([first.places, second.places], 1),
    )


def merged(first: TopK, second: TopK) -> TopK:
    """The best of both, as many as the first has, of disjoint pictures; equal values in the order of their numbers.

    Associative and commutative: the order of merging does not show in the result.
    """
    both = beside(first, second)
    # Nobody comes last: no real value is below minus infinity, but one may be equal to it.
    order = torch.where(both.pictures == NOBODY, torch.iinfo(torch.int64).max, both.pictures).argsort(dim=1)
    best = both.values.gather(1, order).argsort(dim=1, descending=True, stable=True)[:, : first.n]
    order = order.gather(1, best)
    return TopK(*(part.gather(1, order) for part in (both.values, both.pictures, both.places)))


def row_peaks(maps: Tensor, *, sign: int = 1) -> Tensor:
    """(N, channels, h): the largest of sign * maps (N, channels, h, w) in each row; of units (N, units), themselves."""
    if maps.ndim == 2:
        return sign * maps.unsqueeze(2)
    rows = maps.permute(0, 2, 3, 1)
    if not rows.is_contiguous():
        return maps.amax(3) if sign > 0 else -maps.amin(3)
    # Channels last, as networks run on a CPU: over these three axes it takes as long as reading, over four 20 times.
    rows = rows.flatten(0, 1)
    channels, width = rows.shape[2], rows.shape[1]
    # Few channels fill no vector register, so neighbouring columns are taken as channels, too: 10 times as fast.
    side = next((k for k in (4, 2) if width % k == 0), 1) if channels < FEW else 1
    rows = rows.reshape(-1, width // side, side * channels)
    peaks = rows.amax(1) if sign > 0 else -rows.amin(1)
    if side > 1:
        peaks = peaks.reshape(-1, side, channels).amax(1)
    return peaks.reshape(*maps.shape[:3:2], -1).transpose(1, 2)


def updated(top: TopK, maps: Tensor, pictures: Tensor, *, sign: int = 1, rows: Tensor | None = None) -> TopK:
    """The state after a batch of activations; everything is on their device.

    Beyond the CPU it is not brought to the n best, which would wait for the device or sort each time: `merged` does so.

    Args:
        maps: (N, channels, h, w), or (N, units).
        pictures: (N,) numbers of the pictures, int64.
        sign: 1 for the largest values, -1 for the smallest, which are kept with their sign turned.
        rows: `row_peaks`, where they are known already.
    """
    if maps.device.type != "cpu":
        return beside(top, everybody(maps, pictures, sign=sign))
    rows = row_peaks(maps, sign=sign) if rows is None else rows
    peaks = rows.amax(2).float().T  # (channels, N)
    last, last_picture = top.values[:, -1:], top.pictures[:, -1:]
    pictures = pictures.expand_as(peaks)
    # Few come in once the first batches are through: only their channels are sorted, only their places are sought.
    better = (peaks > last) | ((peaks == last) & ((pictures < last_picture) | (last_picture == NOBODY)))
    channels = better.any(1).nonzero().flatten()
    if not len(channels):
        return top
    batch = TopK(peaks[channels], pictures[channels], torch.arange(peaks.shape[1]).expand(len(channels), -1))
    old = TopK(top.values[channels], top.pictures[channels], top.places[channels])
    new = merged(TopK(old.values, old.pictures, NOBODY - old.places), batch)
    # Those kept from before carry their place as a negative number, the newcomers their place in the batch.
    came = new.places >= 0
    channel, slot = came.nonzero(as_tuple=True)
    places = NOBODY - new.places
    places[channel, slot] = _found(maps, rows, new.places[channel, slot], channels[channel], sign)
    values, ids, spots = top.values.clone(), top.pictures.clone(), top.places.clone()
    values[channels], ids[channels], spots[channels] = new.values, new.pictures, places
    return TopK(values, ids, spots)


def _found(maps: Tensor, rows: Tensor, numbers: Tensor, channels: Tensor, sign: int) -> Tensor:
    """Where the peaks of some channels are, each in one picture of the batch: the row first, then the column in it."""
    if maps.ndim == 2:
        return torch.zeros_like(numbers)
    row = rows[numbers, channels].argmax(1)
    column = (sign * maps[numbers, channels, row]).argmax(1)
    return row * maps.shape[3] + column
