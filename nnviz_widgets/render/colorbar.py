"""The numbers behind the colours: a bar with ticks, for light and dark pages."""

from __future__ import annotations

import math

import numpy as np

from nnviz_widgets.render.colormap import Pixels
from nnviz_widgets.render.numbers import MINUS, format_number, with_minus
from nnviz_widgets.render.overlay import paste
from nnviz_widgets.render.scale import Colours, Scale, colours_of
from nnviz_widgets.render.text import ink, text_image, wrap

# In CSS pixels.
BAR, TICK, SPACE, FONT = 14, 4, 4, 11


def ticks(scale: Scale, *, most: int = 6, decimal: str = ".") -> list[tuple[float, str]]:
    """(position, label) of the round numbers on a scale; positions from 0 (low) to 1 (high), at most `most` + 1.

    `decimal` is the decimal mark of the labels.
    """
    span = scale.high - scale.low
    if not (math.isfinite(span) and span > 1e-300):
        return [(0.5 if scale.signed else 0.0, format_number(scale.low, decimal=decimal))]
    digit, power = _step(span / most)
    step = float(f"{digit}e{power}")
    slack = 1e-9  # 0.3 / 0.1 is a little less than 3
    counts = range(math.ceil(scale.low / step - slack), math.floor(scale.high / step + slack) + 1)
    plain = power >= -3 and max(abs(scale.low), abs(scale.high)) < 10_000
    found = []
    for count in counts:
        place = (count * step - scale.low) / span
        found.append((min(1.0, max(0.0, place)), _label(count * digit, power, plain=plain).replace(".", decimal)))
    return found


def _step(least: float) -> tuple[int, int]:
    """The smallest of 1, 2, 5 x 10^power that is at least `least`, as (digit, power)."""
    power = math.floor(math.log10(least))
    for digit in (1, 2, 5):
        if float(f"{digit}e{power}") >= least * (1 - 1e-9):
            return digit, power
    return 1, power + 1


def _label(number: int, power: int, *, plain: bool) -> str:
    """number x 10^power, exactly: no digit that the step does not need."""
    sign, digits = MINUS if number < 0 else "", str(abs(number))
    if number == 0:
        return "0"
    if plain:
        return f"{sign}{float(f'{digits}e{power}'):.{max(0, -power)}f}"
    exponent = power + len(digits) - 1
    tail = digits[1:].rstrip("0")
    return f"{sign}{digits[0]}{'.' + tail if tail else ''}e{with_minus(exponent)}"


def colorbar(
    scale: Scale,
    *,
    height: int,
    dark: bool = False,
    label: str | None = None,
    pixel_ratio: int = 2,
    colours: Colours | None = None,
    decimal: str = ".",
) -> Pixels:
    """A vertical bar with ticks and numbers, uint8 (height x pixel_ratio, width, 4) on a transparent ground.

    As high as the map beside it: the bar's ends are level with the map's edges.

    Args:
        height: CSS pixels.
        label: what the numbers are, written upwards along them.
        pixel_ratio: pixels for one CSS pixel.
        colours: instead of those that belong to the scale.
        decimal: the decimal mark.
    """
    unit, rows, colour = pixel_ratio, height * pixel_ratio, ink(dark)
    marks = ticks(scale, most=min(8, max(2, height // 28)), decimal=decimal)
    numbers = [text_image(text, size=FONT * unit, colour=colour) for _, text in marks]
    title = _title(label, rows, FONT * unit, ink(dark, faint=True)) if label else None
    column = (BAR + TICK + SPACE) * unit
    room = max(number.shape[1] for number in numbers)
    width = column + room + unit + (SPACE * unit + title.shape[1] if title is not None else 0)
    canvas = np.zeros((rows, width, 4), dtype=np.uint8)
    canvas[..., :3] = colour
    _bar(canvas, scale, unit, colours or colours_of(scale, dark=dark), dark=dark)
    signs = any(text.startswith(MINUS) for _, text in marks)
    for (place, _), number in zip(marks, numbers, strict=True):
        middle = round((1 - place) * (rows - unit))
        canvas[middle : middle + unit, BAR * unit : (BAR + TICK) * unit] = (*colour, 255)
        top = min(max(0, middle + unit // 2 - number.shape[0] // 2), rows - number.shape[0])
        # Signed numbers are aligned at the right: minus signs hang out and the digits stand in line.
        paste(canvas, number, column + (room - number.shape[1] if signs else 0), top)
    if title is not None:
        paste(canvas, title, width - title.shape[1], (rows - title.shape[0]) // 2)
    return canvas


def _bar(canvas: Pixels, scale: Scale, unit: int, colours: Colours, *, dark: bool) -> None:
    rows = canvas.shape[0]
    bar = canvas[:, : BAR * unit]
    bar[..., :3] = colours(np.linspace(1, -1 if scale.signed else 0, rows))[:, None]
    bar[..., 3] = 255
    # A hairline keeps the white of a light page's zero and the black of a dark one's from running out.
    line = (*ink(dark, faint=True), 255)
    hair = max(1, unit // 2)
    bar[:hair] = bar[-hair:] = line
    bar[:, :hair] = bar[:, -hair:] = line


def _title(label: str, rows: int, size: int, colour: tuple[int, int, int]) -> Pixels:
    """The label from below upwards, in as many lines as it takes."""
    lines = [text_image(line, size=size, colour=colour) for line in wrap(label, size=size, width=rows)]
    block = np.zeros((sum(line.shape[0] for line in lines), max(line.shape[1] for line in lines), 4), dtype=np.uint8)
    top = 0
    for line in lines:
        paste(block, line, (block.shape[1] - line.shape[1]) // 2, top)
        top += line.shape[0]
    return np.rot90(block)
