"""The marks of classes on a map: a colour and a shape each, so that colour alone tells nothing; and their raster."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from nnviz_widgets.render.colormap import CLASS_COLOURS, NO_VALUE, Pixels

SHAPES = ("disc", "square", "triangle", "diamond", "cross")
FAINT = 255  # code of what is not selected
UNKNOWN = 254  # code of what has no class
LEVELS = 200  # codes of the seams' colours, from 0
SAFE, FAR = (170, 170, 170), (210, 20, 20)
_PATHS = {  # in a box of 12 x 12, for the legend
    "disc": '<circle cx="6" cy="6" r="5"/>',
    "square": '<rect x="1.5" y="1.5" width="9" height="9"/>',
    "triangle": '<path d="M6 0.5 11.5 11 0.5 11Z"/>',
    "diamond": '<path d="M6 0 12 6 6 12 0 6Z"/>',
    "cross": '<path d="M4 0h4v4h4v4h-4v4h-4v-4h-4v-4h4Z"/>',
}


def shape_of(label: int | None) -> int:
    """The shape of a class, as a number of `SHAPES`; it shifts when the colours start again."""
    return 0 if label is None else (label + label // len(CLASS_COLOURS)) % len(SHAPES)


def colour_of(label: int | None, *, dark: bool = False) -> tuple[int, int, int]:
    """The colour of a class; on a dark page its deepest ones are lighter."""
    colour = NO_VALUE if label is None else CLASS_COLOURS[label % len(CLASS_COLOURS)]
    return _lighter(colour) if dark else colour


@cache
def _lighter(colour: tuple[int, int, int]) -> tuple[int, int, int]:
    """The colour with as little white as makes it at least 3 : 1 against a dark page, as WCAG asks of a mark."""
    for white in np.linspace(0, 1, 21):
        red, green, blue = (round(part + (255 - part) * float(white)) for part in colour)
        if luminance(red, green, blue) + 0.05 >= 3 * (luminance(17, 17, 17) + 0.05):
            return red, green, blue
    raise AssertionError("white is light enough")


def luminance(red: int, green: int, blue: int) -> float:
    """The relative luminance of a colour of sRGB, 0..1."""
    linear = [((part / 255 + 0.055) / 1.055) ** 2.4 if part > 10 else part / 255 / 12.92 for part in (red, green, blue)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def class_codes(labels: tuple[int | None, ...]) -> NDArray[np.uint8]:
    """The number of each picture's colour in `class_palette`."""
    count = len(CLASS_COLOURS)
    return np.array([UNKNOWN if label is None else label % count for label in labels], np.uint8)


def class_palette(*, dark: bool) -> Pixels:
    """(256, 4)."""
    palette = np.zeros((256, 4), np.uint8)
    count = len(CLASS_COLOURS)
    palette[:count] = [(*colour_of(label, dark=dark), 255) for label in range(count)]
    palette[UNKNOWN] = (*NO_VALUE, 255)
    palette[FAINT] = (128, 128, 128, 90) if dark else (128, 128, 128, 70)
    return palette


def seam_colours(values: NDArray[np.float32]) -> Pixels:
    """Shares 0..1, any shape -> uint8 (..., 3): grey where the map can be trusted, red where it cannot."""
    share = np.clip(np.asarray(values, np.float32), 0, 1)[..., None]
    found: Pixels = np.rint(np.array(SAFE) * (1 - share) + np.array(FAR) * share).astype(np.uint8)
    return found


def seam_codes(values: NDArray[np.float32], most: float) -> NDArray[np.uint8]:
    levels: NDArray[np.uint8] = np.clip(np.rint(values / most * (LEVELS - 1)), 0, LEVELS - 1).astype(np.uint8)
    return levels


def seam_palette(*, dark: bool) -> Pixels:
    palette = class_palette(dark=dark)
    palette[:LEVELS, :3] = seam_colours(np.linspace(0, 1, LEVELS, dtype=np.float32))
    palette[:LEVELS, 3] = 255
    return palette


def swatch(label: int | None, *, dark: bool) -> str:
    """A class's mark as SVG, for a legend."""
    red, green, blue = colour_of(label, dark=dark)
    shape = _PATHS[SHAPES[shape_of(label)]]
    return f'<svg viewBox="0 0 12 12" aria-hidden="true" fill="rgb({red},{green},{blue})">{shape}</svg>'


@cache
def _stamp(shape: str, radius: int) -> NDArray[np.int64]:
    """(pixels, 2) the (row, column) of a mark around its middle."""
    span = np.arange(-radius, radius + 1)
    y, x = np.meshgrid(span, span, indexing="ij")
    inside = {
        "disc": x**2 + y**2 <= radius**2 + 1,
        "square": np.maximum(abs(x), abs(y)) <= max(1, round(radius * 0.8)),
        "triangle": 2 * abs(x) <= y + radius,
        "diamond": abs(x) + abs(y) <= radius + (radius < 2),
        "cross": np.minimum(abs(x), abs(y)) <= radius // 3,
    }[shape]
    return np.stack([y[inside], x[inside]], 1)


def paint_marks(
    places: NDArray[np.float32], codes: NDArray[np.uint8], shapes: NDArray[np.uint8], palette: Pixels, radius: int,
    height: int, width: int,
) -> Pixels:  # fmt: skip
    """Marks at (x, y) in pixels -> uint8 (height, width, 4) on a transparent ground; what is faint lies below."""
    room = radius + 1
    # One code more than the palette has: the ground.
    sheet = np.full((height + 2 * room, width + 2 * room), 256, np.uint16)
    inside = ((places >= -radius) & (places < np.array([width + radius, height + radius]))).all(1)
    flat, stride = sheet.reshape(-1), sheet.shape[1]
    for below in (True, False):
        for number, name in enumerate(SHAPES):
            drawn = inside & (shapes == number) & ((codes == FAINT) == below)
            if not drawn.any():
                continue
            x, y = np.rint(places[drawn]).astype(np.int64).T + room
            start, code = y * stride + x, codes[drawn]
            for row, column in _stamp(name, radius):
                flat[np.clip(start + row * stride + column, 0, flat.size - 1)] = code
    table = np.concatenate([palette, np.zeros((1, 4), np.uint8)])
    return table[sheet[room : room + height, room : room + width]]
