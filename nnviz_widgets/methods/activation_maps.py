"""Activation maps: what each channel of a layer makes of a picture, and where."""

from __future__ import annotations

from torch import Tensor

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.errors import NnvizError


def activation_maps(engine: Engine, x: Tensor, layer: str) -> Tensor:
    """All maps of a layer for the first picture of x (Yosinski et al. 2015, figure 1).

    Returns:
        (channels, h, w), on the engine's device; kept by the engine, so not to be changed in place.

    Raises:
        NnvizError: for an unknown layer, or one without space.
    """
    record = engine.layers[layer]
    if not record.spatial:
        raise NnvizError("layer_not_spatial", name=layer, units=record.channels)
    return engine.activations(x, layer)[0]
