"""Words as pixels, in DejaVu Sans: it comes with matplotlib, and its digits are all equally wide."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from nnviz_widgets.render.colormap import Pixels
from nnviz_widgets.render.overlay import paste

Colour = tuple[int, int, int]


def ink(dark: bool, *, faint: bool = False) -> Colour:
    """The colour of text on a light or dark page; also the faint one has a contrast above 4.5 : 1."""
    if dark:
        return (158, 158, 158) if faint else (224, 224, 224)
    return (97, 97, 97) if faint else (33, 33, 33)


def text_size(text: str, *, size: int, bold: bool = False) -> tuple[int, int]:
    """(width, height) in pixels of one line; the height is the same for every text of a size."""
    font = _font(size, bold)
    ascent, descent = font.getmetrics()
    return int(np.ceil(font.getlength(text))), ascent + descent


def text_image(text: str, *, size: int, colour: Colour, bold: bool = False) -> Pixels:
    """One line -> uint8 (height, width, 4) on a transparent ground, `size` pixels to the em."""
    width, height = text_size(text, size=size, bold=bold)
    picture = np.zeros((height, width, 4), dtype=np.uint8)
    picture[..., :3] = colour  # also where it is transparent: no dark fringe when it is scaled
    if width:
        mask = Image.new("L", (width, height))
        ImageDraw.Draw(mask).text((0, 0), text, font=_font(size, bold), fill=255)
        picture[..., 3] = np.asarray(mask)
    return picture


def draw_text(canvas: Pixels, text: str, x: int, y: int, *, size: int, colour: Colour, bold: bool = False) -> None:
    """Write one line on a canvas (h, w, 4) with its upper left corner at (x, y), in place."""
    paste(canvas, text_image(text, size=size, colour=colour, bold=bold), x, y)


def wrap(text: str, *, size: int, width: int, bold: bool = False) -> list[str]:
    """Text -> lines no wider than `width` pixels, broken at spaces; a longer word keeps a line of its own."""
    lines = []
    for paragraph in text.splitlines():
        line = ""
        for word in paragraph.split(" "):
            longer = f"{line} {word}" if line else word
            if line and text_size(longer, size=size, bold=bold)[0] > width:
                lines.append(line)
                longer = word
            line = longer
        lines.append(line)
    return lines


@lru_cache(maxsize=32)
def _font(size: int, bold: bool) -> ImageFont.FreeTypeFont:
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    path = Path(matplotlib.get_data_path(), "fonts", "ttf", name)
    # The basic layout is in every Pillow, so the same text has the same pixels everywhere.
    return ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)
