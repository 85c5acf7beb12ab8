"""The shards of a scan on the workers of a Dask cluster."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from torch import nn

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.images.contract import InputContract
from nnviz_widgets.images.loading import batches
from nnviz_widgets.methods.scan_shard import SHARD, Job, Piece, Shard
from nnviz_widgets.methods.scan_state import ScanState

RETRIES = 3  # of a shard whose worker was lost


@dataclass(frozen=True, eq=False)
class Payload:
    """All that a worker needs, sent to each once."""

    module: nn.Module
    contract: InputContract
    labels: tuple[str, ...]
    outputs: Any
    job: Job

    def engine(self) -> Engine:
        """The network on the worker's own device: where there are accelerators, give each worker one."""
        return Engine(self.module, **asdict(self.contract), labels=self.labels, outputs=self.outputs)


def on_cluster(client: Any, engine: Engine, job: Job, todo: Sequence[int]) -> Generator[Piece]:
    """Shards as they are done, in any order; only what is known of them travels back.

    A lost worker's shards are done again by others. Closing the generator takes back what has not begun.
    """
    from distributed import as_completed

    module = engine.plain_copy().cpu()
    payload = Payload(module, engine.contract, tuple(engine.labels), engine.outputs, job)
    sent = client.scatter(payload, broadcast=True, hash=False)
    size = SHARD * job.batch
    shards = [list(todo[i : i + size]) for i in range(0, len(todo), size)]
    futures = client.map(scan_shard, shards, payload=sent, retries=RETRIES, pure=False)
    try:
        for future in as_completed(futures):  # type: ignore[no-untyped-call]
            state = future.result()
            future.release()
            yield Piece(len(state.ids), partial(_itself, state), True)
    finally:
        client.cancel(futures)


def _itself(state: ScanState) -> ScanState:
    return state


_ENGINES: WeakKeyDictionary[Payload, Engine] = WeakKeyDictionary()
"""On a worker: made once for all of its shards."""


def scan_shard(indices: Sequence[int], *, payload: Payload) -> ScanState:
    """One shard, on a worker."""
    engine = _ENGINES.get(payload)
    if engine is None:
        engine = _ENGINES[payload] = payload.engine()
    shard = Shard(engine, payload.job)
    for found in batches(payload.job.images, payload.contract, indices, size=payload.job.batch):
        shard.see(found)
    return shard.state()
