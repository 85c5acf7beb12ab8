"""A value that grows, step by step: a line with its axes, for light and dark pages."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw

from nnviz_widgets.render.colorbar import ticks
from nnviz_widgets.render.colormap import Pixels
from nnviz_widgets.render.overlay import paste
from nnviz_widgets.render.scale import Scale
from nnviz_widgets.render.text import Colour, draw_text, ink, text_size

# In CSS pixels.
FONT, SPACE, TOP, THICK, DOT = 11, 5, 8, 1.75, 4.0
FINE = 2  # the line is drawn so many times larger: Pillow has no smooth ones
LINES: dict[bool, Colour] = {False: (0, 90, 181), True: (118, 183, 255)}
Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Mark:
    """A place on the line: a ring there, and a line down to the steps; `filled` is a dot without one."""

    step: int
    filled: bool = False


def curve(
    values: ArrayLike,
    *,
    last: int,
    width: int,
    height: int,
    marks: tuple[Mark, ...] = (),
    dark: bool = False,
    pixel_ratio: int = 2,
) -> Pixels:
    """Values of the steps from 0 on -> uint8 (height x pixel_ratio, width x pixel_ratio, 4), the ground transparent.

    Args:
        values: (steps,); what is not finite leaves a gap.
        last: step at the right end, or that of the last value if it is further.
        width, height: CSS pixels.
        marks: places on the line; those without a value are left out.
    """
    values = np.asarray(values, dtype=np.float64)
    unit = pixel_ratio
    canvas = np.zeros((height * unit, width * unit, 4), np.uint8)
    canvas[..., :3] = ink(dark)
    axes = _Axes.of(values, max(1, last, len(values) - 1), (width * unit, height * unit), unit)
    axes.draw(canvas, dark=dark)
    paste(canvas, _line(values, axes, marks, (width * unit, height * unit), dark=dark), 0, 0)
    return canvas


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

    @staticmethod
    def of(values: Vector, last: int, size: tuple[int, int], unit: int) -> _Axes:
        scale = _range(values)
        room = max(text_size(text, size=FONT * unit)[0] for _, text in ticks(scale, most=4))
        below = text_size("0", size=FONT * unit)[1]
        end = text_size(str(last), size=FONT * unit)[0] // 2
        bottom = size[1] - below - SPACE * unit
        left = room + SPACE * unit
        return _Axes(Scale(0, last), scale, left, size[0] - end - unit, TOP * unit, bottom, unit)

    def x(self, step: ArrayLike) -> Vector:
        return self.left + np.asarray(step, np.float64) / self.steps.high * (self.right - self.left)

    def y(self, value: ArrayLike) -> Vector:
        share = (np.asarray(value, np.float64) - self.values.low) / (self.values.high - self.values.low)
        return self.bottom - share * (self.bottom - self.top)

    def draw(self, canvas: Pixels, *, dark: bool) -> None:
        """A hairline and a number for each round value, and a number for each round step."""
        grey, faint, size = (128, 128, 128, 70), ink(dark, faint=True), FONT * self.unit
        for place, text in ticks(self.values, most=4):
            y = round(self.bottom - place * (self.bottom - self.top))
            canvas[y : y + max(1, self.unit // 2), self.left : self.right] = grey
            wide, high = text_size(text, size=size)
            draw_text(canvas, text, self.left - SPACE * self.unit - wide, y - high // 2, size=size, colour=faint)
        for place, text in ticks(self.steps, most=6):
            if "." in text:
                continue  # no half steps
            x = round(self.left + place * (self.right - self.left))
            canvas[self.bottom : self.bottom + 3 * self.unit, x : x + max(1, self.unit // 2)] = (*faint, 255)
            wide = text_size(text, size=size)[0]
            draw_text(canvas, text, x - wide // 2, self.bottom + SPACE * self.unit, size=size, colour=faint)


def _range(values: Vector) -> Scale:
    """From the least to the greatest value, and a little more where they are all equal."""
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    if high - low < 1e-6 * max(1e-6, abs(high)):
        low, high = low - 0.5 * max(abs(low), 1e-6), high + 0.5 * max(abs(high), 1e-6)
    low, high = min(low, 0.0) if low < 0.3 * high else low, max(high, 0.0)
    return Scale(low, high)


def _line(values: Vector, axes: _Axes, marks: tuple[Mark, ...], size: tuple[int, int], *, dark: bool) -> Pixels:
    picture = Image.new("L", (size[0] * FINE, size[1] * FINE))
    pen, unit = ImageDraw.Draw(picture), axes.unit * FINE
    xs, ys = axes.x(np.arange(len(values))) * FINE, axes.y(values) * FINE
    known = np.isfinite(values)
    for part in np.split(np.arange(len(values)), np.flatnonzero(~known)):
        points = [(float(xs[i]), float(ys[i])) for i in part if known[i]]
        if len(points) > 1:
            pen.line(points, fill=255, width=round(THICK * unit), joint="curve")
    holes = []
    for mark in marks:
        if not (0 <= mark.step < len(values) and known[mark.step]):
            continue
        x, y, r = float(xs[mark.step]), float(ys[mark.step]), DOT * unit
        if mark.filled:
            pen.ellipse((x - r, y - r, x + r, y + r), fill=255)
        else:
            pen.line([(x, y + r), (x, axes.bottom * FINE)], fill=150, width=round(unit))
            holes.append((x, y, r))
    for x, y, r in holes:  # last: a ring is seen also around the dot
        pen.ellipse((x - 1.5 * r, y - 1.5 * r, x + 1.5 * r, y + 1.5 * r), outline=255, width=round(1.5 * unit))
    alpha = np.asarray(picture.resize(size, Image.Resampling.BOX))
    pixels = np.empty((*alpha.shape, 4), np.uint8)
    pixels[..., :3], pixels[..., 3] = LINES[dark], alpha
    return pixels
