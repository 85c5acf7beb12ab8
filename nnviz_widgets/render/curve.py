"""A value that grows, step by step: a line with its axes, for light and dark pages."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw

from nnviz_widgets.render.colorbar import ticks
from nnviz_widgets.render.colormap import Pixels
from nnviz_widgets.render.scale import Scale
from nnviz_widgets.render.text import Colour, draw_text, ink, text_size

# In CSS pixels.
FONT, SPACE, TOP, THICK, DOT = 11, 5, 8, 1.75, 4.0
FINE = 2  # the line is drawn so many times larger: Pillow has no smooth ones
LINES: dict[bool, Colour] = {False: (0, 90, 181), True: (118, 183, 255)}
Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Mark:
    """A place on the line: a ring with a line down to the steps, or, `filled`, a dot."""

    step: int
    filled: bool = False


def curve(
    values: ArrayLike,
    *,
    last: int,
    width: int,
    height: int,
    marks: Sequence[Mark] = (),
    dark: bool = False,
    pixel_ratio: int = 2,
    decimal: str = ".",
) -> Pixels:
    """Values of the steps from 0 on -> uint8 (height x pixel_ratio, width x pixel_ratio, 4), the ground transparent.

    Args:
        values: (steps,); what is not finite leaves a gap.
        last: step at the right end, or that of the last value if it is further.
        width, height: CSS pixels.
        marks: places on the line; those without a value are left out.
        decimal: the decimal mark.
    """
    known: Vector = np.asarray(values, dtype=np.float64)
    size = width * pixel_ratio, height * pixel_ratio
    axes = _axes(_range(known), max(1, last, len(known) - 1), size, pixel_ratio, decimal)
    line = Image.new("RGBA", size, LINES[dark])
    line.putalpha(_line(known, axes, marks, size))
    return np.array(Image.alpha_composite(Image.fromarray(_ground(axes, size, dark)), line))


@dataclass(frozen=True)
class _Axes:
    """Where steps and values lie, in pixels."""

    steps: Scale
    values: Scale
    left: int
    right: int
    top: int
    bottom: int
    unit: int
    decimal: str

    def x(self, step: ArrayLike) -> Vector:
        return self.left + np.asarray(step, np.float64) / self.steps.high * (self.right - self.left)

    def y(self, value: ArrayLike) -> Vector:
        share = (np.asarray(value, np.float64) - self.values.low) / (self.values.high - self.values.low)
        return self.bottom - share * (self.bottom - self.top)


def _range(values: Vector) -> Scale:
    """From about the least to about the greatest value, and 0 where it is near; it changes in jumps, not each time."""
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    if 0 < low < 0.3 * high:
        low = 0.0
    if 0 > high > 0.3 * low:
        high = 0.0
    span = max(high - low, 1e-6 * max(abs(low), abs(high)), 1e-9)
    step = 10 ** math.floor(math.log10(span)) / 2
    return Scale(math.floor(low / step) * step, math.ceil(high / step + 1e-9) * step)


def _axes(values: Scale, last: int, size: tuple[int, int], unit: int, decimal: str) -> _Axes:
    room = max(text_size(text, size=FONT * unit)[0] for _, text in ticks(values, most=4, decimal=decimal))
    below = text_size("0", size=FONT * unit)[1]
    end = text_size(str(last), size=FONT * unit)[0] // 2
    bottom = size[1] - below - SPACE * unit
    return _Axes(Scale(0, last), values, room + SPACE * unit, size[0] - end - unit, TOP * unit, bottom, unit, decimal)


@lru_cache(maxsize=8)
def _ground(axes: _Axes, size: tuple[int, int], dark: bool) -> Pixels:
    """A hairline and a number for each round value, and a number for each round step; not to be changed."""
    canvas = np.zeros((size[1], size[0], 4), np.uint8)
    canvas[..., :3] = ink(dark)
    unit, grey, faint = axes.unit, (128, 128, 128, 70), ink(dark, faint=True)
    for place, text in ticks(axes.values, most=4, decimal=axes.decimal):
        y = round(axes.bottom - place * (axes.bottom - axes.top))
        canvas[y : y + max(1, unit // 2), axes.left : axes.right] = grey
        wide, high = text_size(text, size=FONT * unit)
        draw_text(canvas, text, axes.left - SPACE * unit - wide, y - high // 2, size=FONT * unit, colour=faint)
    for place, text in ticks(axes.steps, most=6):
        if "." in text:
            continue  # there are no half steps
        x = round(axes.left + place * (axes.right - axes.left))
        canvas[axes.bottom : axes.bottom + 3 * unit, x : x + max(1, unit // 2)] = (*faint, 255)
        wide = text_size(text, size=FONT * unit)[0]
        draw_text(canvas, text, x - wide // 2, axes.bottom + SPACE * unit, size=FONT * unit, colour=faint)
    return canvas


def _line(values: Vector, axes: _Axes, marks: Sequence[Mark], size: tuple[int, int]) -> Image.Image:
    """The line and its marks as an alpha channel."""
    picture = Image.new("L", (size[0] * FINE, size[1] * FINE))
    pen, unit = ImageDraw.Draw(picture), axes.unit * FINE
    xs, ys = axes.x(np.arange(len(values))) * FINE, axes.y(values) * FINE
    known = np.isfinite(values)
    for part in np.split(np.arange(len(values)), np.flatnonzero(~known)):
        points = [(float(xs[i]), float(ys[i])) for i in part if known[i]]
        if len(points) > 1:
            pen.line(points, fill=255, width=round(THICK * unit))
    rings = []
    for mark in marks:
        if not (0 <= mark.step < len(values) and known[mark.step]):
            continue
        x, y, r = float(xs[mark.step]), float(ys[mark.step]), DOT * unit
        if mark.filled:
            pen.ellipse((x - r, y - r, x + r, y + r), fill=255)
        else:
            pen.line([(x, y), (x, axes.bottom * FINE)], fill=150, width=round(unit))
            rings.append((x - 1.5 * r, y - 1.5 * r, x + 1.5 * r, y + 1.5 * r))
    for box in rings:  # last: a ring is seen also around a dot
        pen.ellipse(box, outline=255, width=round(1.5 * unit))
    return picture.reduce(FINE)
