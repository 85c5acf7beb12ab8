"""How far a layout is, out of libraries that have no word for it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

Tell = Callable[[tuple[float, NDArray[np.float32] | None]], object]
EVERY = 10  # iterations from one word to the next
ITERATIONS = 1000  # that scikit-learn's t-SNE takes by itself


@contextmanager
def watched_tsne(tell: Tell | None) -> Iterator[None]:
    """scikit-learn's t-SNE tells (fraction done, points so far) as it goes.

    It has no callback, so the function that it descends on is watched; without it t-SNE runs on, unwatched. This is
    seen by every thread, hence only for a process of its own.
    """
    from sklearn.manifold import _t_sne as module

    descend: Any = getattr(module, "_gradient_descent", None)
    if tell is None or descend is None:
        yield
        return

    def watched(objective: Callable[..., Any], start: Any, **options: Any) -> Any:
        step = int(options.get("it", 0))

        def told(points: Any, *arguments: Any, **keywords: Any) -> Any:
            nonlocal step
            if step % EVERY == 0:
                tell((min(step / ITERATIONS, 0.99), points.reshape(-1, 2).astype(np.float32)))
            step += 1
            return objective(points, *arguments, **keywords)

        return descend(told, start, **options)

    module._gradient_descent = watched
    try:
        yield
    finally:
        module._gradient_descent = descend


class Watcher:
    """A file on which umap-learn's progress bar is written: it tells (fraction done, None)."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell

    def write(self, text: str) -> None:
        for percent in re.findall(r"(\d+)%", text):
            self._tell((int(percent) / 100, None))

    def flush(self) -> None:
        """Nothing is kept."""
