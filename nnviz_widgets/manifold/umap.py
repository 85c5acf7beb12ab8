"""UMAP, by umap-learn."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nnviz_widgets.manifold.watcher import Tell, Watcher


def umap(
    vectors: NDArray[np.float32],
    *,
    neighbours: int,
    minimal_distance: float,
    metric: str,
    seed: int,
    tell: Tell | None = None,
) -> NDArray[np.float32]:
    """(N, 2) points of vectors (N, units); tells (fraction done, None)."""
    from umap import UMAP

    model = UMAP(n_neighbors=neighbours, min_dist=minimal_distance, metric=metric, random_state=seed, n_jobs=1)
    if tell is not None:
        model.verbose, model.tqdm_kwds = True, {"file": Watcher(tell)}
    if len(vectors) < 15:  # its spectral start wants more points than dimensions
        model.init = "random"
    return np.asarray(model.fit_transform(vectors), np.float32)
