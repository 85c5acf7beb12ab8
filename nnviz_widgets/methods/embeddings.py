"""Pictures as points: the vectors that a layer makes of them, and which are neighbours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import torch
from torch import Tensor

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.engine.layers import Layer
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.images.image_set import ImageSet
from nnviz_widgets.images.loading import batches
from nnviz_widgets.manifold.layout import Layout
from nnviz_widgets.methods.approximate import EXACT, Approximate
from nnviz_widgets.methods.layouts import lay_out
from nnviz_widgets.methods.nearest import Metric, Nearest, Space, nearest, nearest_of_all, space_of
from nnviz_widgets.methods.scan_layers import penultimate

MEASURED = 2000
"""Pictures over which the share of neighbours of the same class is measured at most."""


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
    _spaces: dict[str, Space] = field(default_factory=dict, repr=False)
    _indices: dict[str, Approximate] = field(default_factory=dict, repr=False)

    @property
    def labels(self) -> tuple[int | None, ...]:
        """Class index of each picture in `images.classes`, or None."""
        return tuple(self.images.labels[i] for i in self.numbers)

    def vector(self, x: Tensor) -> Tensor:
        """(units,) of a picture x (1, C, H, W), as of engine.prepare, by the same layer."""
        return _vectors(self.engine, x, self.layer)[0]

    def neighbours(
        self, x: Tensor | int, k: int = 6, *, metric: Metric = "euclidean", exact: bool | None = None
    ) -> Nearest:
        """The k nearest pictures, nearest first, of a picture x (1, C, H, W) or of one of the set by its place here.

        Krizhevsky, Sutskever & Hinton 2012, ImageNet Classification with Deep Convolutional Neural Networks, figure 4.

        Args:
            exact: whether all vectors are looked at; left out, up to 20 000 on a CPU, any number on a GPU. Else an
                index is made first, in up to minutes, and the result says which share of the true ones it finds.

        Raises:
            NnvizError: when there are fewer pictures than neighbours asked for.
        """
        own = isinstance(x, int)
        if not 1 <= k <= len(self.ids) - own:
            raise NnvizError("neighbours_count", k=k, most=len(self.ids) - own)
        query = self.vectors[x] if isinstance(x, int) else self.vector(x)
        leave_out = x if isinstance(x, int) else None
        if exact is None:
            exact = len(self.ids) <= EXACT or self.engine.device.type != "cpu"
        if exact:
            # Other accelerators have no double precision.
            device = self.engine.device if self.engine.device.type == "cuda" else self.vectors.device
            if metric not in self._spaces:
                self._spaces[metric] = space_of(self.vectors.to(device), metric)
            return nearest(self._spaces[metric], query.to(device), k, metric=metric, leave_out=leave_out)
        if metric not in self._indices:
            self._indices[metric] = Approximate(self.vectors, metric=metric)
        return self._indices[metric].nearest(query, k, leave_out=leave_out)

    @cached_property
    def kin(self) -> tuple[bool, ...]:
        """Of each picture whether there is another of its class: only then can a neighbour be."""
        count = Counter(self.labels)
        return tuple(label is not None and count[label] > 1 for label in self.labels)

    def same_class(self, k: int = 6, *, metric: Metric = "euclidean") -> float | None:
        """Share of the k nearest that are of a picture's own class; None where no class has two pictures.

        Over 2000 pictures at most, of those that have another of their class.
        """
        known = torch.tensor(self.kin).nonzero()[:, 0]
        if not len(known):
            return None
        labels = torch.tensor([-1 if label is None else label for label in self.labels])
        some = known[torch.linspace(0, len(known) - 1, min(len(known), MEASURED)).long()]
        near = nearest_of_all(self.vectors, min(k, len(labels) - 1), metric=metric, of=some)
        return float((labels[near] == labels[some, None]).float().mean())

    def place(self, near: Nearest, layout: Layout) -> tuple[float, float]:
        """Where on a map a picture belongs that is not of the set: the mean of its neighbours' places.

        Weighted by the inverse square of the distance, so that a copy of a picture lies on it; the map stays.
        """
        weights = 1 / near.distances.double().square().clamp_min(1e-12)
        points = torch.from_numpy(layout.points)[near.numbers].double()
        x, y = (points * (weights / weights.sum())[:, None]).sum(0).tolist()
        return x, y

    def layout(self, kind: Literal["pca", "tsne", "umap", "grid"] = "pca", *, seed: int = 0, **options: Any) -> Layout:
        """The points on a plane; see `layouts.py` for the kinds and their options."""
        return lay_out(kind, self.vectors, seed=seed, **options)


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
