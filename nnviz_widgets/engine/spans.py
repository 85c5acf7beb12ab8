"""Which rows, or columns, of every map a change of some rows of the picture can reach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nnviz_widgets.engine.layouts import Indices
from nnviz_widgets.engine.nodes import Node


@dataclass(frozen=True)
class Spans:
    """Half-open intervals [low, high), (nodes, changes); empty where high <= low."""

    low: Indices
    high: Indices

    @property
    def lengths(self) -> Indices:
        found: Indices = np.maximum(self.high - self.low, 0)
        return found


def spans(nodes: Sequence[Node], starts: Indices, length: int, axis: int) -> Spans:
    """What changes of `length` rows (axis 0) or columns (axis 1) from `starts` on reach, as tightly as an interval can.

    What has no maps, or is made of whole ones, is reached from anywhere.
    """
    index = {node: i for i, node in enumerate(nodes)}
    low = np.empty((len(nodes), len(starts)), np.int64)
    high = np.empty_like(low)
    for i, node in enumerate(nodes):
        size = node.size[axis]
        low[i], high[i] = size, 0  # nothing: the hull with it is the other
        if node.kind == "picture":
            low[i], high[i] = starts, starts + length
        for source in node.sources:
            first, end = low[index[source]], high[index[source]]
            reached = first < end
            if node.kind in ("whole", "mean") or not (node.spatial and source.spatial):
                first, end = np.zeros_like(first), np.full_like(end, size)
            elif node.kind == "sliding":
                slide = node.slides[axis]
                reach = (slide.kernel - 1) * slide.dilation
                first = np.maximum(-((reach - slide.before - first) // slide.stride), 0)
                end = np.minimum((end - 1 + slide.before) // slide.stride + 1, size)
                reached &= first < end  # a stride above the kernel steps over some cells
            low[i] = np.where(reached, np.minimum(low[i], first), low[i])
            high[i] = np.where(reached, np.maximum(high[i], end), high[i])
    return Spans(low, high)
