"""t-SNE, by openTSNE."""

from __future__ import annotations

import os
from itertools import count
from typing import Any

import numpy as np

from nnviz_widgets.manifold.layout import Layout, Points, need
from nnviz_widgets.manifold.pca import components, shortened
from nnviz_widgets.manifold.watcher import Tell

ITERATIONS = 250, 500
"""Steps, exaggerated and not."""
EVERY = 10
"""Steps from one word on how far it is to the next."""
ALONE = 3000
"""Points up to which it keeps to one thread: several wait for each other at every step, and are no quicker."""


def tsne(
    vectors: Points,
    *,
    seed: int = 0,
    perplexity: float = 30.0,
    metric: str = "euclidean",
    tell: Tell | None = None,
) -> Layout:
    """t-SNE from PCA; the perplexity is lowered where there are few points.

    van der Maaten & Hinton 2008, Visualizing Data using t-SNE; Kobak & Berens 2019 for the start; Belkina et al. 2019
    for the learning rate; Linderman et al. 2019 for the repulsion from 10 000 points on.

    Args:
        vectors: (N, units).
        tell: called with the fraction done and the points so far.
    """
    from openTSNE import TSNE

    need(vectors, 3)
    used = min(perplexity, (len(vectors) - 1) / 3)
    done = count(EVERY, EVERY)

    def told(_step: int, _error: float, points: Any) -> None:  # the step begins anew with the second phase
        if tell is not None:
            tell((next(done) / sum(ITERATIONS), np.asarray(points, np.float32)))

    short = shortened(vectors)
    flat = components(short, 2)
    jitter = np.random.default_rng(seed).standard_normal(flat.shape)  # parts what is equal
    start = 1e-4 * (flat / max(float(flat[:, 0].std()), 1e-12) + 0.01 * jitter)
    model = TSNE(
        perplexity=used, metric=metric, initialization=start, random_state=seed, n_jobs=_threads(len(vectors)),
        early_exaggeration_iter=ITERATIONS[0], n_iter=ITERATIONS[1], callbacks=told, callbacks_every_iters=EVERY,
    )  # fmt: skip
    points = np.asarray(model.fit(short), np.float32)
    return Layout(points, "tsne", {"perplexity": used, "metric": metric, "seed": seed})


def _threads(count: int) -> int:
    given = os.environ.get("OMP_NUM_THREADS", "").split(",")[0]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return 1 if count <= ALONE else int(given or cores or 1)
