"""The claim to a posted job's last value."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from typing import Any

from nnviz_widgets.errors import NnvizError


class Superseded(NnvizError):
    """A newer post of the same view took the job's place."""

    def __init__(self) -> None:
        super().__init__("job_superseded")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), ()


class Cancelled(NnvizError):
    """The job's view was cancelled or closed, or its worker was."""

    def __init__(self) -> None:
        super().__init__("job_cancelled")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), ()


class Ticket:
    """What `View.post` returns; it settles once, after the view's callbacks have been called.

    Attributes:
        awaited: whether a thread has begun to wait for it.
    """

    def __init__(self, before_wait: Callable[[Ticket], None]) -> None:
        self._future: Future[Any] = Future()
        self._before_wait = before_wait
        self.awaited = False

    @property
    def done(self) -> bool:
        return self._future.done()

    def result(self, timeout: float | None = None) -> Any:
        """The job's last value, waited for at most `timeout` seconds; None from a generator that yielded nothing.

        Raises:
            Superseded, Cancelled: when the job was dropped.
            TimeoutError: when it takes longer.
            NnvizError: when called from a job or a callback of the same worker, which would wait for ever.
            Exception: whatever the job, or the `on_result` of its view, raised.
        """
        if not self.done:
            self.awaited = True
            self._before_wait(self)
        return self._future.result(timeout)

    def resolve(self, value: Any) -> None:
        with suppress(InvalidStateError):  # settled already: the first word stands
            self._future.set_result(value)

    def reject(self, error: BaseException) -> None:
        with suppress(InvalidStateError):
            self._future.set_exception(error)
