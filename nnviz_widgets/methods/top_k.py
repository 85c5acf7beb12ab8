"""The largest values that a channel took, one a picture: merged in any order to the same result."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

NOBODY = -1
"""In place of a picture where there were fewer than n."""


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


def nobody(channels: int, n: int) -> TopK:
    """What no picture gives: the neutral element of `merged`."""
    shape = (channels, n)
    return TopK(torch.full(shape, -torch.inf), torch.full(shape, NOBODY, dtype=torch.int64), torch.zeros(shape).long())


def merged(first: TopK, second: TopK) -> TopK:
    """The best of both, of disjoint pictures; equal values in the order of the pictures' numbers.

    Associative and commutative: the order of merging does not show in the result.
    """
    values = torch.cat([first.values, second.values], 1)
    pictures = torch.cat([first.pictures, second.pictures], 1)
    places = torch.cat([first.places, second.places], 1)
    # Nobody comes last: no real value is below minus infinity, but one may be equal to it.
    order = torch.where(pictures == NOBODY, torch.iinfo(torch.int64).max, pictures).argsort(dim=1)
    best = values.gather(1, order).argsort(dim=1, descending=True, stable=True)[:, : first.n]
    order = order.gather(1, best)
    return TopK(*(part.gather(1, order) for part in (values, pictures, places)))


def updated(top: TopK, maps: Tensor, pictures: Tensor, *, sign: int = 1, greatest: Tensor | None = None) -> TopK:
    """The state after a batch of activations.

    Args:
        maps: (N, channels, h, w), or (N, units).
        pictures: (N,) numbers of the pictures, int64.
        sign: 1 for the largest values, -1 for the smallest, which are kept with their sign turned.
        greatest: (N, channels), the maxima of sign * maps, where they are known already.
    """
    flat = maps.unsqueeze(-1) if maps.ndim == 2 else maps.flatten(2)
    peaks = (flat.amax(2) if sign > 0 else -flat.amin(2)) if greatest is None else greatest
    peaks = peaks.float().T.cpu()  # (channels, N)
    last, last_picture = top.values[:, -1:], top.pictures[:, -1:]
    pictures = pictures.expand_as(peaks)
    # Few come in once the first batches are through: only their channels are sorted, only their places are sought.
    better = (peaks > last) | ((peaks == last) & ((pictures < last_picture) | (last_picture == NOBODY)))
    rows = better.any(1).nonzero().flatten()
    if not len(rows):
        return top
    batch = TopK(peaks[rows], pictures[rows], torch.arange(peaks.shape[1]).expand(len(rows), -1))
    old = TopK(top.values[rows], top.pictures[rows], top.places[rows])
    new = merged(TopK(old.values, old.pictures, NOBODY - old.places), batch)
    # Those kept from before carry their place as a negative number, the newcomers their place in the batch.
    came = new.places >= 0
    channel, slot = came.nonzero(as_tuple=True)
    where = rows[channel].to(flat.device), new.places[channel, slot].to(flat.device)
    found = (sign * flat[where[1], where[0]]).argmax(1).cpu()
    places = NOBODY - new.places
    places[channel, slot] = found
    values, ids, spots = top.values.clone(), top.pictures.clone(), top.places.clone()
    values[rows], ids[rows], spots[rows] = new.values, new.pictures, places
    return TopK(values, ids, spots)
