"""One frame of a map: marks for all pictures in sight, small pictures for those that find room."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nnviz_widgets.render.colormap import Pixels
from nnviz_widgets.widgets.embedding_map_marks import FAINT, paint_marks
from nnviz_widgets.widgets.embedding_map_thumbnails import Thumbnails, with_room
from nnviz_widgets.widgets.embedding_map_viewport import Viewport
from nnviz_widgets.widgets.scene import RATIO

LEAST = 10  # CSS pixels: in a grid of smaller cells, pictures are marks


@dataclass(frozen=True, eq=False)
class Look:
    """How pictures are drawn.

    Attributes:
        pictures: as thumbnails where they find room; else all as marks.
        side: of a thumbnail, in CSS pixels.
        codes: of each picture's colour in `palette` (256, 4). shapes: of each picture's mark.
        cell: width of a cell of a filled grid, as a share of the map; None where it is none.
    """

    pictures: bool
    side: int
    codes: NDArray[np.uint8]
    shapes: NDArray[np.uint8]
    palette: Pixels
    cell: float | None = None

    def side_at(self, view: Viewport) -> float:
        """Of a thumbnail in CSS pixels; those of a grid fill their cells."""
        return self.side if self.cell is None else self.cell * view.scale * 0.97

    def chosen(self, points: NDArray[np.float32], view: Viewport) -> NDArray[np.int64]:
        """Those that are drawn as thumbnails."""
        side = self.side_at(view)
        if not self.pictures or side < LEAST:
            return np.empty(0, np.int64)
        places = view.to_pane(points)
        within = (places > -side / 2) & (places < np.array([view.width, view.height]) + side / 2)
        inside: NDArray[np.bool_] = within[:, 0] & within[:, 1]
        return np.flatnonzero(inside) if self.cell is not None else with_room(points, inside, view.scale, side)

    def pixels(self, view: Viewport) -> int:
        """Of a thumbnail's longer side as it is decoded; a few sizes, for each is kept by itself."""
        wanted = self.side_at(view) * RATIO
        return next((size for size in (24, 32, 48, 64, 96, 128, 192) if size >= wanted), 256)


def radius_of(count: int, view: Viewport) -> float:
    """Of a mark in CSS pixels: smaller the more there are, larger the closer one looks."""
    return float(np.clip(90 / np.sqrt(max(count, 1)) * view.zoom**0.5, 1.5, 5))


def paint(points: NDArray[np.float32], view: Viewport, look: Look, thumbnails: Thumbnails, ratio: int) -> Pixels:
    """uint8 (height x ratio, width x ratio, 4) on a transparent ground.

    Args:
        points: (N, 2), -0.5..0.5.
        ratio: pixels for a CSS pixel; less than `RATIO` while the map moves.
    """
    places = view.to_pane(points)
    chosen, size = look.chosen(points, view), look.pixels(view)
    loaded = {int(number): picture for number in chosen if (picture := thumbnails.get(int(number), size)) is not None}
    marks = np.ones(len(points), bool)
    marks[[*loaded]] = False
    radius = max(1, round(radius_of(len(points), view) * ratio))
    if look.cell is not None:
        radius = max(1, int(look.cell * view.scale * ratio / 2.2))
    sheet = paint_marks(
        places[marks] * ratio, look.codes[marks], look.shapes[marks], look.palette, radius, view.height * ratio,
        view.width * ratio,
    )  # fmt: skip
    side = max(1, round(look.side_at(view) * ratio))
    order = sorted(loaded, key=lambda number: look.codes[number] != FAINT)  # what is faint lies below
    for number in order:
        _paste(sheet, loaded[number], places[number] * ratio, side, look.palette[look.codes[number]], ratio)
    return sheet


def _paste(sheet: Pixels, picture: Pixels, middle: NDArray[np.float32], side: int, colour: Pixels, ratio: int) -> None:
    """A thumbnail in the frame of its class's colour, cut at the edges of the sheet."""
    rows, columns = picture.shape[:2]
    longest = max(rows, columns)
    height, width = max(1, rows * side // longest), max(1, columns * side // longest)
    left, top = round(float(middle[0]) - width / 2), round(float(middle[1]) - height / 2)
    y0, x0 = max(0, -top), max(0, -left)
    y1, x1 = min(height, sheet.shape[0] - top), min(width, sheet.shape[1] - left)
    if y1 <= y0 or x1 <= x0:
        return
    small = picture[np.arange(y0, y1)[:, None] * rows // height, np.arange(x0, x1) * columns // width]
    line = 2 * ratio if side > 20 * ratio else ratio * (side > 12 * ratio)
    under = sheet[top + y0 : top + y1, left + x0 : left + x1]
    faint = colour[3] < 255
    under[..., :3] = small // 2 + 64 if faint else small
    under[..., 3] = 110 if faint else 255
    if line and not faint:
        frame = np.zeros((height, width), bool)
        frame[:line] = frame[-line:] = frame[:, :line] = frame[:, -line:] = True
        under[frame[y0:y1, x0:x1]] = colour
