"""The other end of a `Lane`: a process that runs one call and tells how it goes."""

from __future__ import annotations

import os
import pickle
import sys
import threading
from typing import Any


def serve() -> None:
    """Run the call that comes through the standard input; messages and result go to the standard output."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not come between the pickles
    function, arguments, keywords = pickle.load(sys.stdin.buffer)
    threading.Thread(target=_end_with_parent, daemon=True).start()

    def send(kind: str, value: Any) -> None:
        out.write(pickle.dumps((kind, value)))
        out.flush()

    try:
        outcome = "result", function(*arguments, tell=lambda message: send("message", message), **keywords)
    except BaseException as error:
        outcome = "error", error
    try:
        send(*outcome)
    except Exception as error:  # an error, or a result, that cannot be pickled
        send("error", RuntimeError(f"{type(outcome[1]).__name__}: {outcome[1]} ({error})"))


def _end_with_parent() -> None:
    """The other end of the input closes when the parent ends, even if it is killed."""
    while sys.stdin.buffer.read(1):
        pass
    os._exit(1)
