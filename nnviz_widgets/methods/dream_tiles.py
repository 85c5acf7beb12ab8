"""The gradient of a picture of any size, by tiles that fit into memory."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

import torch
from torch import Tensor

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.engine.objectives import Measure


def tiled_gradient(engine: Engine, x: Tensor, objective: Measure, tile: int) -> tuple[float, Tensor]:
    """Value and gradient of an objective at x (1, C, h, w), as the mean over tiles, each by its share of the area.

    Objectives are means over space, so this is the gradient of the whole where no receptive field crosses an edge.
    The edges stand still: roll x at random before, so that they are not seen.
    """
    value, gradient = 0.0, torch.empty_like(x)
    area = x.shape[2] * x.shape[3]
    for rows in parts(x.shape[2], tile):
        for columns in parts(x.shape[3], tile):
            piece = x[..., rows, columns]
            share = piece.shape[2] * piece.shape[3] / area
            values, slope = engine.value_and_gradient(piece, objective)
            value += share * float(values[0])
            gradient[..., rows, columns] = share * slope
    return value, gradient


def parts(length: int, tile: int) -> Iterator[slice]:
    """As few parts as are at most a tile long, of equal length to a pixel: no sliver is left for the network."""
    count = ceil(length / tile)
    for i in range(count):
        yield slice(i * length // count, (i + 1) * length // count)
