"""The layer's strongest map itself, without the square and with it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nnviz_widgets.lang import say
from nnviz_widgets.render.scale import Scale, colourise, colours_of, scale_of
from nnviz_widgets.widgets.frame import Frame
from nnviz_widgets.widgets.number import say_number
from nnviz_widgets.widgets.scene import Bitmap, Scene, Sprite

FEATURES = ("feature", "hidden")

Map = NDArray[np.float32]


class FeaturePanes:
    """Two small panes on one scale."""

    def __init__(self, frames: dict[str, Frame], language: str) -> None:
        self.frames, self._language = frames, language
        self.scale: Scale | None = None

    def scenes(self, clean: Map, hidden: Map | None, *, dark: bool) -> dict[str, Scene]:
        """Maps (h, w) of the clean picture, and with the square as soon as that is known; captions and colour bars."""
        maps = {"feature": clean} if hidden is None else {"feature": clean, "hidden": hidden}
        scale = self.scale = scale_of(np.stack(list(maps.values())))
        found = {}
        for name, values in maps.items():
            frame = self.frames[name]
            total = say_number(self._language, float(values.sum(dtype=np.float64)))
            frame.say(say(self._language, f"occlusion_{name}"), say(self._language, "occlusion_total", total=total))
            frame.show_bar(scale, say(self._language, "activation"), colours_of(scale, dark=dark))
            pixels = Bitmap(colourise(values, scale, dark=dark))
            found[name] = Scene(None, (Sprite(pixels, (0, 0, frame.width, frame.height)),))
        return found
