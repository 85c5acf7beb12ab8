"""t-SNE, by openTSNE."""

from __future__ import annotations

from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnviz_widgets.manifold.watcher import Tell

ITERATIONS = 250, 500
"""Steps, exaggerated and not."""
EVERY = 10
"""Steps from one word on how far it is to the next."""


def tsne(
    vectors: NDArray[np.float32],
    start: NDArray[np.float64],
    *,
    perplexity: float,
    metric: str,
    seed: int,
    threads: int,
    tell: Tell | None = None,
) -> NDArray[np.float32]:
    """(N, 2) points of vectors (N, units), from where they start; tells (fraction done, the points so far)."""
    from openTSNE import TSNE

    done = count(EVERY, EVERY)

    def told(_step: int, _error: float, points: Any) -> None:  # the step begins anew with the second phase
        if tell is not None:
            tell((next(done) / sum(ITERATIONS), np.asarray(points, np.float32)))

    model = TSNE(
        perplexity=perplexity, metric=metric, initialization=start, random_state=seed, n_jobs=threads,
        early_exaggeration_iter=ITERATIONS[0], n_iter=ITERATIONS[1], callbacks=told, callbacks_every_iters=EVERY,
    )  # fmt: skip
    return np.asarray(model.fit(vectors), np.float32)
