"""Several titled pictures and a caption as one picture: what is saved, and what a page without a kernel shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.render.colorbar import colorbar
from nnviz_widgets.render.colormap import NEAR_BLACK, WHITE, Pixels
from nnviz_widgets.render.overlay import paste
from nnviz_widgets.render.resize import enlarge_sharp, resize_smooth
from nnviz_widgets.render.scale import Colours, Scale
from nnviz_widgets.render.text import draw_text, ink, text_size, wrap

# In CSS pixels.
MARGIN, BETWEEN, TITLE, CAPTION, BAR_SPACE, NARROWEST = 16, 24, 13, 12, 8, 120


@dataclass(frozen=True)
class Panel:
    """One picture of a figure.

    Attributes:
        image: uint8 (h, w, 3 or 4).
        title: a line above it.
        scale: of its colours, for a colour bar; None for none.
        label: what the bar's numbers are.
        smooth: enlarge it smoothly (photos) instead of in sharp cells (maps).
        colours: of the bar, where they are not those that belong to the scale.
    """

    image: Pixels
    title: str = ""
    scale: Scale | None = None
    label: str | None = None
    smooth: bool = False
    colours: Colours | None = None


def compose(
    panels: Sequence[Panel],
    *,
    caption: str = "",
    dark: bool = False,
    background: tuple[int, int, int] | tuple[int, int, int, int] | None = None,
    height: int = 224,
    pixel_ratio: int = 2,
    decimal: str = ".",
) -> Pixels:
    """Panels side by side, titles above, colour bars beside, the caption below -> uint8 (h, w, 3).

    Args:
        dark: dark page, light text.
        background: of the page; None is white, or near-black when dark. With an alpha below 255 the result has four
            channels.
        height: of the pictures in CSS pixels. Photos are brought to it, maps enlarged as near as whole cells allow;
            larger mosaics keep every pixel.
        pixel_ratio: pixels for one CSS pixel.
        decimal: the decimal mark of the colour bars.

    Raises:
        NnvizError: when there is no panel.
    """
    if not panels:
        raise NnvizError("figure_empty")
    unit = pixel_ratio
    blocks = [_block(panel, height * unit, unit, dark=dark, decimal=decimal) for panel in panels]
    widths = [max(block.shape[1], NARROWEST * unit) for block in blocks]
    titles = [
        wrap(panel.title, size=TITLE * unit, width=width, bold=True)
        for panel, width in zip(panels, widths, strict=True)
    ]
    # A word may be wider than its picture.
    widths = [
        max([width, *(text_size(line, size=TITLE * unit, bold=True)[0] for line in lines)])
        for width, lines in zip(widths, titles, strict=True)
    ]
    inner = sum(widths) + BETWEEN * unit * (len(blocks) - 1)
    words = wrap(caption, size=CAPTION * unit, width=inner)
    inner = max([inner, *(text_size(line, size=CAPTION * unit)[0] for line in words)])

    title_line, caption_line = _line(TITLE, unit), _line(CAPTION, unit)
    top = MARGIN * unit + max(len(lines) for lines in titles) * title_line
    top += unit * 4 if any(titles) else 0
    bottom = top + max(block.shape[0] for block in blocks)
    end = bottom + (len(words) * caption_line + 8 * unit if words else 0) + MARGIN * unit
    page = _page((end, inner + 2 * MARGIN * unit), background, dark=dark)
    x = MARGIN * unit
    for block, lines, width in zip(blocks, titles, widths, strict=True):
        for row, line in enumerate(reversed(lines)):  # the last line of every title just above its picture
            y = top - 4 * unit - (row + 1) * title_line
            draw_text(page, line, x, y, size=TITLE * unit, colour=ink(dark), bold=True)
        paste(page, block, x, top)
        x += width + BETWEEN * unit
    for row, line in enumerate(words):
        y = bottom + 8 * unit + row * caption_line
        draw_text(page, line, MARGIN * unit, y, size=CAPTION * unit, colour=ink(dark, faint=True))
    return page if background is not None and len(background) == 4 and background[3] < 255 else page[..., :3].copy()


def _line(size: int, unit: int) -> int:
    return text_size("", size=size * unit)[1] + 2 * unit


def _page(shape: tuple[int, int], background: tuple[int, ...] | None, *, dark: bool) -> Pixels:
    colour = background or (NEAR_BLACK if dark else WHITE)
    page = np.empty((*shape, 4), dtype=np.uint8)
    page[:] = (*colour, 255)[:4]
    return page


def _block(panel: Panel, height: int, unit: int, *, dark: bool, decimal: str) -> Pixels:
    """The picture at its size with its colour bar."""
    picture = _fit(panel.image, height, smooth=panel.smooth)
    if panel.scale is None:
        return picture
    rows = picture.shape[0]
    height = max(1, rows // unit)
    bar = colorbar(
        panel.scale,
        height=height,
        dark=dark,
        label=panel.label,
        pixel_ratio=unit,
        colours=panel.colours,
        decimal=decimal,
    )
    block = np.zeros((max(rows, bar.shape[0]), picture.shape[1] + BAR_SPACE * unit + bar.shape[1], 4), dtype=np.uint8)
    paste(block, picture, 0, 0)
    paste(block, bar, picture.shape[1] + BAR_SPACE * unit, 0)
    return block


def _fit(image: Pixels, height: int, *, smooth: bool) -> Pixels:
    rows, columns = image.shape[:2]
    ratio = height / rows
    if smooth:
        return resize_smooth(image, height, max(1, round(columns * ratio)))
    if ratio < 8:  # with larger cells nobody sees that some are one pixel wider
        ratio = max(1, int(ratio))
    return enlarge_sharp(image, round(rows * ratio), max(1, round(columns * ratio)))


def compose_rows(
    rows: Sequence[Sequence[Panel]],
    *,
    caption: str = "",
    dark: bool = False,
    height: int = 224,
    pixel_ratio: int = 2,
    decimal: str = ".",
) -> Pixels:
    """Rows of panels, one under the other, the caption at the end -> uint8 (h, w, 3); see `compose`."""
    texts = [""] * (len(rows) - 1) + [caption]
    blocks = [
        compose(row, caption=text, dark=dark, height=height, pixel_ratio=pixel_ratio, decimal=decimal)
        for row, text in zip(rows, texts, strict=True)
    ]
    width = max(block.shape[1] for block in blocks)
    page = np.empty((sum(block.shape[0] for block in blocks), width, 3), dtype=np.uint8)
    page[:] = NEAR_BLACK if dark else WHITE
    top = 0
    for block in blocks:
        page[top : top + block.shape[0], : block.shape[1]] = block
        top += block.shape[0]
    return page
