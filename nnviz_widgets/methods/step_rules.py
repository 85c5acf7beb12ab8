"""Step rules: how far a gradient moves the picture; all per picture of a batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from nnviz_widgets.methods.prior_values import Checked

Memory = tuple[Tensor, ...]
"""What a rule remembers from step to step; never changed in place."""


@dataclass(frozen=True)
class Plain:
    """step_size * gradient."""

    default_step_size: ClassVar[float] = 1.0

    def move(self, gradient: Tensor, step_size: float, _step: int, memory: Memory) -> tuple[Tensor, Memory]:
        return step_size * gradient, memory


@dataclass(frozen=True)
class Normalised:
    """step_size * gradient / its root mean square, so that a step changes values by step_size on average."""

    default_step_size: ClassVar[float] = 0.02

    def move(self, gradient: Tensor, step_size: float, _step: int, memory: Memory) -> tuple[Tensor, Memory]:
        length = gradient.flatten(1).square().mean(1).sqrt().clamp_min(torch.finfo(gradient.dtype).tiny)
        return gradient * (step_size / length).view(-1, *[1] * (gradient.ndim - 1)), memory


@dataclass(frozen=True)
class Progress(Checked):
    """min(step_size, progress / ||gradient||^2) * gradient: each step raises the objective by about `progress`.

    Yosinski et al., Understanding Neural Networks Through Deep Visualization, 2015 (their tool box).
    """

    progress: float = 2.0
    default_step_size: ClassVar[float] = 1.0

    def move(self, gradient: Tensor, step_size: float, _step: int, memory: Memory) -> tuple[Tensor, Memory]:
        rate = (self.progress / gradient.flatten(1).square().sum(1)).clamp_max(step_size)
        return gradient * rate.view(-1, *[1] * (gradient.ndim - 1)), memory


@dataclass(frozen=True)
class Adam:
    """Kingma & Ba, Adam: A Method for Stochastic Optimization, ICLR 2015, with the paper's constants."""

    default_step_size: ClassVar[float] = 0.05

    def move(self, gradient: Tensor, step_size: float, step: int, memory: Memory) -> tuple[Tensor, Memory]:
        """The memory: both moments, and the step at which they began."""
        mean, square, begun = memory or (gradient.new_zeros(()), gradient.new_zeros(()), torch.tensor(step))
        mean = torch.lerp(gradient, mean.expand_as(gradient), 0.9)
        square = (0.999 * square).expand_as(gradient).addcmul(gradient, gradient, value=0.001)
        count = step - int(begun) + 1
        rate = step_size / (1 - 0.9**count)
        return rate * mean / ((square / (1 - 0.999**count)).sqrt_().add_(1e-8)), (mean, square, begun)


StepRule = Plain | Normalised | Progress | Adam
