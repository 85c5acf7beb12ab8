"""Penalties: what is taken from the objective for a picture that is unlike a photo."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from nnviz_widgets.methods.prior_values import Checked


@dataclass(frozen=True)
class L2(Checked):
    """l2 * ||x||^2: the picture stays near the mean colour.

    Simonyan et al., Deep Inside Convolutional Networks, 2014. x in the network's units.
    """

    l2: float

    def gradient(self, x: Tensor) -> Tensor:
        return 2 * self.l2 * x


@dataclass(frozen=True)
class TotalVariation(Checked):
    """total_variation * the sum of |differences between neighbours|: flat areas between edges.

    Mahendran & Vedaldi, Understanding Deep Image Representations by Inverting Them, CVPR 2015; the form is Lucid's.
    """

    total_variation: float

    def gradient(self, x: Tensor) -> Tensor:
        found = torch.zeros_like(x)
        for axis in (2, 3):
            last = x.shape[axis] - 1
            sign = x.diff(dim=axis).sign_()
            found.narrow(axis, 1, last).add_(sign)
            found.narrow(axis, 0, last).sub_(sign)
        return found.mul_(self.total_variation)


Penalty = L2 | TotalVariation
