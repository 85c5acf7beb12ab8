"""The members of the Grad-CAM family, one small function each: from a layer's maps to one map.

A: activations (N, K, h, w) of the layer. g: gradient of the objective S there, like A.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.engine.objectives import Objective
from nnviz_widgets.methods.ablation_cam import ablation_cam
from nnviz_widgets.methods.score_cam import score_cam
from nnviz_widgets.methods.weighted_maps import weighted


def grad_cam(activation: Tensor, gradient: Tensor) -> Tensor:
    """relu(sum_k w_k A_k), w_k the mean of g_k over space (Selvaraju et al., ICCV 2017)."""
    return weighted(activation, gradient.mean((2, 3)))


def grad_cam_pp(activation: Tensor, gradient: Tensor) -> Tensor:
    """w_k = sum_ij alpha relu(g), alpha = g^2 / (2 g^2 + g^3 sum A_k) (Chattopadhay et al., WACV 2018).

    The paper differentiates exp(S), which multiplies the whole map of a picture by exp(S) alone: left out.
    """
    below = 2 * gradient.square() + gradient.pow(3) * activation.sum((2, 3), keepdim=True)
    alpha = torch.where(below != 0, gradient.square() / below, 0)
    return weighted(activation, (alpha * gradient.relu()).sum((2, 3)))


def xgrad_cam(activation: Tensor, gradient: Tensor) -> Tensor:
    """w_k = sum_ij g A / sum_ij A: the map, before its positive part is taken, sums to sum g A (Fu et al., BMVC 2020).

    A channel whose activations sum to 0 gets no weight.
    """
    sums = activation.sum((2, 3))
    products = (gradient * activation).sum((2, 3))
    return weighted(activation, torch.where(sums != 0, products / sums, 0))


def layer_cam(activation: Tensor, gradient: Tensor) -> Tensor:
    """relu(sum_k relu(g_k) A_k), a weight a place (Jiang et al., TIP 2021)."""
    return (gradient.relu() * activation).sum(1, keepdim=True).relu()


def eigen_cam(activation: Tensor) -> Tensor:
    """A projected on the first right singular vector of its (h w, K) matrix (Muhammad & Yeasin, IJCNN 2020).

    The vector's sign is free: the one under which the map has a positive sum. For activations that are never negative
    the map is not either; of others the positive part is kept, as in the rest of the family.
    """
    rows = activation.flatten(2).transpose(1, 2).float()
    left, sizes, _ = torch.linalg.svd(rows, full_matrices=False)
    first = left[..., 0] * sizes[..., :1]
    first = torch.where(first.sum(1, keepdim=True) < 0, -first, first)
    return first.relu().to(activation.dtype).view(activation.shape[0], 1, *activation.shape[2:])


FROM_GRADIENTS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "grad_cam": grad_cam,
    "grad_cam++": grad_cam_pp,
    "xgrad_cam": xgrad_cam,
    "layer_cam": layer_cam,
}
FROM_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"eigen_cam": eigen_cam}
FROM_SCORES: dict[str, Callable[[Engine, Tensor, Objective, str], Tensor]] = {
    "score_cam": score_cam,
    "ablation_cam": ablation_cam,
}
