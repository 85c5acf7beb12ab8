"""A person's own search for neighbours: her rows beside the reference's, and where they disagree."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.lang import say
from nnviz_widgets.methods.nearest import Metric, Nearest, unit_length
from nnviz_widgets.methods.own_method import ROUNDING, asked_for, called, compare, name_of, on_its_own
from nnviz_widgets.widgets.number import say_number
from nnviz_widgets.widgets.own_method import Own


@dataclass(frozen=True, eq=False)
class OwnRow:
    """The neighbours that a person's function found for one reference.

    Attributes:
        near: hers, with the true distances. same: at each place, whether it is as near as the reference's there.
        itself: at each place, whether it is the picture that was asked about.
        largest: difference of the distances that she gave from the true ones; None where she gave none.
    """

    near: Nearest
    same: tuple[bool, ...]
    itself: tuple[bool, ...]
    largest: float | None


@dataclass(frozen=True, eq=False)
class OwnRows(Own):
    """What a person's function found for all references shown; no rows while it runs, or where it failed.

    `compared` holds the true distances of what it found against those of the reference, (rows, k).
    """

    rows: tuple[OwnRow, ...] = ()

    @classmethod
    def of(cls, name: str, rows: Sequence[OwnRow], reference: Sequence[Nearest]) -> OwnRows:
        found, wanted = (
            torch.stack([near.distances for near in all_of]) for all_of in ([r.near for r in rows], reference)
        )
        return cls(name, compare(name, found, wanted), rows=tuple(rows))


def own_row(
    method: Callable[..., Any], vectors: Tensor, number: int, k: int, reference: Nearest, metric: Metric
) -> OwnRow:
    """Call f(vectors, number, k), or with `metric` where it names that, and hold what it gives against the reference.

    Args:
        vectors: (N, units). number: the place among them of the vector that is asked about.

    Raises:
        NnvizError: for what f raised, and for what are not k places of vectors.
    """
    name = name_of(method)
    further = asked_for(method, {"metric": metric}, after=3)
    with on_its_own(vectors.device):
        words = ", ".join(["vectors", "number", "k", *further])
        given = called(method, words, vectors.clone(), number, k, **further)
    places, told = given if isinstance(given, tuple) and len(given) == 2 else (given, None)
    numbers = _places(name, places, k, len(vectors))
    distances = _distances(vectors, number, numbers, metric)
    within = ROUNDING * float(reference.distances.max()) + 1e-6
    same = (distances - reference.distances).abs() <= within
    itself = numbers == number
    largest = None if told is None else _largest(told, distances)
    return OwnRow(Nearest(numbers, distances), tuple((same & ~itself).tolist()), tuple(itself.tolist()), largest)


def own_words(language: str, own: OwnRows) -> str:
    """How many places are as in the reference, and what is wrong with the others."""
    if not own.rows:
        return say(language, "own_failed" if own.failed else "own_running")
    same = [alike for row in own.rows for alike in row.same]
    words = [say(language, "neighbours_own", same=sum(same), count=len(same))]
    if itself := sum(there for row in own.rows for there in row.itself):
        words.append(say(language, "neighbours_own_itself", count=itself))
    told = [row.largest for row in own.rows if row.largest is not None]
    if told:
        words.append(say(language, "neighbours_own_distances", largest=say_number(language, max(told), digits=2)))
    return " · ".join(words)


def _places(name: str, given: Any, k: int, count: int) -> Tensor:
    """(k,) places of vectors.

    Raises:
        NnvizError: own_places.
    """
    wrong = NnvizError("own_places", name=name, got=_described(given), k=k, last=count - 1)
    try:
        numbers = torch.as_tensor(given)
    except (TypeError, ValueError, RuntimeError) as error:
        raise wrong from error
    numbers = numbers.detach().cpu()
    if numbers.shape != (k,) or numbers.is_floating_point() or numbers.dtype == torch.bool:
        raise wrong
    if int(numbers.min()) < 0 or int(numbers.max()) >= count:
        raise wrong
    return numbers.long()


def _described(given: Any) -> str:
    if isinstance(given, Tensor | np.ndarray):
        return f"{tuple(given.shape)} {str(given.dtype).removeprefix('torch.')}"
    size = f" ({len(given)})" if isinstance(given, Sequence) else ""
    return f"{type(given).__name__}{size}"


def _distances(vectors: Tensor, number: int, numbers: Tensor, metric: Metric) -> Tensor:
    space = unit_length(vectors) if metric == "cosine" else vectors
    squares = (space[numbers] - space[number]).double().square().sum(1)
    return (squares / 2 if metric == "cosine" else squares.sqrt()).float()


def _largest(told: Any, distances: Tensor) -> float | None:
    try:
        values = torch.as_tensor(told).detach().cpu().float()
    except (TypeError, ValueError, RuntimeError):
        return None
    return float((values - distances).abs().max()) if values.shape == distances.shape else None
