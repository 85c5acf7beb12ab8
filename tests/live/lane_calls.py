"""Calls for a lane: what another process can import."""

import os
import time


def square(x, *, tell):
    print("a library prints")
    tell(x)
    tell(x + 1)
    return x * x


def stuck(*, tell):
    tell("up")
    while True:
        time.sleep(60)


def fail(*, tell):
    raise ValueError("no such thing")


def die(*, tell):
    tell("up")
    os._exit(7)


def threadless(*, tell):
    return lambda: None  # cannot be pickled


def length(text, *, tell):
    return len(text)
