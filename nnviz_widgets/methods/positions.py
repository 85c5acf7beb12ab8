"""Where an occluder stands: every position at last, a coarse grid of them first."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.int64]
FIRST = 7
"""Positions along a side at first, about."""


@dataclass(frozen=True)
class Stage:
    """A grid of positions that holds the grids before it.

    Attributes:
        rows, cols: indices of the positions along the sides of the full grid.
        fresh: flat indices of those that no earlier grid holds.
    """

    rows: Indices
    cols: Indices
    fresh: Indices


def starts(side: int, size: int, stride: int) -> Indices:
    """Where the occluder begins along a side; the last one is moved back so that it ends at the border."""
    count = math.ceil((side - size) / stride) + 1
    return np.minimum(np.arange(count) * stride, side - size)


def stages(rows: int, cols: int, stride: int, side: int) -> Iterator[Stage]:
    """Ever finer grids of the rows x cols positions; the steps are halved, so that each grid holds the one before."""
    ratio = max(1.0, side / FIRST / stride)
    step = 2 ** round(math.log2(ratio))
    done = np.zeros((rows, cols), bool)
    while step >= 1:
        own_rows, own_cols = _every(rows, step), _every(cols, step)
        wanted = np.zeros_like(done)
        wanted[np.ix_(own_rows, own_cols)] = True
        yield Stage(own_rows, own_cols, np.flatnonzero(wanted & ~done))
        done |= wanted
        step //= 2


def nearest(stage: Stage, rows: int, cols: int) -> Indices:
    """For every position, the flat index of the nearest one of a grid."""
    near_row, near_col = _nearest(stage.rows, rows), _nearest(stage.cols, cols)
    return near_row[:, None] * cols + near_col


def nearest_known(known: npt.NDArray[np.bool_]) -> Indices:
    """The same of those that are known, wherever they are; for few of them."""
    places = np.argwhere(known)
    grid = np.indices(known.shape).reshape(2, -1, 1)
    distance = ((grid - places.T[:, None, :]) ** 2).sum(0)
    found: Indices = np.flatnonzero(known)[distance.argmin(1)].reshape(known.shape)
    return found


def _every(count: int, step: int) -> Indices:
    return np.unique(np.append(np.arange(0, count, step), count - 1))


def _nearest(indices: Indices, count: int) -> Indices:
    found: Indices = indices[np.abs(np.arange(count)[:, None] - indices).argmin(1)]
    return found
