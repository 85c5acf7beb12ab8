"""What a person does over activation maps: point at a neuron or a small map, choose one, go on by keys."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import traitlets

from nnviz_widgets.widgets.activation_maps_words import ActivationMapsWords, Shown
from nnviz_widgets.widgets.frame import Frame
from nnviz_widgets.widgets.map_sheet import MapSheet
from nnviz_widgets.widgets.pointer import Event
from nnviz_widgets.widgets.surface import Surface


class ActivationMapsPointing(traitlets.HasTraits):
    """Mixin of the widget."""

    channel: Any
    unit: Any
    _shown: tuple[SimpleNamespace, Any] | None
    _sheet: MapSheet | None
    _words: ActivationMapsWords
    _frames: dict[str, Frame]
    _surface: Surface
    _say: Callable[..., str]

    def _on_event(self, event: Event) -> None:
        if self._shown is None or self._sheet is None:
            return
        state, shown = self._shown
        if event.kind == "leave":
            self._frames["map"].say_below(self._words.large(state, shown, self._sheet))
            self._frames["mosaic"].say_below(self._say("mosaic_caption"))
        elif event.pane == "map":
            self._on_map(event, state, shown)
        elif event.pane == "mosaic":
            self._on_mosaic(event)

    def _on_map(self, event: Event, state: SimpleNamespace, shown: Shown) -> None:
        rows, cols = shown.values.shape[1:]
        row, col = min(int(event.y * rows), rows - 1), min(int(event.x * cols), cols - 1)
        if event.kind == "move" and row >= 0 and col >= 0:
            self._frames["map"].say_below(self._words.neuron(state, shown, row, col))
        elif event.kind == "click":
            self.unit = (row, col)
        elif event.kind == "key":
            row, col = self.unit or (rows // 2, cols // 2)
            down = {"ArrowUp": -1, "ArrowDown": 1}.get(event.key, 0)
            across = {"ArrowLeft": -1, "ArrowRight": 1}.get(event.key, 0)
            moved = min(max(row + down, 0), rows - 1), min(max(col + across, 0), cols - 1)
            self.unit = None if event.key == "Escape" else moved

    def _on_mosaic(self, event: Event) -> None:
        sheet = self._sheet
        assert sheet is not None
        width, height = self._surface.sizes["mosaic"]
        if event.kind == "key":
            self.channel = sheet.step(self.channel, event.key)
            return
        channel = sheet.channel_at(event.x * width, event.y * height)
        if channel is not None and event.kind == "click":
            self.channel = channel
        elif channel is not None and event.kind == "move":
            self._frames["mosaic"].say_below(self._words.small(sheet, channel))
