"""What is computed of every map for every position of a change, in which batches, and at what cost."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from nnviz_widgets.engine.chunks import Chunk, Machine, Plan, Window
from nnviz_widgets.engine.clustering import Costs, groupings, largest
from nnviz_widgets.engine.layouts import Indices
from nnviz_widgets.engine.lowering import Program
from nnviz_widgets.engine.nodes import Node
from nnviz_widgets.engine.spans import Spans, spans

WORTH = 1.3
"""Times fewer multiply-accumulates than whole pictures need: below that, gathering windows costs what they save."""
MOSTLY = 0.75
"""Share of a map from which on a window costs more than the whole map."""
NUMBER = 30.0
"""Writing and reading a number takes as long as that many multiply-accumulates."""


def plan(program: Program, boxes: Indices, machine: Machine, itemsize: int, *, whole: bool = False) -> Plan:
    """Group the positions of a change of one size, and choose windows for each group.

    Args:
        boxes: (positions, 4): top, left, height, width, the same height and width for all.
        whole: compute whole maps.
    """
    nodes = program.nodes
    tops, row = np.unique(boxes[:, 0], return_inverse=True)
    lefts, col = np.unique(boxes[:, 1], return_inverse=True)
    rows = spans(nodes, tops, int(boxes[0, 2]), 0)
    cols = spans(nodes, lefts, int(boxes[0, 3]), 1)
    body = np.array([node not in program.tail for node in nodes], float)
    macs = np.array([node.macs for node in nodes], float)
    costs = body * (macs + NUMBER * np.array([node.units for node in nodes], float))
    weights = sum(node.weights for node in nodes if node not in program.tail)
    overhead = machine.per_node * len(nodes) + machine.per_weight * weights
    if whole:
        labels = np.zeros_like(tops), np.zeros_like(lefts)
    else:
        labels = _grouped(rows, cols, row, col, costs, overhead, machine.positions)
    high, wide = largest(rows.lengths, labels[0]), largest(cols.lengths, labels[1])
    chunks: list[Chunk] = []
    total = 0.0
    for i, j in sorted(set(zip(labels[0][row].tolist(), labels[1][col].tolist(), strict=True))):
        members = np.flatnonzero((labels[0][row] == i) & (labels[1][col] == j))
        all_of = _whole_maps(nodes, high[i], wide[j], everything=whole)
        windows = [
            _window(node, rows.low[k][row[members]], cols.low[k][col[members]], int(high[i, k]), int(wide[j, k]), full)
            for k, (node, full) in enumerate(zip(nodes, all_of, strict=True))
        ]
        areas = np.array([0 if window.same else window.h * window.w for window in windows], float)
        total += len(members) * float(areas @ macs)
        most = min(machine.positions, max(1, int(machine.bytes / (itemsize * _peak(nodes, windows)))))
        batches = math.ceil(len(members) / most)
        cluster = Chunk(np.arange(len(members)), tuple(windows))
        for part in np.array_split(np.arange(len(members)), batches):
            cut = cluster.part(slice(int(part[0]), int(part[-1]) + 1))
            chunks.append(Chunk(members[cut.positions], cut.windows))
    dense = len(boxes) * sum(node.macs * node.size[0] * node.size[1] for node in nodes)
    return Plan(boxes, tuple(chunks), total, dense)


def _grouped(
    rows: Spans, cols: Spans, row: Indices, col: Indices, costs: Costs, overhead: float, most: int
) -> tuple[Indices, Indices]:
    """Labels of rows and columns, as many groups as are worth their batches."""
    by_row = groupings(rows.lengths, costs * cols.lengths.mean(1))
    by_col = groupings(cols.lengths, costs * rows.lengths.mean(1))
    best, found = np.inf, (by_row[0], by_col[0])
    for first in by_row:
        for second in by_col:
            high, wide = largest(rows.lengths, first), largest(cols.lengths, second)
            counts = np.zeros((len(high), len(wide)))
            np.add.at(counts, (first[row], second[col]), 1)
            total = float((counts * ((high * costs) @ wide.T)).sum() + overhead * np.ceil(counts / most).sum())
            if total < best:
                best, found = total, (first, second)
    return found


def _whole_maps(nodes: Sequence[Node], high: Indices, wide: Indices, *, everything: bool) -> list[bool]:
    """Whether to compute all of each node's maps; from such a node on, all of the maps that read it."""
    found: dict[Node, bool] = {}
    for node, h, w in zip(nodes, high.tolist(), wide.tolist(), strict=True):
        maps = [source for source in node.sources if source.spatial and source.kind != "constant"]
        if node.kind in ("picture", "constant"):
            found[node] = False
        elif not node.spatial or everything or any(found[source] for source in maps):
            found[node] = True
        elif node.kind == "aligned" and len(maps) == len(node.sources) == 1:
            found[node] = False
        else:
            found[node] = h * w >= MOSTLY * node.size[0] * node.size[1]
    return list(found.values())


def _window(node: Node, low_rows: Indices, low_cols: Indices, h: int, w: int, whole: bool) -> Window:
    height, width = node.size
    if whole or not (h and w):
        zeros = np.zeros_like(low_rows)
        return Window(zeros, zeros, height, width, True, not (h and w))
    return Window(np.minimum(low_rows, height - h), np.minimum(low_cols, width - w), h, w, False, False)


def _peak(nodes: Sequence[Node], windows: Sequence[Window]) -> int:
    """About the most numbers a position that exist at once: the sources of a node as it reads them, and its value."""
    index = {node: i for i, node in enumerate(nodes)}
    most = 1
    for node, window in zip(nodes, windows, strict=True):
        numbers = window.h * window.w * node.units
        for source in node.sources:
            h, w = window.h, window.w
            if node.kind == "sliding" and not window.whole:
                h, w = (slide.source(0, n)[1] for slide, n in zip(node.slides, (h, w), strict=True))
            elif node.kind != "aligned" or window.whole:
                h, w = source.size
            own = windows[index[source]]
            numbers += (h * w + own.h * own.w) * source.units
        most = max(most, numbers)
    return most
