"""What a network makes of itself at one moment of its training: its first filters, and the maps of one picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.engine.layers import Layer
from nnviz_widgets.methods.activation_maps import activation_maps
from nnviz_widgets.methods.filters import filters, layers_with_filters, shape_of

MAPS = 64  # shown at most


@dataclass(frozen=True, eq=False)
class Look:
    """First filters (out, 1 or 3, kh, kw), maps (channels, h, w) and the likeliest classes of a picture."""

    filters: NDArray[np.float32] | None
    maps: NDArray[np.float32] | None
    top: list[tuple[int, str, float]]


def look(engine: Engine, x: Tensor, first: str | None, layer: str) -> Look:
    """As the weights are now; without filters or maps where the network has none."""
    maps = activation_maps(engine, x, layer)[:MAPS].float().cpu().numpy() if layer else None
    return Look(None if first is None else filters(engine, first).numpy(), maps, engine.top(x, 2))


def first_filters(engine: Engine) -> str | None:
    """The convolution that reads the picture, if there is one."""
    return next((name for name in layers_with_filters(engine) if shape_of(engine, name)[1] in (1, 3)), None)


def spatial_layers(engine: Engine) -> list[Layer]:
    """Those that have maps; none for a network of linear layers."""
    return [layer for layer in engine.layers.distinct() if layer.spatial]


def telling_layer(spatial: list[Layer]) -> str:
    """The first that is rectified, where maps are still pictures."""
    rectified = [layer.name for layer in spatial if "relu" in layer.kind.lower()]
    return next(iter([*rectified, *(layer.name for layer in spatial)]), "")
