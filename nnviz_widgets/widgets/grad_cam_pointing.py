"""What a person does over the panes of a Grad-CAM widget: point at a cell, go on by keys, choose a class."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import traitlets

from nnviz_widgets.widgets.frame import Frame
from nnviz_widgets.widgets.grad_cam_maps import Shown, Strip
from nnviz_widgets.widgets.grad_cam_panes import MAPS, Cell, GradCamPanes
from nnviz_widgets.widgets.grad_cam_strip import StripLayout
from nnviz_widgets.widgets.number import say_number
from nnviz_widgets.widgets.pointer import Event


class GradCamPointing(traitlets.HasTraits):
    """Mixin of the widget: `_cell` is the cell that is pointed at, or None."""

    language: str
    target: Any
    _cell: Cell | None
    _shown: tuple[SimpleNamespace, Any] | None
    _drawing: GradCamPanes
    _frames: dict[str, Frame]
    _layout: StripLayout
    _say: Callable[..., str]

    def _on_event(self, event: Event) -> None:
        if self._shown is None:
            return
        shown: Shown = self._shown[1]
        if event.pane == "strip" and shown.strip is not None:
            self._on_strip(event, shown.strip)
        elif event.kind == "leave":
            self._point(None)
            self._frames["guided"].say_below(self._say("guided_caption"))
            if shown.strip is not None:
                self._frames["strip"].say_below(self._drawing.strip_caption(shown.strip))
        elif event.pane == "guided" and event.kind == "move" and shown.guided is not None:
            row, col = _cell(event, *shown.guided.shape)
            value = say_number(self.language, float(shown.guided[row, col]))
            self._frames["guided"].say_below(self._say("map_unit", row=row, col=col, value=value))
        elif event.pane in ("photo", "own", *MAPS):
            rows, cols = shown.maps[0].values.shape
            if event.kind == "move":
                self._point(_cell(event, rows, cols))
            elif event.kind == "key":
                self._point(_beside(self._cell, event.key, rows, cols))

    def _point(self, cell: Cell | None) -> None:
        """The values of all maps at one cell, which is outlined in all of them; None for no cell."""
        if self._shown is None or cell == self._cell:
            return
        state, shown = self._shown
        self._cell = cell
        self._drawing.point(shown, cell)
        for pane, each in zip(MAPS, shown.maps, strict=False):
            self._frames[pane].say_below(self._drawing.caption(state, each, cell))
        if shown.own is not None:
            self._frames["own"].say_below(self._drawing.own_caption(shown.own, cell))

    def _on_strip(self, event: Event, strip: Strip) -> None:
        """A class that is pointed at is told; a click or an arrow key asks about it."""
        count = len(strip.classes)
        if event.kind == "key":
            places = [place for place, (index, _) in enumerate(strip.classes) if index == self._asked_now()]
            place = self._layout.step(places[0] if places else None, event.key, count)
        else:
            place = self._layout.at(event.x, count)
        if event.kind == "move":
            self._frames["strip"].say_below(self._drawing.strip_caption(strip, place))
        elif place is not None:
            self.target = strip.classes[place][0]
        elif event.kind == "key" and event.key == "Escape":
            self.target = None

    def _asked_now(self) -> int | None:
        shown: Shown | None = None if self._shown is None else self._shown[1]
        return shown.maps[0].index if shown is not None and self.target is None else self.target


def _cell(event: Event, rows: int, cols: int) -> Cell:
    """(row, column) under the pointer."""
    return min(max(int(event.y * rows), 0), rows - 1), min(max(int(event.x * cols), 0), cols - 1)


def _beside(cell: Cell | None, key: str, rows: int, cols: int) -> Cell | None:
    """Where an arrow key leads from a cell; Escape leads to none."""
    if key == "Escape":
        return None
    if cell is None:
        return rows // 2, cols // 2
    row = cell[0] + {"ArrowUp": -1, "ArrowDown": 1}.get(key, 0)
    col = cell[1] + {"ArrowLeft": -1, "ArrowRight": 1}.get(key, 0)
    return min(max(row, 0), rows - 1), min(max(col, 0), cols - 1)
