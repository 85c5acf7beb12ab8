"""A small map as rectangles: a browser fills a few thousand of them sooner than it decodes a picture file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nnviz_widgets.render.colormap import Pixels

MOST = 4096  # cells; beyond, a picture file is quicker


@dataclass(frozen=True)
class Cells:
    """Rectangles with whole edges, in reading order: x, y, width, height (n,) and colours (n, 3)."""

    x: NDArray[np.int32]
    y: NDArray[np.int32]
    width: NDArray[np.int32]
    height: NDArray[np.int32]
    colours: Pixels


def cells(pixels: Pixels, width: int, height: int) -> Cells | None:
    """Pixels (rows, columns, 3) enlarged to width x height, each run of one colour in a row as one rectangle.

    None where a picture file serves better: many pixels, or transparent ones, or fewer to show than there are.
    """
    rows, columns = pixels.shape[:2]
    if pixels.ndim != 3 or pixels.shape[2] != 3 or rows * columns > MOST or width < columns or height < rows:
        return None
    # A pixel belongs to the cell under its centre, as in `enlarge_sharp`.
    across = ((2 * width * np.arange(columns + 1) + columns - 1) // (2 * columns)).astype(np.int32)
    down = ((2 * height * np.arange(rows + 1) + rows - 1) // (2 * rows)).astype(np.int32)
    begins = np.ones((rows, columns), dtype=bool)
    begins[:, 1:] = (pixels[:, 1:] != pixels[:, :-1]).any(axis=2)
    row, column = np.nonzero(begins)
    end = np.append(column[1:], columns)
    end[end == 0] = columns  # the next run begins a row
    return Cells(
        across[column], down[row], across[end] - across[column], down[row + 1] - down[row], pixels[row, column]
    )
