"""What a job says of its progress, and what its view is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Clock = Callable[[], float]


@dataclass(frozen=True)
class Partial:
    """A value that a job yields with the fraction of its work `done`, 0..1; 1 announces the last value."""

    value: Any
    done: float


@dataclass(frozen=True)
class Background:
    """Yielded by a job after its last value: it is complete, and what follows is of low priority (a prefetch).

    The ticket resolves and the state goes idle. The remaining steps run only when no view of the worker has
    anything else to do; what they yield is ignored, and a newer post, a cancel or a close ends them.
    """


@dataclass(frozen=True)
class State:
    """Where a view's job stands.

    Args:
        running: False once the job has ended, failed or been cancelled.
        done: fraction of the work, 0..1; None when the job does not tell.
        elapsed: seconds since its first turn; the total when it no longer runs.
        left: estimated seconds to the end; None when unknown.
    """

    running: bool
    done: float | None
    elapsed: float
    left: float | None
    cancelled: bool = False


class Stopwatch:
    """Turns the fractions that a job reports into states, from the time of its making on."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.restart()

    def restart(self) -> None:
        self._start = self._clock()
        self._done: float | None = None

    def running(self, done: float | None = None) -> State:
        """Still going; without `done` the last known fraction holds."""
        if done is not None:
            self._done = min(max(float(done), 0.0), 1.0)
        elapsed = self._clock() - self._start
        # Other views' turns lengthen elapsed, and so the estimate: that is the time a person really waits.
        left = elapsed * (1 - self._done) / self._done if self._done else None
        return State(True, self._done, elapsed, left)

    def ended(self) -> State:
        return State(False, 1.0, self._clock() - self._start, 0.0)

    def stopped(self, *, cancelled: bool) -> State:
        """Ended before its time, by an error or a cancel."""
        return State(False, self._done, self._clock() - self._start, None, cancelled)
