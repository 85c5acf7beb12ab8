"""Which neurons of a channel are worth a look: where it is largest, smallest, or in pictures drawn at random."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.images.image_set import ImageSet
from nnviz_widgets.methods.patch_index import PatchIndex

Kind = Literal["largest", "smallest", "random"]
KINDS: tuple[Kind, ...] = ("largest", "smallest", "random")


@dataclass(frozen=True)
class Winner:
    """One neuron's activation in one picture: the picture's id, the place in the maps, the value."""

    id: str
    row: int
    col: int
    value: float


def winners(
    engine: Engine,
    index: PatchIndex,
    images: ImageSet,
    layer: str,
    channel: int,
    *,
    kind: Kind = "largest",
    seed: int = 0,
) -> Iterator[Winner]:
    """The neurons whose patches are asked for, best first."""
    check_network(engine, index, layer)
    if kind == "random":
        yield from _drawn(engine, index, images, layer, channel, seed)
        return
    smallest = kind == "smallest"
    values = index.values(layer, smallest=smallest)[channel].tolist()
    places = index.positions(layer, smallest=smallest)[channel].tolist()
    for id, value, (row, col) in zip(index.ids(layer, smallest=smallest)[channel], values, places, strict=True):
        if id is not None:
            yield Winner(id, row, col, value)


def best_of_all(
    engine: Engine, index: PatchIndex, images: ImageSet, layer: str, *, kind: Kind = "largest", seed: int = 0
) -> list[Winner | None]:
    """The first winner of every channel of a layer; of random ones, in the same picture. None where there is none."""
    check_network(engine, index, layer)
    if kind == "random":
        ids = _order(index, seed)[:1]
        if not ids:
            return [None] * len(index.values(layer))
        maps = engine.activations(engine.prepare(images[images.index(ids[0])]), layer)[0].float()
        values, spots = maps.flatten(1).max(1)
        width = maps.shape[2]
        found = zip(values.tolist(), spots.tolist(), strict=True)
        return [Winner(ids[0], spot // width, spot % width, value) for value, spot in found]
    smallest = kind == "smallest"
    first = index.values(layer, smallest=smallest)[:, 0].tolist()
    places = index.positions(layer, smallest=smallest)[:, 0].tolist()
    named = zip(index.ids(layer, smallest=smallest), places, first, strict=True)
    return [None if ids[0] is None else Winner(ids[0], row, col, value) for ids, (row, col), value in named]


def check_network(engine: Engine, index: PatchIndex, layer: str) -> None:
    """An error where a layer of the index is not the network's, or has other channels."""
    found = len(index.statistics(layer).greatest)
    if layer not in (known.name for known in engine.layers):
        raise NnvizError("patches_network_layer", layer=layer)
    own = engine.layers[layer].channels
    if found != own:
        raise NnvizError("patches_network", layer=layer, found=found, own=own)


def _drawn(
    engine: Engine, index: PatchIndex, images: ImageSet, layer: str, channel: int, seed: int
) -> Iterator[Winner]:
    """As many pictures as the index has places, at random, each where it excites the channel most."""
    for id in _order(index, seed)[: index.values(layer).shape[1]]:
        activation = engine.activations(engine.prepare(images[images.index(id)]), layer)[0, channel].float()
        row, col = divmod(int(activation.reshape(-1).argmax()), activation.shape[1])
        yield Winner(id, row, col, float(activation[row, col]))


def _order(index: PatchIndex, seed: int) -> list[str]:
    """The pictures that can be read, at random."""
    broken = index.broken
    ids = [id for id in index.pictures if id not in broken]
    return [ids[i] for i in torch.randperm(len(ids), generator=torch.Generator().manual_seed(seed)).tolist()]
