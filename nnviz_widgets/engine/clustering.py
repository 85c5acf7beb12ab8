"""Positions of a change whose windows have about the same sizes, so that they can share a batch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from nnviz_widgets.engine.layouts import Indices

MOST = 6
Costs = npt.NDArray[np.float64]


def groupings(lengths: Indices, weights: Costs) -> list[Indices]:
    """The best partitions of an axis into 1, 2 ... `MOST` groups: a label a position.

    A group computes the largest window of its members for all of them. Positions are sorted by their own cost and
    cut where the sum is least; that is optimal as long as no window of a cheap position is above a dear one's.

    Args:
        lengths: of the windows, (nodes, positions).
        weights: cost a cell of each node.
    """
    count = lengths.shape[1]
    order = np.argsort(weights @ lengths, kind="stable")
    ordered = lengths[:, order]
    cost = np.full((count + 1, count + 1), np.inf)  # of a group of the positions i to j - 1
    for i in range(count):
        largest = np.maximum.accumulate(ordered[:, i:], axis=1)
        cost[i, i + 1 :] = (weights @ largest) * np.arange(1, count - i + 1)
    best = cost[0].copy()  # of the first j positions in k groups
    cuts: list[Indices] = []
    found = [np.zeros(count, np.int64)]
    for groups in range(2, min(MOST, count) + 1):
        total = best[:, None] + cost
        total[0] = np.inf
        cuts.append(total.argmin(0))
        best = total.min(0)
        found.append(_labels(order, cuts, groups))
    return found


def _labels(order: Indices, cuts: Sequence[Indices], groups: int) -> Indices:
    labels = np.zeros(len(order), np.int64)
    end = len(order)
    for group in range(groups - 1, 0, -1):
        start = int(cuts[group - 1][end])
        labels[order[start:end]] = group
        end = start
    return labels


def largest(lengths: Indices, labels: Indices) -> Indices:
    """(groups, nodes): the sizes of the windows that hold every member's."""
    return np.stack([lengths[:, labels == group].max(1) for group in range(labels.max() + 1)])
