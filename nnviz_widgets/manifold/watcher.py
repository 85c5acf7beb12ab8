"""How far a layout is: what its library calls back, or what it writes on its progress bar."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Tell = Callable[[tuple[float, NDArray[np.float32] | None]], object]


class Watcher:
    """A file on which umap-learn's progress bar is written: it tells (fraction done, None)."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell

    def write(self, text: str) -> None:
        for percent in re.findall(r"(\d+)%", text):
            self._tell((int(percent) / 100, None))

    def flush(self) -> None:
        """Nothing is kept."""
