"""Many pictures in batches that fit into memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.errors import NnvizError

Result = TypeVar("Result")

CPU_BATCH = 16
ACCELERATOR_BATCH = 64


def in_batches(engine: Engine, count: int, run: Callable[[range], Result]) -> Iterator[tuple[range, Result]]:
    """What `run` gives for one range of 0..count after the other; a batch that does not fit into memory is halved.

    Raises:
        NnvizError: when not even one picture fits.
    """
    size = CPU_BATCH if engine.device.type == "cpu" else ACCELERATOR_BATCH
    start = 0
    while start < count:
        batch = range(start, min(start + size, count))
        try:
            result = run(batch)
        except NnvizError as error:
            if error.code != "out_of_memory" or len(batch) == 1:
                raise
            size = len(batch) // 2
            continue
        start = batch.stop
        yield batch, result
