"""Small pictures of a map: which find room, and a store of those that were decoded."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from nnviz_widgets.images.image_set import ImageSet
from nnviz_widgets.render.colormap import Pixels
from nnviz_widgets.widgets.neighbours_sheet import fitted

KEPT = 4096  # thumbnails


class Thumbnails:
    """Decoded thumbnails by place in the embedding, the last used kept; `load` decodes, `get` never waits."""

    def __init__(self, images: ImageSet, numbers: tuple[int, ...]) -> None:
        self._images = images
        self._numbers = numbers
        self._kept: OrderedDict[tuple[int, int], Pixels] = OrderedDict()

    def get(self, number: int, side: int) -> Pixels | None:
        """The picture whose longer side has `side` pixels, if it was loaded."""
        found = self._kept.get((number, side))
        if found is not None:
            self._kept.move_to_end((number, side))
        return found

    def now(self, number: int, side: int) -> Pixels:
        """The picture, decoded here if need be."""
        found = self.get(number, side)
        if found is None:
            found = fitted(self._images.thumbnail(self._numbers[number], side), side)
            self._kept[number, side] = found
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return found

    def load(self, wanted: Iterable[int], side: int, seconds: float) -> bool:
        """Decode those that are missing, for so long; whether there are more."""
        end = time.monotonic() + seconds
        for number in wanted:
            if (number, side) not in self._kept:
                if time.monotonic() > end:
                    return True
                self.now(number, side)
        return False


def with_room(points: NDArray[np.float32], inside: NDArray[np.bool_], scale: float, side: float) -> NDArray[np.int64]:
    """Of the points inside, one for each cell of a grid on the map: those whose pictures hardly overlap.

    The cells halve at each doubling of the zoom and stay where they are on the map, so that pictures do not flicker
    while it is moved.

    Args:
        points: (N, 2), -0.5..0.5. scale: CSS pixels for a unit. side: of a picture, in CSS pixels.
    """
    cell = 0.6 * side / 2 ** math.floor(math.log2(max(scale, 1e-6)))
    places = np.floor(points[inside] / cell).astype(np.int64)
    _, first = np.unique(places[:, 0] * 1_000_003 + places[:, 1], return_index=True)
    return np.sort(np.flatnonzero(inside)[first])
