"""The part of the picture that matters most to a unit."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from nnviz_widgets.engine.receptive_field import Rect


def smallest_rect(weights: npt.NDArray[np.floating], share: float) -> Rect:
    """The rectangle of the fewest cells that holds `share` of the sum of weights (h, w), none of them negative.

    Exact: for each pair of a first and a last row, cumulative sums over the columns find the narrowest; of equal ones
    the topmost, then leftmost is taken.
    """
    cells = weights.astype(np.float64)
    target = share * cells.sum() * (1 - 1e-12)  # sums in another order differ in their last bits
    above = np.zeros((cells.shape[0] + 1, cells.shape[1]))
    np.cumsum(cells, 0, out=above[1:])
    by_row = above.sum(1)
    best, fewest = Rect(0, 0, *cells.shape), cells.size + 1
    for top in range(cells.shape[0]):
        for bottom in range(int(np.searchsorted(by_row, by_row[top] + target)), cells.shape[0] + 1):
            if bottom - top >= fewest:
                break
            before = np.concatenate([[0.0], np.cumsum(above[bottom] - above[top])])
            widths = np.searchsorted(before, before + target) - np.arange(before.size)
            widths[before + target > before[-1]] = cells.size + 1
            left = int(widths.argmin())
            width = max(int(widths[left]), 1)
            if (bottom - top) * width < fewest:
                best, fewest = Rect(top, left, bottom - top, width), (bottom - top) * width
    return best
