"""The square over the photo: where it can stand, which position of the map is nearest, and where a key leads."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from operator import index
from typing import Any

import numpy as np

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.methods.positions import Indices, starts
from nnviz_widgets.widgets.scene import Box

Corner = tuple[int, int]
"""(top, left) of a square, in pixels of the picture."""
Cell = tuple[int, int]
"""(row, column) of a position of the map."""


@dataclass(frozen=True)
class Ground:
    """A picture of height x width pixels, and the positions of a square of `size` pixels every `stride` pixels."""

    height: int
    width: int
    size: int
    stride: int

    @cached_property
    def tops(self) -> Indices:
        return starts(self.height, self.size, self.stride)

    @cached_property
    def lefts(self) -> Indices:
        return starts(self.width, self.size, self.stride)

    @property
    def shape(self) -> tuple[int, int]:
        """Positions along the two sides: (rows, columns) of the map."""
        return len(self.tops), len(self.lefts)

    def clamp(self, top: float, left: float) -> Corner:
        """The nearest place where all of the square is in the picture."""
        return _between(top, self.height - self.size), _between(left, self.width - self.size)

    def around(self, x: float, y: float) -> Corner:
        """The square with a point of the photo in its middle; x and y are fractions of the pane."""
        return self.clamp(y * self.height - self.size / 2, x * self.width - self.size / 2)

    def regrown(self, corner: Corner, before: int) -> Corner:
        """A square that was `before` pixels large, about the same middle."""
        shift = (before - self.size) / 2
        return self.clamp(corner[0] + shift, corner[1] + shift)

    def corner(self, cell: Cell) -> Corner:
        return int(self.tops[cell[0]]), int(self.lefts[cell[1]])

    def cell_at(self, x: float, y: float) -> Cell:
        """The cell under a point of a map; x and y are fractions of the pane."""
        rows, cols = self.shape
        return min(max(int(y * rows), 0), rows - 1), min(max(int(x * cols), 0), cols - 1)

    def nearest(self, corner: Corner) -> Cell:
        """The position of the map next to where the square stands."""
        return int(np.abs(self.tops - corner[0]).argmin()), int(np.abs(self.lefts - corner[1]).argmin())

    def step(self, corner: Corner, key: str) -> Corner:
        """The next position of the map in the direction of an arrow key; the same at the border."""
        top, left = corner
        if key in ("ArrowUp", "ArrowDown"):
            top = _next(self.tops, top, forward=key == "ArrowDown")
        elif key in ("ArrowLeft", "ArrowRight"):
            left = _next(self.lefts, left, forward=key == "ArrowRight")
        return top, left

    def box(self, corner: Corner, pane_width: float) -> Box:
        """The square on a pane that shows the picture."""
        zoom = pane_width / self.width
        return corner[1] * zoom, corner[0] * zoom, self.size * zoom, self.size * zoom

    def cell_box(self, cell: Cell, pane: tuple[float, float]) -> Box:
        """A cell on a pane (width, height) that shows the map."""
        rows, cols = self.shape
        width, height = pane[0] / cols, pane[1] / rows
        return cell[1] * width, cell[0] * height, width, height


def _between(value: float, last: int) -> int:
    return min(max(round(value), 0), last)


def _next(places: Indices, here: int, *, forward: bool) -> int:
    further = places[places > here] if forward else places[places < here][::-1]
    return int(further[0]) if len(further) else here


def ground_of(widget: Any, state: Any = None) -> Ground:
    """Where the square of a widget stands, by its `size` and `stride` or those of a state of it."""
    height, width = widget.engine.contract.size
    state = state or widget
    return Ground(height, width, state.size, state.stride)


def check_corner(ground: Ground, corner: Any) -> Corner | None:
    """A place for the square, or None.

    Raises:
        NnvizError: when it is neither, or not all of the square is in the picture.
    """
    if corner is None:
        return None
    last = ground.height - ground.size, ground.width - ground.size
    try:
        top, left = map(index, corner)
    except (TypeError, ValueError) as error:
        raise NnvizError("square_value", value=corner, last=last) from error
    if not (0 <= top <= last[0] and 0 <= left <= last[1]):
        raise NnvizError("square_value", value=corner, last=last)
    return top, left
