"""How small a picture a network takes, tried out."""

from __future__ import annotations

import torch

from nnviz_widgets.engine.objectives import Measure
from nnviz_widgets.engine.passes import AsLogits, Passes
from nnviz_widgets.errors import NnvizError


def smallest_side(passes: Passes, objective: Measure, as_logits: AsLogits) -> int:
    """By bisection with the mean colour, below the longer side of the network's own input.

    Raises:
        NnvizError: what goes wrong at that side, when it does.
    """
    works = max(passes.contract.size)
    _try(passes, objective, as_logits, works)
    fails = 0
    while works - fails > 1:
        side = (works + fails) // 2
        try:
            _try(passes, objective, as_logits, side)
            works = side
        except NnvizError as error:
            if error.code == "out_of_memory":
                raise  # says nothing about the size: less was needed than before
            fails = side
    return works


def _try(passes: Passes, objective: Measure, as_logits: AsLogits, side: int) -> None:
    """One pass, which raises where a layer is not reached, a unit is not there, or a value is no number."""
    x = torch.zeros(1, passes.contract.channels, side, side, device=passes.device, dtype=passes.dtype)
    passes.value(x, objective, None, None, as_logits)
