"""What a pointer and keys do on a widget of patches: choose, open a channel, open a picture."""

from __future__ import annotations

import html
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from nnviz_widgets.widgets.pointer import Event
from nnviz_widgets.widgets.top_patches_drawing import TopPatchesDrawing
from nnviz_widgets.widgets.top_patches_looks import Shown

if TYPE_CHECKING:
    from nnviz_widgets.widgets.activation_maps import ActivationMaps


class TopPatchesPointing(TopPatchesDrawing):
    """The part of `TopPatches` that answers a person."""

    opened: ActivationMaps | None
    channel: Any
    page: Any
    _images: Any
    _below: Any
    _below_title: Any
    _channel_control: Any

    def _on_event(self, event: Event) -> None:
        if self._drawn is None:
            return
        shown, state = self._drawn
        if event.kind == "key" and event.key == "Escape":
            self.close_picture()
        elif state.page == "all":
            self._on_sheet(event, state, shown)
        elif event.pane in self._patches.names:
            self._on_patch(event, shown)

    def _on_patch(self, event: Event, shown: Shown) -> None:
        last = min(len(shown.looks), len(self._patches.names)) - 1
        if event.kind == "click":
            self.open_picture(self._patches.names.index(event.pane))
        elif event.kind == "key" and event.key == "Enter":
            self.open_picture(self.chosen or 0)
        elif event.kind == "key" and event.key in ("ArrowUp", "ArrowDown"):
            step = 1 if event.key == "ArrowDown" else -1
            self.channel = min(max(self.channel + step, 0), self._channel_control.max)
        elif event.kind == "key":
            at = -1 if self.chosen is None else self.chosen
            places = {"ArrowLeft": at - 1, "ArrowRight": at + 1, "Home": 0, "End": last}
            self.chosen = min(max(places.get(event.key, at), 0), last)

    def _on_sheet(self, event: Event, state: SimpleNamespace, shown: Shown) -> None:
        if self._sheet is None or (event.pane != "sheet" and event.kind != "leave"):
            return
        tiles = self._sheet[1].tiles(shown.looks, [False] * len(shown.looks))
        width, height = self._surface.sizes["sheet"]
        if event.kind == "leave":
            self._frame.say_below(self._sheet_words(state, shown))
        elif event.kind == "key" and event.key != "Enter":
            self.channel = tiles.step(self.channel, event.key)
        else:
            at = self.channel if event.kind == "key" else tiles.at(event.x * width, event.y * height)
            if at is not None and event.kind == "move":
                self._frame.say_below(self._words.hover(shown, state.layer, at))
            elif at is not None:
                with self._together():
                    self.channel = at
                self.page = "channel"

    def open_picture(self, rank: int) -> ActivationMaps | None:
        """Show the picture of a patch below, in an `ActivationMaps` of the same layer, channel and neuron."""
        from nnviz_widgets.widgets.activation_maps import ActivationMaps

        if self._drawn is None:
            return None
        shown, state = self._drawn
        if state.page == "all" or rank >= len(shown.looks):
            return None
        found = shown.looks[rank]
        if found.winner is None:
            return None
        self.close_picture()
        self.chosen = rank
        winner = found.winner
        asked: dict[str, Any] = {"layer": state.layer, "channel": found.channel, "unit": (winner.row, winner.col)}
        picture = self._images[self._images.index(winner.id)]
        self.opened = ActivationMaps(self.engine, picture, language=self.language, theme=self.theme, **asked)
        words = html.escape(self._say("patches_opened", name=self._words.whole_name(winner), layer=state.layer))
        self._below_title.value = f'<div class="nnviz-title">{words}</div>'
        self._below.children = (self._below_title, self.opened)
        return self.opened

    def close_picture(self) -> None:
        """Close the picture that was opened below."""
        if self.opened is not None:
            self.opened.close()
            self._below.children, self.opened = (self._below_title,), None
            self._below_title.value = ""
