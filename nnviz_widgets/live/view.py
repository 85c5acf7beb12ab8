"""A view's mailbox: the newest job wins."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from nnviz_widgets.live.callbacks import Callbacks
from nnviz_widgets.live.job import Job
from nnviz_widgets.live.progress import State
from nnviz_widgets.live.ticket import Cancelled, Superseded, Ticket

if TYPE_CHECKING:
    from nnviz_widgets.live.worker import Worker


class View:
    """One widget's access to a `Worker`; made by `Worker.view`, which says what the callbacks are told.

    Attributes:
        aside: whether a job that has begun waits while others have work, as for a widget that nobody sees now; not
            one that a thread waits for.
    """

    def __init__(
        self,
        worker: Worker,
        on_result: Callable[[Any, bool], object] | None,
        on_error: Callable[[BaseException], object] | None,
        on_state: Callable[[State], object] | None,
    ) -> None:
        self._worker = worker
        self._tell = Callbacks(on_result, on_error, on_state, lambda: self.closed)
        self._running: Job | None = None
        self._waiting: Job | None = None
        self._cancelled = False  # a cancel that on_state has not been told of
        self._closed = False
        self.aside = False

    @property
    def closed(self) -> bool:
        return self._closed or self._worker.closed

    def post(self, job: Callable[[], Any]) -> Ticket:
        """Ask for `job` in place of all that this view asked before; returns at once, from any thread.

        The job returns a value, or an iterator of better and better values, each bare or in a `Partial`; a
        `Background()` among them ends what counts. On a closed view the ticket is cancelled from the start.
        """
        ticket = Ticket(self._worker.before_wait)
        with self._worker.lock:
            if self.closed:
                ticket.reject(Cancelled())
                return ticket
            for older in (self._running, self._waiting):
                if older is not None:
                    older.drop(Superseded())
            self._waiting = Job(job, ticket, self._tell, self._worker.clock)
            self._cancelled = False
            self._worker.wake(self)
        return ticket

    def cancel(self) -> None:
        """Drop the waiting and the running job; the running one is closed at its next partial result."""
        with self._worker.lock:
            jobs = [job for job in (self._running, self._waiting) if job is not None]
            self._cancelled |= any(not job.ticket.done for job in jobs)
            for job in jobs:
                job.drop(Cancelled())
            # A job that never began takes the running one's place, whose turn then tells on_state.
            self._running, self._waiting = self._running or self._waiting, None
            if jobs:
                self._worker.wake(self)

    def close(self) -> None:
        """Cancel, and call nothing back ever after; a callback under way on another thread is waited for.

        Idempotent, and safe inside a callback. Do not hold a lock that a callback of yours wants.
        """
        self._closed = True
        self.cancel()
        self._tell.wait()

    def rank(self, last: View | None) -> int | None:
        """How soon this view's turn comes, lowest first; None when it has no work. Called under the lock."""
        if self._waiting is not None:
            # One slider dragged without rest must not starve the others: no two first turns in a row.
            return 1 if self is last else 0
        if self._running is None:
            return None
        if self._running.dropped:
            return 0
        aside = self.aside and not self._running.ticket.awaited
        return 2 if self._running.background or aside else 1

    def turn(self) -> None:
        """Close what was dropped, start or advance one job by one partial result. Worker's thread only."""
        with self._worker.lock:
            stale = None
            if self._running is None or self._running.dropped:
                stale, self._running, self._waiting = self._running, self._waiting, None
            job = self._running
        if stale is not None:
            self._end(stale)
        if job is not None and (job.dropped or job.advance() or job.dropped):
            with self._worker.lock:
                self._running = None
            self._end(job)

    def _end(self, job: Job) -> None:
        job.end()
        with self._worker.lock:
            cancelled, self._cancelled = self._cancelled, False
        if cancelled:
            self._tell.state(job.watch.stopped(cancelled=True))
