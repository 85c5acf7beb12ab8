"""The step that the whole family of Grad-CAM shares."""

from __future__ import annotations

import torch
from torch import Tensor


def weighted(activation: Tensor, weights: Tensor) -> Tensor:
    """relu(sum_k w_k A_k) for A (N, K, h, w) and w (N, K) -> (N, 1, h, w)."""
    summed = torch.bmm(weights[:, None], activation.flatten(2))
    return summed.relu_().view(activation.shape[0], 1, *activation.shape[2:])
