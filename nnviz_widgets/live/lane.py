"""A call in a process of its own, for what cannot be interrupted: killing the process ends it at once."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from typing import Any

from nnviz_widgets.errors import NnvizError

# A fresh interpreter, not a fork: the threads of a kernel would be copied in the midst of what they do. Not
# multiprocessing's spawn either, which runs a person's script once more where it has no guard around its main part.
START = "import sys; sys.path[:] = {path}; from nnviz_widgets.live.lane_process import serve; serve()"
TICK = 0.05  # seconds that `follow` waits for a message before it gives its caller a turn


class Lane:
    """Runs `function(*arguments, tell=tell, **keywords)` elsewhere; it calls `tell(message)` as it goes.

    Function, arguments, messages and result travel as pickles, so the function is one of a module. The process ends
    with `close`, and with this process, however that ends.
    """

    def __init__(self, function: Callable[..., Any], *arguments: Any, **keywords: Any) -> None:
        job = pickle.dumps((function, arguments, keywords))
        path = json.dumps([os.path.abspath(entry) for entry in sys.path])
        self._process = subprocess.Popen(
            [sys.executable, "-c", START.format(path=path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"OMP_WAIT_POLICY": "passive", **os.environ},  # its threads leave the cores to those of the kernel
        )
        self._inbox: SimpleQueue[tuple[str, Any]] = SimpleQueue()
        self._closed = False
        self._outcome: tuple[str, Any] | None = None
        self._thread = threading.Thread(target=self._serve, args=(job,), name="nnviz-lane", daemon=True)
        self._thread.start()

    def follow(self) -> Iterator[Any]:
        """The messages as they come, None while there is none; it ends with the call.

        Raises:
            NnvizError: when the process was killed from elsewhere, as where memory runs out.
            Exception: what the function raised.
        """
        while self._outcome is None:
            try:
                kind, value = self._inbox.get(timeout=TICK)
            except Empty:
                yield None
                continue
            if kind == "message":
                yield value
            else:
                self._outcome = kind, value
        if self._outcome[0] == "error":
            raise self._outcome[1]

    @property
    def result(self) -> Any:
        """What the function returned; waits for it."""
        for _ in self.follow():
            pass
        assert self._outcome is not None
        return self._outcome[1]

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return not self._closed and self._process.poll() is None

    def close(self) -> None:
        """Kill the process, at once, and wait until it is gone; idempotent, from any thread."""
        self._closed = True
        self._process.kill()
        self._process.wait()
        if self._thread is not threading.current_thread():
            self._thread.join()

    def _serve(self, job: bytes) -> None:
        """Send the job and hand on what comes back, to the end. Its own thread."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._process.stdin, self._process.stdout:
            try:
                self._process.stdin.write(job)
                self._process.stdin.flush()
                while True:
                    kind, value = pickle.load(self._process.stdout)
                    self._inbox.put((kind, value))
                    if kind != "message":
                        break
            except (EOFError, OSError, pickle.UnpicklingError):
                status = self._process.wait()
                self._inbox.put(("error", NnvizError("lane_ended", status=status)))
        self._process.wait()
