"""The exact incremental forward: only what a change of a part of the picture can reach is computed anew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from nnviz_widgets.engine.device import is_out_of_memory
from nnviz_widgets.engine.layouts import Indices, Place, from_rows, repeated, stacked, to_rows, whole_maps
from nnviz_widgets.engine.lowering import Program
from nnviz_widgets.engine.nodes import Node
from nnviz_widgets.engine.pasting import gathered, pasted
from nnviz_widgets.engine.plans import Chunk, Plan, Window
from nnviz_widgets.errors import NnvizError

TAIL = 256
"""Pictures in a batch of what follows the maps: linear layers are as slow for one picture as for a hundred."""


@dataclass(frozen=True)
class Clean:
    """What the nodes give for the unchanged picture.

    Attributes:
        rows: of maps, a row a cell, by node and by the value of the row after the last, which stands for padding.
        values: of nodes without maps, for one picture.
    """

    program: Program
    rows: dict[tuple[Node, float], Tensor] = field(repr=False)
    values: dict[Node, Tensor] = field(repr=False)
    logits: Tensor = field(repr=False)

    def table(self, node: Node, pad: float = 0.0) -> Tensor:
        found = self.rows.get((node, pad))
        if found is None:
            base = next(rows for (owner, _), rows in self.rows.items() if owner is node)
            found = self.rows[node, pad] = torch.cat([base[:-1], torch.full_like(base[:1], pad)])
        return found

    def whole(self, node: Node, n: int) -> Tensor:
        """Its unchanged value, for n pictures."""
        assert node.layout is None or node in self.values or node.spatial
        one = whole_maps(1, node.size)
        value = self.values[node] if node in self.values else from_rows(self.table(node)[:-1], node.layout or (), one)
        return repeated(value, node.layout, one, n)


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


def clean_pass(program: Program, x: Tensor) -> Clean:
    """Run the picture x (1, C, H, W), and keep what windows read."""
    readers: dict[Node, list[Node]] = {node: [] for node in program.nodes}
    for node in program.nodes:
        for source in node.sources:
            readers.setdefault(source, []).append(node)
    with _quietly(x.device):
        clean = Clean(program, {}, {}, torch.empty(0))
        values: dict[Node, Tensor] = {}
        for node in program.nodes:
            if node.kind == "picture":
                values[node] = x.contiguous(memory_format=torch.channels_last)
            elif node.constant is not None:
                values[node] = node.constant
            else:
                compute = node.run_whole or node.run
                values[node] = compute([values[source] for source in node.sources], whole_maps(1, node.size))
            for source in node.sources:
                if readers[source][-1] is node:
                    _keep(clean, source, values.pop(source), readers[source])
        for node, value in values.items():
            _keep(clean, node, value, readers[node])
        logits = _flat_logits(program, clean.whole(program.logits, 1), 1)
    return Clean(program, clean.rows, clean.values, logits)


def _keep(clean: Clean, node: Node, value: Tensor, readers: Sequence[Node]) -> None:
    if not node.spatial:
        clean.values[node] = value
        return
    alone = all(reader.kind == "aligned" and len(reader.sources) == 1 for reader in readers)
    if alone and readers and node is not clean.program.kept and node.kind != "picture":
        return  # what reads it has the same windows
    assert node.layout is not None
    rows = to_rows(value, node.layout, whole_maps(1, node.size))
    clean.rows[node, 0.0] = torch.cat([rows, rows.new_zeros(1, rows.shape[1])])


def run(plan: Plan, clean: Clean, fill: Tensor, channel: int = 0) -> Iterator[Found]:
    """Compute every position of a plan, batch after batch; between two batches the caller has its turn.

    Args:
        fill: (1, C, H, W), what stands in the changed part.
        channel: of the kept layer, to sum over its cells.

    Raises:
        NnvizError: when the memory does not hold a single position.
    """
    program = clean.program
    with _quietly(fill.device):
        table = to_rows(fill, program.picture.layout or (), whole_maps(1, program.picture.size))
        table = torch.cat([table, table.new_zeros(1, table.shape[1])])
    pending = list(reversed(plan.chunks))
    heavy = sum(n.macs for n in program.tail) > 0.02 * plan.macs / max(1, len(plan.boxes))
    waiting: list[tuple[Chunk, list[Tensor], Tensor | None]] = []
    while pending:
        chunk = pending.pop()
        try:
            with _quietly(fill.device):
                waiting.append((chunk, *_run_chunk(chunk, clean, table, channel)))
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
            with _quietly(fill.device):
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
    return Found(positions, _flat_logits(program, values[program.logits], n), torch.cat(sums) if sums else None)


def _flat_logits(program: Program, value: Tensor, n: int) -> Tensor:
    node = program.logits
    return stacked(value, node.layout, whole_maps(n, node.size)).flatten(1)


def _run_chunk(chunk: Chunk, clean: Clean, fill: Tensor, channel: int) -> tuple[list[Tensor], Tensor | None]:
    program, n = clean.program, len(chunk.positions)
    batch = _Batch(clean, dict(zip(program.nodes, chunk.windows, strict=True)), n)
    tail = set(program.tail)
    last = {source: node for node in program.nodes for source in node.sources}
    sums = None
    for node, window in zip(program.nodes, chunk.windows, strict=True):
        if node not in tail and not window.same and node.kind != "constant":
            place = batch.place(node)
            if node.kind == "picture":
                rows = gathered(fill, place, node.size)
                batch.values[node] = from_rows(rows, node.layout or (), place)
            else:
                batch.values[node] = _compute(batch, node, window, place)
        if node is program.kept:
            sums = batch.sums(node, channel)
        for source in node.sources:
            if last[source] is node and source not in program.frontier:
                batch.values.pop(source, None)
    return [batch.whole(node) for node in program.frontier], sums


def _compute(batch: _Batch, node: Node, window: Window, place: Place) -> Tensor:
    sources = node.sources
    if node.kind == "mean":
        return batch.mean(node)
    if node.kind == "whole" or (window.whole and node.spatial):
        compute = node.run_whole or node.run
        return compute([batch.whole(source) for source in sources], place)
    if node.kind == "sliding":
        rows, cols = node.slides
        (tops, h), (lefts, w) = rows.source(place.tops, place.h), cols.source(place.lefts, place.w)
        return node.run([batch.over(sources[0], Place(place.n, h, w, tops, lefts), node.pad)], place)
    return node.run([batch.over(s, place) if s.spatial else batch.whole(s) for s in sources], place)


@dataclass(frozen=True)
class _Batch:
    """The values of a batch so far; those of nodes that do not change are missing."""

    clean: Clean
    windows: dict[Node, Window]
    n: int
    values: dict[Node, Tensor] = field(default_factory=dict)

    def over(self, node: Node, place: Place, pad: float = 0.0) -> Tensor:
        """The node's maps over a window, which may reach beyond them."""
        assert node.layout is not None
        value = self.values.get(node)
        own = None if value is None else self.place(node)
        if value is not None and own is not None and own.equals(place):
            return value
        rows = gathered(self.clean.table(node, pad), place, node.size)
        if value is not None and own is not None:
            rows = pasted(rows, place, to_rows(value, node.layout, own), own)
        return from_rows(rows, node.layout, place)

    def place(self, node: Node) -> Place:
        window = self.windows[node]
        return Place(self.n, window.h, window.w, window.tops, window.lefts)

    def whole(self, node: Node) -> Tensor:
        value = self.values.get(node)
        if value is None:
            return self.clean.whole(node, self.n)
        return self.over(node, whole_maps(self.n, node.size)) if node.spatial else value

    def mean(self, node: Node) -> Tensor:
        """The clean mean (or sum) of the maps and what the window changes of it."""
        (source,) = node.sources
        assert source.layout is not None
        if self.windows[source].whole:
            return node.run([self.values[source]], whole_maps(self.n, (1, 1)))
        change = self._change(source)
        if node.step.operation != "sum":
            change = change / (source.size[0] * source.size[1])
        one = whole_maps(self.n, (1, 1))
        old = self.clean.whole(node, self.n)
        return old + from_rows(change, source.layout, one).reshape(old.shape)

    def sums(self, node: Node, channel: int) -> Tensor:
        """Over the cells of one channel, float64: (n,)."""
        total = self.clean.table(node)[:-1, channel].double().sum().expand(self.n)
        return total if node not in self.values else total + self._change(node, channel)[:, 0]

    def _change(self, node: Node, channel: int | None = None) -> Tensor:
        assert node.layout is not None
        place = self.place(node)
        old, new = self.clean.table(node), to_rows(self.values[node], node.layout, place)
        if channel is not None:
            old, new = (rows[:, channel : channel + 1].double() for rows in (old, new))
        return (new - gathered(old, place, node.size)).view(self.n, place.h * place.w, -1).sum(1)


@contextmanager
def _quietly(device: torch.device) -> Iterator[None]:
    """No graph, whatever the caller's modes are, and the network's own precision."""
    with torch.inference_mode(False), torch.no_grad(), torch.autocast(device.type, enabled=False):
        yield
