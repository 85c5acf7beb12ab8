"""Which colour is which class, as pixels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nnviz_widgets.render.colormap import Pixels
from nnviz_widgets.render.text import draw_text, ink, text_size

# In CSS pixels.
SPOT, SPACE, FONT, LINE = 11, 6, 12, 20


def legend(
    marks: Sequence[tuple[tuple[int, int, int] | None, str, str]],
    *,
    height: int,
    dark: bool = False,
    pixel_ratio: int = 2,
) -> Pixels:
    """(colour, name, number) a line -> uint8 (height, width, 4) on a transparent ground.

    Args:
        marks: without a colour, a line of words alone.
        height: in pixels of the result; lines that find no room are left out.
    """
    unit = pixel_ratio
    names = [text_size(name, size=FONT * unit)[0] for _, name, _ in marks]
    numbers = [text_size(number, size=FONT * unit)[0] for *_, number in marks]
    text = (SPOT + SPACE) * unit
    column = text + max(names, default=0) + 2 * SPACE * unit
    page = np.zeros((height, column + max(numbers, default=0), 4), dtype=np.uint8)
    for row, ((colour, name, number), width) in enumerate(zip(marks, numbers, strict=True)):
        top = row * LINE * unit
        if top + LINE * unit > height:
            break
        if colour is not None:
            page[top + 3 * unit : top + (3 + SPOT) * unit, : SPOT * unit] = (*colour, 255)
        draw_text(page, name, text, top, size=FONT * unit, colour=ink(dark))
        draw_text(page, number, page.shape[1] - width, top, size=FONT * unit, colour=ink(dark, faint=True))
    return page
