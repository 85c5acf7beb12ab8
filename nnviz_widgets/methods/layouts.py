"""Vectors laid out on a plane: PCA, t-SNE, UMAP, and a filled grid of any of them; and how far to trust it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.manifold.layout import Layout
from nnviz_widgets.manifold.pca import pca
from nnviz_widgets.manifold.tsne import tsne
from nnviz_widgets.manifold.umap import umap
from nnviz_widgets.methods.grids import assign
from nnviz_widgets.methods.nearest import Metric, nearest_of_all

FINDERS: dict[str, Callable[..., Layout]] = {"pca": pca, "tsne": tsne, "umap": umap}
"""What finds each kind of layout; its first argument is an array (N, units), so that any process can call it."""
MEASURED = 1000
"""Points on which trust is measured at most."""
JUDGED = 3
"""Points from which on neighbours can be wrong."""


def lay_out(kind: str, vectors: Tensor, **options: Any) -> Layout:
    """A layout of vectors (N, units): one of `FINDERS`, with its options, or "grid", of another: `of="pca"`.

    Raises:
        NnvizError: for an unknown kind, and for fewer vectors than it needs.
    """
    if kind == "grid":
        return gridded(lay_out(options.pop("of", "tsne"), vectors, **options))
    if kind not in FINDERS:
        raise NnvizError("layout_unknown", kind=kind, known=", ".join((*FINDERS, "grid")))
    return FINDERS[kind](vectors.numpy(), **options)


def gridded(layout: Layout) -> Layout:
    """The filled grid of a layout: each point gets a cell, all together moved as little as can be.

    By linear assignment of squared distances; above 2000 points the map is cut into blocks of at most so many first.
    """
    low, high = layout.points.min(0), layout.points.max(0)
    cells, places = assign((layout.points - low) / np.maximum(high - low, 1e-9))
    return Layout(places, "grid", {"of": layout.kind, **layout.options}, cells)


def trust(vectors: Tensor, layout: Layout, *, k: int = 6, metric: Metric = "euclidean") -> tuple[float, float]:
    """How far neighbours on the plane are neighbours in truth: trustworthiness (Venna & Kaski 2001), and recall of k.

    Both are 1 for a perfect map, and for fewer than `JUDGED` points. Measured on 1000 at most, drawn evenly.
    """
    from sklearn.manifold import trustworthiness

    if len(vectors) < JUDGED:
        return 1.0, 1.0
    chosen = np.unique(np.linspace(0, len(vectors) - 1, min(len(vectors), MEASURED)).astype(int))
    true, points = vectors[chosen], torch.from_numpy(layout.points[chosen])
    k = min(k, (len(chosen) - 1) // 2)
    near, shown = nearest_of_all(true, k, metric=metric), nearest_of_all(points, k)
    recall = float((near[:, :, None] == shown[:, None, :]).any(2).float().mean())
    return float(trustworthiness(true.numpy(), points.numpy(), n_neighbors=k, metric=metric)), recall
