"""Ablation-CAM: a channel weighs as much as the score drops when the channel is set to 0."""

from __future__ import annotations

import torch
from torch import Tensor

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.engine.objectives import Objective
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.methods.batches import in_batches
from nnviz_widgets.methods.weighted_maps import weighted


def ablation_cam(engine: Engine, x: Tensor, objective: Objective, layer: str) -> Tensor:
    """relu(sum_k w_k A_k), w_k = (S - S_k) / S, S_k the score without channel k (Desai & Ramaswamy, WACV 2020).

    x is one picture (1, C, H, W); the map is (1, 1, h, w). For a negative S the quotient turns the map round, as the
    paper has it: choose an objective that is positive.

    Raises:
        NnvizError: when no channel changes the score.
    """
    activation = engine.activations(x, layer)
    score = engine.value(x, objective)
    whole = not _bears_batches(engine, x, objective, layer, activation)

    def scores(batch: range) -> Tensor:
        pictures = x.expand(len(batch), -1, -1, -1) if whole else x
        return engine.value(pictures, objective, at=layer, activation=_without(activation, batch))

    found = torch.cat([part for _, part in in_batches(engine, activation.shape[1], scores)])
    drops = score - found
    if not drops.any():
        raise NnvizError("gradient_zero", objective=repr(objective), of=layer)
    return weighted(activation, (drops / torch.where(score != 0, score, 1))[None])


def _without(activation: Tensor, channels: range) -> Tensor:
    """One copy of the maps for each channel, that channel 0."""
    copies = activation.repeat(len(channels), 1, 1, 1)
    copies[torch.arange(len(channels)), torch.arange(channels.start, channels.stop)] = 0
    return copies


def _bears_batches(engine: Engine, x: Tensor, objective: Objective, layer: str, activation: Tensor) -> bool:
    """Whether the network goes on with several variants of a layer after one picture, to the same scores.

    A shortcut from before the layer is then one picture beside several: sums go on, concatenations do not.
    """
    last = activation.shape[1] - 1
    probes = torch.cat([activation, _without(activation, range(last, last + 1)), _without(activation, range(0, 1))])
    whole = engine.value(x.expand(3, -1, -1, -1), objective, at=layer, activation=probes)
    try:
        quick = engine.value(x, objective, at=layer, activation=probes)
    except NnvizError:
        return False
    return quick.shape == whole.shape and torch.allclose(quick, whole, rtol=1e-4, atol=1e-5 * float(whole.abs().max()))
