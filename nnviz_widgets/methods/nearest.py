"""Nearest vectors: exact, and approximate where there are very many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

Metric = Literal["euclidean", "cosine"]
SPARE = 32
"""How many more than asked for are ranked anew, one by one: the quick way to rank rounds."""


@dataclass(frozen=True, eq=False)
class Nearest:
    """Neighbours, nearest first.

    Attributes:
        numbers: (k,) their places among the vectors. distances: (k,), in the metric asked for.
        recall: share of the true neighbours that such a search finds, as measured; 1 where it is exact.
    """

    numbers: Tensor
    distances: Tensor
    recall: float = 1.0


@dataclass(frozen=True, eq=False)
class Space:
    """Vectors (N, units) made ready for many queries: of length 1 for the cosine, with their squared lengths."""

    vectors: Tensor
    squares: Tensor


def space_of(vectors: Tensor, metric: Metric) -> Space:
    """Vectors made ready for a metric."""
    vectors = unit_length(vectors) if metric == "cosine" else vectors
    return Space(vectors, vectors.square().sum(1))


def nearest(
    vectors: Tensor | Space, query: Tensor, k: int, *, metric: Metric = "euclidean", leave_out: int | None = None
) -> Nearest:
    """The k vectors (N, units) nearest to a query (units,), exactly; equal distances in the order of the vectors.

    Args:
        metric: "euclidean", or "cosine": 1 - the cosine of the angle.
        vectors: or the `Space` that they are in for this metric.
        leave_out: the query's own place.
    """
    space = vectors if isinstance(vectors, Space) else space_of(vectors, metric)
    query = unit_length(query) if metric == "cosine" else query
    quick = space.squares - 2 * (space.vectors @ query)
    if leave_out is not None:
        quick[leave_out] = torch.inf
    few = quick.topk(min(len(quick), k + SPARE), largest=False).indices.sort().values
    if leave_out is not None:
        few = few[few != leave_out]
    exact = (space.vectors[few] - query).double().square().sum(1)
    order = exact.argsort(stable=True)[:k]
    distances = exact[order] / 2 if metric == "cosine" else exact[order].sqrt()
    return Nearest(few[order], distances.float())


def nearest_of_all(
    vectors: Tensor, k: int, *, metric: Metric = "euclidean", rows: int = 128, of: Tensor | None = None
) -> Tensor:
    """(N, k) the neighbours of every vector, itself left out, exactly; memory grows with `rows` at a time.

    Args:
        of: places of those whose neighbours are wanted; all when left out.
    """
    if metric == "cosine":
        vectors = unit_length(vectors)
    vectors = vectors - vectors.mean(0)  # far from the origin, the quick way would round more
    squares = vectors.square().sum(1)
    found = []
    wanted = torch.arange(len(vectors)) if of is None else of
    for start in range(0, len(wanted), rows):
        some = wanted[start : start + rows]
        part = vectors[some]
        quick = squares - 2 * (part @ vectors.T)
        quick[torch.arange(len(part)), some] = torch.inf
        few = quick.topk(min(len(vectors) - 1, k + SPARE), largest=False).indices.sort(1).values
        exact = (vectors[few] - part[:, None]).square().sum(2)
        found.append(few.gather(1, exact.argsort(dim=1, stable=True)[:, :k]))
    return torch.cat(found)


def unit_length(vectors: Tensor) -> Tensor:
    """Vectors scaled to length 1, among which the Euclidean distance ranks as the cosine does."""
    return torch.nn.functional.normalize(vectors, dim=-1)
