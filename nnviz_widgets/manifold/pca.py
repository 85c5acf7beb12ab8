"""Principal components."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nnviz_widgets.manifold.layout import Layout, Points

COMPONENTS = 50
"""Those that t-SNE and UMAP are given of longer vectors, as van der Maaten does."""


def pca(vectors: Points, *, seed: int = 0) -> Layout:
    """The first two principal components, their signs fixed: the largest loading is positive. Nothing is random."""
    return Layout(components(vectors, 2), "pca", {})


def components(vectors: Points, count: int) -> Points:
    """(N, count) principal components, fewer where the vectors have fewer; zeros beyond."""
    centred = vectors - vectors.mean(0, dtype=np.float64).astype(np.float32)
    tall = len(centred) > centred.shape[1]
    # Of the two matrices of products the smaller one: it has the same spectrum, and is a few thousand wide at most.
    values, axes = np.linalg.eigh(_products(centred.T if tall else centred))
    values, axes = values[::-1][:count].clip(0), axes[:, ::-1][:, :count]
    if not tall:
        axes = centred.T @ axes / np.sqrt(values).clip(1e-12)
    peaks = np.take_along_axis(axes, np.abs(axes).argmax(0)[None], 0)
    found = centred @ (axes * np.sign(peaks)).astype(np.float32)
    return np.pad(found, ((0, 0), (0, count - found.shape[1])))


def shortened(vectors: Points) -> Points:
    """The vectors themselves, or their first components where they are longer."""
    return vectors if vectors.shape[1] <= COMPONENTS else components(vectors, min(COMPONENTS, len(vectors)))


def _products(rows: Points, columns: int = 4096) -> NDArray[np.float64]:
    """rows @ rows.T in doubles, from parts in single precision: half the time, and the parts are short."""
    parts = (rows[:, start : start + columns] for start in range(0, rows.shape[1], columns))
    return sum(((part @ part.T).astype(np.float64) for part in parts), np.zeros((len(rows), len(rows))))
