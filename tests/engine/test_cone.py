"""Neurons computed on the crop that they see, against plain autograd on the whole."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.engine.objectives import Objective, channel, neuron
from tests.engine.networks import Plain, engine_of, picture, seeded, snapshot

SIZE = (48, 40)


class Classified(nn.Module):
    """Features that are looked at, and a head."""

    def __init__(self, *parts: nn.Module) -> None:
        super().__init__()
        self.features = nn.Sequential(*parts)

    def forward(self, x: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(self.features(x), 1).flatten(1)[:, :4]


class Residual(nn.Module):
    def __init__(self, stride: int) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(6, 6, 3, stride, 1), nn.BatchNorm2d(6)
        self.short = nn.Conv2d(6, 6, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.norm(self.conv(x)) + self.short(x))


class Gate(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * x.mean((2, 3), keepdim=True).sigmoid()


class Moody(nn.Module):
    """Another function for another size."""

    def forward(self, x: Tensor) -> Tensor:
        return x if x.shape[2:] == SIZE else 2 * x


class Choosy(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        if x.shape[2:] != SIZE:
            raise ValueError("no such size")
        return x


def conv(i: int, o: int, k: int = 3, **options: object) -> nn.Conv2d:
    return nn.Conv2d(i, o, k, **options)


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "padding": lambda: Classified(conv(3, 6, padding=1), nn.ReLU(), conv(6, 6, padding=1)),
    "none": lambda: Classified(conv(3, 6), nn.ReLU(True), conv(6, 6)),
    "stride": lambda: Classified(conv(3, 6, 5, stride=2, padding=2), nn.ReLU6(), conv(6, 6, stride=2)),
    "pooling": lambda: Classified(
        conv(3, 6, padding=1), nn.MaxPool2d(3, 2, 1), conv(6, 6), nn.AvgPool2d(2, count_include_pad=False)
    ),
    "ceil": lambda: Classified(conv(3, 6, stride=3), nn.MaxPool2d(2, 2, ceil_mode=True), conv(6, 6, 1)),
    "residual": lambda: Classified(conv(3, 6), Residual(1), Residual(2), nn.Tanh(), conv(6, 6, 1)),
    "dilated": lambda: Classified(conv(3, 6, dilation=2, padding=2), nn.ReLU(), conv(6, 6, 3, dilation=3)),
    "depthwise": lambda: Classified(
        conv(3, 6, 1), nn.ReLU6(True), conv(6, 6, 3, groups=6, padding=1, stride=2), conv(6, 6, 1)
    ),
    "asymmetric": lambda: Classified(
        nn.ZeroPad2d((0, 1, 0, 1)),
        conv(3, 6, stride=2),
        nn.ReLU6(),
        nn.ZeroPad2d((1, 2, 1, 2)),
        conv(6, 6, 5, stride=2),
    ),
    "up again": lambda: Classified(
        conv(3, 6, stride=2, padding=1), nn.ReLU(), nn.Upsample(scale_factor=2), conv(6, 6, padding=1)
    ),
}
WHOLE: dict[str, Callable[[], nn.Module]] = {
    "gate": lambda: Classified(conv(3, 6, padding=1), Gate(), conv(6, 6, padding=1)),
    "moody": lambda: Classified(Moody(), conv(3, 6, padding=1), nn.ReLU(), conv(6, 6, padding=1)),
    "choosy": lambda: Classified(Choosy(), conv(3, 6, padding=1), nn.ReLU(), conv(6, 6, padding=1)),
    "normalised": lambda: Classified(conv(3, 6), nn.GroupNorm(2, 6), conv(6, 6)),
}


def spied(engine: Engine) -> list[tuple[int, ...]]:
    """Sizes of what the network gets from now on."""
    sizes: list[tuple[int, ...]] = []
    engine._passes.shadow.module.register_forward_pre_hook(lambda _m, inputs: sizes.append(tuple(inputs[0].shape[2:])))
    return sizes


def whole(module: nn.Module, x: Tensor, k: int, row: int, col: int) -> tuple[Tensor, Tensor]:
    leaf = x.clone().requires_grad_()
    value = module.features(leaf)[:, k, row, col]
    return value.detach(), torch.autograd.grad(value.sum(), leaf)[0]


def last(engine: Engine) -> str:
    return next(layer.name for layer in reversed(engine.layers) if layer.name.startswith("features."))


@pytest.mark.parametrize("name", NETWORKS | WHOLE)
def test_value_and_gradient_are_those_of_the_whole(name: str) -> None:
    module = seeded((NETWORKS | WHOLE)[name])
    engine, x, before = engine_of(module, size=SIZE), picture(2, size=SIZE), snapshot(module)
    layer = engine.layers[last(engine)]
    height, width = layer.shape[1:]
    sizes = spied(engine)
    units = [(0, 0), (height - 1, width - 1), (0, width // 2), (height // 2, width // 2), (height // 3, 1), (-2, -3)]
    for row, col in units:
        objective = neuron(layer.name, 2, row, col)
        expected = whole(module, x, 2, row, col)
        for _ in range(2):
            values, gradient = engine.value_and_gradient(x, objective)
            assert torch.allclose(values, expected[0], rtol=1e-5, atol=1e-6)
            assert torch.allclose(gradient, expected[1], rtol=1e-5, atol=1e-5 * expected[1].abs().max().item())
            assert gradient.shape == x.shape
        assert (sizes[-1] == SIZE) == (name in WHOLE)
    assert snapshot(module) == before


def test_the_crop_is_small_and_tried_once() -> None:
    engine, x = engine_of(seeded(NETWORKS["padding"]), size=SIZE), picture(size=SIZE)
    objective = neuron("features.2", 1, 20, 20)
    engine.value_and_gradient(x, objective)
    sizes = spied(engine)
    engine.value_and_gradient(x, 2 * objective)
    sizes.clear()
    for _ in range(3):
        engine.value_and_gradient(x, objective, redirected=True)
    assert sizes == [(5, 5)] * 3
    engine.value_and_gradient(x[..., :-1], objective)
    assert sizes[3:] == [(48, 39)]
    engine.value_and_gradient(x, channel("features.2", 1))
    engine.value_and_gradient(x, objective + channel("features.2", 1))
    assert sizes[4:] == [SIZE] * 2


def test_several_neurons_share_a_crop() -> None:
    module = seeded(NETWORKS["stride"])
    engine, x = engine_of(module, size=SIZE), picture(3, size=SIZE)
    places = [(1, 3, 4), (4, 4, 4), (0, 4, 5)]
    expected = [whole(module, x[i : i + 1], *place) for i, place in enumerate(places)]
    asked = [neuron("features.2", *place) for place in places]
    engine.value_and_gradient(x, asked)
    sizes = spied(engine)
    values, gradient = engine.value_and_gradient(x, asked)
    assert torch.allclose(values, torch.cat([v for v, _ in expected]), atol=1e-6)
    assert torch.allclose(gradient, torch.cat([g for _, g in expected]), atol=1e-7, rtol=1e-4)
    assert sizes[-1][0] < 30
    combined: Objective = 2 * asked[0] - asked[1] + neuron("features.0", 3, 10, 10) / 4
    engine.value_and_gradient(x, combined)
    got, _ = engine.value_and_gradient(x, combined)
    maps = module.features[:1](x)
    wanted = 2 * module.features(x)[:, 1, 3, 4] - module.features(x)[:, 4, 4, 4] + maps[:, 3, 10, 10] / 4
    assert torch.allclose(got, wanted, atol=1e-6)
    assert sizes[-1][0] < 30


def test_a_unit_that_noise_leaves_dead_is_run_whole() -> None:
    module = seeded(lambda: Classified(conv(3, 6, padding=1), nn.ReLU(), conv(6, 6, padding=1)))
    module.features[0].bias.data.fill_(-100)
    engine, x = engine_of(module, size=SIZE), 100 * picture(size=SIZE)
    sizes = spied(engine)
    values, gradient = engine.value_and_gradient(x, neuron("features.2", 1, 20, 20))
    expected = whole(module, x, 1, 20, 20)
    assert torch.allclose(values, expected[0])
    assert torch.allclose(gradient, expected[1])
    assert sizes[-1] == SIZE


def test_another_network_is_tried_anew() -> None:
    module = seeded(NETWORKS["padding"])
    engine, x = engine_of(module, size=SIZE), picture(size=SIZE)
    objective = neuron("features.2", 1, 20, 20)
    engine.value_and_gradient(x, objective)
    with torch.no_grad():
        module.features[2].weight *= 2
    assert torch.allclose(engine.value_and_gradient(x, objective)[1], whole(module, x, 1, 20, 20)[1], atol=1e-6)
    module.features[1] = Gate()
    assert torch.allclose(engine.value_and_gradient(x, objective)[1], whole(module, x, 1, 20, 20)[1], atol=1e-6)
    sizes = spied(engine)
    engine.value_and_gradient(x, objective)
    assert sizes == [SIZE]


def test_a_field_of_most_of_the_picture_is_not_even_tried() -> None:
    engine = engine_of(seeded(Plain), size=7)
    sizes = spied(engine)
    engine.graph()
    sizes.clear()
    engine.value_and_gradient(picture(size=(7, 7)), neuron("block.0", 1, 0, 0))
    assert sizes == [(7, 7)]
