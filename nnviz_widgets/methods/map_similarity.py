"""How alike two maps are, whatever their units."""

from __future__ import annotations

import torch
from torch import Tensor


def rank_correlation(first: Tensor, second: Tensor) -> float:
    """Spearman's rank correlation of two maps of one shape, -1..1; ties share their mean rank.

    The measure of Adebayo et al. 2018, Sanity Checks for Saliency Maps. 0 where a map is the same everywhere.
    """
    a, b = _ranks(first), _ranks(second)
    spread = a.norm() * b.norm()
    return float(a @ b / spread) if spread > 0 else 0.0


def _ranks(values: Tensor) -> Tensor:
    """The rank of each value, centred on 0."""
    flat = values.detach().flatten().cpu()  # not every accelerator has double precision
    _, place, count = torch.unique(flat, return_inverse=True, return_counts=True)
    last = count.cumsum(0).double()
    rank: Tensor = last - (count + 1) / 2 - (len(place) - 1) / 2
    return rank.index_select(0, place)
