"""UMAP, by umap-learn."""

from __future__ import annotations

import numpy as np

from nnviz_widgets.manifold.layout import Layout, Points, need
from nnviz_widgets.manifold.pca import shortened
from nnviz_widgets.manifold.watcher import Tell, Watcher


def umap(
    vectors: Points,
    *,
    seed: int = 0,
    neighbours: int = 15,
    minimal_distance: float = 0.1,
    metric: str = "euclidean",
    tell: Tell | None = None,
) -> Layout:
    """UMAP; fewer neighbours where there are few points.

    McInnes, Healy & Melville 2018, UMAP: Uniform Manifold Approximation and Projection.

    Args:
        vectors: (N, units).
        tell: called with the fraction done.
    """
    from umap import UMAP

    need(vectors, 4)
    used = min(neighbours, len(vectors) - 1)
    model = UMAP(n_neighbors=used, min_dist=minimal_distance, metric=metric, random_state=seed, n_jobs=1)
    if tell is not None:
        model.verbose, model.tqdm_kwds = True, {"file": Watcher(tell)}
    if len(vectors) < 15:  # its spectral start wants more points than dimensions
        model.init = "random"
    points = np.asarray(model.fit_transform(shortened(vectors)), np.float32)
    options = {"neighbours": used, "minimal_distance": minimal_distance, "metric": metric, "seed": seed}
    return Layout(points, "umap", options)
