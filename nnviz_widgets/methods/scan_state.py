"""What a scan knows of the pictures that it has seen: merged in any order to the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce

import torch
from torch import Tensor

from nnviz_widgets.methods.channel_statistics import ChannelStatistics
from nnviz_widgets.methods.top_k import NOBODY, TopK, merged


@dataclass(frozen=True, eq=False)
class LayerScan:
    """What is known of one layer's channels; `bottom` has the smallest values, with their sign turned."""

    top: TopK
    bottom: TopK | None
    statistics: ChannelStatistics


@dataclass(frozen=True, eq=False)
class ScanState:
    """Some pictures, seen.

    Attributes:
        ids: of the pictures, sorted; the numbers in `layers` are places in this list.
        marks: one a picture, hexadecimal: what tells it from a changed one.
        broken: why a picture could not be read, by id; such a picture is in `ids`, too, and has no vector.
        layers: by name.
        vectors: (pictures, units) of the penultimate layer, float32; NaN for the broken.
    """

    ids: tuple[str, ...]
    marks: tuple[str, ...]
    broken: Mapping[str, str]
    layers: Mapping[str, LayerScan]
    vectors: Tensor

    def __add__(self, other: ScanState) -> ScanState:
        """Both together, of disjoint pictures."""
        ids = sorted([*self.ids, *other.ids])
        number = {id: i for i, id in enumerate(ids)}
        places = [torch.tensor([number[id] for id in state.ids], dtype=torch.int64) for state in (self, other)]
        marks = dict(zip([*self.ids, *other.ids], [*self.marks, *other.marks], strict=True))
        vectors = torch.empty(len(ids), self.vectors.shape[1])
        for state, place in zip((self, other), places, strict=True):
            vectors[place] = state.vectors
        layers = {
            name: LayerScan(
                merged(_moved(mine.top, places[0]), _moved(yours.top, places[1])),
                None
                if mine.bottom is None or yours.bottom is None
                else merged(_moved(mine.bottom, places[0]), _moved(yours.bottom, places[1])),
                mine.statistics + yours.statistics,
            )
            for name, mine in self.layers.items()
            for yours in [other.layers[name]]
        }
        broken = {**self.broken, **other.broken}
        return ScanState(tuple(ids), tuple(marks[id] for id in ids), broken, layers, vectors)


def together(states: Sequence[ScanState]) -> ScanState:
    """All of them, at least one."""
    return reduce(ScanState.__add__, states)


def add_to(states: list[ScanState], state: ScanState) -> None:
    """Append one, and merge what is of a size: the list stays short, and no picture is merged more than a few times."""
    states.append(state)
    while len(states) > 1 and len(states[-2].ids) <= len(states[-1].ids):
        last = states.pop()
        states[-1] += last


def _moved(top: TopK, places: Tensor) -> TopK:
    """The same with its pictures numbered anew."""
    known = top.pictures != NOBODY
    numbers = torch.where(known, places[top.pictures.clamp_min(0)], NOBODY) if len(places) else top.pictures
    return replace(top, pictures=numbers)
