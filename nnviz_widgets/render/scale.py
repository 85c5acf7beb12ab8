"""Which numbers the ends of a colour map stand for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.render.colormap import Pixels, diverging, diverging_dark, sequential

Colours = Callable[[NDArray[Any]], Pixels]
"""Places on a scale, 0..1 or -1..1, to pixels."""


@dataclass(frozen=True)
class Scale:
    """The values at the ends of a colour map; a signed scale has low = -high, zero in the middle."""

    low: float
    high: float
    signed: bool = False


def scale_of(array: ArrayLike, *, signed: bool | None = None, clip_percentile: float | None = None) -> Scale:
    """The scale that just holds an array of any shape: from 0 to its maximum, or symmetric when it has negatives.

    Args:
        signed: True or False settles it; None looks for negative values.
        clip_percentile: take this percentile of the magnitudes (0..100) as the end, so that a few outliers do not
            darken the rest; ignored where it would be 0, as in a map that is almost everywhere 0.

    NaN and infinite values do not count.
    """
    values = np.asarray(array)
    return per_map(values.reshape(1, -1, 1), signed=signed, clip_percentile=clip_percentile)[0]


def per_map(maps: ArrayLike, *, signed: bool | None = None, clip_percentile: float | None = None) -> tuple[Scale, ...]:
    """One scale a map of (maps, h, w), as `scale_of`; all signed or none, so that a colour keeps its meaning."""
    values = np.asarray(maps)
    if values.ndim != 3:
        raise NnvizError("maps_shape", shape=values.shape, expected="(maps, height, width)")
    flat = values.reshape(len(values), -1)
    flat = flat if flat.dtype in (np.float32, np.float64) else flat.astype(np.float32)
    flat = np.where(np.isfinite(flat), flat, 0)
    if signed is None:
        signed = bool((flat < 0).any())
    sizes = np.abs(flat) if signed else np.maximum(flat, 0)
    high = sizes.max(axis=1, initial=0)
    if clip_percentile is not None and flat.size:
        clipped = np.percentile(sizes, clip_percentile, axis=1)
        high = np.where(clipped > 0, clipped, high)
    return tuple(Scale(-h if signed else 0.0, h, signed) for h in high.tolist())


def apply(array: ArrayLike, scale: Scale | Sequence[Scale]) -> NDArray[Any]:
    """Values -> their place on the scale, 0..1 or -1..1 when it is signed, clipped; NaN stays NaN.

    With a sequence of scales, one for each map of (maps, h, w). On a scale without length everything is at 0.
    """
    values = np.asarray(array)
    if values.dtype not in (np.float32, np.float64):
        values = values.astype(np.float32)
    each = (scale,) if isinstance(scale, Scale) else tuple(scale)
    if not isinstance(scale, Scale) and (values.ndim != 3 or len(each) != len(values)):
        raise NnvizError("maps_shape", shape=values.shape, expected=f"({len(each)}, height, width)")
    signed = any(s.signed for s in each)
    origin = np.array([0.0 if s.signed else s.low for s in each], dtype=values.dtype)
    span = np.array([s.high for s in each], dtype=values.dtype) - origin
    # Below the smallest normal number a division overflows, and there is nothing to see anyway.
    span = np.where(span >= np.finfo(values.dtype).tiny, span, values.dtype.type(np.inf))
    if isinstance(scale, Scale):
        origin, span = origin[0], span[0]
    else:
        origin, span = origin[:, None, None], span[:, None, None]
    # Infinite values give NaN on a scale without length, and very large ones overflow on a very short one.
    with np.errstate(invalid="ignore", over="ignore"):
        place: NDArray[Any] = np.asarray((values - origin if np.any(origin) else values) / span)
    np.clip(place, -1 if signed else 0, 1, out=place)
    return place


def colours_of(scale: Scale, *, dark: bool = False) -> Colours:
    """The colour map that belongs to a scale, signed or not: places on the scale -> uint8 (..., 3)."""
    return (diverging_dark if dark else diverging) if scale.signed else sequential


def colourise(array: ArrayLike, scale: Scale | Sequence[Scale], *, dark: bool = False) -> Pixels:
    """Values -> uint8 (..., 3) through the colour map that belongs to the scale, signed or not."""
    place = apply(array, scale)
    first = scale if isinstance(scale, Scale) else next(iter(scale), Scale(0.0, 0.0))
    return colours_of(first, dark=dark)(place)
