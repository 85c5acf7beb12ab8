"""Which part of a map a pane shows: panning, zooming, and the way from the map to the pane and back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

MARGIN = 0.92  # share of the pane that the whole map takes
NEAREST, FARTHEST = 400.0, 0.5  # how far one can zoom in and out


def normalised(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Points of a map, brought to -0.5..0.5 with their proportions; one point lies in the middle."""
    low, high = points.min(0), points.max(0)
    found: NDArray[np.float32] = (points - (low + high) / 2) / max(float((high - low).max()), 1e-9)
    return found.astype(np.float32)


def on_grid(cells: NDArray[np.int64]) -> NDArray[np.float32]:
    """The middles of (row, column) cells of a grid that just fills -0.5..0.5."""
    last = cells.max(0)[::-1]
    found: NDArray[np.float32] = ((cells[:, ::-1] - last / 2) / (1 + last.max())).astype(np.float32)
    return found


@dataclass(frozen=True)
class Viewport:
    """A pane of width x height CSS pixels that shows the map around (x, y); at zoom 1 all of it."""

    width: int
    height: int
    x: float = 0.0
    y: float = 0.0
    zoom: float = 1.0

    @property
    def scale(self) -> float:
        """CSS pixels for the width of the whole map."""
        return min(self.width, self.height) * MARGIN * self.zoom

    def lies(self, ratio: int) -> tuple[float, float, float]:
        """(pixels for the width of the whole map, x, y of its middle on the pane), at `ratio` pixels a CSS pixel."""
        x, y = self.to_pane([[0, 0]])[0].tolist()
        return ratio * self.scale, ratio * x, ratio * y

    def to_pane(self, points: Any) -> NDArray[np.float32]:
        """(N, 2) of the map -> of the pane."""
        middle = np.array([self.width / 2, self.height / 2], np.float32)
        found: NDArray[np.float32] = np.asarray(points, np.float32) - np.array([self.x, self.y], np.float32)
        return found * np.float32(self.scale) + middle

    def panned(self, right: float, down: float) -> Viewport:
        """What is shown moves by so many CSS pixels; something of the map always stays in sight."""
        return replace(self, x=_kept(self.x - right / self.scale), y=_kept(self.y - down / self.scale))

    def zoomed(self, factor: float, x: float, y: float) -> Viewport:
        """Closer by a factor; the point (x, y) of the pane stays where it is."""
        zoom = min(max(self.zoom * factor, FARTHEST), NEAREST)
        change = 1 / self.scale - 1 / replace(self, zoom=zoom).scale
        return replace(
            self,
            zoom=zoom,
            x=_kept(self.x + (x - self.width / 2) * change),
            y=_kept(self.y + (y - self.height / 2) * change),
        )

    def whole(self) -> Viewport:
        return Viewport(self.width, self.height)


def _kept(value: float) -> float:
    return min(max(value, -0.6), 0.6)
