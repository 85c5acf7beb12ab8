"""What a pane shows, as values: pictures at places, and outlines over them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from nnviz_widgets.render.colormap import Pixels
from nnviz_widgets.render.encode import encode
from nnviz_widgets.render.overlay import double_outline, paste
from nnviz_widgets.render.resize import enlarge_sharp, resize_smooth

Box = tuple[float, float, float, float]
"""(x, y, width, height) in CSS pixels of the pane."""

RATIO = 2  # pixels of a canvas for one CSS pixel, so that HiDPI screens are sharp


class Bitmap:
    """Pixels at their native resolution, encoded once however often they are drawn."""

    def __init__(self, pixels: Pixels, *, exact: bool = True) -> None:
        self.pixels = pixels
        self.exact = exact

    @cached_property
    def encoded(self) -> bytes:
        return encode(self.pixels, exact=self.exact)


@dataclass(frozen=True)
class Sprite:
    """A bitmap scaled to a box; smooth for photos and heat over them, in sharp cells for maps."""

    bitmap: Bitmap
    box: Box
    smooth: bool = False
    alpha: float = 1.0


@dataclass(frozen=True)
class Scene:
    """One frame of a pane.

    Attributes:
        base: at the bottom; sent to the browser once and kept there while its bitmap stays the same.
        sprites: over the base, in order.
        outlines: boxes of what is selected, over all.
        lies: of a map: (pixels of the canvas for its unit, x, y of its origin), by which the page moves what it has
            under a hand, until the next frame comes.
    """

    base: Sprite | None = None
    sprites: tuple[Sprite, ...] = ()
    outlines: tuple[Box, ...] = ()
    lies: tuple[float, float, float] | None = None

    def paint(self, width: int, height: int) -> Pixels:
        """The frame as pixels (height x RATIO, width x RATIO, 4), for a page without a kernel."""
        canvas = np.zeros((height * RATIO, width * RATIO, 4), dtype=np.uint8)
        for sprite in (*((self.base,) if self.base else ()), *self.sprites):
            _paste(canvas, sprite)
        for x, y, w, h in self.outlines:
            canvas = double_outline(canvas, (x * RATIO, y * RATIO, w * RATIO, h * RATIO), thickness=LINE * RATIO)
        return canvas


LINE = 2  # CSS pixels of each line of an outline


def _paste(canvas: Pixels, sprite: Sprite) -> None:
    x, y, width, height = (round(value * RATIO) for value in sprite.box)
    resize = resize_smooth if sprite.smooth else enlarge_sharp
    pixels = resize(sprite.bitmap.pixels, height, width).astype(np.uint8)
    if sprite.alpha < 1:
        alpha = np.full((*pixels.shape[:2], 1), 255, np.uint8) if pixels.shape[2] == 3 else pixels[..., 3:]
        pixels = np.concatenate([pixels[..., :3], (alpha * sprite.alpha).astype(np.uint8)], axis=2)
    paste(canvas, pixels, x, y)
