"""Priors that rework the pixels after a step (Yosinski et al., Understanding Neural Networks Through Deep
Visualization, 2015); x in the network's units, where 0 is the mean colour. All per picture of a batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from nnviz_widgets.methods.prior_values import Checked


@dataclass(frozen=True)
class Decay(Checked):
    """x * (1 - decay)."""

    decay: float
    order: ClassVar[int] = 0

    def rework(self, x: Tensor, _gradient: Tensor, _step: int) -> Tensor:
        return x * (1 - self.decay)


@dataclass(frozen=True)
class Blur(Checked):
    """A Gaussian blur of `sigma` pixels at every `every`-th step; below 0.3 pixels it does nothing to be seen."""

    sigma: float
    every: int = 4
    order: ClassVar[int] = 1

    def rework(self, x: Tensor, _gradient: Tensor, step: int) -> Tensor:
        return x if step % self.every else gaussian_blur(x, self.sigma)


@dataclass(frozen=True)
class SmallValue(Checked):
    """Values whose magnitude is below this percentile become 0."""

    small_value: float
    order: ClassVar[int] = 2

    def rework(self, x: Tensor, _gradient: Tensor, _step: int) -> Tensor:
        return _clip(x, x.abs(), self.small_value)


@dataclass(frozen=True)
class SmallNorm(Checked):
    """Pixels whose norm over the channels is below this percentile become the mean colour."""

    small_norm: float
    order: ClassVar[int] = 3

    def rework(self, x: Tensor, _gradient: Tensor, _step: int) -> Tensor:
        return _clip(x, x.square().sum(1, keepdim=True).sqrt(), self.small_norm)


@dataclass(frozen=True)
class SmallContribution(Checked):
    """Pixels whose |sum over the channels of -gradient * x| is below this percentile become the mean colour.

    To first order that is what the objective would change by without the pixel.
    """

    small_contribution: float
    order: ClassVar[int] = 4

    def rework(self, x: Tensor, gradient: Tensor, _step: int) -> Tensor:
        return _clip(x, (gradient * x).sum(1, keepdim=True).abs(), self.small_contribution)


PixelPrior = Decay | Blur | SmallValue | SmallNorm | SmallContribution


def gaussian_blur(x: Tensor, sigma: float) -> Tensor:
    """x (N, C, h, w) blurred with a kernel cut off at 4 sigma; beyond the border stands the border's value."""
    radius = int(4 * sigma + 0.5)
    if not radius:
        return x
    places = torch.arange(-radius, radius + 1, dtype=torch.float64)
    kernel = (-0.5 * (places / sigma).square()).exp()
    kernel = (kernel / kernel.sum()).to(x)
    maps = F.pad(x.reshape(-1, 1, *x.shape[2:]), [radius] * 4, "replicate")
    return F.conv2d(F.conv2d(maps, kernel.view(1, 1, -1, 1)), kernel.view(1, 1, 1, -1)).reshape(x.shape)


def _clip(x: Tensor, size: Tensor, percentile: float) -> Tensor:
    """x, 0 where `size` is below its percentile over each picture, as numpy.percentile has it."""
    limit = percentiles(size.flatten(1), percentile)
    return x * (size >= limit.view(-1, 1, 1, 1))


def percentiles(values: Tensor, percentile: float) -> Tensor:
    """(N,) percentiles of the rows of values (N, n), between two values in proportion. Of any number of values."""
    place = percentile / 100 * (values.shape[1] - 1)
    low = int(place)
    below = values.kthvalue(low + 1, 1).values
    if place == low:
        return below
    return torch.lerp(below, values.kthvalue(low + 2, 1).values, place - low)
