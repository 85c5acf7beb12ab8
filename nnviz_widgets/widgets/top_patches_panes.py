"""The patches of one channel beside each other, each with its reconstruction below and its words under both."""

from __future__ import annotations

import html
from collections.abc import Sequence
from weakref import WeakKeyDictionary

import ipywidgets
import numpy as np
from torch import Tensor

from nnviz_widgets.engine.receptive_field import Rect
from nnviz_widgets.methods.patches import Patch
from nnviz_widgets.render.colormap import Pixels
from nnviz_widgets.widgets.frame import Frame
from nnviz_widgets.widgets.scene import Bitmap, Box, Scene, Sprite
from nnviz_widgets.widgets.still import SMALL
from nnviz_widgets.widgets.surface import Surface
from nnviz_widgets.widgets.top_patches_looks import Look

TILE, GAP = 128, 4  # CSS pixels of a patch's longer side, and to the reconstruction below
SHARP = 32  # pixels: a smaller crop is shown in sharp cells
MOST = 24  # patches of a channel that are shown
CLIP = 99.5  # percentile of a reconstruction's magnitudes at which its colours end
BLANK = Bitmap(np.full((1, 1, 4), (128, 128, 128, 28), np.uint8))


def pane_names(count: int) -> list[str]:
    """Of the patches, in order."""
    return [f"patch{i}" for i in range(min(count, MOST))]


def pane_size() -> tuple[int, int]:
    return TILE, 2 * TILE + GAP


class PatchPanes:
    """Draws the patches of a channel on a surface with the panes `pane_names`."""

    def __init__(self, surface: Surface, names: Sequence[str]) -> None:
        self.names = list(names)
        self.frames = {name: Frame(surface, name) for name in names}
        self.box = ipywidgets.HBox([frame.box for frame in self.frames.values()])
        self.box.add_class("nnviz-strips")
        self.box.layout.grid_gap = "6px 8px"
        self.box.layout.margin = "4px 3px"  # room for the line around it when it has the keys
        self._surface = surface
        self._bitmaps: WeakKeyDictionary[Patch, dict[str, Bitmap]] = WeakKeyDictionary()
        for name, frame in self.frames.items():
            surface.canvases[name].add_class("nnviz-opens")
            frame.title.layout.display = "none"
            frame.box.layout.width = f"{TILE}px"

    def draw(
        self, looks: Sequence[Look], words: Sequence[tuple[str, str]], chosen: int | None, *, whole: bool, rebuilt: bool
    ) -> None:
        """Show patches with two lines of words each.

        Args:
            whole: pictures with the field outlined, not the field alone. rebuilt: leave room for reconstructions.
        """
        scenes = {}
        for i, name in enumerate(self.names):
            frame = self.frames[name]
            frame.box.layout.display = None if i < len(looks) else "none"
            frame.cut_to(TILE, 2 * TILE + GAP if rebuilt else TILE)
            if i < len(looks):
                scenes[name] = self._scene(looks[i], whole=whole, rebuilt=rebuilt, chosen=i == chosen)
                value, rest = words[i]
                frame.say_below(rest, before=f'<div class="nnviz-here">{html.escape(value)}</div>')
        self._surface.show(scenes)

    def _scene(self, found: Look, *, whole: bool, rebuilt: bool, chosen: bool) -> Scene:
        patch = found.patch
        outlines: list[Box] = [(0, 0, TILE, TILE)] if chosen else []
        if patch is None:
            return Scene(None, (Sprite(BLANK, (0, 0, TILE, TILE)),), tuple(outlines))
        kept = self._bitmaps.setdefault(patch, {})
        sprites = []
        tops = [0, TILE + GAP] if rebuilt and patch.gradient is not None else [0]
        for kind, top in zip(("photo", "gradient"), tops, strict=False):
            key = f"{kind} {whole}"
            if key not in kept:
                kept[key] = _bitmap(_photo(patch, whole) if kind == "photo" else _gradient(patch, whole))
            height, width = kept[key].pixels.shape[:2]
            box = _fit(height, width, top)
            sprites.append(Sprite(kept[key], box, smooth=max(height, width) >= SHARP))
            if whole:
                outlines.append(_inside(box, patch.rect, width))
        if rebuilt and patch.gradient is None:
            sprites.append(Sprite(BLANK, (0, TILE + GAP, TILE, TILE)))
        return Scene(None, tuple(sprites), tuple(outlines))


def _photo(patch: Patch, whole: bool) -> Pixels:
    return patch.picture if whole else patch.crop


def _gradient(patch: Patch, whole: bool) -> Pixels:
    gradient = patch.gradient if whole else patch.reconstruction
    assert gradient is not None
    return gradient_pixels(gradient)


def gradient_pixels(gradient: Tensor) -> Pixels:
    """(C, h, w) -> uint8 (h, w, 3): mid-grey at 0, in the picture's own colours, clipped at `CLIP`."""
    values = gradient.float().permute(1, 2, 0).cpu().numpy()
    most = max(float(np.percentile(np.abs(values), CLIP)), float(np.finfo(np.float32).tiny))
    shades = np.rint(127.5 + 127.5 * np.clip(values / most, -1, 1)).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(shades, (*shades.shape[:2], 3)))


def _bitmap(pixels: Pixels) -> Bitmap:
    return Bitmap(pixels, exact=max(pixels.shape[:2]) < SMALL)


def _fit(height: int, width: int, top: int) -> Box:
    """Where a picture lies in a square tile: the upper one at its lower edge, the lower one at its upper edge."""
    zoom = TILE / max(height, width)
    wide, high = width * zoom, height * zoom
    return (TILE - wide) / 2, top or TILE - high, wide, high


def _inside(box: Box, rect: Rect, width: int) -> Box:
    """A part of a picture that is shown in a box."""
    zoom = box[2] / width
    return box[0] + rect.left * zoom, box[1] + rect.top * zoom, rect.width * zoom, rect.height * zoom
