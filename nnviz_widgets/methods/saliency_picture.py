"""A gradient at the input -> one number a pixel."""

from __future__ import annotations

from torch import Tensor


def magnitude(gradient: Tensor) -> Tensor:
    """(N, C, H, W) -> (N, H, W): the largest |gradient| of the channels (Simonyan et al. 2014)."""
    return gradient.abs().amax(1)


def signed(gradient: Tensor) -> Tensor:
    """(N, C, H, W) -> (N, H, W): the sum over the channels.

    What the objective gains when a pixel brightens in all channels alike; of a gradient times the input and of
    integrated gradients, the pixel's share of the whole.
    """
    return gradient.sum(1)
