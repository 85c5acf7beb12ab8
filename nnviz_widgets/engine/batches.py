"""One batch of changed pictures: the windows of every node, one node after the other."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor

from nnviz_widgets.engine.chunks import Chunk, Window
from nnviz_widgets.engine.clean import Clean
from nnviz_widgets.engine.layouts import Place, from_rows, to_rows, whole_maps
from nnviz_widgets.engine.nodes import Node
from nnviz_widgets.engine.pasting import gathered, pasted


def run_chunk(chunk: Chunk, clean: Clean, fill: Tensor, channel: int) -> tuple[list[Tensor], Tensor | None]:
    """The values of the program's frontier, and the sum over the kept layer's channel.

    Args:
        fill: what stands in the changed part, a row a cell.
    """
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
    if node.kind == "whole" or (window.whole and node.spatial and node not in batch.clean.program.overwriting):
        compute = node.run_whole or node.run
        return compute([batch.whole(source) for source in sources], place)
    if node.kind == "sliding":
        rows, cols = node.slides
        (tops, h), (lefts, w) = rows.source(place.tops, place.h), cols.source(place.lefts, place.w)
        return node.run([batch.over(sources[0], Place(place.n, h, w, tops, lefts), node.pad)], place)
    if node in batch.clean.program.overwriting and sources[0] in batch.values:
        assert node.overwrite is not None
        return node.overwrite([batch.values[sources[0]]], place)
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
