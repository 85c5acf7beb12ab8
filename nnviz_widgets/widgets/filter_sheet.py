"""Filters as tiles: all filters of a layer in colour, or one filter's weights by input in grey."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nnviz_widgets.render.colormap import Pixels, grey
from nnviz_widgets.render.mosaic import Grid
from nnviz_widgets.render.scale import Scale, apply, scale_of
from nnviz_widgets.widgets.tiles import MIN_TILE, Tiles, tile_grid

SCALES = ("each", "shared")
SINGLE = 12  # CSS pixels of a tile that is a single weight


def filter_grid(count: int, kernel: tuple[int, int], *, width: int, height: int) -> Grid:
    """Where filters of a kernel size lie on a pane."""
    min_tile = SINGLE if max(kernel) == 1 else MIN_TILE
    return tile_grid(count, *kernel, width=width, height=height, min_tile=min_tile)


def filter_tiles(weights: NDArray[np.float32], *, scale: str, width: int, height: int) -> Tiles:
    """Filters (out, 1 or 3, kh, kw) as tiles in grey or colour; a weight of 0 is mid-grey."""
    most = np.abs(weights).max(None if scale == "shared" else (1, 2, 3), keepdims=True)
    shades = 0.5 + 0.5 * weights / np.maximum(most, np.finfo(np.float32).tiny)
    pixels = np.rint(255 * shades).astype(np.uint8).transpose(0, 2, 3, 1)
    grid = filter_grid(len(weights), (weights.shape[2], weights.shape[3]), width=width, height=height)
    return Tiles.painted(grid, np.ascontiguousarray(np.broadcast_to(pixels, (*pixels.shape[:3], 3))))


def input_tiles(weights: NDArray[np.float32], scale: Scale, *, width: int, height: int) -> Tiles:
    """One filter (in, kh, kw) as a grey tile for each input."""
    grid = filter_grid(len(weights), (weights.shape[1], weights.shape[2]), width=width, height=height)
    return Tiles.painted(grid, signed_grey(apply(weights, scale)))


def weight_scale(weights: NDArray[np.float32]) -> Scale:
    """Symmetric, so that 0 is mid-grey."""
    return scale_of(weights, signed=True)


def signed_grey(place: NDArray[np.float32]) -> Pixels:
    """-1..1 -> black to white; 0 is mid-grey."""
    return grey((place + 1) / 2)
