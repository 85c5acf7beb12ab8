"""Frames for a browser no faster than it takes them, and no slower for one that is not there."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Generic, TypeVar

from nnviz_widgets.live.progress import Clock

T = TypeVar("T")


@dataclass(frozen=True)
class Frame(Generic[T]):
    """A frame to send now, with the number that its acknowledgement brings back; numbers increase from 1."""

    number: int
    content: T


class FramePacer(Generic[T]):
    """Decides which frames go to the browser, and when; it sends nothing itself and starts no timer.

    At most `max_in_flight` frames are out without an acknowledgement; of those offered meanwhile only the newest
    is kept. Send whatever a method returns, at once. A browser that falls silent (a hidden tab, a closed page, a
    run without a browser) costs `timeout` seconds: after that what is in flight counts as lost and the newest
    frame goes out. Thread-safe; but two threads that send may overtake each other: skip a number below the last.

        frame = pacer.offer(pixels)       # a new picture, on the worker's thread
        frame = pacer.acknowledge(n)      # the browser has drawn frame n
        frame = pacer.tick()              # a timer, at pacer.deadline()

    Args:
        max_in_flight: frames out without an acknowledgement.
        timeout: seconds until a missing acknowledgement is given up.
        clock: seconds; `deadline` is on the same clock.
    """

    def __init__(self, *, max_in_flight: int = 2, timeout: float = 1.0, clock: Clock = time.monotonic) -> None:
        self._max_in_flight = max_in_flight
        self._timeout = timeout
        self._clock = clock
        self._lock = threading.Lock()
        self._number = 0
        self._in_flight: dict[int, float] = {}  # number -> time of sending, oldest first
        self._newest: list[T] = []  # the frame kept back, if any; a list, for a frame may be None

    def offer(self, content: T) -> Frame[T] | None:
        """A new frame: the one to send now, or None while it is kept back in place of an older one."""
        with self._lock:
            self._newest = [content]
            self._forget_overdue()
            return self._release()

    def acknowledge(self, number: int) -> Frame[T] | None:
        """Frame `number` and all before it were drawn; a number never sent is ignored."""
        with self._lock:
            if number <= self._number:
                self._in_flight = {n: sent for n, sent in self._in_flight.items() if n > number}
            return self._release()

    def tick(self) -> Frame[T] | None:
        """The newest frame, if it was kept back for acknowledgements that are now overdue; harmless at any time."""
        with self._lock:
            self._forget_overdue()
            return self._release()

    def deadline(self) -> float | None:
        """When the oldest frame in flight is overdue, and `tick` has something to do; None: no timer is needed."""
        with self._lock:
            sent = next(iter(self._in_flight.values()), None)
            return None if sent is None else sent + self._timeout

    def reset(self) -> None:
        """Forget all frames (the page was loaded anew); numbers go on, so that a late acknowledgement harms nothing."""
        with self._lock:
            self._in_flight = {}
            self._newest = []

    def _forget_overdue(self) -> None:
        oldest = next(iter(self._in_flight.values()), None)
        if oldest is not None and self._clock() >= oldest + self._timeout:
            self._in_flight = {}

    def _release(self) -> Frame[T] | None:
        if not self._newest or len(self._in_flight) >= self._max_in_flight:
            return None
        self._number += 1
        self._in_flight[self._number] = self._clock()
        return Frame(self._number, self._newest.pop())
