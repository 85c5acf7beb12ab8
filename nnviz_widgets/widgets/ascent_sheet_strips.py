"""A sheet of pictures as strips of a few tiles: the page lays as many beside each other as there is room for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import ipywidgets
import numpy as np

from nnviz_widgets.render.colormap import Pixels
from nnviz_widgets.render.overlay import paste
from nnviz_widgets.render.text import ink, text_image
from nnviz_widgets.widgets.ascent_sheet_run import Sheet, Tile
from nnviz_widgets.widgets.scene import RATIO, Bitmap, Box, Scene, Sprite
from nnviz_widgets.widgets.surface import Surface

TILE, GAP, ACROSS = 104, 1, 2  # CSS pixels of a tile and between two; tiles of a strip
MOST = 48  # tiles of a sheet
FONT = 15
FAINT = (128, 128, 128, 28)
STRIPS = tuple(f"strip{index}" for index in range(-(-MOST // ACROSS)))
SIZE = ACROSS * (TILE + GAP) - GAP, TILE


class Strips:
    """Draws a sheet on a surface with the panes of `STRIPS`, and tells which tile is where."""

    def __init__(self, surface: Surface) -> None:
        self._surface = surface
        self._waiting: dict[tuple[int, bool], Bitmap] = {}
        self.box = ipywidgets.HBox([surface.canvases[name] for name in STRIPS])
        self.box.add_class("nnviz-strips")
        for name in STRIPS:
            surface.canvases[name].add_class("nnviz-opens")

    def draw(self, sheet: Sheet, chosen: int, *, dark: bool) -> None:
        """Show all tiles, the chosen channel's outlined."""
        count = -(-len(sheet.channels) // ACROSS)
        for index, name in enumerate(STRIPS):
            self._surface.canvases[name].layout.display = None if index < count else "none"
        begun = {tile.channel: tile for tile in sheet.tiles}
        scenes = {}
        for name, channels in zip(STRIPS, _strips(sheet.channels), strict=False):
            sprites = [self._sprite(place, k, begun.get(k), dark) for place, k in enumerate(channels)]
            outlines = (_box(channels.index(chosen)),) if chosen in channels else ()
            scenes[name] = Scene(None, tuple(sprites), outlines)
        self._surface.show(scenes)

    def channel_at(self, sheet: Sheet, pane: str, x: float) -> int | None:
        """The channel at a fraction of a strip's width; None between two tiles, or behind the last."""
        place, within = divmod(x * SIZE[0], TILE + GAP)
        index = STRIPS.index(pane) * ACROSS + int(place)
        return sheet.channels[index] if within < TILE and 0 <= index < len(sheet.channels) else None

    def picture(self, sheet: Sheet, chosen: int, columns: int, *, dark: bool) -> Pixels:
        """The sheet as pixels (h, w, 4), `columns` tiles in a row."""
        begun = {tile.channel: tile for tile in sheet.tiles}
        rows = -(-len(sheet.channels) // columns)
        width, height = columns * (TILE + GAP) - GAP, rows * (TILE + GAP) - GAP
        sprites, outlines = [], []
        for index, channel in enumerate(sheet.channels):
            row, column = divmod(index, columns)
            x, y = column * (TILE + GAP), row * (TILE + GAP)
            sprite = self._sprite(0, channel, begun.get(channel), dark)
            sprites.append(Sprite(sprite.bitmap, (x, y, TILE, TILE), sprite.smooth))
            if channel == chosen:
                outlines.append((x, y, TILE, TILE))
        return Scene(None, tuple(sprites), tuple(outlines)).paint(width, height)

    def _sprite(self, place: int, channel: int, tile: Tile | None, dark: bool) -> Sprite:
        if tile is None or tile.image is None:
            return Sprite(self._placeholder(channel, dark), _box(place))
        return Sprite(tile.bitmap, _box(place), smooth=not tile.bitmap.exact)

    def _placeholder(self, channel: int, dark: bool) -> Bitmap:
        """A faint tile with the channel's number, where there is no picture."""
        key = channel, dark
        if key not in self._waiting:
            canvas = np.empty((TILE * RATIO, TILE * RATIO, 4), np.uint8)
            canvas[:] = FAINT
            words = text_image(str(channel), size=FONT * RATIO, colour=ink(dark, faint=True))
            paste(canvas, words, (canvas.shape[1] - words.shape[1]) // 2, (canvas.shape[0] - words.shape[0]) // 2)
            self._waiting[key] = Bitmap(canvas)
        return self._waiting[key]


def step(channels: Sequence[int], channel: int, key: str, columns: int) -> int:
    """The channel that a key leads to, with `columns` tiles in a row; the same one at an edge."""
    index = channels.index(channel) if channel in channels else 0
    moves = {"ArrowLeft": -1, "ArrowRight": 1, "ArrowUp": -columns, "ArrowDown": columns}
    target = {"Home": 0, "End": len(channels) - 1}.get(key, index + moves.get(key, 0))
    return channels[target] if 0 <= target < len(channels) else channels[index]


def _strips(channels: Sequence[int]) -> Iterator[Sequence[int]]:
    for first in range(0, len(channels), ACROSS):
        yield channels[first : first + ACROSS]


def _box(place: int) -> Box:
    return place * (TILE + GAP), 0, TILE, TILE
