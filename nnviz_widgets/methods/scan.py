"""One pass over many pictures for everything: the largest activations of every channel, and the penultimate vectors."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.engine.layers import Layer
from nnviz_widgets.images.image_set import ImageSet
from nnviz_widgets.images.loading import batches
from nnviz_widgets.methods.patch_index import INDEX, PatchIndex
from nnviz_widgets.methods.scan_cluster import on_cluster
from nnviz_widgets.methods.scan_file import save
from nnviz_widgets.methods.scan_folder import fingerprint, kept, write_shard
from nnviz_widgets.methods.scan_layers import penultimate, spatial_blocks
from nnviz_widgets.methods.scan_shard import SHARD, Job, Piece, Shard, Wanted
from nnviz_widgets.methods.scan_state import ScanState, add_to, together


@dataclass(frozen=True, eq=False)
class ScanProgress:
    """How far a scan is.

    Attributes:
        done: fraction of the pictures, 0..1. pictures: how many are seen.
        rate: pictures a second since the scan began; None at the start. left: estimated seconds to the end.
        index: what is known so far; put together when it is first asked for, before the next step.
    """

    done: float
    pictures: int
    rate: float | None
    left: float | None
    _state: Callable[[], ScanState] = field(repr=False)
    _widths: dict[str, int] = field(repr=False)
    _images: ImageSet = field(repr=False)

    @cached_property
    def index(self) -> PatchIndex:
        return PatchIndex(self._state(), self._widths, self._images)


def scan(
    engine: Engine,
    image_set: ImageSet,
    layers: Sequence[str | Layer] | None = None,
    n: int = 9,
    path: str | Path = "nnviz_scan",
    *,
    smallest: bool = False,
    batch: int = 32,
    workers: int = 0,
    client: Any = None,
) -> Iterator[ScanProgress]:
    """Look at every picture once; the folder is made, or resumed, or added to.

    For every channel the n pictures with the largest single activation (one a picture) and where it is; mean, maximum
    and share of zeros; and every picture's penultimate vector. A folder below `path` holds what belongs to these
    weights, this input contract and these layers, so that a changed network never mixes with it. Ending the generator
    early keeps what is done.

    Springenberg et al. 2015, Striving for Simplicity; Zeiler & Fergus 2014; Yosinski et al. 2015.

    Args:
        layers: every spatial block and the first maps when left out, each before a bounded activation.
        smallest: keep the n smallest activations too.
        batch: pictures in a pass; another size changes the last bits of the values.
        workers: processes that decode, see `images.loading.batches`.
        client: a `dask.distributed.Client`, whose workers then run the shards; the folder is written here.

    Raises:
        NnvizError: for an unknown layer, a folder that cannot be written, or weights that change meanwhile; what was
            finished before stays.
    """
    names = _names(engine, layers)
    wanted = Wanted(tuple(names), penultimate(engine), n, smallest)
    widths = {name: engine.layers[name].width or 1 for name in names}
    home = Path(path).expanduser() / fingerprint(engine, wanted)
    progress = partial(ScanProgress, _widths=widths, _images=image_set)
    states, whole_on_disk = kept(home, image_set)
    seen = {id for state in states for id in state.ids}
    todo = [i for i, id in enumerate(image_set.ids) if id not in seen]
    order = {id: rank for rank, id in enumerate(sorted(image_set.ids))}
    job = Job(image_set, wanted, [order[id] for id in image_set.ids], batch)
    pieces = _here(engine, job, todo, workers) if client is None else on_cluster(client, engine, job, todo)
    begun, count, open_piece = time.monotonic(), 0, None
    try:
        if states:
            yield progress(len(seen) / len(image_set), len(seen), None, None, _so_far(tuple(states), None))
        for piece in pieces:
            count += piece.count
            open_piece = None if piece.finished else piece
            if piece.finished:
                add_to(states, write_shard(engine, home, job, piece))
            if count < len(todo):
                rate = count / (time.monotonic() - begun)
                done, left = len(seen) + count, (len(todo) - count) / rate
                state = _so_far(tuple(states), open_piece)
                yield progress(done / len(image_set), done, rate, left, state)
    finally:
        pieces.close()
        if open_piece is not None:
            add_to(states, write_shard(engine, home, job, open_piece))
    whole = together(states)
    if not whole_on_disk:
        save(whole, home / INDEX)
    mean = count / (time.monotonic() - begun) if count else None
    yield progress(1.0, len(whole.ids), mean, 0.0, lambda: whole)


def _here(engine: Engine, job: Job, todo: Sequence[int], workers: int) -> Generator[Piece]:
    """Batch after batch in this process."""
    shard = Shard(engine, job)
    for found in batches(job.images, engine.contract, todo, size=job.batch, workers=workers):
        shard.see(found)
        finished = shard.pictures >= SHARD * job.batch
        yield Piece(len(found.indices) + len(found.broken), shard.state, finished)
        if finished:
            shard = Shard(engine, job)


def _names(engine: Engine, layers: Sequence[str | Layer] | None) -> list[str]:
    if layers is None:
        return spatial_blocks(engine)
    return [engine.layers[layer if isinstance(layer, str) else layer.name].name for layer in layers]


def _so_far(states: tuple[ScanState, ...], piece: Piece | None) -> Callable[[], ScanState]:
    return lambda: together([*states, *([] if piece is None else [piece.state()])])
