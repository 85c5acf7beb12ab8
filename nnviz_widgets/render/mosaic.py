"""Many small maps side by side: where each one lies, and the picture of them all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.render.colormap import Pixels
from nnviz_widgets.render.resize import reduce_area


@dataclass(frozen=True)
class Grid:
    """`count` tiles in rows, `gap` pixels between them; all lengths in pixels of the painted picture.

    `zoom` is the picture's pixels for one pixel of a map: a whole number, or less than 1.
    """

    count: int
    rows: int
    columns: int
    tile_height: int
    tile_width: int
    zoom: float
    gap: int = 1

    @property
    def height(self) -> int:
        return self.rows * (self.tile_height + self.gap) - self.gap

    @property
    def width(self) -> int:
        return self.columns * (self.tile_width + self.gap) - self.gap

    def tile_at(self, x: float, y: float) -> int | None:
        """The tile under a point, or None in a gap, after the last tile or outside."""
        column, across = divmod(x, self.tile_width + self.gap)
        row, down = divmod(y, self.tile_height + self.gap)
        if across >= self.tile_width or down >= self.tile_height or not 0 <= column < self.columns or row < 0:
            return None
        index = int(row * self.columns + column)
        return index if index < self.count else None

    def box(self, index: int) -> tuple[int, int, int, int]:
        """(x, y, width, height) of a tile.

        Raises:
            IndexError: when there is no such tile.
        """
        if not 0 <= index < self.count:
            raise IndexError(f"tile {index} of {self.count}")
        row, column = divmod(index, self.columns)
        left, top = column * (self.tile_width + self.gap), row * (self.tile_height + self.gap)
        return left, top, self.tile_width, self.tile_height


def layout(
    count: int,
    map_height: int,
    map_width: int,
    *,
    width: int,
    height: int | None = None,
    min_tile: int = 24,
    max_tile: int = 128,
    gap: int = 1,
) -> Grid:
    """The grid with the largest tiles that fits `count` maps into width x height (a square when it is not given).

    A map's pixel becomes a whole number of pixels; a map is reduced only where it is larger than its room. Tiles are
    never smaller than `min_tile`: rather than that the mosaic grows downwards, never sideways. For a screen of high
    density pass all lengths in its pixels.

    Raises:
        NnvizError: when there is no map.
    """
    if min(count, map_height, map_width) < 1:
        raise NnvizError("maps_shape", shape=(count, map_height, map_width), expected="at least one map of one value")
    height = width if height is None else height
    for zoom in _zooms(map_height, map_width, width, min_tile, max_tile):
        tile_height, tile_width = max(1, round(map_height * zoom)), max(1, round(map_width * zoom))
        rows = ceil(count / min(count, (width + gap) // (tile_width + gap)))
        grid = Grid(count, rows, ceil(count / rows), tile_height, tile_width, zoom, gap)
        if grid.height <= height:
            break
    return grid


def _zooms(map_height: int, map_width: int, width: int, min_tile: int, max_tile: int) -> Iterator[float]:
    """Zooms from large to small, at least one; of the limits the width is the hardest and `max_tile` the softest."""
    short, long = sorted((map_height, map_width))
    widest, least = width / map_width, min_tile / short
    most = min(widest, max(max_tile / long, ceil(least) if least > 1 else least))
    found = False
    for zoom in range(int(most), max(1, ceil(least)) - 1, -1):
        yield zoom
        found = True
    side = min(long - 1, int(most * long))
    while short * side >= min_tile * long:
        yield side / long
        found = True
        side -= 1
    if not found:
        smallest = min(widest, least)
        yield int(smallest) if smallest >= 1 else smallest


def shrink(grid: Grid, maps: ArrayLike) -> NDArray[Any]:
    """Maps (maps, h, w) as they fit the grid's tiles: averaged where the grid reduces, else unchanged.

    To be called before values become colours: the mean of values is right, the mean of their colours is not quite.
    """
    array = np.asarray(maps)
    return reduce_area(array, grid.tile_height, grid.tile_width) if grid.zoom < 1 else array


def paint(grid: Grid, tiles: Pixels, *, background: tuple[int, int, int, int] = (0, 0, 0, 0)) -> Pixels:
    """Tiles uint8 (count, h, w, 3) -> uint8 (grid.height, grid.width, 4); the gaps have the background's colour.

    Raises:
        NnvizError: when the tiles are not as many as the grid's.
    """
    if tiles.ndim != 4 or tiles.shape[::3] != (grid.count, 3):
        raise NnvizError("maps_shape", shape=tiles.shape, expected=f"({grid.count}, height, width, 3)")
    high, wide = grid.tile_height, grid.tile_width
    if high % tiles.shape[1] or wide % tiles.shape[2]:
        planes = reduce_area(np.moveaxis(tiles, 3, 1).reshape(-1, *tiles.shape[1:3]), high, wide)
        tiles = np.moveaxis(np.rint(planes).astype(np.uint8).reshape(grid.count, 3, high, wide), 1, 3)
    # One 32-bit number a pixel: four times fewer things to move.
    packed = np.full((grid.rows * grid.columns, *tiles.shape[1:3]), _pack(background), dtype=np.uint32)
    bytes_of = packed[: grid.count].view(np.uint8).reshape(*tiles.shape[:3], 4)
    bytes_of[..., :3] = tiles
    bytes_of[..., 3] = 255
    if packed.shape[1:] != (high, wide):
        packed = packed.repeat(wide // packed.shape[2], axis=2).repeat(high // packed.shape[1], axis=1)
    canvas = np.full((grid.rows, high + grid.gap, grid.columns, wide + grid.gap), _pack(background), dtype=np.uint32)
    canvas[:, :high, :, :wide] = packed.reshape(grid.rows, grid.columns, high, wide).transpose(0, 2, 1, 3)
    sheet = canvas.reshape(grid.rows * (high + grid.gap), -1)[: grid.height, : grid.width]
    return np.ascontiguousarray(sheet).view(np.uint8).reshape(grid.height, grid.width, 4)


def _pack(colour: tuple[int, int, int, int]) -> np.uint32:
    return np.uint32(np.array(colour, dtype=np.uint8).view(np.uint32)[0])
