"""The photo with the square over it, and the bars under it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.lang import say
from nnviz_widgets.lang.classes import class_names
from nnviz_widgets.methods.occluders import Fill, occluder
from nnviz_widgets.widgets.frame import Frame
from nnviz_widgets.widgets.occlusion_bars import (
    Colour,
    bars_html,
    entering_classes,
    heading,
    heading_html,
    steady_classes,
)
from nnviz_widgets.widgets.occlusion_panes import Shown
from nnviz_widgets.widgets.occlusion_square import Corner, Ground
from nnviz_widgets.widgets.scene import Bitmap, Box, Scene, Sprite


class SquarePane:
    """What the left side of the widget shows."""

    def __init__(self, frame: Frame, engine: Engine, language: str) -> None:
        self.frame, self._engine, self._language = frame, engine, language
        self.heading = ""
        self._entering: tuple[int | None, ...] = ()
        self._cover: tuple[Tensor, Fill, NDArray[np.uint8]] | None = None

    def scene(self, photo: Sprite, x: Tensor, fill: Fill, ground: Ground, corner: Corner) -> Scene:
        """The photo, and over it the square as the network sees it."""
        box: Box = ground.box(corner, self.frame.width)
        top, left = corner
        pixels = self._covering(x, fill)[top : top + ground.size, left : left + ground.size]
        if (pixels == pixels[:1, :1]).all():
            pixels = pixels[:1, :1]
        square = Sprite(Bitmap(np.ascontiguousarray(pixels)), box, photo.smooth and pixels.shape[0] > 1)
        return Scene(photo, (square,), (box,))

    def say(self, shown: Shown, now: NDArray[np.float64] | None, colour: Callable[[int], Colour | None]) -> None:
        """The most probable class before and after, and the bars; without an answer yet, before alone."""
        names = class_names(self._language, self._engine.labels)
        self.heading = heading(shown.clean, now, names, self._language)
        self.frame.title.value = heading_html(shown.clean, now, names, self._language, self.frame.width)
        steady = steady_classes(shown.clean, shown.asked)
        if now is None:
            now = shown.clean
        self._entering = entering_classes(now, steady, self._entering)
        bars = bars_html((*steady, *self._entering), shown.clean, now, names, self._language, colour)
        self.frame.say_below(say(self._language, "occlusion_hint"), before=bars)

    def _covering(self, x: Tensor, fill: Fill) -> Any:
        """The whole picture that shows through the square, uint8 (h, w, 3)."""
        if self._cover is None or self._cover[0] is not x or self._cover[1] != fill:
            contract = self._engine.contract
            self._cover = x, fill, contract.picture(occluder(contract, x, fill))
        return self._cover[2]
