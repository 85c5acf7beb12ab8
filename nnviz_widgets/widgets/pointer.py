"""Pointer, keys and theme of one widget: a few lines of JavaScript that see the canvases before ipycanvas does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets
import traitlets

HERE = Path(__file__).parent
SCRIPTS = ("clipboard.js", "controls.js", "moving.js", "pointer.js")


@dataclass(frozen=True)
class Event:
    """What a person did: "move", "click" or "key" over a pane, "leave"; "theme" of the page; "copied" or "uncopied";
    "seen" whether any part of the widget is on the screen.

    x and y are fractions of the pane; `key` is a name such as "ArrowLeft"; `dark` belongs to "theme". A pane of class
    "nnviz-drag" also gives "press" and "release", moves while it is `held` with their whole `path` [[x, y], ...] since
    the one before, and with Ctrl or Cmd "wheel" with `zoom`, the factor by which it looks closer; `shift` is the key.
    """

    kind: str
    pane: str = ""
    x: float = 0.0
    y: float = 0.0
    key: str = ""
    dark: bool = False
    seen: bool = True
    held: bool = False
    shift: bool = False
    zoom: float = 1.0
    path: Sequence[Sequence[float]] = ()


class Pointer(anywidget.AnyWidget):
    """Has no picture of its own; it listens on the widget that it is a child of, and carries the style sheet."""

    _esm = "\n".join((HERE / name).read_text(encoding="utf-8") for name in SCRIPTS)
    _css = HERE / "style.css"
    labels = traitlets.Dict().tag(sync=True)
    decimal = traitlets.Unicode(".", help="the mark of decimals beside sliders").tag(sync=True)
    canvases: traitlets.List[Any] = traitlets.List(help="the panes").tag(sync=True, **ipywidgets.widget_serialization)
    echo = traitlets.Any(help="the canvas that acknowledges").tag(sync=True, **ipywidgets.widget_serialization)

    def listen(self, handle: Callable[[Event], object]) -> None:
        """Call `handle` with every event; moves come only as fast as it returns."""

        def receive(_widget: Any, content: dict[str, Any], _buffers: Any) -> None:
            try:
                fields = Event.__dataclass_fields__
                handle(Event(**{name: value for name, value in content.items() if name in fields}))
            finally:
                if content.get("kind") in ("move", "wheel"):
                    self.send({"kind": "answer"})

        self.on_msg(receive)
