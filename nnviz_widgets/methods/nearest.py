"""Nearest vectors, exactly: one product of matrices says which may be near, doubles say which are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

Metric = Literal["euclidean", "cosine"]


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
    """Vectors (N, units) made ready for many queries in a metric.

    Attributes:
        middle: their mean; far from it, a product of matrices would round more.
        centred: the vectors around it, before that brought to length 1 for the cosine. squares: its squared lengths.
    """

    vectors: Tensor
    metric: Metric
    middle: Tensor
    centred: Tensor
    squares: Tensor

    def centre(self, queries: Tensor) -> Tensor:
        """Other vectors brought to where `centred` is."""
        return (unit_length(queries) if self.metric == "cosine" else queries) - self.middle

    def slack(self, queries: Tensor) -> Tensor:
        """How far squared distances of queries (M, units), centred, from one product of matrices may be off, (M, 1).

        A sum of n products is off by at most n roundings of the sum of their sizes (Higham 2002, section 3.1), and more
        where torch may shorten what it multiplies.
        """
        rounding = (queries.shape[1] + 16) * torch.finfo(queries.dtype).eps
        if torch.get_float32_matmul_precision() != "highest":
            rounding += torch.finfo(torch.bfloat16).eps
        longest = self.squares.max().sqrt()
        sizes: Tensor = longest.square() + 2 * longest * queries.norm(dim=1, keepdim=True)
        return rounding * (sizes + 2 * (self.metric == "cosine"))

    def distances(self, few: Tensor, query: Tensor) -> Tensor:
        """Of vectors, by their places (..., few), to queries (..., units), in doubles."""
        vectors, query = self.vectors[few].double(), query.double()[..., None, :]
        if self.metric == "cosine":
            return (unit_length(vectors) - unit_length(query)).square().sum(-1) / 2
        return (vectors - query).square().sum(-1).sqrt()


def space_of(vectors: Tensor, metric: Metric) -> Space:
    """Vectors made ready for a metric."""
    unit = unit_length(vectors) if metric == "cosine" else vectors
    middle = unit.mean(0)
    centred = unit - middle
    return Space(vectors, metric, middle, centred, centred.square().sum(1))


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
    own = None if leave_out is None else torch.tensor([leave_out])
    few, distances = _near(space, query[None], k, own)
    return Nearest(few[0].cpu(), distances[0].float().cpu())


def nearest_of_all(
    vectors: Tensor, k: int, *, metric: Metric = "euclidean", rows: int = 128, of: Tensor | None = None
) -> Tensor:
    """(N, k) the neighbours of every vector, itself left out, exactly; memory grows with `rows` at a time.

    Args:
        of: places of those whose neighbours are wanted; all when left out.
    """
    space = space_of(vectors, metric)
    wanted = torch.arange(len(vectors)) if of is None else of
    parts = (wanted[start : start + rows] for start in range(0, len(wanted), rows))
    return torch.cat([_near(space, vectors[part], k, part)[0] for part in parts])


def _near(space: Space, queries: Tensor, k: int, own: Tensor | None) -> tuple[Tensor, Tensor]:
    """Places and distances (M, k) of the nearest of queries (M, units), whose `own` places are left out."""
    centred = space.centre(queries)
    quick = torch.addmm(space.squares, centred, space.centred.T, alpha=-2)
    if own is not None:
        quick[torch.arange(len(own)), own] = torch.inf
    k = min(k, quick.shape[1] - (own is not None))
    # The true ones are among those that are not farther than the k-th by more than both may be off.
    last = quick.topk(k, largest=False).values[:, -1:] + 2 * space.slack(centred)
    most = int((quick <= last).sum(1).max())
    few = quick.topk(most, largest=False).indices.sort(1).values
    distances = space.distances(few, queries)
    if own is not None:
        distances[few == own.to(few.device)[:, None]] = torch.inf
    order = distances.argsort(dim=1, stable=True)[:, :k]
    return few.gather(1, order), distances.gather(1, order)


def unit_length(vectors: Tensor) -> Tensor:
    """Vectors scaled to length 1, among which the Euclidean distance ranks as the cosine does."""
    return torch.nn.functional.normalize(vectors, dim=-1)
