"""A named network, ready to look into."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import torch

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.engine.zoo import load_network


def load(
    name: str = "efficientnet_lite0", *, weights: str = "default", device: str | torch.device = "auto", **options: Any
) -> Engine:
    """An engine for a network by name, with its weights, input contract and class names.

    "efficientnet_lite0" (ImageNet) and "cifar_net" (CIFAR-10) come with the install; so does every torchvision
    classifier, whose weights are fetched once.

    Args:
        weights: "default", "random" (always the same, works offline), or the path of a state dict.
        options: further arguments of `Engine`, such as `cache_bytes`.

    Raises:
        NnvizError: for an unknown name, or weights that cannot be had; it says what works instead.
    """
    network = load_network(name, weights=weights)
    engine = Engine(
        network.module,
        **asdict(network.contract),
        labels=network.labels,
        outputs="logits",
        device=device,
        name=network.name,
        **options,
    )
    told = {"weights": weights} if weights != "default" else {}
    told |= {"device": str(device)} if device != "auto" else {}
    engine.loaded = name, told | options
    return engine
