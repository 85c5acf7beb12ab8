"""The small offline network: convolution, ReLU, max pooling, linear, and first filters large enough to look at."""

from __future__ import annotations

import os
from collections import OrderedDict
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from nnviz_widgets.errors import NnvizError

CIFAR_MEAN = (0.4914, 0.4822, 0.4465)
CIFAR_STD = (0.247, 0.2435, 0.2616)
CIFAR_LABELS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
WEIGHTS = Path(__file__).with_name("weights") / "cifar_net.safetensors"


def build(*, pretrained: bool = True) -> CifarNet:
    """`CifarNet` in eval mode, with the packaged weights or with those of a fresh random initialisation."""
    net = CifarNet().eval()
    return load_weights(net) if pretrained else net


def load_weights(net: CifarNet, path: str | Path | None = None) -> CifarNet:
    """Fill `net` from a safetensors file, the packaged one by default, and return it.

    Raises:
        NnvizError: when the file is missing, cannot be read, or holds another network.
    """
    source = WEIGHTS if path is None else Path(path)
    if not source.is_file():
        raise NnvizError("weights_missing", path=source)
    try:
        net.load_state_dict(load_file(source))
    except (SafetensorError, RuntimeError) as error:
        raise NnvizError("weights_unreadable", path=source, reason=str(error).splitlines()[0]) from error
    return net


def save_weights(net: CifarNet, path: Path) -> None:
    """Write `net` as float16, half the bytes for no loss of accuracy; the file is replaced whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    save_file({name: value.half().contiguous() for name, value in net.state_dict().items()}, partial)
    os.replace(partial, path)


class CifarNet(nn.Sequential):
    """Five convolutions and two linear layers for the ten CIFAR-10 classes, without normalisation layers.

    Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009 (the data); every step is a module.
    Input (N, 3, 32, 32), normalised with `CIFAR_MEAN` and `CIFAR_STD`; output: logits (N, 10).
    """

    conv1: nn.Conv2d
    fc2: nn.Linear

    def __init__(self) -> None:
        super().__init__(
            OrderedDict[str, nn.Module](
                conv1=nn.Conv2d(3, 32, 7, padding=3),
                relu1=nn.ReLU(),
                pool1=nn.MaxPool2d(2),
                conv2=nn.Conv2d(32, 64, 3, padding=1),
                relu2=nn.ReLU(),
                conv3=nn.Conv2d(64, 96, 3, padding=1),
                relu3=nn.ReLU(),
                pool2=nn.MaxPool2d(2),
                conv4=nn.Conv2d(96, 128, 3, padding=1),
                relu4=nn.ReLU(),
                conv5=nn.Conv2d(128, 128, 3, padding=1),
                relu5=nn.ReLU(),
                pool3=nn.MaxPool2d(2),
                flatten=nn.Flatten(),
                fc1=nn.Linear(128 * 4 * 4, 128),
                relu6=nn.ReLU(),
                fc2=nn.Linear(128, 10),
            )
        )
        for layer in self:
            if isinstance(layer, nn.Conv2d | nn.Linear):
                # With no normalisation layer to rescale them, activations must keep their variance from the start.
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        self.conv1.weight.data.copy_(_smooth_noise(self.conv1.weight))
        self.fc2.weight.data.mul_(0.1)


def _smooth_noise(like: Tensor) -> Tensor:
    """First filters without grain: what a short training leaves of its start is what white noise would show as dirt."""
    side = like.shape[-1]
    line = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0]) / 16
    noise = torch.randn(like.shape[0] * 3, 1, side + 4, side + 4)
    filters = nn.functional.conv2d(noise, (line[:, None] * line)[None, None]).view(like.shape)
    filters = filters - filters.mean((1, 2, 3), keepdim=True)
    # Norm 0.7: pictures vary slowly too, so that such filters answer with about unit variance.
    return 0.7 * nn.functional.normalize(filters.flatten(1)).view(like.shape)
