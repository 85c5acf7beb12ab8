"""Numbers -> colours, by table: one map for activations, one for signed data, one for classes."""

from __future__ import annotations

from functools import cache
from typing import Any

import matplotlib
import numpy as np
from numpy.typing import ArrayLike, NDArray

Pixels = NDArray[np.uint8]

WHITE = (255, 255, 255)
NEAR_BLACK = (17, 17, 17)
NO_VALUE = (96, 150, 126)  # sage: in none of the maps below, so "not a number" cannot pass for a value

# Okabe and Ito (2008) without its black, which a dark page swallows. The rest was chosen one by one, each as far as
# possible (CIEDE2000, also as seen with protanopia and deuteranopia) from those before it, from white and from black.
CLASS_COLOURS: tuple[tuple[int, int, int], ...] = (
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (240, 228, 66),
    (0, 114, 178),
    (213, 94, 0),
    (204, 121, 167),
    (153, 0, 0),
    (0, 102, 85),
    (34, 51, 102),
    (187, 221, 170),
    (17, 17, 204),
    (136, 221, 238),
    (51, 136, 255),
    (102, 85, 119),
    (255, 85, 119),
    (153, 34, 68),
    (153, 204, 187),
    (187, 68, 51),
    (102, 34, 34),
)

# 255 colours and one for NaN: an index stays one byte, and an odd number has a middle for the exact zero.
_LAST = 254
_NAN = 255


def sequential(values: ArrayLike) -> Pixels:
    """Values 0..1, any shape -> uint8 (..., 3), from black at 0 to pale yellow at 1 (matplotlib's magma)."""
    return _look_up(_sequential_table(), _index(values, slope=_LAST, offset=0))


def diverging(values: ArrayLike, *, dark: bool = False) -> Pixels:
    """Values -1..1, any shape -> uint8 (..., 3): blue below zero, red above (ColorBrewer's RdBu).

    Zero is exactly white, or the near-black of a dark page, and the two sides are equally long.
    """
    return _look_up(_diverging_table(dark), _index(values, slope=_LAST // 2, offset=_LAST // 2))


def diverging_dark(values: ArrayLike) -> Pixels:
    """`diverging` for a dark page."""
    return diverging(values, dark=True)


def grey(values: ArrayLike) -> Pixels:
    """Values 0..1, any shape -> uint8 (..., 3), from black to white."""
    return _look_up(_grey_table(), _index(values, slope=_LAST, offset=0))


def classes(indices: ArrayLike) -> Pixels:
    """Whole numbers, any shape -> uint8 (..., 3) of `CLASS_COLOURS`, which start again when they run out.

    Negative numbers mean "no class" and get the colour of what has no value.
    """
    index = np.asarray(indices)
    table = np.array([*CLASS_COLOURS, NO_VALUE], dtype=np.uint8)
    count = len(CLASS_COLOURS)
    return _look_up(table, np.where(index < 0, count, index % count).astype(np.uint8))


def to_uint8(values: ArrayLike) -> Pixels:
    """Values 0..1 -> uint8 of the same shape, rounded; what lies outside is clipped, NaN is 0."""
    with np.errstate(over="ignore"):
        scaled = np.asarray(_floats(values) * np.float32(255))
    return np.asarray(np.fmin(np.fmax(np.rint(scaled), 0), 255)).astype(np.uint8)


def _floats(values: ArrayLike) -> NDArray[Any]:
    array = np.asarray(values)
    return array if array.dtype in (np.float32, np.float64) else array.astype(np.float32)


def _index(values: ArrayLike, *, slope: int, offset: int) -> Pixels:
    with np.errstate(over="ignore"):  # far outside is still only outside
        scaled = np.asarray(_floats(values) * np.float32(slope))
    np.rint(scaled, out=scaled)
    scaled += np.float32(offset)
    np.clip(scaled, 0, _LAST, out=scaled)
    missing = np.isnan(scaled)
    if missing.any():
        scaled[missing] = _NAN
    return scaled.astype(np.uint8)


def _look_up(table: Pixels, index: Pixels) -> Pixels:
    return table.take(index, axis=0)  # eight times faster than table[index]


def _with_nan(colours: NDArray[Any]) -> Pixels:
    table = np.vstack([np.rint(colours), [NO_VALUE]]).astype(np.uint8)
    table.flags.writeable = False
    return table


@cache
def _sequential_table() -> Pixels:
    return _with_nan(matplotlib.colormaps["magma"](np.linspace(0, 1, _LAST + 1))[:, :3] * 255)


@cache
def _grey_table() -> Pixels:
    return _with_nan(np.linspace(0, 255, _LAST + 1)[:, None].repeat(3, axis=1))


@cache
def _diverging_table(dark: bool) -> Pixels:
    # The eleven anchors of RdBu. Its arms run from pale to deep; on a dark page the same arms run from deep to bright,
    # without their palest colours, which would make the strongest reds and blues alike.
    anchors = matplotlib.colormaps["RdBu_r"](np.linspace(0, 1, 11))[:, :3] * 255
    blue, red = anchors[4::-1], anchors[6:]
    if dark:
        blue, red = blue[4:0:-1], red[4:0:-1]
    knots = np.vstack([blue[::-1], [NEAR_BLACK if dark else WHITE], red])
    where = np.linspace(0, _LAST, len(knots))
    return _with_nan(np.stack([np.interp(np.arange(_LAST + 1), where, knots[:, c]) for c in range(3)], axis=1))
