"""Calling a view back on the worker's thread, never after its close, and never losing an error."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from nnviz_widgets.live.progress import State

CALLBACK_WAIT = 5.0  # seconds that close waits for a callback under way; bounded, for it may be waiting for us


class Callbacks:
    """The three callbacks of a view; what each is told stands in `Worker.view`."""

    def __init__(
        self,
        on_result: Callable[[Any, bool], object] | None,
        on_error: Callable[[BaseException], object] | None,
        on_state: Callable[[State], object] | None,
        closed: Callable[[], bool],
    ) -> None:
        self._on_result = on_result
        self._on_error = on_error
        self._on_state = on_state
        self._closed = closed
        self._calling = threading.RLock()  # re-entrant: a callback may close its own view

    def result(self, value: Any, last: bool) -> None:
        self._tell(self._on_result, value, last)

    def state(self, state: State) -> None:
        try:
            self._tell(self._on_state, state)
        except BaseException as error:
            _last_resort(error)

    def error(self, error: BaseException) -> None:
        if self._on_error is None:
            _last_resort(error)
            return
        try:
            self._tell(self._on_error, error)
        except BaseException as second:
            _last_resort(second)

    def wait(self) -> None:
        """Until no callback runs on another thread."""
        if self._calling.acquire(timeout=CALLBACK_WAIT):
            self._calling.release()

    def _tell(self, callback: Callable[..., object] | None, *arguments: Any) -> None:
        with self._calling:
            if callback is not None and not self._closed():
                callback(*arguments)


def _last_resort(error: BaseException) -> None:
    thread = threading.current_thread()
    threading.excepthook(threading.ExceptHookArgs((type(error), error, error.__traceback__, thread)))
