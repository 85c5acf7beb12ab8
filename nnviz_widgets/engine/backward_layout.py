"""The memory layout in which a pass that is differentiated runs quickest on a CPU, told from the layers alone.

Told and not tried, for another layout rounds otherwise: an ascent is to give the same pictures whenever it is run.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

from nnviz_widgets.engine.layers import Layer

FEW_CELLS, MANY_CHANNELS = 64, 256
SHARE = 0.12
"""Of the multiply-accumulates in dense spatial convolutions of many channels over few cells, whose gradient is slow
channels last. Measured, channels last by contiguous: ResNet34 (17 %) 1.43, ResNet18 (22 %) 1.19, ResNet50 (8 %) 0.98,
VGG16, DenseNet121 and MobileNetV2 (0 %) 0.86 to 0.92."""


def backward_layout(module: nn.Module, layers: Iterable[Layer], forward: torch.memory_format) -> torch.memory_format:
    """The layout for a pass through these layers and back; `forward` is the one that is quickest without a gradient."""
    if forward != torch.channels_last:
        return forward
    slow = total = 0.0
    for layer in layers:
        part = None if layer.tap.module is None else module.get_submodule(layer.tap.module)
        if not isinstance(part, nn.Conv2d) or layer.height is None or layer.width is None:
            continue
        cells = layer.height * layer.width
        macs = part.weight.numel() * cells
        total += macs
        dense = part.groups == 1 and max(part.kernel_size) > 1 and part.in_channels >= MANY_CHANNELS
        slow += macs * (dense and cells <= FEW_CELLS)
    return torch.contiguous_format if slow > SHARE * total else forward
