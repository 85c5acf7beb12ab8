"""A hand on the square: it follows the pointer, goes back when that leaves, and stays where it was put."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from nnviz_widgets.widgets.occlusion_panes import MAPS
from nnviz_widgets.widgets.occlusion_square import Corner, Ground
from nnviz_widgets.widgets.pointer import Event

REST = 0.3  # seconds without a move after which the map goes on: meanwhile the square has the network to itself


@dataclass
class Hand:
    """Where the square is held, if it is, and when it was last moved over the photo."""

    hover: Corner | None = None
    moved: float = -math.inf

    @property
    def busy(self) -> bool:
        return time.monotonic() - self.moved < REST

    def take(self, event: Event, ground: Ground, here: Corner, put: Corner | None, *, maps: bool) -> Corner | None:
        """Follow an event; returns where the square is put from now on.

        Args:
            here: where it stands.
            put: where it was put; None for nowhere.
            maps: whether there are maps to point at.
        """
        if event.kind == "leave":
            self.hover = None
        elif event.kind == "key":
            self.hover, self.moved = None, time.monotonic()
            if event.key == "Escape":
                return None
            return ground.step(here, event.key) if event.key.startswith("Arrow") else put
        elif event.pane == "photo":
            self.hover, self.moved = ground.around(event.x, event.y), time.monotonic()
        elif event.pane in (*MAPS, "own") and maps:
            self.hover = ground.corner(ground.cell_at(event.x, event.y))
        return self.hover if event.kind == "click" and self.hover is not None else put
