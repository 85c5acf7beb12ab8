"""Pictures and maps at another size: sharp cells, smooth pictures, exact averages."""

from __future__ import annotations

from math import ceil
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from nnviz_widgets.errors import NnvizError


def enlarge_sharp(image: ArrayLike, height: int, width: int) -> NDArray[Any]:
    """(h, w) or (h, w, channels) -> (height, width, ...), each cell a sharp rectangle (nearest neighbour)."""
    array: NDArray[Any] = np.asarray(image)
    # The cell under each pixel's centre, as a browser does it.
    rows = (2 * np.arange(height) + 1) * array.shape[0] // (2 * height)
    columns = (2 * np.arange(width) + 1) * array.shape[1] // (2 * width)
    enlarged: NDArray[Any] = array.take(rows, axis=0).take(columns, axis=1)
    return enlarged


def resize_smooth(image: ArrayLike, height: int, width: int) -> NDArray[Any]:
    """A picture uint8 (h, w[, 3 or 4]) or a map of floats (h, w) -> (height, width, ...), bilinear.

    Reducing averages (Pillow's antialiasing). Maps come back as float32; RGBA is weighted by its alpha.
    """
    array = np.asarray(image)
    if array.dtype != np.uint8:
        if array.ndim != 2:
            raise NnvizError("maps_shape", shape=array.shape, expected="(height, width), or uint8 pixels")
        array = array.astype(np.float32)
    return np.array(Image.fromarray(array).resize((width, height), Image.Resampling.BILINEAR))


def reduce_area(maps: ArrayLike, height: int, width: int) -> NDArray[np.float32]:
    """(maps, h, w) -> (maps, height, width): every new cell is the mean of the area that it covers.

    A cell that covers a value that is not finite is NaN.
    """
    array: NDArray[np.float32] = np.asarray(maps, dtype=np.float32)
    broken = ~np.isfinite(array)
    if not broken.any():
        return _reduce(_reduce(array, height, 1), width, 2)
    reduced = reduce_area(np.where(broken, 0, array), height, width)
    touched = reduce_area(broken.astype(np.float32), height, width)
    return np.where(touched > 0, np.float32(np.nan), reduced)


def _reduce(array: NDArray[np.float32], new: int, axis: int) -> NDArray[np.float32]:
    """One axis, as a sum of shifted picks: each new cell covers only a few old ones, next to each other.

    Faster than a product with the matrix of all shares, and steady: it waits for no other thread.
    """
    old = array.shape[axis]
    ends = np.arange(new + 1) * (old / new)
    first = ends[:-1].astype(np.intp)
    total = np.zeros((*array.shape[:axis], new, *array.shape[axis + 1 :]), dtype=np.float32)
    for step in range(ceil(old / new) + 1):
        cell = first + step
        share = np.minimum(ends[1:], cell + 1) - np.maximum(ends[:-1], cell)
        share = np.maximum(share, 0).astype(np.float32) * np.float32(new / old)
        part = array.take(np.minimum(cell, old - 1), axis=axis)
        part *= share.reshape(-1, *(1,) * (array.ndim - axis - 1))
        total += part
    return total
