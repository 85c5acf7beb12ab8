"""Receptive fields in closed form, and against gradients and real perturbations of networks with positive weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision import models

from nnviz_widgets.engine.effective_field import smallest_rect
from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.engine.objectives import neuron
from nnviz_widgets.engine.receptive_field import Rect
from nnviz_widgets.engine.zoo import load_network
from nnviz_widgets.errors import NnvizError
from tests.engine.networks import engine_of, picture, seeded


class Classifier(nn.Module):
    """`body`, then a linear layer on the mean of its maps."""

    def __init__(self, *body: nn.Module, channels: int = 4) -> None:
        super().__init__()
        self.body = nn.Sequential(*body)
        self.fc = nn.Linear(channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.body(x).mean((2, 3)))


class Does(nn.Module):
    """A function as a layer."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


def field(body: list[nn.Module], row: int, col: int, *, size: tuple[int, int] = (16, 20), channels: int = 4) -> Rect:
    engine = engine_of(seeded(lambda: Classifier(*body, channels=channels)), size=size)
    return engine.receptive_field(f"body.{len(body) - 1}", row, col)


def conv(kernel: Any = 3, inputs: int = 3, outputs: int = 4, **options: Any) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel, **options)


@pytest.mark.parametrize(
    ("body", "unit", "expected"),
    [
        ([conv(padding=1)], (0, 0), Rect(0, 0, 2, 2)),
        ([conv((3, 5), stride=(2, 3))], (2, 1), Rect(4, 3, 3, 5)),
        ([conv(3, dilation=4)], (1, 2), Rect(1, 2, 9, 9)),
        # The first row of taps is padding: with dilation the field begins at the next, not at the picture's edge.
        ([conv(3, dilation=4, padding=4)], (1, 7), Rect(1, 3, 5, 9)),
        ([conv(1, stride=3), conv(1, 4)], (2, 3), Rect(6, 9, 1, 1)),
        ([conv(1, stride=2), conv(3, 4)], (0, 0), Rect(0, 0, 5, 5)),
        ([nn.ZeroPad2d((1, 2, 3, 0)), conv(3)], (0, 0), Rect(0, 0, 0, 0)),
        ([nn.ZeroPad2d((1, 2, 3, 0)), conv(3)], (1, 0), Rect(0, 0, 1, 2)),
        ([conv(1), nn.ConvTranspose2d(4, 4, 3, stride=2)], (4, 5), Rect(1, 2, 2, 1)),
        ([conv(1), nn.ConvTranspose2d(4, 4, 4, stride=2, padding=1)], (0, 1), Rect(0, 0, 1, 2)),
        ([nn.MaxPool2d(3, stride=2, ceil_mode=True), conv(1)], (7, 9), Rect(14, 18, 2, 2)),
        ([nn.AvgPool2d(3, stride=2, padding=1), conv(1)], (0, 1), Rect(0, 1, 2, 3)),
        ([nn.AdaptiveAvgPool2d((3, 3)), conv(1)], (1, 1), Rect(5, 6, 6, 8)),
        ([nn.AdaptiveMaxPool2d((3, 4)), conv(1)], (2, 3), Rect(10, 15, 6, 5)),
        ([nn.MaxPool2d(2, stride=1, dilation=3), conv(1)], (1, 1), Rect(1, 1, 4, 4)),
        ([nn.ReflectionPad2d(3), conv(1)], (0, 10), Rect(3, 7, 1, 1)),
        ([nn.ReplicationPad2d(3), conv(1)], (0, 22), Rect(0, 19, 1, 1)),
        ([nn.CircularPad2d(2), conv(1)], (0, 2), Rect(14, 0, 1, 1)),
        ([nn.Upsample(scale_factor=2), conv(1)], (5, 6), Rect(2, 3, 1, 1)),
        ([nn.Upsample(size=(31, 39), mode="bilinear", align_corners=True), conv(1)], (2, 3), Rect(1, 1, 1, 2)),
        ([nn.Upsample(scale_factor=2, mode="bilinear"), conv(1)], (5, 6), Rect(2, 2, 2, 2)),
        ([nn.Upsample(scale_factor=2, mode="bicubic"), conv(1)], (9, 10), Rect(3, 3, 4, 4)),
        ([conv(1), nn.BatchNorm2d(4), nn.GELU(), nn.PReLU(4), nn.Hardswish(), nn.Dropout()], (3, 4), Rect(3, 4, 1, 1)),
        ([conv(1), nn.GroupNorm(2, 4)], (3, 4), Rect(0, 0, 16, 20)),
        ([conv(1), nn.InstanceNorm2d(4)], (3, 4), Rect(0, 0, 16, 20)),
        ([conv(1), nn.LocalResponseNorm(3)], (3, 4), Rect(3, 4, 1, 1)),
        ([Does(lambda x: x[:, :, 1::2, 3:-2]), conv(1)], (2, 0), Rect(5, 3, 1, 1)),
        ([Does(lambda x: x.flip(2).roll(5, 3)), conv(1)], (2, 6), Rect(13, 1, 1, 1)),
        ([Does(lambda x: torch.cat([x, x.transpose(2, 3).mT], 2)), conv(1)], (18, 6), Rect(2, 6, 1, 1)),
        ([Does(lambda x: torch.stack(x.unbind(2), 2)), conv(1)], (8, 6), Rect(8, 6, 1, 1)),
        ([Does(lambda x: x.repeat(1, 1, 2, 1)), conv(1)], (18, 6), Rect(2, 6, 1, 1)),
        ([Does(lambda x: x.cumsum(2)), conv(1)], (3, 6), Rect(0, 6, 16, 1)),
        ([Does(lambda x: F.pixel_unshuffle(x, 2)), conv(1, 12)], (3, 6), Rect(6, 12, 2, 2)),
        ([conv(1, 3, 16), nn.PixelShuffle(2), nn.ReLU()], (5, 6), Rect(2, 3, 1, 1)),
        ([conv(1), nn.ChannelShuffle(2), nn.ReLU()], (5, 6), Rect(5, 6, 1, 1)),
        ([Does(lambda x: F.unfold(x, 3, padding=1).view(1 * len(x), 27, 16, 20)[:, :4])], (5, 6), Rect(0, 0, 16, 20)),
    ],
    ids=lambda value: "+".join(type(part).__name__ for part in value) if isinstance(value, list) else None,
)
def test_closed_forms(body: list[nn.Module], unit: tuple[int, int], expected: Rect) -> None:
    assert field(body, *unit) == expected


class Branchy(nn.Module):
    """Functional branches of other reach, joined by a sum and by channels; a gate from a global mean comes last."""

    def __init__(self) -> None:
        super().__init__()
        self.tall, self.wide = conv((5, 1), padding=(2, 0)), conv((1, 7), padding=(0, 3))
        self.down, self.join, self.gate = conv(3, 4, stride=2), conv(1, 7), conv(1, 4)
        self.fc = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.tall(x)) + self.wide(x)
        down = self.down(y)
        y = self.join(torch.cat([down, x[:, :, 1:-1:2, 1:-1:2]], 1))
        gated = y * torch.sigmoid(self.gate(y.mean((2, 3), keepdim=True)))
        return self.fc(F.relu(gated).mean((2, 3)))


def test_branches_join_their_fields_and_a_gate_sees_everything() -> None:
    engine = engine_of(seeded(Branchy), size=(16, 20))
    assert engine.receptive_field("tall", 4, 5) == Rect(2, 5, 5, 1)
    assert engine.receptive_field("wide", 4, 5) == Rect(4, 2, 1, 7)
    assert engine.receptive_field("join", 2, 3) == Rect(2, 3, 7, 9)
    assert engine.receptive_field("gate", 0, 0) == Rect(0, 0, 16, 20)
    assert engine.receptive_field("relu@2", 2, 3) == Rect(0, 0, 16, 20)


def positive(module: nn.Module) -> nn.Module:
    """Absolute weights in float64: no path cancels, no unit dies or saturates, and the smallest change shows."""
    module = module.double().eval()
    for part in list(module.modules()):
        for name, child in part.named_children():
            if isinstance(child, nn.ReLU6):
                setattr(part, name, nn.ReLU())
    for parameter in module.parameters():
        parameter.data.abs_()
    return module


def vgg() -> nn.Module:
    layers = models.vgg.make_layers(models.vgg.cfgs["A"], batch_norm=True)
    return seeded(lambda: Classifier(*layers, channels=512))


def named(name: str) -> Callable[[], nn.Module]:
    return lambda: load_network(name, weights="random").module


@pytest.mark.parametrize(
    ("make", "size", "names"),
    [
        (vgg, (64, 96), ["body.0", "body.3", "body.14", "body.28"]),
        (named("resnet18"), (64, 96), ["maxpool", "layer1.1", "layer2.0.downsample.0", "layer3.0.conv2"]),
        (
            named("inception_v3"),
            (80, 107),
            ["maxpool2", "Mixed_5b.branch5x5_2", "Mixed_6a", "Mixed_6b.branch7x7_2.conv"],
        ),
        (
            named("densenet121"),
            (64, 80),
            ["features.pool0", "features.denseblock1.denselayer3", "features.transition1"],
        ),
        (named("efficientnet_lite0"), (64, 80), ["stem", "stage2.0.depthwise.conv", "stage3.0", "stage4.0.depthwise"]),
        (named("cifar_net"), (32, 32), ["conv1", "pool1", "conv3", "relu4", "pool3"]),
    ],
    ids=["vgg", "resnet18", "inception_v3", "densenet121", "efficientnet_lite0", "cifar_net"],
)
def test_nothing_outside_counts_and_every_edge_does(
    make: Callable[[], nn.Module], size: tuple[int, int], names: list[str]
) -> None:
    engine = Engine(positive(make()), mean=(0.0,) * 3, std=(1.0,) * 3, size=size, outputs="logits", device="cpu")
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(1, 3, *size, generator=generator, dtype=torch.float64) + 1
    noise = torch.rand(x.shape, generator=generator, dtype=torch.float64) * 100
    areas = []
    for layer in (engine.layers[name] for name in names):
        clean = engine.activations(x, layer)[0]
        h, w = clean.shape[1:]
        for row, col in {(0, 0), (h - 1, w - 1), (h // 2, w // 2), (h // 3, w - 1)}:
            box = engine.receptive_field(layer, row, col)
            areas.append(box.height * box.width)
            inside = torch.zeros(size, dtype=torch.bool)
            inside[box.top : box.top + box.height, box.left : box.left + box.width] = True
            changed = engine.activations(torch.where(inside, x, noise), layer)[0]
            assert torch.equal(changed[:, row, col], clean[:, row, col]), (layer.name, row, col, box)
            edges = torch.zeros(4, 1, *size, dtype=torch.float64)
            edges[0, 0, box.top] = edges[1, 0, box.top + box.height - 1] = 1e6
            edges[2, 0, :, box.left] = edges[3, 0, :, box.left + box.width - 1] = 1e6
            raised = engine.activations(torch.cat([x + edge for edge in edges * inside]), layer)
            assert (raised[:, :, row, col] > clean[:, row, col]).any(1).all(), (layer.name, row, col, box)
    assert min(areas) < size[0] * size[1] / 4


def test_patches_of_transformers_are_exact_and_attention_sees_everything() -> None:
    vit = models.VisionTransformer(
        image_size=32, patch_size=8, num_layers=1, num_heads=2, hidden_dim=16, mlp_dim=16, num_classes=3
    )
    engine = engine_of(seeded(lambda: vit), size=32)
    assert engine.receptive_field("conv_proj", 1, 2) == Rect(8, 16, 8, 8)
    assert engine.receptive_field("encoder.layers.encoder_layer_0.ln_1", 1, 2) == Rect(8, 16, 8, 8)
    assert engine.receptive_field("encoder.layers.encoder_layer_0.mlp", 1, 2) == Rect(0, 0, 32, 32)


def test_windows_of_attention_bound_the_field() -> None:
    swin = models.SwinTransformer(
        patch_size=[4, 4], embed_dim=8, depths=[2], num_heads=[2], window_size=[4, 4], num_classes=3
    )
    engine = engine_of(seeded(lambda: swin), size=(32, 64))
    assert engine.receptive_field("features.0", 3, 5) == Rect(12, 20, 4, 4)
    assert engine.receptive_field("features.1.0", 3, 5) == Rect(0, 16, 16, 16)
    assert engine.receptive_field("features.1.1", 3, 5) == Rect(0, 0, 32, 32)  # windows shifted by two patches


class Deciding(nn.Module):
    """Looks at the values of its input, so no fixed list of operations stands for it."""

    def __init__(self, *body: nn.Module) -> None:
        super().__init__()
        self.classifier = Classifier(*body)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(x if x.mean() > -1e9 else -x)


def test_without_a_graph_the_linearised_gradient_gives_the_same() -> None:
    def body() -> list[nn.Module]:
        pools = nn.MaxPool2d(3, 2, 1, dilation=2, ceil_mode=True), nn.MaxPool2d((2, 3), ceil_mode=True)
        norm = nn.BatchNorm2d(4)
        nn.init.zeros_(norm.weight)
        return [conv(3, padding=2, stride=2), norm, nn.ReLU(), pools[0], nn.ReLU6(), pools[1], nn.AdaptiveMaxPool2d(3)]

    exact = engine_of(seeded(lambda: Classifier(*body())), size=(40, 52))
    engine = engine_of(seeded(lambda: Deciding(*body())), size=(40, 52))
    assert engine.graph() is None
    for index in range(7):
        layer = exact.layers[f"body.{index}"]
        for row, col in ((0, 0), (layer.height - 1, layer.width - 1), (layer.height // 2, layer.width // 2)):
            expected = exact.receptive_field(layer, row, col)
            assert engine.receptive_field("classifier." + layer.name, row, col) == expected, (layer.name, row, col)


@pytest.mark.parametrize(
    ("layer", "row", "col", "code"),
    [
        ("fc", 0, 0, "layer_not_spatial"),
        ("nowhere", 0, 0, "layer_unknown"),
        ("body.0", 16, 0, "unit_range"),
        ("body.0", 0, -1, "unit_range"),
        ("body.0", 0, 1.5, "index_type"),
    ],
)
def test_units_that_do_not_exist_are_named(layer: str, row: Any, col: Any, code: str) -> None:
    engine = engine_of(seeded(lambda: Classifier(conv(1))))
    with pytest.raises(NnvizError) as caught:
        engine.receptive_field(layer, row, col)
    assert caught.value.code == code
    assert "\n" not in str(caught.value)


def test_a_new_layer_changes_the_field() -> None:
    module = seeded(lambda: Classifier(conv(3, padding=1)))
    engine = engine_of(module)
    assert engine.receptive_field("body.0", 5, 5) == Rect(4, 4, 3, 3)
    module.body[0] = conv(5, padding=2)
    assert engine.receptive_field("body", 5, 5) == Rect(3, 3, 5, 5)


def brute_force(weights: np.ndarray, share: float) -> int:
    h, w = weights.shape
    return min(
        (bottom - top) * (right - left)
        for top in range(h)
        for bottom in range(top + 1, h + 1)
        for left in range(w)
        for right in range(left + 1, w + 1)
        if weights[top:bottom, left:right].sum() >= share * weights.sum() * (1 - 1e-9)
    )


@pytest.mark.parametrize("share", [0.01, 0.3, 0.95, 1.0])
def test_the_smallest_rectangle_is_the_smallest(share: float) -> None:
    random = np.random.default_rng(0)
    for shape in ((7, 9), (1, 8), (8, 1)):
        weights = random.random(shape) ** 6 * (random.random(shape) > 0.3)
        box = smallest_rect(weights, share)
        held = weights[box.top : box.top + box.height, box.left : box.left + box.width].sum()
        assert held >= share * weights.sum() * (1 - 1e-9)
        assert box.height * box.width == brute_force(weights, share)


def test_the_effective_field_holds_its_share_of_the_gradient_within_the_field() -> None:
    body = [part for _ in range(4) for part in (conv(3, 4, padding=1), nn.Softplus())]
    engine = engine_of(seeded(lambda: Classifier(conv(1), *body)), size=(24, 20))
    x = picture(size=(24, 20))
    whole, box = engine.receptive_field("body.8", 12, 3), engine.effective_field(x, "body.8", 1, 12, 3)
    assert whole == Rect(8, 0, 9, 8)
    assert box.height * box.width < whole.height * whole.width
    assert whole.top <= box.top
    assert box.top + box.height <= whole.top + whole.height
    assert box.left + box.width <= whole.left + whole.width
    gradient = engine.gradient(x, neuron("body.8", 1, 12, 3)).abs().sum((0, 1))
    held = gradient[box.top : box.top + box.height, box.left : box.left + box.width].sum()
    assert held >= 0.95 * gradient.sum() * (1 - 1e-6)


def test_an_effective_field_needs_a_living_unit_and_a_share() -> None:
    module = seeded(lambda: Classifier(conv(1), nn.ReLU()))
    module.body[0].bias.data.fill_(-1e3)
    engine, x = engine_of(module), picture()
    for arguments, share, code in (
        (("body.1", 0, 3, 3), 0.95, "unit_dead"),
        (("body.0", 0, 3, 3), 0.0, "contract_value"),
        (("body.0", 0, 99, 3), 0.95, "index_range"),
        (("fc", 0, 0, 0), 0.95, "layer_not_spatial"),
    ):
        with pytest.raises(NnvizError) as caught:
            engine.effective_field(x, *arguments, share=share)
        assert caught.value.code == code
    assert engine.effective_field(x, "body.0", 0, 3, 4) == Rect(3, 4, 1, 1)
