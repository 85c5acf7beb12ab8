"""A scan that a widget drives: batch after batch, whatever else is asked of the widget meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

from nnviz_widgets.methods.scan import ScanProgress


class Scanning:
    """A scan under way; stopped, it keeps what is done, and goes on from there.

    Args:
        begin: begins it, or resumes what an earlier one has left.

    Attributes:
        latest: how far it is; None before the first batch.
        over: whether all pictures are seen. stopped: whether it is to rest.
    """

    def __init__(self, begin: Callable[[], Iterator[ScanProgress]]) -> None:
        self._begin = begin
        self._steps: Any = None
        self._lock = threading.Lock()
        self.latest: ScanProgress | None = None
        self.over = False
        self.stopped = False

    @property
    def going(self) -> bool:
        return not (self.over or self.stopped)

    def advance(self) -> bool:
        """One batch more; False when there is nothing to do."""
        with self._lock:
            if not self.going:
                return False
            if self._steps is None:
                self._steps = self._begin()
            try:
                self.latest = next(self._steps)
            except StopIteration:
                self.over = True
            except Exception:
                self.stopped, self._steps = True, None
                raise
            return not self.over

    def stop(self) -> None:
        """Rest from the next batch on; `settle` writes down what is done."""
        self.stopped = True

    def resume(self) -> None:
        self.settle()
        self.stopped = False

    def settle(self) -> None:
        """If it was stopped, write down what is done; waits for the batch under way."""
        with self._lock:
            if self.stopped and self._steps is not None:
                self._steps.close()
                self._steps = None
