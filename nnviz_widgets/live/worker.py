"""One thread that gives every view its turn."""

from __future__ import annotations

import atexit
import threading
import time
import weakref
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.live.progress import Clock, State
from nnviz_widgets.live.ticket import Ticket
from nnviz_widgets.live.view import View

JOIN_WAIT = 2.0  # seconds that close waits for the step under way: long enough for most, never a hang


def _serve(inbox: SimpleQueue[Worker | None]) -> None:
    # The thread knows its worker only while there is work, so that an idle worker can be collected.
    while (worker := inbox.get()) is not None:
        while worker.step():
            pass
        worker.on_idle()
        del worker


class Worker:
    """Runs the jobs of its views in fair turns, one partial result each, on one daemon thread.

    A view with a new job comes first, then the running generators in turn, then those in the background and those of
    views that stand aside. The thread starts with the first post and ends with `close`, with the worker's last
    reference, or with the interpreter.

    Args:
        threaded: False runs nothing by itself: `step`, `run_until_idle` and `Ticket.result` turn the loop.
        clock: seconds, for the states.
        on_idle: called on the thread each time that it has nothing left to do.
    """

    def __init__(
        self,
        threaded: bool = True,
        *,
        clock: Clock = time.monotonic,
        on_idle: Callable[[], object] = lambda: None,
    ) -> None:
        self.threaded = threaded
        self.on_idle = on_idle
        self.clock = clock
        self.lock = threading.RLock()  # re-entrant: a finalizer may close a view in the midst of anything
        self.closed = False
        self._queue: list[View] = []  # the views with work, the longest waiting first
        self._last: View | None = None
        self._turning = threading.Lock()
        self._thread: threading.Thread | None = None
        # A SimpleQueue, for its put is safe in a finalizer.
        self._inbox: SimpleQueue[Worker | None] = SimpleQueue()
        weakref.finalize(self, self._inbox.put, None).atexit = False

    def view(
        self,
        *,
        on_result: Callable[[Any, bool], object] | None = None,
        on_error: Callable[[BaseException], object] | None = None,
        on_state: Callable[[State], object] | None = None,
    ) -> View:
        """A new mailbox; its callbacks run on the worker's thread.

        Args:
            on_result: told (value, last) for each partial result. A job's last call has last=True: when the end
                could not be foreseen, the last value comes once more.
            on_error: told what a job, its clean-up, or on_result raised; an error of on_result ends the job like
                its own. What on_state and on_error raise goes to `threading.excepthook`, and so do errors
                without an on_error.
            on_state: told a `State` when a job starts, after each partial result and at the end.

        Raises:
            NnvizError: when the worker is closed.
        """
        if self.closed:
            raise NnvizError("worker_closed")
        return View(self, on_result, on_error, on_state)

    def step(self) -> bool:
        """One turn of one view; False when there was nothing to do, or when it is not the caller's to turn the loop.

        That is so on any thread but its own when the worker has one, and while a turn is under way.
        """
        if self.threaded and threading.current_thread() is not self._thread:
            return False
        if not self._turning.acquire(blocking=False):
            return False
        try:
            with self.lock:
                view = self._last = self._next()
            if view is None:
                return False
            view.turn()
            with self.lock:
                if view.rank(view) is not None and view not in self._queue:
                    self._queue.append(view)
            return True
        finally:
            self._turning.release()

    def run_until_idle(self) -> None:
        while self.step():
            pass

    def close(self) -> None:
        """Cancel all jobs, call nothing back any more and end the thread; idempotent, from any thread."""
        with self.lock:
            self.closed = True
            views = [view for view in {*self._queue, self._last} if view is not None]
        for view in views:
            view.cancel()
        if not self.threaded:
            self.run_until_idle()
        self._inbox.put(None)
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(JOIN_WAIT)

    def wake(self, view: View) -> None:
        """`view` has work: queue it and see that somebody comes. Called under the lock."""
        if view not in self._queue:
            self._queue.append(view)
        if not self.threaded:
            return
        if self._thread is None:
            self._thread = threading.Thread(target=_serve, args=(self._inbox,), name="nnviz-worker", daemon=True)
            self._thread.start()
            _alive.add(self)
        if self._inbox.empty():  # else the thread has yet to look, and will see this view too
            self._inbox.put(self)

    def before_wait(self, ticket: Ticket) -> None:
        """Called before a thread waits for `ticket`: turns the loop where no thread does, refuses a deadlock."""
        if self.threaded:
            if threading.current_thread() is self._thread:
                raise NnvizError("job_wait")
            return
        while not ticket.done:
            if not self.step():
                raise NnvizError("job_wait")

    def _next(self) -> View | None:
        best: tuple[int, View] | None = None
        for view in self._queue:
            rank = view.rank(self._last)
            if rank is not None and (best is None or rank < best[0]):
                best = rank, view
        if best is None:
            self._queue.clear()
            return None
        self._queue.remove(best[1])
        return best[1]


# A thread still inside torch when the interpreter goes down can crash it: ask all to end, for a bounded time.
_alive: weakref.WeakSet[Worker] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    for worker in list(_alive):
        worker.close()
