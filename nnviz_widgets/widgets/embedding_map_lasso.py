"""A loop drawn around pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def inside(loop: Any, points: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which points (N, 2) lie inside a closed loop (M, 2): a ray to the right crosses it an odd number of times."""
    loop = np.asarray(loop, np.float64).reshape(-1, 2)
    found = np.zeros(len(points), bool)
    if len(loop) < 3:
        return found
    x, y = points[:, 0].astype(np.float64), points[:, 1].astype(np.float64)
    for (x0, y0), (x1, y1) in zip(loop, np.roll(loop, -1, 0), strict=True):
        if y0 != y1:
            crosses = (y0 > y) != (y1 > y)
            found ^= crosses & (x < (x1 - x0) * (y - y0) / (y1 - y0) + x0)
    return found
