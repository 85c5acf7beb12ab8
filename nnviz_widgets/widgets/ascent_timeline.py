"""The kept moments of a run: thinned out evenly as it grows longer, the best one always among them."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from nnviz_widgets.methods.ascent_step import AscentStep
from nnviz_widgets.widgets.run_widget import Moment

MOST = 200  # moments
BYTES = 256 * 2**20  # that they may hold


def bytes_of(step: AscentStep) -> int:
    """What a step's picture and all that goes on from it hold."""
    tensors = {id(tensor): tensor for tensor in (step.x, step.state.numbers, *step.state.memory)}
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())


class Timeline:
    """Moments by step, and the value of every step. From any thread.

    Args:
        most: moments to keep at most; fewer where they would hold more than `limit` bytes.
    """

    def __init__(self, *, most: int = MOST, limit: int = BYTES) -> None:
        self._most, self._limit = most, limit
        self._lock = threading.RLock()
        self.clear()

    def clear(self) -> None:
        """Another run."""
        with self._lock:
            self._kept: list[Moment] = []
            self._values: list[float] = []
            self._every = 1
            self._room = self._most
            self.best: Moment | None = None
            self._last: Moment | None = None

    def cut(self, step: int) -> None:
        """Another way is taken from this step on: what came after it is forgotten."""
        with self._lock:
            del self._values[step + 1 :]
            self._kept = [moment for moment in self._kept if moment.step <= step]
            if self.best is not None and self.best.step > step:
                self.best = max(self._kept, key=self._value, default=None)
            self._last = None

    def add(self, moment: Moment, value: float) -> None:
        """The next moment, with the value of its step; one that is known stays as it is."""
        with self._lock:
            if moment.step < len(self._values):
                return
            self._values.append(value)
            if not np.isfinite(value):
                return
            if not self._kept:
                self._room = max(2, min(self._most, self._limit // max(1, bytes_of(moment.shown))))
            self._last = moment
            if self.best is None or value > self._value(self.best):
                self.best = moment
            if moment.step % self._every == 0:
                self._kept.append(moment)
            while len(self._kept) > self._room:
                self._every *= 2
                self._kept = [kept for kept in self._kept if kept.step % self._every == 0]

    def at(self, step: int) -> Moment | None:
        """The last moment up to this step that is kept; the first one before it."""
        with self._lock:
            moments = list(self)
            place = bisect_right([moment.step for moment in moments], step)
            return moments[max(0, place - 1)] if moments else None

    def beside(self, step: int, direction: int) -> Moment | None:
        """The next moment after this step (1), or the one before it (-1)."""
        with self._lock:
            moments = [m for m in self if (m.step > step if direction > 0 else m.step < step)]
            return None if not moments else moments[0 if direction > 0 else -1]

    @property
    def values(self) -> NDArray[np.float64]:
        """Of every step from 0 on, also of those whose moments are not kept."""
        with self._lock:
            return np.asarray(self._values, np.float64)

    def __iter__(self) -> Iterator[Moment]:
        """The moments that are kept, the best and the last one among them, in order."""
        with self._lock:
            known = {moment.step: moment for moment in (self.best, self._last, *self._kept) if moment is not None}
            return iter([known[step] for step in sorted(known)])

    def _value(self, moment: Moment) -> float:
        return self._values[moment.step]
