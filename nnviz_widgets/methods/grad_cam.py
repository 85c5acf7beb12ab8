"""Grad-CAM: where in a picture a layer finds what speaks for an objective."""

from __future__ import annotations

from difflib import get_close_matches

import torch
import torch.nn.functional as F
from torch import Tensor

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.engine.layers import Layer
from nnviz_widgets.engine.objectives import Objective
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.methods.cam_variants import FROM_ACTIVATIONS, FROM_GRADIENTS, FROM_SCORES
from nnviz_widgets.methods.class_maps import class_map
from nnviz_widgets.methods.saliency import saliency

VARIANTS: tuple[str, ...] = (*FROM_GRADIENTS, *FROM_ACTIVATIONS, *FROM_SCORES)


def grad_cam(
    engine: Engine, x: Tensor, objective: Objective, layer: str | Layer, *, variant: str = "grad_cam"
) -> Tensor:
    """Weighted sum of a layer's maps, of which the positive part is kept (Selvaraju et al. 2017).

    Args:
        layer: any with maps; a transformer's tokens lie on their grid.
        variant: one of `VARIANTS`, see `cam_variants.py`. "score_cam" and "ablation_cam" take a pass a channel;
            "eigen_cam" does not look at the objective.

    Returns:
        (N, 1, h, w), the layer's own size, in units of the objective for "grad_cam": 0 all over where nothing in the
        picture speaks for the objective. Maps of two objectives compare on one scale.

    Raises:
        NnvizError: for an unknown variant, a layer without maps or one that the objective does not depend on, or a
            gradient that is 0 all over.
    """
    if variant not in VARIANTS:
        near = get_close_matches(variant, VARIANTS, n=3, cutoff=0.3) or VARIANTS
        raise NnvizError("variant_unknown", name=variant, near=", ".join(map(repr, near)))
    with engine.still():  # the activation and its gradient are of the same weights
        record = layer if isinstance(layer, Layer) else engine.layers[layer]
        if not record.spatial:
            raise NnvizError("layer_not_spatial", name=record.name, units=record.channels)
        if variant in FROM_ACTIVATIONS:
            return FROM_ACTIVATIONS[variant](engine.activations(x, record))
        if variant in FROM_SCORES:
            score = FROM_SCORES[variant]
            return torch.cat([score(engine, x[i : i + 1], objective, record.name) for i in range(x.shape[0])])
        if variant == "grad_cam" and (quick := class_map(engine, x, objective, record.name)) is not None:
            return quick
        gradient = engine.gradient(x, objective, of=record)
        activation = engine.activations(x, record)  # read by the pass above
    maps = FROM_GRADIENTS[variant](activation, gradient)
    if not maps.any() and not gradient.any():
        raise NnvizError("gradient_zero", objective=repr(objective), of=record.name)
    return maps


def guided_grad_cam(
    engine: Engine, x: Tensor, objective: Objective, layer: str | Layer, *, variant: str = "grad_cam"
) -> Tensor:
    """Guided backpropagation times the upsampled map (Selvaraju et al. 2017, section 3.2); like x."""
    return saliency(engine, x, objective, rule="guided") * upsample(
        grad_cam(engine, x, objective, layer, variant=variant), (x.shape[2], x.shape[3])
    )


def upsample(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """(N, 1, h, w) -> (N, 1, *size), bilinear: for display, it adds nothing to the map."""
    return F.interpolate(maps, size, mode="bilinear", align_corners=False)
