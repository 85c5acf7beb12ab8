"""The part of a picture that a winner's patch is cut out of."""

from __future__ import annotations

from torch import Tensor

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.engine.receptive_field import Rect
from nnviz_widgets.errors import NnvizError

MOST = 0.7
"""Share of the picture above which a receptive field says next to nothing of where to look."""
SHARE = 0.95
"""Of the absolute gradient, in the effective field."""


def field_of(engine: Engine, x: Tensor, layer: str, channel: int, row: int, col: int) -> tuple[Rect, bool]:
    """The receptive field clipped to the picture, or the effective one; and whether it is the effective one.

    All neurons of a layer have the same kind, so that patches can be compared: the effective field where the field of
    the neuron in the middle is most of the picture. It (Luo et al. 2016) is of the value before an activation that
    bounds it; a neuron without a gradient keeps the exact field.
    """
    exact = engine.receptive_field(layer, row, col)
    if not _too_large(engine, layer):
        return exact, False
    unbounded = engine.layers.unbounded(layer)
    try:
        return engine.effective_field(x, unbounded, channel, row, col, share=SHARE), True
    except NnvizError as error:
        if error.code != "unit_dead":
            raise
        return exact, False


def _too_large(engine: Engine, layer: str) -> bool:
    """Whether a layer's exact fields are most of the picture."""
    _, rows, cols = engine.layers[layer].shape
    middle = engine.receptive_field(layer, rows // 2, cols // 2)
    height, width = engine.contract.size
    return middle.height * middle.width > MOST * height * width
