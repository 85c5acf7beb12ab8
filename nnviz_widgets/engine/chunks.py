"""Batches of positions of a change: what is computed of every map, where, and how large a batch may be."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from nnviz_widgets.engine.layouts import Indices


@dataclass(frozen=True)
class Machine:
    """How a device likes its batches; costs in multiply-accumulates.

    Attributes:
        per_node: what starting an operation costs.
        per_weight: what reading a weight costs.
        positions, bytes: bounds of a batch.
    """

    per_node: float
    per_weight: float
    positions: int
    bytes: int

    @classmethod
    def of(cls, device: torch.device) -> Machine:
        return cls(6e5, 12, 64, 2**28) if device.type == "cpu" else cls(3e8, 20, 512, 2**31)


@dataclass(frozen=True)
class Window:
    """What a batch computes of a node's maps: h x w cells from (tops[i], lefts[i]) for position i.

    Attributes:
        whole: it is all of the map.
        same: nothing of it changes.
    """

    tops: Indices
    lefts: Indices
    h: int
    w: int
    whole: bool
    same: bool


@dataclass(frozen=True)
class Chunk:
    """A batch: the indices of its positions, and a window a node."""

    positions: Indices
    windows: tuple[Window, ...]

    def halves(self) -> list[Chunk]:
        """The same in two batches; none where it is a single position."""
        middle = len(self.positions) // 2
        return [self.part(part) for part in (slice(0, middle), slice(middle, None)) if middle]

    def part(self, part: slice) -> Chunk:
        """Some of the positions."""
        windows = (Window(w.tops[part], w.lefts[part], w.h, w.w, w.whole, w.same) for w in self.windows)
        return Chunk(self.positions[part], tuple(windows))


@dataclass(frozen=True)
class Plan:
    """The batches of a set of positions.

    Attributes:
        boxes: (positions, 4): top, left, height, width of the change in the picture.
        macs: multiply-accumulates of all batches.
        dense_macs: those of as many whole pictures.
    """

    boxes: Indices
    chunks: tuple[Chunk, ...]
    macs: float
    dense_macs: float

    @property
    def gain(self) -> float:
        return self.dense_macs / max(self.macs, 1.0)
