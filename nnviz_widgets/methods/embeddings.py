"""Pictures as points: the vectors that a layer makes of them, and which are neighbours."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.engine.layers import Layer
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.images.image_set import ImageSet
from nnviz_widgets.images.loading import batches
from nnviz_widgets.methods.layouts import LAYOUTS, Layout
from nnviz_widgets.methods.nearest import Metric, Nearest, nearest
from nnviz_widgets.methods.scan_layers import penultimate


@dataclass(frozen=True, eq=False)
class Embedding:
    """Pictures as points of a layer's space; `methods.embed` makes it.

    Attributes:
        vectors: (N, units), float32, on the CPU.
        ids: of the pictures.
        numbers: their places in `images`, for pictures and labels.
        layer: whose values they are. pooled: whether its maps were averaged over space.
        broken: why a picture could not be read, by id.
    """

    vectors: Tensor
    ids: tuple[str, ...]
    numbers: tuple[int, ...] = field(repr=False)
    layer: str
    pooled: bool
    engine: Engine = field(repr=False)
    images: ImageSet = field(repr=False)
    broken: Mapping[str, str] = field(default_factory=dict)

    @property
    def labels(self) -> tuple[int | None, ...]:
        """Class index of each picture in `images.classes`, or None."""
        return tuple(self.images.labels[i] for i in self.numbers)

    def vector(self, x: Tensor) -> Tensor:
        """(units,) of a picture x (1, C, H, W), as of engine.prepare, by the same layer."""
        return _vectors(self.engine, x, self.layer)[0]

    def neighbours(self, x: Tensor | int, k: int = 6, *, metric: Metric = "euclidean") -> Nearest:
        """The k nearest pictures, nearest first, of a picture x (1, C, H, W) or of one of the set by its place here.

        Krizhevsky, Sutskever & Hinton 2012, ImageNet Classification with Deep Convolutional Neural Networks, figure 4.

        Raises:
            NnvizError: when there are fewer pictures than neighbours asked for.
        """
        own = isinstance(x, int)
        if not 1 <= k <= len(self.ids) - own:
            raise NnvizError("neighbours_count", k=k, most=len(self.ids) - own)
        query = self.vectors[x] if isinstance(x, int) else self.vector(x)
        return nearest(self.vectors, query, k, metric=metric, leave_out=x if isinstance(x, int) else None)

    def layout(self, kind: Literal["pca", "tsne", "umap", "grid"] = "pca", *, seed: int = 0, **options: Any) -> Layout:
        """The points on a plane; see `layouts.py` for the kinds and their options."""
        if kind not in LAYOUTS:
            raise NnvizError("layout_unknown", kind=kind, known=", ".join(LAYOUTS))
        return LAYOUTS[kind](self.vectors, seed=seed, **options)


def embed(
    engine: Engine,
    image_set: ImageSet,
    layer: str | Layer | None = None,
    *,
    batch: int = 32,
    workers: int = 0,
    progress: Callable[[float], object] | None = None,
) -> Embedding:
    """The vector of every picture at the penultimate layer, or at another; maps are averaged over space.

    van der Maaten & Hinton 2008; Karpathy 2014, t-SNE visualization of CNN codes.

    Args:
        progress: told the fraction done after each batch.

    Raises:
        NnvizError: for an unknown layer, or when no picture can be read.
    """
    name = penultimate(engine) if layer is None else engine.layers[layer if isinstance(layer, str) else layer.name].name
    vectors: list[Tensor] = []
    numbers: list[int] = []
    broken: dict[str, str] = {}
    for found in batches(image_set, engine.contract, size=batch, workers=workers):
        broken |= {b.id: b.reason for b in found.broken}
        if found.indices:
            vectors.append(_vectors(engine, found.x, name))
            numbers += found.indices
        if progress is not None:
            progress((len(numbers) + len(broken)) / len(image_set))
    if not vectors:
        raise NnvizError("set_unreadable", name=image_set.name, reason=next(iter(broken.values())))
    ids = tuple(image_set.ids[i] for i in numbers)
    pooled = engine.layers[name].spatial and engine.layers[name].shape[1:] != (1, 1)
    return Embedding(torch.cat(vectors), ids, tuple(numbers), name, pooled, engine, image_set, broken)


def _vectors(engine: Engine, x: Tensor, layer: str) -> Tensor:
    values = engine.read(x.to(engine.device), [layer])[layer]
    return (values.flatten(2).mean(2) if values.ndim == 4 else values).float().cpu()
