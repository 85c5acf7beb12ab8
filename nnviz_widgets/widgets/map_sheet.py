"""All maps of a layer as one sheet: their order, their scales, and the picture of them all."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nnviz_widgets.render.mosaic import shrink
from nnviz_widgets.render.scale import apply, colourise, per_map, scale_of
from nnviz_widgets.widgets.scene import Box, Scene
from nnviz_widgets.widgets.tiles import Tiles, tile_grid

ORDERS = ("index", "mean", "maximum")
SCALES = ("shared", "each")


class MapSheet:
    """The maps (channels, h, w) of one layer, laid out.

    Args:
        order: "index", "mean" or "maximum" (largest first).
        scale: "shared" by all maps or "each" its own.
        width, height: CSS pixels of the room; it may become higher.
    """

    def __init__(
        self, maps: NDArray[np.float32], *, order: str, scale: str, dark: bool, width: int, height: int
    ) -> None:
        self.maps = maps
        self.means = maps.mean((1, 2))
        self.maxima = maps.max((1, 2))
        self.scales = (scale_of(maps),) * len(maps) if scale == "shared" else per_map(maps)
        self.look = {"order": order, "scale": scale, "dark": dark}
        keys = {"mean": -self.means, "maximum": -self.maxima}
        self._order = np.argsort(keys[order], kind="stable") if order in keys else np.arange(len(maps))
        self._place = np.argsort(self._order)
        grid = tile_grid(*maps.shape, width=width, height=height)
        scales = [self.scales[i] for i in self._order]
        small = shrink(grid, maps)[self._order]
        self.tiles = Tiles.painted(grid, colourise(small, scales[0] if scale == "shared" else scales, dark=dark))

    def pixels(self, channel: int) -> NDArray[np.uint8]:
        """One map in colours, (h, w, 3)."""
        return colourise(self.maps[channel], self.scales[channel], dark=bool(self.look["dark"]))

    def heat(self, channel: int) -> NDArray[np.uint8]:
        """One map in colours, transparent where it is 0, (h, w, 4): to lie over the photo."""
        strength = np.abs(np.nan_to_num(apply(self.maps[channel], self.scales[channel])))
        return np.dstack([self.pixels(channel), np.rint(255 * strength).astype(np.uint8)])

    def scene(self, channel: int) -> Scene:
        return self.tiles.scene(int(self._place[channel]))

    def box(self, channel: int) -> Box:
        """Where a channel's tile lies, in CSS pixels."""
        return self.tiles.box(int(self._place[channel]))

    def channel_at(self, x: float, y: float) -> int | None:
        """The channel whose tile is at a point in CSS pixels."""
        index = self.tiles.at(x, y)
        return None if index is None else int(self._order[index])

    def step(self, channel: int, key: str) -> int:
        """The channel that a key leads to."""
        return int(self._order[self.tiles.step(int(self._place[channel]), key)])
