"""One worker an engine, for as long as a widget of that engine is open."""

from __future__ import annotations

import threading
import weakref

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.engine.idle_threads import release_idle_threads
from nnviz_widgets.live import Worker

_lock = threading.Lock()
_open: weakref.WeakKeyDictionary[Engine, tuple[Worker, int]] = weakref.WeakKeyDictionary()


def take_worker(engine: Engine) -> Worker:
    """The engine's worker; give it back with `give_worker`."""
    with _lock:
        # Its helpers, idle, would halve the speed of the workers of other engines.
        worker, users = _open.get(engine) or (Worker(on_idle=release_idle_threads), 0)
        _open[engine] = worker, users + 1
        return worker


def give_worker(engine: Engine) -> None:
    """A widget is closed; the worker's thread ends with the last one."""
    with _lock:
        # Where engine and widget are collected together, the entry is gone before the widget is closed.
        worker, users = _open.pop(engine, (None, 0))
        if worker is None:
            return
        if users > 1:
            _open[engine] = worker, users - 1
            return
    worker.close()
