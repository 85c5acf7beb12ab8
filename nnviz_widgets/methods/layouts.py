"""Vectors laid out on a plane: PCA, t-SNE, UMAP, and a filled grid of any of them; and how far to trust it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.manifold.tsne import tsne
from nnviz_widgets.manifold.umap import umap
from nnviz_widgets.manifold.watcher import Tell
from nnviz_widgets.methods.grids import assign
from nnviz_widgets.methods.nearest import Metric, nearest_of_all

Points = NDArray[np.float32]
COMPONENTS = 50
"""Principal components that t-SNE and UMAP are given of longer vectors, as van der Maaten does."""
ALONE = 3000
"""Points up to which t-SNE keeps to one thread: several wait for each other at every step, and are no quicker."""
MEASURED = 1000
"""Points on which trust is measured at most."""


@dataclass(frozen=True, eq=False)
class Layout:
    """Points on a plane.

    Attributes:
        points: (N, 2) float32. kind: how they were found. options: with what.
        cells: (N, 2) row and column of each point on a filled grid; None for a layout that is none.
    """

    points: Points
    kind: str
    options: dict[str, Any]
    cells: NDArray[np.int64] | None = None


@dataclass(frozen=True, eq=False)
class Plan:
    """A layout that takes long to find: `find(**arguments, tell=...)` gives its points, in any process.

    Attributes:
        options: those of the layout that comes of it.
    """

    find: Callable[..., Points]
    arguments: dict[str, Any]
    options: dict[str, Any]


def pca(vectors: Tensor, *, seed: int = 0) -> Layout:
    """The first two principal components, their signs fixed: the largest loading is positive. Nothing is random."""
    return Layout(components(vectors, 2), "pca", {})


def components(vectors: Tensor, count: int) -> Points:
    """(N, count) principal components, fewer where the vectors have fewer; zeros beyond."""
    centred = vectors - vectors.mean(0)
    tall = len(centred) > centred.shape[1]
    # Of the two matrices of products the smaller one: it has the same spectrum, and is a few thousand wide at most.
    values, axes = torch.linalg.eigh(_products(centred.T if tall else centred))
    values, axes = values.flip(0)[:count].clamp_min(0), axes.flip(1)[:, :count]
    if not tall:
        axes = centred.T.double() @ axes / values.sqrt().clamp_min(1e-12)
    peaks = axes.gather(0, axes.abs().argmax(0, keepdim=True))
    found = (centred @ (axes * peaks.sign()).float()).numpy()
    return np.pad(found, ((0, 0), (0, count - found.shape[1])))


def _products(rows: Tensor, columns: int = 4096) -> Tensor:
    """rows @ rows.T in doubles, from parts in single precision: half the time, and the parts are short."""
    parts = (rows[:, start : start + columns] for start in range(0, rows.shape[1], columns))
    return sum(((part @ part.T).double() for part in parts), torch.zeros(()))


def plan_tsne(vectors: Tensor, *, seed: int = 0, perplexity: float = 30.0, metric: Metric = "euclidean") -> Plan:
    """t-SNE from PCA, by openTSNE; the perplexity is lowered where there are few points.

    van der Maaten & Hinton 2008, Visualizing Data using t-SNE; Kobak & Berens 2019 for the start; Belkina et al. 2019
    for the learning rate; Linderman et al. 2019 for the repulsion from 10 000 points on.
    """
    _need(vectors, 3)
    found = components(vectors, min(COMPONENTS, len(vectors)))
    flat = found[:, :2]
    jitter = np.random.default_rng(seed).standard_normal(flat.shape)  # parts what is equal
    start = 1e-4 * (flat / max(float(flat[:, 0].std()), 1e-12) + 0.01 * jitter)
    options = {"perplexity": min(perplexity, (len(vectors) - 1) / 3), "metric": metric, "seed": seed}
    threads = 1 if len(vectors) <= ALONE else torch.get_num_threads()
    reduced = vectors.numpy() if _short(vectors) else found
    return Plan(tsne, {"vectors": reduced, "start": start, "threads": threads, **options}, options)


def plan_umap(
    vectors: Tensor,
    *,
    seed: int = 0,
    neighbours: int = 15,
    minimal_distance: float = 0.1,
    metric: Metric = "euclidean",
) -> Plan:
    """UMAP, by umap-learn; fewer neighbours where there are few points.

    McInnes, Healy & Melville 2018, UMAP: Uniform Manifold Approximation and Projection.
    """
    _need(vectors, 4)
    used = min(neighbours, len(vectors) - 1)
    options = {"neighbours": used, "minimal_distance": minimal_distance, "metric": metric, "seed": seed}
    reduced = vectors.numpy() if _short(vectors) else components(vectors, min(COMPONENTS, len(vectors)))
    return Plan(umap, {"vectors": reduced, **options}, options)


PLANS: dict[str, Callable[..., Plan]] = {"tsne": plan_tsne, "umap": plan_umap}
KINDS = ("pca", *PLANS, "grid")


def lay_out(kind: str, vectors: Tensor, *, tell: Tell | None = None, **options: Any) -> Layout:
    """A layout of vectors (N, units), of one of `KINDS`; its options are those of `pca`, `plan_tsne` or `plan_umap`.

    A grid is one of another layout, by default of t-SNE: `of="pca"`.

    Args:
        tell: called with (fraction done, the points so far or None).

    Raises:
        NnvizError: for an unknown kind, and for fewer vectors than it needs.
    """
    if kind not in KINDS:
        raise NnvizError("layout_unknown", kind=kind, known=", ".join(KINDS))
    if kind == "grid":
        return gridded(lay_out(options.pop("of", "tsne"), vectors, tell=tell, **options))
    if kind == "pca":
        return pca(vectors, **options)
    plan = PLANS[kind](vectors, **options)
    return Layout(plan.find(**plan.arguments, tell=tell), kind, plan.options)


def gridded(layout: Layout) -> Layout:
    """The filled grid of a layout: each point gets a cell, all together moved as little as can be.

    By linear assignment of squared distances; above 2000 points the map is cut into blocks of at most so many first.
    """
    low, high = layout.points.min(0), layout.points.max(0)
    cells, places = assign((layout.points - low) / np.maximum(high - low, 1e-9))
    return Layout(places, "grid", {"of": layout.kind, **layout.options}, cells)


def trust(vectors: Tensor, layout: Layout, *, k: int = 6, metric: Metric = "euclidean") -> tuple[float, float]:
    """How far neighbours on the plane are neighbours in truth: trustworthiness (Venna & Kaski 2001), and recall of k.

    Both are 1 for a perfect map. Measured on 1000 points at most, drawn evenly.
    """
    from sklearn.manifold import trustworthiness

    chosen = np.unique(np.linspace(0, len(vectors) - 1, min(len(vectors), MEASURED)).astype(int))
    true, points = vectors[chosen], torch.from_numpy(layout.points[chosen])
    k = min(k, (len(chosen) - 1) // 2)
    if k < 1:
        return 1.0, 1.0
    near, shown = nearest_of_all(true, k, metric=metric), nearest_of_all(points, k)
    recall = float((near[:, :, None] == shown[:, None, :]).any(2).float().mean())
    return float(trustworthiness(true.numpy(), points.numpy(), n_neighbors=k, metric=metric)), recall


def _short(vectors: Tensor) -> bool:
    return vectors.shape[1] <= COMPONENTS


def _need(vectors: Tensor, count: int) -> None:
    if len(vectors) < count:
        raise NnvizError("layout_few", given=len(vectors), least=count)
