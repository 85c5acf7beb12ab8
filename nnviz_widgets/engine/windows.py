"""The exact incremental forward: only what a change of a part of the picture can reach is computed anew."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from nnviz_widgets.engine.batches import run_chunk
from nnviz_widgets.engine.chunks import Chunk, Plan
from nnviz_widgets.engine.clean import Clean, flat_logits, quietly
from nnviz_widgets.engine.device import is_out_of_memory
from nnviz_widgets.engine.layouts import Indices, to_rows, whole_maps
from nnviz_widgets.engine.lowering import Program
from nnviz_widgets.errors import NnvizError

TAIL = 256
"""Pictures in a batch of what follows the maps: linear layers are as slow for one picture as for a hundred."""


@dataclass(frozen=True)
class Found:
    """What some positions give.

    Attributes:
        positions: their indices.
        outputs: raw, (k, classes).
        sums: over the cells of the channel asked for, (k,), float64.
    """

    positions: Indices
    outputs: Tensor
    sums: Tensor | None = None


def run(plan: Plan, clean: Clean, fill: Tensor, channel: int = 0) -> Iterator[Found]:
    """Compute every position of a plan, batch after batch; between two batches the caller has its turn.

    Args:
        fill: (1, C, H, W), what stands in the changed part.
        channel: of the kept layer, to sum over its cells.

    Raises:
        NnvizError: when the memory does not hold a single position.
    """
    program = clean.program
    with quietly(fill.device, clean.half):
        table = to_rows(fill, program.picture.layout or (), whole_maps(1, program.picture.size))
        table = torch.cat([table, table.new_zeros(1, table.shape[1])])
    pending = list(reversed(plan.chunks))
    heavy = sum(n.macs for n in program.tail) > 0.02 * plan.macs / max(1, len(plan.boxes))
    waiting: list[tuple[Chunk, list[Tensor], Tensor | None]] = []
    while pending:
        chunk = pending.pop()
        try:
            with quietly(fill.device, clean.half):
                waiting.append((chunk, *run_chunk(chunk, clean, table, channel)))
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            halves = chunk.halves()
            if not halves:
                raise NnvizError("out_of_memory", shape=tuple(fill.shape)) from error
            pending += reversed(halves)
            continue
        ready = sum(len(chunk.positions) for chunk, _, _ in waiting)
        if not heavy or ready >= TAIL or not pending:
            with quietly(fill.device, clean.half):
                found = _finish(program, waiting)
            waiting = []
            yield found
        else:
            classes = clean.logits.shape[1]
            yield Found(np.empty(0, np.int64), clean.logits.new_empty(0, classes))


def _finish(program: Program, waiting: list[tuple[Chunk, list[Tensor], Tensor | None]]) -> Found:
    positions = np.concatenate([chunk.positions for chunk, _, _ in waiting])
    n = len(positions)
    joined = [torch.cat(parts) for parts in zip(*(values for _, values, _ in waiting), strict=True)]
    values = dict(zip(program.frontier, joined, strict=True))
    for node in program.tail:
        values[node] = node.run([values[source] for source in node.sources], whole_maps(n, node.size))
    sums = [part for _, _, part in waiting if part is not None]
    return Found(positions, flat_logits(program, values[program.logits], n), torch.cat(sums) if sums else None)
