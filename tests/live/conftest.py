"""A view that writes down what it is told, and workers turned by hand."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from nnviz_widgets.live import State, View, Worker


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Told:
    """What a view's callbacks were told, in order."""

    results: list[tuple[Any, bool]] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)
    states: list[State] = field(default_factory=list)

    def watch(self, worker: Worker) -> View:
        return worker.view(
            on_result=lambda value, last: self.results.append((value, last)),
            on_error=self.errors.append,
            on_state=self.states.append,
        )


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def stepped(clock: Clock) -> Iterator[Worker]:
    worker = Worker(threaded=False, clock=clock)
    yield worker
    worker.close()


@pytest.fixture
def threaded() -> Iterator[Worker]:
    worker = Worker()
    yield worker
    worker.close()


@pytest.fixture
def last_resort(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    """The errors that reached threading.excepthook."""
    errors: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", lambda arguments: errors.append(arguments.exc_value))
    return errors


@pytest.fixture
def counting() -> Callable[..., Any]:
    """A job that counts to `n`, and notes on `log` each step and its end."""

    def make(n: int, log: list[Any], name: str = "") -> Callable[[], Iterator[Any]]:
        def job() -> Iterator[Any]:
            try:
                for i in range(n):
                    log.append((name, i))
                    yield i
            finally:
                log.append((name, "end"))

        return job

    return make
