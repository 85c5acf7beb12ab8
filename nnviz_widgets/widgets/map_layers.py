"""Layers that have maps, their channels and their neurons: what can be chosen, and what is refused."""

from __future__ import annotations

from operator import index
from typing import Any

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.engine.layers import Layer
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.widgets.controls import Options

BOUNDED = ("ReLU6", "Hardtanh", "Sigmoid", "Hardsigmoid", "Tanh")


def layers_with_maps(engine: Engine) -> list[Layer]:
    """The layers that have a height and a width, each tensor once; an error where there is none."""
    layers = [layer for layer in engine.layers.distinct() if layer.spatial]
    if not layers:
        raise NnvizError("network_no_maps", name=engine.name)
    return layers


def top_layer(layers: list[Layer]) -> Layer:
    """The last layer whose maps have several places; before a bounded activation, where many places tie, not after."""
    several = [layer for layer in layers if layer.shape[1:] != (1, 1)] or layers
    last = several[-1]
    before = several[-2] if len(several) > 1 else last
    return before if last.kind in BOUNDED and before.activation is not None else last


def layer_options(layers: list[Layer]) -> Options:
    """(shown, name) for a dropdown."""
    return [(f"{x.name} · {x.kind} · {' × '.join(map(str, x.shape))}", x.name) for x in layers]


def check_layer(engine: Engine, name: str) -> str:
    """The layer that a name stands for, if it has maps."""
    record = engine.layers[name]
    if not record.spatial:
        raise NnvizError("layer_not_spatial", name=record.name, units=record.channels)
    return engine.layers.origin(record.name).name


def check_channel(engine: Engine, name: str, channel: int) -> int:
    """A channel that the layer has."""
    last = engine.layers[name].channels - 1
    if not 0 <= channel <= last:
        raise NnvizError("option_range", name="channel", value=channel, layer=name, last=last)
    return int(channel)


def check_neuron(engine: Engine, name: str, unit: Any) -> tuple[int, int] | None:
    """(row, column) of a neuron that the layer's maps have, or None."""
    layer = engine.layers[name]
    if unit is None:
        return None
    try:
        row, col = map(index, unit)
    except (TypeError, ValueError) as error:
        raise NnvizError("unit_value", value=unit) from error
    height, width = layer.shape[1:]
    if not (0 <= row < height and 0 <= col < width):
        raise NnvizError("unit_range", name=layer.name, row=row, col=col, last_row=height - 1, last_col=width - 1)
    return row, col
