"""The pictures of one shard of a scan, batch after batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.engine.layers import Layer
from nnviz_widgets.images.image_set import ImageSet
from nnviz_widgets.images.loading import Batch
from nnviz_widgets.methods.channel_statistics import no_statistics, statistics_of
from nnviz_widgets.methods.scan_state import LayerScan, ScanState
from nnviz_widgets.methods.top_k import NOBODY, TopK, merged, nobody, row_peaks, updated

SHARD = 8
"""Batches in a shard, and so in a file: what a sudden end can lose at most."""


@dataclass(frozen=True)
class Wanted:
    """What a scan records: layers by name, the layer of the vectors, how many of the largest (and smallest)."""

    layers: tuple[str, ...]
    vectors: str
    n: int
    smallest: bool


@dataclass(frozen=True, eq=False)
class Job:
    """What a scan is to do.

    Attributes:
        ranks: place in the sorted ids of the whole set, of each picture in the set's own order.
        batch: pictures in a pass.
    """

    images: ImageSet
    wanted: Wanted
    ranks: Sequence[int]
    batch: int


@dataclass(frozen=True, eq=False)
class Piece:
    """Some pictures more.

    Attributes:
        count: how many. state: gives what is known of the shard that they belong to.
        finished: whether that shard is whole.
    """

    count: int
    state: Callable[[], ScanState]
    finished: bool


@dataclass
class Shard:
    """What is known so far, on the network's device; pictures are numbered by their ranks."""

    engine: Engine
    job: Job
    layers: dict[str, LayerScan] = field(init=False)
    vectors: dict[int, Tensor] = field(default_factory=dict)
    broken: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known = self.engine.layers  # asked for once: each time the engine looks whether the module has changed
        self._records = [known[name] for name in self.job.wanted.layers]
        self.layers = {record.name: _nothing(record, self.job.wanted, self.engine.device) for record in self._records}

    @property
    def pictures(self) -> int:
        return len(self.vectors) + len(self.broken)

    def see(self, batch: Batch) -> None:
        """Run the network on one batch."""
        self.broken |= {self.job.ranks[self.job.images.index(b.id)]: b.reason for b in batch.broken}
        if not batch.indices:
            return
        ranks = [self.job.ranks[i] for i in batch.indices]
        pictures = torch.tensor(ranks, device=self.engine.device)
        read = self.engine.read(batch.x.to(self.engine.device), [*self.job.wanted.layers, self.job.wanted.vectors])
        for record in self._records:
            self.layers[record.name] = _with_batch(self.layers[record.name], read[record.name], pictures, record)
        values = read[self.job.wanted.vectors]
        values = values.flatten(2).mean(2) if values.ndim == 4 else values
        self.vectors |= dict(zip(ranks, values.float(), strict=True))

    def state(self) -> ScanState:
        """The same as a state of its own, in memory, its pictures numbered from 0."""
        ranks = sorted([*self.vectors, *self.broken])
        places = {rank: i for i, rank in enumerate(self.job.ranks)}
        numbers = [places[rank] for rank in ranks]
        table = torch.tensor(ranks, dtype=torch.int64)
        units = self.engine.layers[self.job.wanted.vectors].channels
        blank = torch.full((units,), torch.nan, device=self.engine.device)
        vectors = [self.vectors.get(rank, blank) for rank in ranks]
        return ScanState(
            tuple(self.job.images.ids[i] for i in numbers),
            tuple(self.job.images.mark(i).hex() for i in numbers),
            {self.job.images.ids[places[rank]]: reason for rank, reason in self.broken.items()},
            {name: _settled(known, self.job.wanted.n, table) for name, known in self.layers.items()},
            torch.stack(vectors).cpu() if vectors else torch.empty(0, units),
        )


def _nothing(layer: Layer, wanted: Wanted, device: torch.device) -> LayerScan:
    top, bottom = (nobody(layer.channels, wanted.n, device) for _ in range(2))  # a file takes no tensor twice
    cells = (layer.height or 1) * (layer.width or 1)
    return LayerScan(top, bottom if wanted.smallest else None, no_statistics(layer.channels, cells, device))


def _with_batch(known: LayerScan, maps: Tensor, pictures: Tensor, layer: Layer) -> LayerScan:
    rows = row_peaks(maps)
    return LayerScan(
        updated(known.top, maps, pictures, rows=rows),
        None if known.bottom is None else updated(known.bottom, maps, pictures, sign=-1),
        known.statistics + statistics_of(maps, rows.amax(2), rectified=layer.activation is not None),
    )


def _settled(known: LayerScan, n: int, table: Tensor) -> LayerScan:
    """In memory, the n best, their pictures numbered by their places in the table of ranks."""

    def settle(top: TopK) -> TopK:
        best = merged(nobody(len(top.values), n), TopK(top.values.cpu(), top.pictures.cpu(), top.places.cpu()))
        places = torch.searchsorted(table, best.pictures.clamp_min(0))
        return replace(best, pictures=torch.where(best.pictures == NOBODY, NOBODY, places))

    bottom = None if known.bottom is None else settle(known.bottom)
    return LayerScan(settle(known.top), bottom, known.statistics.cpu())
