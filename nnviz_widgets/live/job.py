"""One posted job, from its call to the closing of its generator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from nnviz_widgets.live.callbacks import Callbacks
from nnviz_widgets.live.progress import Background, Clock, Partial, Stopwatch
from nnviz_widgets.live.ticket import Ticket


class Job:
    """Runs one posted callable and tells its view; all but `drop` happens on the worker's thread."""

    def __init__(self, call: Callable[[], Any], ticket: Ticket, tell: Callbacks, clock: Clock) -> None:
        self.call = call
        self.ticket = ticket
        self.tell = tell
        self.watch = Stopwatch(clock)
        self.steps: Iterator[Any] | None = None
        self.value: Any = None
        self.owes_last = False  # `value` has not been told with last=True
        self.telling = False
        self.background = False
        self.dropped = False

    def drop(self, reason: Exception) -> None:
        """Nobody wants it any more: whoever waits learns it now, its generator is closed at its next turn."""
        self.dropped = True
        self.ticket.reject(reason)

    def advance(self) -> bool:
        """Start, or take the next step; True when nothing is left to do."""
        try:
            return self._advance()
        except BaseException as error:  # whatever a job raises, the worker lives on
            self._fail(error)
            return True

    def end(self) -> None:
        """Run the generator's finally blocks and let go of what the job holds."""
        close = getattr(self.steps, "close", None)  # other iterators have nothing to close
        try:
            if close is not None:
                close()
        except BaseException as error:
            self.tell.error(error)
        # An error's traceback holds this job: without a way back to the ticket there is no circle, so that the
        # tensors of a failed job are freed with its ticket.
        del self.steps, self.value, self.call, self.ticket

    def _advance(self) -> bool:
        if self.steps is None:
            self.watch.restart()
            self.tell.state(self.watch.running())
            outcome = self.call()
            if not isinstance(outcome, Iterator):
                self.value, self.owes_last = outcome, True
                self._complete()
                return True
            self.steps = outcome
        try:
            item = next(self.steps)
        except StopIteration:
            self._complete()
            return True
        if isinstance(item, Background):
            self._complete()
            self.background = True
        elif not (self.background or self.dropped):
            self.value, done = (item.value, item.done) if isinstance(item, Partial) else (item, None)
            self.owes_last = done is None or done < 1
            self._tell_result()
            self.tell.state(self.watch.running(done))
        return False

    def _complete(self) -> None:
        if self.background or self.dropped:
            return
        if self.owes_last:
            self.owes_last = False
            self._tell_result()
        self.tell.state(self.watch.ended())
        self.ticket.resolve(self.value)
        self.value = None

    def _tell_result(self) -> None:
        self.telling = True
        self.tell.result(self.value, not self.owes_last)
        self.telling = False

    def _fail(self, error: BaseException) -> None:
        if self.telling or not self.dropped:  # the error of a job that nobody wants goes the way of its value
            self.tell.error(error)
        if not (self.background or self.dropped):
            self.tell.state(self.watch.stopped(cancelled=False))
            self.ticket.reject(error)
