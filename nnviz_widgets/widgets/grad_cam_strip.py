"""The maps of the most probable classes as a strip of small pictures, each with its class and probability."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image
from PIL.Image import Resampling

from nnviz_widgets.render.colormap import Pixels
from nnviz_widgets.render.overlay import paste
from nnviz_widgets.render.text import ink, text_image, text_size
from nnviz_widgets.widgets.scene import RATIO, Bitmap, Box, Scene, Sprite

TILE, GAP, FONT, LINE, ABOVE = 104, 6, 11, 15, 4  # CSS pixels: of a tile's longer side, between, of the text below
LINES = 2


@dataclass(frozen=True)
class StripLayout:
    """Where `count` small pictures of a photo (height, width) lie beside each other; lengths in CSS pixels."""

    count: int
    tile: tuple[int, int]

    @staticmethod
    def of(count: int, size: tuple[int, int]) -> StripLayout:
        height, width = size
        longest = max(height, width)
        return StripLayout(count, (round(TILE * height / longest), round(TILE * width / longest)))

    @property
    def pitch(self) -> int:
        return max(self.tile[1], TILE) + GAP

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the pane."""
        return self.pitch * self.count - GAP, self.tile[0] + ABOVE + LINES * LINE

    def box(self, index: int) -> Box:
        height, width = self.tile
        return self.pitch * index, 0, width, height

    def at(self, x: float, count: int) -> int | None:
        """Which of the first `count` pictures is at a fraction of the pane's width."""
        index, within = divmod(x * self.size[0], self.pitch)
        return int(index) if 0 <= index < count and within <= self.tile[1] else None

    def step(self, index: int | None, key: str, count: int) -> int | None:
        """Where a key leads from a picture: arrows, Home, End; None for a key that means nothing here."""
        places = {"Home": 0, "End": count - 1}
        if index is None:
            places |= {"ArrowRight": 0, "ArrowLeft": count - 1}
        else:
            places |= {"ArrowRight": min(index + 1, count - 1), "ArrowLeft": max(index - 1, 0)}
        return places.get(key)


def strip_scene(
    layout: StripLayout, photo: Pixels, heats: Sequence[Pixels], words: Bitmap, *, overlay: float, smooth: bool
) -> Scene:
    """All pictures with their heat (h, w, 4) and the words below."""
    width, height = layout.size
    tiles = _tiles(layout, photo, heats, overlay, smooth)
    sprites = [Sprite(tile, layout.box(index), smooth) for index, tile in enumerate(tiles)]
    top = layout.tile[0] + ABOVE
    return Scene(None, (*sprites, Sprite(words, (0, top, width, height - top), smooth=True)))


def _tiles(
    layout: StripLayout, photo: Pixels, heats: Sequence[Pixels], overlay: float, smooth: bool
) -> Iterator[Bitmap]:
    """The heats over the photo, mixed here: a page would decode and lay over each other twice as many pictures."""
    size = layout.tile[1] * RATIO, layout.tile[0] * RATIO
    below = Image.fromarray(photo).resize(size, Resampling.BOX if smooth else Resampling.NEAREST).convert("RGBA")
    for heat in heats:
        above = Image.fromarray(heat).resize(size, Resampling.BILINEAR)
        above.putalpha(above.getchannel("A").point([round(overlay * value) for value in range(256)]))
        mixed = Image.alpha_composite(below, above).convert("RGB")
        yield Bitmap(np.asarray(mixed), exact=not smooth)


def strip_words(layout: StripLayout, words: Sequence[tuple[str, str]], *, dark: bool) -> Bitmap:
    """Two lines under each picture, cut where they are too long, on a transparent ground."""
    canvas = np.zeros((LINES * LINE * RATIO, layout.size[0] * RATIO, 4), dtype=np.uint8)
    canvas[..., :3] = ink(dark)
    for index, lines in enumerate(words):
        for row, line in enumerate(lines):
            text = _cut(line, layout.pitch - GAP)
            picture = text_image(text, size=FONT * RATIO, colour=ink(dark, faint=row > 0))
            paste(canvas, picture, layout.pitch * index * RATIO, row * LINE * RATIO)
    return Bitmap(canvas)


def _cut(text: str, width: int) -> str:
    """A text that fits into a width, its end left out if it must be."""
    if text_size(text, size=FONT * RATIO)[0] <= width * RATIO:
        return text
    while text and text_size(f"{text}…", size=FONT * RATIO)[0] > width * RATIO:
        text = text[:-1].rstrip()
    return f"{text}…"
