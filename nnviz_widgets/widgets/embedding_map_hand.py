"""A hand on a map: it drags, turns the wheel, or draws a loop around pictures."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from nnviz_widgets.widgets.embedding_map_lasso import inside
from nnviz_widgets.widgets.embedding_map_stage import Stage
from nnviz_widgets.widgets.pointer import Event

FEWEST = 4  # points of a loop: fewer were a slip


@dataclass
class Hand:
    """What is under way: where a drag was last, and the loop of a lasso in CSS pixels."""

    last: tuple[float, float] | None = None
    loop: list[tuple[float, float]] = field(default_factory=list)
    lasso: bool = False

    def take(self, event: Event, stage: Stage, *, lasso: bool) -> list[int] | None:
        """Follow an event; returns the pictures that a finished loop is around."""
        view = stage.view
        x, y = event.x * view.width, event.y * view.height
        if event.kind == "wheel":
            stage.look_at(view.zoomed(event.zoom, x, y))
        elif event.kind == "press":
            self.last, self.loop, self.lasso = (x, y), [(x, y)], lasso or event.shift
        elif event.kind in ("move", "release") and event.held and self.last is not None:
            if self.lasso:
                self.loop += [(px * view.width, py * view.height) for px, py in event.path]
                stage.lay_over(replace(stage.over, number=None, near=(), loop=tuple(self.loop)))
            elif (x, y) != self.last:
                stage.look_at(view.panned(x - self.last[0], y - self.last[1]))
            self.last = x, y
            if event.kind == "release":
                return self._finish(stage)
        return None

    def _finish(self, stage: Stage) -> list[int] | None:
        loop, self.last, self.loop = self.loop, None, []
        if not self.lasso:
            return None
        stage.lay_over(replace(stage.over, loop=()))
        if len(loop) < FEWEST:
            return None
        return [int(i) for i in np.flatnonzero(inside(loop, stage.view.to_pane(stage.points)))]
