"""What the network says at every position of an occluder, as far as it is known."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from nnviz_widgets.errors import NnvizError


@dataclass(frozen=True)
class OcclusionMap:
    """Values by position of the occluder, all on the CPU; those not known yet are those of the nearest known.

    Attributes:
        logits: (rows, cols, classes).
        boxes: (rows, cols, 4): top, left, height and width of the occluder in pixels.
        known: (rows, cols), whether a position is computed.
        done: the fraction of positions that are; 1 for the last map, which is exact.
        activation: (rows, cols), total of the layer's map `channel`; None without a layer.
        channel: whose total over the clean picture is the largest.
        exact_by: "windows" where only what the occluder can change was computed, "whole" where all of each picture.
        gain: how many times fewer multiply-accumulates windows need than whole pictures; 1 where that is not known.
        half_cost: the largest difference that half precision makes to a probability, at a few positions; 0 without it.
    """

    logits: Tensor = field(repr=False)
    boxes: Tensor = field(repr=False)
    known: Tensor = field(repr=False)
    done: float
    activation: Tensor | None = field(repr=False)
    channel: int | None
    exact_by: Literal["windows", "whole"]
    gain: float
    half_cost: float = 0.0

    def probability(self, c: int) -> Tensor:
        """Of a class, (rows, cols).

        Raises:
            NnvizError: when there is no such class.
        """
        last = self.logits.shape[-1] - 1
        if not 0 <= c <= last:
            raise NnvizError("class_range", index=c, last=last)
        return (self.logits[..., c] - torch.logsumexp(self.logits, -1)).exp()

    @property
    def predicted(self) -> Tensor:
        """The index of the most probable class, (rows, cols)."""
        return self.logits.argmax(-1)
