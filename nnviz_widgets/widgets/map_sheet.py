"""All maps of a layer as one sheet: their order, their scales, and the picture of them all."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nnviz_widgets.render.mosaic import Grid, layout, paint, shrink
from nnviz_widgets.render.scale import Scale, apply, colourise, per_map, scale_of
from nnviz_widgets.widgets.scene import RATIO, Bitmap, Box

MIN_TILE, MAX_TILE, GAP = 24, 96, 1  # CSS pixels
ORDERS = ("index", "mean", "maximum")
SCALES = ("shared", "each")


def sheet_grid(count: int, map_height: int, map_width: int, *, width: int, height: int) -> Grid:
    """Where the maps lie on a pane `width` wide, in its own pixels; it may become higher than `height`."""
    return layout(
        count,
        map_height,
        map_width,
        width=width * RATIO,
        height=height * RATIO,
        min_tile=MIN_TILE * RATIO,
        max_tile=MAX_TILE * RATIO,
        gap=GAP * RATIO,
    )


class MapSheet:
    """The maps (channels, h, w) of one layer, laid out.

    Args:
        order: "index", "mean" or "maximum" (largest first).
        scale: "shared" by all maps or "each" its own.
    """

    def __init__(
        self, maps: NDArray[np.float32], *, order: str, scale: str, dark: bool, width: int, height: int
    ) -> None:
        self.maps = maps
        self.means = maps.mean((1, 2))
        self.maxima = maps.max((1, 2))
        keys = {"mean": -self.means, "maximum": -self.maxima}
        self.order = np.argsort(keys[order], kind="stable") if order in keys else np.arange(len(maps))
        self.place = np.argsort(self.order)
        self.scales = (scale_of(maps),) * len(maps) if scale == "shared" else per_map(maps)
        self.dark = dark
        self.grid = sheet_grid(len(maps), *maps.shape[1:], width=width, height=height)
        small = shrink(self.grid, maps)[self.order]
        tiles = colourise(small, [self.scales[i] for i in self.order] if scale == "each" else self.scales[0], dark=dark)
        self.bitmap = Bitmap(paint(self.grid, tiles))

    def scale(self, channel: int) -> Scale:
        return self.scales[channel]

    def pixels(self, channel: int) -> NDArray[np.uint8]:
        """One map in colours, (h, w, 3)."""
        return colourise(self.maps[channel], self.scales[channel], dark=self.dark)

    def heat(self, channel: int) -> NDArray[np.uint8]:
        """One map in colours, transparent where it is 0, (h, w, 4): to lie over the photo."""
        strength = np.abs(np.nan_to_num(apply(self.maps[channel], self.scales[channel])))
        return np.dstack([self.pixels(channel), np.rint(255 * strength).astype(np.uint8)])

    def box(self, channel: int) -> Box:
        """Where a channel's tile lies, in CSS pixels."""
        x, y, w, h = self.grid.box(int(self.place[channel]))
        return x / RATIO, y / RATIO, w / RATIO, h / RATIO

    def channel_at(self, x: float, y: float) -> int | None:
        """The channel whose tile is at a point in CSS pixels."""
        index = self.grid.tile_at(x * RATIO, y * RATIO)
        return None if index is None else int(self.order[index])

    def step(self, channel: int, key: str) -> int:
        """The channel that an arrow key leads to."""
        moves = {"ArrowLeft": -1, "ArrowRight": 1, "ArrowUp": -self.grid.columns, "ArrowDown": self.grid.columns}
        last = len(self.order) - 1
        place = {"Home": 0, "End": last}.get(key, int(self.place[channel]) + moves.get(key, 0))
        return int(self.order[min(max(place, 0), last)]) if 0 <= place <= last else channel
