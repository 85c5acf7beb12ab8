"""What an ascent shows of each step, and all that is needed to go on from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from torch import Tensor

from nnviz_widgets.images.contract import InputContract
from nnviz_widgets.methods.priors import Settings
from nnviz_widgets.methods.step_rules import Memory


@dataclass(frozen=True, eq=False)
class AscentState:
    """An ascent before it looks at the picture of a step.

    Attributes:
        step: how many steps led here.
        seed: of its random numbers.
        size: (height, width) of the picture.
        numbers: what is moved: the picture, or its waves (see `parametrisations.py`); never changed in place.
        memory: of the step rule.
        settings: the priors and the step size in force.
        begun: the priors and the step size at step 0.
        steered: what the knobs changed on the way, as (step, changes).
        best: the highest value so far, summed over a batch.
        flat: for how many steps on end no picture had a gradient.
    """

    step: int
    seed: int
    size: tuple[int, int]
    numbers: Tensor = field(repr=False)
    settings: Settings
    begun: Settings
    memory: Memory = field(default=(), repr=False)
    steered: tuple[tuple[int, Mapping[str, Any]], ...] = ()
    best: float = -np.inf
    flat: int = 0


@dataclass(frozen=True, eq=False)
class AscentStep:
    """A picture on the way, before the step that follows.

    Attributes:
        step: how many steps led to it; 0 is the start.
        value: of the objective for the picture as the network saw it, transformed; for a batch (N,).
        x: (N, C, h, w), the picture in the network's units.
        best: whether the value, summed over a batch, is the highest so far.
        gradient_norm: of the objective's gradient by x, Euclidean; for a batch (N,).
        state: `ascent(..., start=step.state)` goes on from here as if it had never stopped.
    """

    step: int
    value: float | np.ndarray
    x: Tensor = field(repr=False)
    best: bool
    gradient_norm: float | np.ndarray
    state: AscentState = field(repr=False)
    contract: InputContract = field(repr=False)

    @cached_property
    def image(self) -> np.ndarray:
        """The picture as float32 (h, w, C) in 0..1, for a batch (N, h, w, C)."""
        mean, std = self.x.new_tensor([self.contract.mean, self.contract.std]).view(2, 1, -1, 1, 1)
        pixels: np.ndarray = (self.x * std + mean).clamp_(0, 1).permute(0, 2, 3, 1).float().contiguous().cpu().numpy()
        return pixels if isinstance(self.value, np.ndarray) else pixels[0]
