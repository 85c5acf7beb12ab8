"""Reference pictures in a column, their nearest neighbours beside them: one sheet of tiles with words below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nnviz_widgets.render.colormap import Pixels
from nnviz_widgets.render.overlay import paste
from nnviz_widgets.render.resize import enlarge_sharp, resize_smooth
from nnviz_widgets.render.text import draw_text, ink, text_size
from nnviz_widgets.widgets.scene import RATIO, Bitmap, Box, Scene, Sprite

# In CSS pixels.
TILE, ACROSS, DOWN, GUTTER, FONT, TOP = 84, 10, 42, 26, 11, 4
SHARP = 64  # pixels: a smaller picture is shown in sharp cells
SAME = (0, 158, 115)  # Okabe and Ito's bluish green; a tick says it too
TICK = "✓"
DIFFERS = (213, 94, 0)  # their vermilion; a sign says it too
UNEQUAL = "≠"


@dataclass(frozen=True)
class Tile:
    """One picture: its pixels, its class, a second line, whether it is of its reference's class, and whether it is
    another one than the reference method finds at its place."""

    pixels: Pixels
    name: str
    note: str
    same: bool = False
    differs: bool = False


@dataclass(frozen=True)
class Sheet:
    """Where the tiles of a sheet of rows x columns lie, in CSS pixels; the first column stands apart."""

    rows: int
    columns: int

    @property
    def size(self) -> tuple[int, int]:
        """(width, height)."""
        return self.columns * (TILE + ACROSS) + GUTTER, self.rows * (TILE + DOWN) + TOP

    def box(self, row: int, column: int) -> Box:
        x = TOP + column * (TILE + ACROSS) + (GUTTER if column else 0)
        return x, TOP + row * (TILE + DOWN), TILE, TILE

    def at(self, x: float, y: float) -> tuple[int, int] | None:
        """The (row, column) under a point, its words included."""
        row = int((y - TOP) // (TILE + DOWN))
        column = int((x - TOP) // (TILE + ACROSS))
        if column:
            column = max(int((x - TOP - GUTTER) // (TILE + ACROSS)), 0 if x < TOP + TILE else 1)
        return (row, column) if 0 <= row < self.rows and 0 <= column < self.columns and y >= TOP else None

    def step(self, chosen: tuple[int, int], key: str) -> tuple[int, int]:
        """The tile that an arrow key leads to; the same one at an edge."""
        down, right = {"ArrowUp": (-1, 0), "ArrowDown": (1, 0), "ArrowLeft": (0, -1), "ArrowRight": (0, 1)}.get(
            key, (0, 0)
        )
        return (min(max(chosen[0] + down, 0), self.rows - 1), min(max(chosen[1] + right, 0), self.columns - 1))

    def paint(self, tiles: Sequence[Sequence[Tile]], *, dark: bool) -> Bitmap:
        """All tiles on a transparent ground."""
        width, height = self.size
        page = np.zeros((height * RATIO, width * RATIO, 4), np.uint8)
        for row, line in enumerate(tiles):
            for column, tile in enumerate(line):
                self._paint_one(page, self.box(row, column), tile, dark=dark)
        return Bitmap(page)

    def scene(self, bitmap: Bitmap, chosen: tuple[int, int] | None) -> Scene:
        return Scene(Sprite(bitmap, (0, 0, *self.size)), (), () if chosen is None else (self.box(*chosen),))

    def _paint_one(self, page: Pixels, box: Box, tile: Tile, *, dark: bool) -> None:
        left, top = int(box[0] * RATIO), int(box[1] * RATIO)
        picture = fitted(tile.pixels, TILE * RATIO)
        side = TILE * RATIO
        paste(page, picture, left + (side - picture.shape[1]) // 2, top + (side - picture.shape[0]) // 2)
        if tile.same or tile.differs:
            page[top + side + 4 : top + side + 10, left : left + side] = (*(DIFFERS if tile.differs else SAME), 255)
        name = f"{TICK} {tile.name}" if tile.same else tile.name
        line = FONT * RATIO
        below = top + side + 12
        draw_text(
            page, shortened(name, line, side, bold=tile.same), left, below, size=line, colour=ink(dark), bold=tile.same
        )
        note = f"{UNEQUAL} {tile.note}" if tile.differs else tile.note
        draw_text(page, note, left, below + line + 6, size=line, colour=ink(dark, faint=True))


def fitted(pixels: Pixels, side: int) -> Pixels:
    """A picture whose longer side has `side` pixels; a small one in sharp cells."""
    rows, columns = pixels.shape[:2]
    longest = max(rows, columns)
    resize = enlarge_sharp if longest < SHARP else resize_smooth
    found: Pixels = resize(pixels, max(1, round(rows * side / longest)), max(1, round(columns * side / longest)))
    return found


def shortened(text: str, size: int, width: int, *, bold: bool = False) -> str:
    """A text that is no wider, its end cut off."""
    if text_size(text, size=size, bold=bold)[0] <= width:
        return text
    while text and text_size(f"{text}…", size=size, bold=bold)[0] > width:
        text = text[:-1]
    return f"{text.rstrip()}…"
