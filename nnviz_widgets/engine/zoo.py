"""Named networks: the two that work offline, and every classifier of torchvision."""

from __future__ import annotations

import difflib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torchvision import models

from nnviz_widgets.engine import cifar_net, efficientnet_lite
from nnviz_widgets.engine.state_dicts import fetch, fill, read_state
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.images.contract import IMAGENET_MEAN, IMAGENET_STD, InputContract

OFFLINE = ("efficientnet_lite0", "cifar_net")


@dataclass(frozen=True)
class Network:
    """A module in eval mode, what it expects of its input, and what its outputs mean, in their order."""

    name: str
    module: nn.Module
    contract: InputContract
    labels: tuple[str, ...]
    outputs: str = "logits"


def names() -> tuple[str, ...]:
    """All names that `load_network` knows, those that work offline first."""
    return (*OFFLINE, *models.list_models(module=models))


def spec(name: str) -> tuple[InputContract, tuple[str, ...]]:
    """Input contract and class names of a network, without building it.

    Raises:
        NnvizError: when no network has that name.
    """
    if not isinstance(name, str):
        raise NnvizError("network_type", type=type(name).__name__)
    if name not in names():
        near = difflib.get_close_matches(name.lower(), names(), cutoff=0.5) or OFFLINE
        raise NnvizError("network_unknown", name=name, near=", ".join(near))
    if name == "cifar_net":
        return InputContract((32, 32), cifar_net.CIFAR_MEAN, cifar_net.CIFAR_STD), cifar_net.CIFAR_LABELS
    if name == "efficientnet_lite0":
        labels = models.ResNet18_Weights.IMAGENET1K_V1.meta["categories"]
        return InputContract((224, 224), IMAGENET_MEAN, IMAGENET_STD, resize=256), tuple(labels)
    published = _published(name)
    recipe = published.transforms()
    contract = InputContract(
        size=(recipe.crop_size[0], recipe.crop_size[0]),
        mean=tuple(recipe.mean),
        std=tuple(recipe.std),
        resize=recipe.resize_size[0],
        interpolation=recipe.interpolation.value,
    )
    return contract, tuple(published.meta["categories"])


def load_network(name: str = "efficientnet_lite0", *, weights: str | os.PathLike[str] = "default") -> Network:
    """A network by name, in eval mode on the CPU.

    Args:
        name: one of `names()`.
        weights: "default" (shipped with the install, or torchvision's, downloaded once), "random" (always the same,
            without any file), or the path of a state dict that torch.save or safetensors wrote.

    Raises:
        NnvizError: when the name or the weights are unknown, cannot be fetched or read, or do not fit.
    """
    contract, labels = spec(name)
    file = _weights_file(name, weights)  # first: building a large network only to say that it has no weights is slow
    # The caller's random state and default device are not ours to move; torch.manual_seed would also seed the GPUs.
    with torch.random.fork_rng(devices=[]), torch.device("cpu"):
        torch.default_generator.manual_seed(0)
        module = _build(name).eval()
        if file is None:
            _randomise(module, contract)
    if file is not None and isinstance(module, efficientnet_lite.EfficientNetLite0):
        efficientnet_lite.load_weights(module, file)
    elif file is not None:
        fill(module, _current_names(name, read_state(file)), name=name, path=file)
    return Network(name, module, contract, labels)


def _published(name: str) -> Any:
    return models.get_model_weights(name).DEFAULT


def _weights_file(name: str, weights: str | os.PathLike[str]) -> Path | None:
    if weights == "random":
        return None
    if weights == "default":
        if name == "cifar_net":
            return cifar_net.WEIGHTS
        return efficientnet_lite.weights_file() if name == "efficientnet_lite0" else fetch(_published(name).url)
    if not isinstance(weights, str | os.PathLike) or not Path(weights).is_file():
        raise NnvizError("weights_value", value=weights)
    return Path(weights)


def _build(name: str) -> nn.Module:
    if name == "cifar_net":
        return cifar_net.CifarNet()
    if name == "efficientnet_lite0":
        return efficientnet_lite.EfficientNetLite0()
    options: dict[str, Any] = {}
    if name in ("googlenet", "inception_v3"):
        # Auxiliary heads speak in training only. The published weights expect another scale than their recipe's:
        # transform_input converts. The slow initialisation would be overwritten in either case.
        options = {"aux_logits": False, "transform_input": True, "init_weights": False}
    elif name.startswith("vgg"):
        options = {"init_weights": False}
    elif name.startswith("vit"):
        options = {"image_size": _published(name).meta["min_size"][0]}
    module: nn.Module = models.get_model(name, weights=None, **options)
    return module


def _randomise(module: nn.Module, contract: InputContract) -> None:
    # Eval mode without the statistics of a batch lets the signal die away or explode (logits of 1e-14 from
    # efficientnet_b0, 1e11 from efficientnet_v2_l). So: He et al., 2015, over the inputs of each unit, then batch
    # statistics of one batch of noise, as at the first step of a training.
    normalisations = []
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        elif isinstance(layer, nn.Linear) and not layer.weight.any():
            nn.init.normal_(layer.weight, std=0.02)  # a vision transformer's head starts at zero: every class alike
        elif isinstance(layer, nn.BatchNorm2d):
            normalisations.append((layer, layer.momentum))
            layer.train().momentum = 1.0
    if normalisations:
        with torch.no_grad():
            module(torch.randn(2, contract.channels, *contract.size))
    for layer, momentum in normalisations:
        layer.eval().momentum = momentum


def _current_names(name: str, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """`state`, changed in place so that it keeps its modules' versions, with the names that torchvision uses today."""
    for key in list(state):
        if name in ("googlenet", "inception_v3") and key.startswith(("aux1.", "aux2.", "AuxLogits.")):
            del state[key]
        elif name.startswith("densenet"):
            state[re.sub(r"(denselayer\d+\.(?:norm|conv))\.([12]\.)", r"\1\2", key)] = state.pop(key)
    return state
