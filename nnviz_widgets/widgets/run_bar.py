"""The buttons of a long run: start or pause, one step, stop, restart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import ipywidgets

from nnviz_widgets.lang import say

Phase = Literal["running", "paused", "stopped", "done"]
PHASES: tuple[Phase, ...] = ("running", "paused", "stopped", "done")
ICONS = {"start": "play", "resume": "play", "pause": "pause", "step": "step-forward", "stop": "stop"}
ICONS["restart"] = "refresh"


class RunBar:
    """The buttons; what cannot act now is disabled, and its tooltip says why.

    Args:
        actions: what "start", "pause", "step", "stop" and "restart" do; "start" goes on after a pause.
    """

    def __init__(self, language: str, actions: Mapping[str, Callable[[], object]]) -> None:
        self.language = language
        self._actions = actions
        self.buttons = {name: _button(language, name) for name in ("start", "step", "stop", "restart")}
        self.buttons["start"].on_click(self._first)
        for name in ("step", "stop", "restart"):
            self.buttons[name].on_click(lambda _, name=name: actions[name]())
        self.box = ipywidgets.HBox(list(self.buttons.values()))
        self.box.add_class("nnviz-row")
        self.show("stopped")

    def _first(self, _button: object) -> None:
        self._actions["pause" if self._phase == "running" else "start"]()

    def show(self, phase: Phase) -> None:
        """Offer what can be done in this phase."""
        self._phase: Phase = phase
        first = {"running": "pause", "paused": "resume"}.get(phase, "start")
        start = self.buttons["start"]
        start.description, start.icon = say(self.language, f"run_{first}"), ICONS[first]
        start.tooltip = say(self.language, f"run_{first}_tip")
        self._allow("step", phase != "running", "run_step_not")
        self._allow("stop", phase in ("running", "paused"), "run_stop_not")

    def _allow(self, name: str, allowed: bool, why_not: str) -> None:
        self.buttons[name].disabled = not allowed
        self.buttons[name].tooltip = say(self.language, f"run_{name}_tip" if allowed else why_not)


def _button(language: str, name: str) -> ipywidgets.Button:
    return ipywidgets.Button(
        description=say(language, f"run_{name}"),
        tooltip=say(language, f"run_{name}_tip"),
        icon=ICONS[name],
        layout=ipywidgets.Layout(width="auto"),
    )
