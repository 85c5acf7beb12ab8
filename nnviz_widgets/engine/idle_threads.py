"""The helpers that OpenMP keeps for each thread that has computed: while they idle, they slow every other thread.

GNU's OpenMP lets helpers wait without sleeping only while there are no more of them than cores. A cell that has run the
network once keeps its own, and those of a widget's worker then sleep between any two operations: half the speed on
two cores.
"""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path

SOFT = 1  # omp_pause_soft: they are made anew when they are needed


def release_idle_threads() -> None:
    """Let go of the helpers of the calling thread; nothing happens where OpenMP is another or none."""
    for library in _libraries():
        library.omp_pause_resource_all(SOFT)


@cache
def _libraries() -> tuple[ctypes.CDLL, ...]:
    """The copies of GNU's OpenMP in this process that know how to do it."""
    try:
        lines = Path("/proc/self/maps").read_text().splitlines()
    except OSError:
        return ()
    paths = {line.split(maxsplit=5)[-1] for line in lines if "libgomp" in line}
    found = [ctypes.CDLL(path) for path in sorted(paths) if Path(path).exists()]
    return tuple(library for library in found if hasattr(library, "omp_pause_resource_all"))
