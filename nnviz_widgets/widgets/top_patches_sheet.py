"""The contact sheet: the best patch of every channel of a layer as a tile."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageOps
from PIL.Image import Resampling

from nnviz_widgets.methods.patches import Patch
from nnviz_widgets.render.colormap import Pixels
from nnviz_widgets.render.mosaic import Grid
from nnviz_widgets.widgets.tiles import Tiles, tile_grid
from nnviz_widgets.widgets.top_patches_looks import Look
from nnviz_widgets.widgets.top_patches_panes import SHARP

WIDTH, HEIGHT = 860, 430  # CSS pixels; the sheet of a layer with many channels is higher
SIDE = 48  # pixels of a tile, times a whole number
EMPTY = 150


def sheet_grid(channels: int) -> Grid:
    """Where the tiles lie."""
    return tile_grid(channels, SIDE, SIDE, width=WIDTH, height=HEIGHT)


class PatchSheet:
    """Paints the first patches of all channels; of a page that fills, only what is new."""

    def __init__(self, channels: int) -> None:
        self.grid = sheet_grid(channels)
        self._pixels = np.full((channels, self.grid.tile_height, self.grid.tile_width, 3), EMPTY, np.uint8)
        self._painted: list[Patch | None] = [None] * channels
        self._tiles: Tiles | None = None

    def tiles(self, looks: Sequence[Look], dead: Sequence[bool]) -> Tiles:
        """All tiles; those of dead channels stay grey."""
        for i, (found, nothing) in enumerate(zip(looks, dead, strict=True)):
            patch = None if nothing else found.patch
            if patch is not self._painted[i]:
                self._painted[i], self._tiles = patch, None
                self._pixels[i] = EMPTY if patch is None else self._fitted(patch.crop)
        if self._tiles is None:
            self._tiles = Tiles.painted(self.grid, self._pixels)
        return self._tiles

    def _fitted(self, crop: Pixels) -> Pixels:
        """A crop as a tile; what is longer than wide loses its ends."""
        way = Resampling.BILINEAR if max(crop.shape[:2]) >= SHARP else Resampling.NEAREST
        size = self.grid.tile_width, self.grid.tile_height
        return np.asarray(ImageOps.fit(Image.fromarray(np.ascontiguousarray(crop)), size, way))
