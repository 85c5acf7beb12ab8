"""The line under a widget: how long it took, how far it is, or what went wrong; and Cancel while it runs."""

from __future__ import annotations

import html
import threading
import time
import traceback
from collections.abc import Callable

import ipywidgets

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.lang import say, say_error
from nnviz_widgets.live import State
from nnviz_widgets.live.alarm import Alarm
from nnviz_widgets.widgets.number import say_decimals

PATIENCE = 0.25  # seconds before a running computation is mentioned: less would only flicker
TICK = 1.0  # seconds between two looks at a computation that says nothing


class Status:
    """Shows states and errors of a widget's jobs, and offers Cancel while one runs for longer."""

    def __init__(self, language: str, device: str, cancel: Callable[[], object]) -> None:
        self.language = language
        self.device = device
        self.text = ipywidgets.HTML(layout=ipywidgets.Layout(flex="1 1 auto"))
        self.button = ipywidgets.Button(
            description=say(language, "cancel"),
            tooltip=say(language, "cancel_tip"),
            layout=ipywidgets.Layout(width="auto", height="24px", visibility="hidden"),
        )
        self.button.on_click(lambda _: cancel())
        self.box = ipywidgets.HBox([self.text, self.button])
        self._lock = threading.RLock()
        self._silent_since: float | None = None  # when the job began that has told no progress
        self._alarm = Alarm(self._rang)

    def state(self, state: State) -> None:
        with self._lock:
            silent = state.running and not state.done
            self._silent_since = time.monotonic() - state.elapsed if silent else None
            if silent:
                self._alarm.set(max(0.0, PATIENCE - state.elapsed))
            if state.running and state.elapsed < PATIENCE:
                return
            self._set_button("visible" if state.running else "hidden")
            self._tell(state)

    def _tell(self, state: State) -> None:
        spent = say_time(self.language, state.elapsed)
        if not state.running:
            key = "cancelled" if state.cancelled else "done"
            if state.cancelled or state.left is not None:  # else it failed, and the error stays
                self._show(say(self.language, key, time=spent, device=self.device))
        elif state.done and state.left is not None:
            left = say_time(self.language, state.left)
            self._show(say(self.language, "running", percent=round(100 * state.done), left=left), done=state.done)
        else:
            self._show(say(self.language, "working", time=spent))

    def _rang(self) -> None:
        """A job takes longer than one waits without a word."""
        with self._lock:
            if self._silent_since is not None:
                self._set_button("visible")
                self._tell(State(True, None, time.monotonic() - self._silent_since, None))
                self._alarm.set(TICK)

    def close(self) -> None:
        """No word more."""
        with self._lock:
            self._silent_since = None
        self._alarm.cancel()

    def note(self, text: str, *, done: float | None = None) -> None:
        """A calm line in a widget's own words; `done` draws the progress line."""
        with self._lock:
            self._silent_since = None
            self._set_button("hidden")
            self._show(text, done=done)

    def error(self, error: BaseException) -> None:
        """One line, with the traceback folded behind it unless the line says it all."""
        line = html.escape(say_error(self.language, error))
        folded = ""
        if not isinstance(error, NnvizError) or error.__cause__ is not None:
            trace = html.escape("".join(traceback.format_exception(error)))
            folded = f"<details><summary>{say(self.language, 'details')}</summary><pre>{trace}</pre></details>"
        with self._lock:
            self._silent_since = None
            self._set_button("hidden")
            self._set(f'<div class="nnviz-status nnviz-error" role="status">{line}{folded}</div>')

    def _show(self, text: str, *, done: float | None = None) -> None:
        width = f' style="width:{100 * done:.1f}%"' if done is not None else ""
        line = f'<div class="nnviz-progress"{width}></div>' if width else '<div class="nnviz-progress-off"></div>'
        self._set(f'{line}<div class="nnviz-status nnviz-faint" role="status">{html.escape(text)}</div>')

    def _set(self, value: str) -> None:
        self.text.value = value

    def _set_button(self, visibility: str) -> None:
        self.button.layout.visibility = visibility


def say_time(language: str, seconds: float) -> str:
    """A duration with two or three digits: 12 ms, 3.4 s, 2 min 5 s."""
    if seconds < 0.9995:
        return say(language, "milliseconds", value=round(1000 * seconds))
    if seconds < 59.95:
        return say(language, "seconds", value=say_decimals(language, seconds, 1))
    minutes, rest = divmod(round(seconds), 60)
    return say(language, "minutes", minutes=minutes, seconds=rest)
