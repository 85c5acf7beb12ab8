"""Points on a plane."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnviz_widgets.errors import NnvizError

Points = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Layout:
    """Points on a plane.

    Attributes:
        points: (N, 2) float32. kind: how they were found. options: with what.
        cells: (N, 2) row and column of each point on a filled grid; None for a layout that is none.
    """

    points: Points
    kind: str
    options: dict[str, Any]
    cells: NDArray[np.int64] | None = None


def need(vectors: Points, count: int) -> None:
    """Raises `NnvizError` where there are fewer vectors than a layout needs."""
    if len(vectors) < count:
        raise NnvizError("layout_few", given=len(vectors), least=count)
