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
    """The receptive field clipped to the picture, or the effective one where that is most of it; and whether so.

    The effective field (Luo et al. 2016) is of the value before an activation that bounds it; a neuron without a
    gradient keeps the exact field.
    """
    exact = engine.receptive_field(layer, row, col)
    height, width = engine.contract.size
    if exact.height * exact.width <= MOST * height * width:
        return exact, False
    unbounded = engine.layers.unbounded(layer)
    try:
        return engine.effective_field(x, unbounded, channel, row, col, share=SHARE), True
    except NnvizError as error:
        if error.code != "unit_dead":
            raise
        return exact, False
