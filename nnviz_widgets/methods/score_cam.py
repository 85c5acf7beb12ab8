"""Score-CAM: a channel weighs as much as the picture scores when only what the channel sees is left of it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.engine.objectives import Objective
from nnviz_widgets.methods.batches import in_batches
from nnviz_widgets.methods.weighted_maps import weighted


def score_cam(engine: Engine, x: Tensor, objective: Objective, layer: str) -> Tensor:
    """relu(sum_k softmax(S(x * H_k))_k A_k), H_k channel k upsampled and scaled to 0..1 (Wang et al., CVPRW 2020).

    x is one picture (1, C, H, W); the map is (1, 1, h, w). The score of an empty picture, which the paper subtracts,
    is the same for all channels and so drops out of the softmax. A channel that is the same all over masks all.
    """
    activation = engine.activations(x, layer)
    size = (x.shape[2], x.shape[3])

    def scores(batch: range) -> Tensor:
        maps = F.interpolate(activation[0, batch.start : batch.stop, None], size, mode="bilinear", align_corners=False)
        low, high = maps.amin((2, 3), keepdim=True), maps.amax((2, 3), keepdim=True)
        masks = torch.where(high > low, (maps - low) / (high - low), 0)
        return engine.value(x.to(masks) * masks, objective)

    found = torch.cat([part for _, part in in_batches(engine, activation.shape[1], scores)])
    return weighted(activation, found.softmax(0)[None])
