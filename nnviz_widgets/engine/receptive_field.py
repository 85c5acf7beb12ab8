"""From a unit of a layer to the part of the picture that it can depend on."""

from __future__ import annotations

import operator
from dataclasses import dataclass

import numpy as np

from nnviz_widgets.engine.axis_masks import Mask, Masks, full
from nnviz_widgets.engine.dependence import dependence
from nnviz_widgets.engine.graph import Graph
from nnviz_widgets.engine.layers import Layer
from nnviz_widgets.errors import NnvizError


@dataclass(frozen=True)
class Rect:
    """A part of the picture, in input pixels; height and width are 0 where it is empty."""

    top: int
    left: int
    height: int
    width: int


def receptive_field(graph: Graph, layer: Layer, row: int, col: int) -> Rect:
    """The smallest rectangle that holds every pixel the unit can depend on, for some weights, in any channel.

    Exact for all that works row by row and column by column: convolution, pooling, padding, resizing, slicing, sums
    and products of branches. What mixes the whole map (attention, a gate from a global mean, group and instance
    normalisation) has the whole picture; windowed attention gets the bounding box of the windows that it can reach.
    A unit that reads nothing but padding has an empty rectangle.
    """
    step = graph.outputs[layer.name]
    _, _, rows, cols = dependence(graph, step, _unit_masks(layer, step.shape, row, col))
    return bounding_rect(rows, cols)


def check_unit(layer: Layer, row: int, col: int) -> tuple[int, int]:
    """Row and column as whole numbers within the layer's maps.

    Raises:
        NnvizError: when the layer has no maps, or they do not hold such a cell.
    """
    if layer.height is None or layer.width is None:
        raise NnvizError("layer_not_spatial", name=layer.name, units=layer.channels)
    try:
        row, col = operator.index(row), operator.index(col)
    except TypeError as error:
        raise NnvizError("index_type", value=(row, col)) from error
    if not (0 <= row < layer.height and 0 <= col < layer.width):
        last = {"last_row": layer.height - 1, "last_col": layer.width - 1}
        raise NnvizError("unit_range", name=layer.name, row=row, col=col, **last)
    return row, col


def bounding_rect(rows: Mask, cols: Mask) -> Rect:
    """Around the cells that are in both masks."""
    if not (rows.any() and cols.any()):
        return Rect(0, 0, 0, 0)
    (top, bottom), (left, right) = (np.flatnonzero(mask)[[0, -1]].tolist() for mask in (rows, cols))
    return Rect(top, left, bottom - top + 1, right - left + 1)


def _unit_masks(layer: Layer, shape: tuple[int, ...], row: int, col: int) -> Masks:
    assert layer.height is not None
    assert layer.width is not None
    masks = full(shape)
    places = {"h": row, "w": col}
    if "t" in layer.axes:
        tokens = shape[layer.axes.index("t")]
        places = {"t": tokens - layer.height * layer.width + row * layer.width + col}  # class tokens come first
    for axis, place in places.items():
        mask = masks[layer.axes.index(axis)]
        mask[:] = False
        mask[place] = True
    return masks
