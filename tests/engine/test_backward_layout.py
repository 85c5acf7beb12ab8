"""The layout of a pass that is differentiated: told from the layers, the same values in either."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import nnviz_widgets as nnviz
from nnviz_widgets.engine.backward_layout import backward_layout
from tests.engine.networks import engine_of

LAST, PLAIN = torch.channels_last, torch.contiguous_format


def layout(name: str, *, up_to: str | None = None, forward: torch.memory_format = LAST) -> torch.memory_format:
    engine = nnviz.load(name, weights="random")
    layers = list(engine.layers.distinct())
    names = [layer.name for layer in layers]
    passed = layers if up_to is None else layers[: names.index(engine.layers.origin(up_to).name) + 1]
    return backward_layout(engine.module, passed, forward)


def test_basic_blocks_of_many_channels_over_few_cells_are_told() -> None:
    assert layout("resnet18") == layout("resnet18", up_to="layer4") == PLAIN
    assert layout("resnet18", up_to="layer3") == LAST
    assert layout("resnet18", forward=PLAIN) == PLAIN


@pytest.mark.parametrize("name", ["mobilenet_v2", "squeezenet1_1"])
def test_others_stay_as_a_forward_likes_it(name: str) -> None:
    assert layout(name) == LAST


def test_an_ascent_gives_the_same_in_either() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(3, 256, 3, 4),
        nn.ReLU(),
        nn.Conv2d(256, 256, 3),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(256, 4),
    )
    engine = engine_of(net)
    x = torch.randn(1, 3, *engine.contract.size, generator=torch.Generator().manual_seed(0))
    found = {}
    for forward in (LAST, PLAIN):
        engine._passes._layout = forward
        engine._passes._layouts.clear()
        found[forward] = engine.value_and_gradient(x, nnviz.logit(1))
    assert torch.allclose(found[LAST][0], found[PLAIN][0], atol=1e-6)
    assert torch.allclose(found[LAST][1], found[PLAIN][1], atol=1e-6)
