"""A sheet of tiles on a pane: where each lies, which one is under a point, and where an arrow key leads."""

from __future__ import annotations

from dataclasses import dataclass

from nnviz_widgets.render.colormap import Pixels
from nnviz_widgets.render.mosaic import Grid, layout, paint
from nnviz_widgets.widgets.scene import RATIO, Bitmap, Box, Scene, Sprite

MIN_TILE, MAX_TILE, GAP = 24, 96, 1  # CSS pixels
LINE = (128, 128, 128, 110)


def tile_grid(count: int, rows: int, columns: int, *, width: int, height: int, min_tile: int = MIN_TILE) -> Grid:
    """Where `count` tiles of rows x columns values lie on a pane, in its own pixels; it may become higher."""
    return layout(
        count,
        rows,
        columns,
        width=width * RATIO,
        height=height * RATIO,
        min_tile=min_tile * RATIO,
        max_tile=MAX_TILE * RATIO,
        gap=GAP * RATIO,
    )


@dataclass(frozen=True)
class Tiles:
    """Painted tiles; lengths and points are in CSS pixels of the pane."""

    grid: Grid
    bitmap: Bitmap

    @staticmethod
    def painted(grid: Grid, pixels: Pixels) -> Tiles:
        """Tiles from uint8 (count, h, w, 3), with lines between them that show on light and dark pages."""
        sheet = paint(grid, pixels, background=LINE)
        x, y, width, _ = grid.box(grid.count - 1)
        sheet[y:, x + width :] = 0  # the rest of the last row is page
        return Tiles(grid, Bitmap(sheet))

    @property
    def size(self) -> tuple[int, int]:
        """(width, height)."""
        return self.grid.width // RATIO + 1, self.grid.height // RATIO + 1

    def scene(self, chosen: int | None = None) -> Scene:
        """All tiles, the chosen one outlined."""
        whole = Sprite(self.bitmap, (0, 0, self.grid.width / RATIO, self.grid.height / RATIO))
        return Scene(whole, (), () if chosen is None else (self.box(chosen),))

    def box(self, index: int) -> Box:
        x, y, w, h = self.grid.box(index)
        return x / RATIO, y / RATIO, w / RATIO, h / RATIO

    def at(self, x: float, y: float) -> int | None:
        """The tile under a point."""
        return self.grid.tile_at(x * RATIO, y * RATIO)

    def cell_at(self, x: float, y: float, rows: int, columns: int) -> tuple[int, int, int] | None:
        """(tile, row, column) under a point, for tiles of rows x columns values."""
        index = self.at(x, y)
        if index is None:
            return None
        left, top, width, height = self.box(index)
        row, column = int((y - top) / height * rows), int((x - left) / width * columns)
        return index, min(row, rows - 1), min(column, columns - 1)

    def step(self, index: int, key: str) -> int:
        """The tile that a key leads to: arrows, Home, End; the same one at an edge."""
        moves = {"ArrowLeft": -1, "ArrowRight": 1, "ArrowUp": -self.grid.columns, "ArrowDown": self.grid.columns}
        target = {"Home": 0, "End": self.grid.count - 1}.get(key, index + moves.get(key, 0))
        return target if 0 <= target < self.grid.count else index
