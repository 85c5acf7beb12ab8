"""Several lines over the epochs of a training, for light and dark pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from nnviz_widgets.render.colorbar import ticks
from nnviz_widgets.render.colormap import Pixels
from nnviz_widgets.render.curve import FINE, FONT, SPACE, THICK, TOP
from nnviz_widgets.render.overlay import paste
from nnviz_widgets.render.scale import Scale
from nnviz_widgets.render.text import Colour, draw_text, ink, text_size
from nnviz_widgets.widgets.scene import RATIO
from nnviz_widgets.widgets.training_course import Places

DOT = 2.5  # CSS pixels, its radius
POINTS = 400  # of a line: more would not be seen
HELD_OUT: dict[bool, Colour] = {False: (190, 80, 0), True: (255, 165, 90)}


@dataclass(frozen=True, eq=False)
class Line:
    """Values over epochs, in a colour for light pages and one for dark ones.

    Attributes:
        faint: thin, behind another line. dots: a dot at each value.
    """

    places: Places
    colours: dict[bool, Colour]
    faint: bool = False
    dots: bool = False


def curves(
    lines: Sequence[Line],
    *,
    last: float,
    high: float,
    below: str,
    width: int,
    height: int,
    dark: bool,
    decimal: str = ".",
) -> Pixels:
    """Lines from 0 to `high` over 0 to `last` epochs -> uint8 (height x 2, width x 2, 4), the ground transparent.

    Args:
        below: what the numbers under the lines are.
        width, height: CSS pixels.
        decimal: the decimal mark.
    """
    canvas = np.zeros((height * RATIO, width * RATIO, 4), np.uint8)
    canvas[..., :3] = ink(dark)
    frame = _Frame.of(Scale(0, max(last, 1e-9)), Scale(0, max(high, 1e-9)), canvas, decimal)
    frame.draw(canvas, below, dark=dark)
    for line in lines:
        paste(canvas, _paint(line, frame, canvas.shape[:2], line.colours[dark]), 0, 0)
    return canvas


@dataclass(frozen=True)
class _Frame:
    """Where epochs and values lie, in pixels."""

    epochs: Scale
    values: Scale
    left: int
    right: int
    top: int
    bottom: int
    decimal: str

    @staticmethod
    def of(epochs: Scale, values: Scale, canvas: Pixels, decimal: str) -> _Frame:
        size = FONT * RATIO
        left = max(text_size(text, size=size)[0] for _, text in ticks(values, most=4, decimal=decimal)) + SPACE * RATIO
        end = max(text_size(text, size=size)[0] for _, text in ticks(epochs, decimal=decimal)) // 2
        bottom = canvas.shape[0] - text_size("0", size=size)[1] - SPACE * RATIO
        return _Frame(epochs, values, left, canvas.shape[1] - end - RATIO, TOP * RATIO, bottom, decimal)

    def draw(self, canvas: Pixels, below: str, *, dark: bool) -> None:
        faint, size, hair = ink(dark, faint=True), FONT * RATIO, max(1, RATIO // 2)
        for place, text in ticks(self.values, most=4, decimal=self.decimal):
            y = round(self.bottom - place * (self.bottom - self.top))
            canvas[y : y + hair, self.left : self.right] = (128, 128, 128, 70)
            wide, tall = text_size(text, size=size)
            draw_text(canvas, text, self.left - SPACE * RATIO - wide, y - tall // 2, size=size, colour=faint)
        under = self.bottom + SPACE * RATIO
        edge = self.right - text_size(below, size=size)[0]
        draw_text(canvas, below, edge, under, size=size, colour=faint)
        for place, text in ticks(self.epochs, decimal=self.decimal):
            x = round(self.left + place * (self.right - self.left))
            wide = text_size(text, size=size)[0]
            canvas[self.bottom : self.bottom + 3 * RATIO, x : x + hair] = (*faint, 255)
            if x + wide // 2 + SPACE * RATIO < edge:
                draw_text(canvas, text, x - wide // 2, under, size=size, colour=faint)


def _paint(line: Line, frame: _Frame, size: tuple[int, int], colour: Colour) -> Pixels:
    picture = Image.new("L", (size[1] * FINE, size[0] * FINE))
    pen, unit, shade = ImageDraw.Draw(picture), RATIO * FINE, 90 if line.faint else 255
    epochs, values = (column[:: -(-len(column) // POINTS) or 1] for column in line.places)
    xs = frame.left + epochs / frame.epochs.high * (frame.right - frame.left)
    ys = frame.bottom - np.minimum(values / frame.values.high, 1.05) * (frame.bottom - frame.top)
    points = [(float(x) * FINE, float(y) * FINE) for x, y in zip(xs, ys, strict=True)]
    if len(points) > 1:
        pen.line(points, fill=shade, width=round((0.75 if line.faint else THICK) * unit), joint="curve")
    if line.dots or len(points) == 1:
        for x, y in points:
            pen.ellipse((x - DOT * unit, y - DOT * unit, x + DOT * unit, y + DOT * unit), fill=shade)
    alpha = np.asarray(picture.resize((size[1], size[0]), Image.Resampling.BOX))
    pixels = np.empty((*size, 4), np.uint8)
    pixels[..., :3], pixels[..., 3] = colour, alpha
    return pixels
