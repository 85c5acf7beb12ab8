"""Points pulled onto a filled grid."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

WHOLE = 2000
"""Points that are assigned at once: they take about half a second, and the time grows with the cube of their number."""


def assign(points: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Points (N, 2) of the unit square -> each one's (row, column) on a grid of square cells, and its place there."""
    count = len(points)
    columns = int(np.ceil(np.sqrt(count)))
    rows = int(np.ceil(count / columns))
    cells = np.stack(np.divmod(np.arange(rows * columns), columns), 1)
    places = cells[:, ::-1] / np.maximum([columns - 1, rows - 1], 1)
    chosen = np.empty(count, np.int64)
    _share(points, places, np.arange(count), np.arange(len(cells)), chosen)
    return cells[chosen], (cells[chosen][:, ::-1] / max(columns - 1, 1)).astype(np.float32)


def _share(points: Any, places: Any, some: Any, free: Any, chosen: NDArray[np.int64]) -> None:
    """Give the points `some` cells out of `free`, which are as many or more; what is too much at once is halved."""
    from scipy.optimize import linear_sum_assignment
    from scipy.spatial.distance import cdist

    if len(some) <= WHOLE:
        _, taken = linear_sum_assignment(cdist(points[some], places[free], "sqeuclidean"))
        chosen[some] = free[taken]
        return
    axis = int(np.ptp(places[free], axis=0).argmax())
    some = some[points[some, axis].argsort(kind="stable")]
    free = free[places[free, axis].argsort(kind="stable")]
    half = len(some) // 2
    cut = half + (len(free) - len(some)) // 2  # the empty cells are shared too
    _share(points, places, some[:half], free[:cut], chosen)
    _share(points, places, some[half:], free[cut:], chosen)
