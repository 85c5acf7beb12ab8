"""One callback at a time that can be moved: later, sooner or away."""

from __future__ import annotations

import atexit
import threading
import time
import weakref
from collections.abc import Callable

_alive: weakref.WeakSet[Alarm] = weakref.WeakSet()


class Alarm:
    """Calls back once at the time set last, on a thread that exists only while a time is set.

    Moving the time costs no thread, so that it may be moved with every frame. An error of the callback goes to
    `threading.excepthook`, and the next time set is kept all the same.
    """

    def __init__(self, callback: Callable[[], object]) -> None:
        self._callback = callback
        self._changed = threading.Condition()
        self._due: float | None = None
        self._thread: threading.Thread | None = None
        _alive.add(self)

    def set(self, delay: float) -> None:
        """Call back `delay` seconds from now instead of at any time set before."""
        with self._changed:
            self._due = time.monotonic() + delay
            if self._thread is None:
                self._thread = threading.Thread(target=self._wait, name="nnviz-alarm", daemon=True)
                self._thread.start()
            self._changed.notify()

    def cancel(self) -> None:
        """Do not call back; the thread ends."""
        with self._changed:
            self._due = None
            self._changed.notify()

    def _wait(self) -> None:
        while True:
            with self._changed:
                while self._due is not None and (left := self._due - time.monotonic()) > 0:
                    self._changed.wait(left)
                if self._due is None:
                    self._thread = None
                    return
                self._due = None
            try:
                self._callback()
            except BaseException as error:
                arguments = type(error), error, error.__traceback__, threading.current_thread()
                threading.excepthook(threading.ExceptHookArgs(arguments))


@atexit.register
def _cancel_all() -> None:
    """A callback that talks to a browser must not run while the interpreter takes its sockets away."""
    for alarm in list(_alive):
        alarm.cancel()
