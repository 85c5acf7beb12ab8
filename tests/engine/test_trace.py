"""The list of layers: names, order, kinds, shapes, activations, and which stand for the same tensor."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nnviz_widgets.engine.trace import tensor_of, trace
from nnviz_widgets.errors import NnvizError
from tests.engine.networks import Branches, Functional, OneChannel, Plain, Record, Reused, engine_of, picture, seeded


@pytest.mark.parametrize("inplace", [False, True])
def test_layers_in_execution_order(inplace: bool) -> None:
    layers = engine_of(seeded(lambda: Plain(inplace))).layers
    assert [(layer.name, layer.kind, layer.shape) for layer in layers] == [
        ("conv1", "Conv2d", (6, 16, 16)),
        ("bn1", "BatchNorm2d", (6, 16, 16)),
        ("act1", "ReLU", (6, 16, 16)),
        ("pool", "MaxPool2d", (6, 8, 8)),
        ("block.0", "Conv2d", (8, 3, 3)),
        ("block.1", "BatchNorm2d", (8, 3, 3)),
        ("block.2", "ReLU6", (8, 3, 3)),
        ("block", "Sequential", (8, 3, 3)),
        ("average", "AdaptiveAvgPool2d", (8, 1, 1)),
        ("flatten", "Flatten", (8,)),
        ("fc", "Linear", (5,)),
    ]
    assert {layer.name: layer.activation for layer in layers if layer.activation} == {"bn1": "relu", "block.1": "relu6"}
    assert {layer.name: layer.same_as for layer in layers if layer.same_as} == {"block": "block.2"}
    assert layers["fc"].spatial is False
    assert layers["block"].spatial is True


@pytest.mark.parametrize("inplace", [False, True])
def test_the_activation_that_follows_is_known_for_functions_too(inplace: bool) -> None:
    layers = engine_of(seeded(lambda: Functional(inplace))).layers
    following = {layer.name: layer.activation for layer in layers if layer.activation}
    assert following == {"conv1": "relu", "max_pool2d": "relu", "conv3": "relu"}


def test_of_two_names_for_one_tensor_one_is_the_origin() -> None:
    layers = engine_of(seeded(Reused)).layers
    origins = {layer.name: layer.same_as for layer in layers if layer.same_as}
    assert origins == {"relu@2": "block", "block@2": "relu@3"}  # a first call where there is one
    for name, origin in origins.items():
        assert layers.origin(name) is layers[origin]
        assert layers[origin].same_as is None
    assert {layer.name for layer in layers.distinct()} == {layer.name for layer in layers} - set(origins)


def test_an_addition_in_place_ends_the_claim_of_the_branch() -> None:
    layers = engine_of(seeded(Branches)).layers
    assert layers["left"].activation is None  # what is rectified is the sum
    assert layers["left.1"].activation is None
    assert layers["stem"].activation == "relu"


def test_an_identity_is_the_layer_before_it() -> None:
    module = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.Identity(), nn.Dropout(0.5), nn.ReLU(), nn.Flatten(), nn.Linear(784, 5)
    )
    layers = engine_of(seeded(lambda: module)).layers
    assert [layer.same_as for layer in layers] == [None, "0", "0", None, None, None]
    assert {layer.activation for layer in layers[:3]} == {"relu"}


def test_by_name_by_number_and_by_slice() -> None:
    layers = engine_of(seeded(Plain)).layers
    assert layers[0] is layers["conv1"]
    assert layers[-1].name == "fc"
    assert [layer.name for layer in layers[:2]] == ["conv1", "bn1"]
    assert "conv1" in layers
    assert layers[0] in layers
    assert "conv9" not in layers
    assert "conv1: Conv2d 6 x 16 x 16" in repr(layers)
    with pytest.raises(NnvizError, match=r"No layer is called 'blok\.1': did you mean 'block\.1'"):
        layers["blok.1"]
    with pytest.raises(NnvizError, match=r"No layer is called '<script>': did you mean '"):
        layers["<script>"]


def test_names_may_hold_any_character() -> None:
    module = nn.Sequential()
    for name, part in [("<b>é 写", nn.Conv2d(3, 4, 3)), ("a@2", nn.Flatten()), ("{0}", nn.Linear(784, 5))]:
        module.add_module(name, part)
    engine, x = engine_of(seeded(lambda: module)), picture()
    assert [layer.name for layer in engine.layers] == ["<b>é 写", "a@2", "{0}"]
    assert engine.activations(x, "<b>é 写").shape == (1, 4, 14, 14)
    with pytest.raises(NnvizError, match="a@2"):
        engine.activations(x, "a@3")


def test_tokens_keep_their_grid() -> None:
    class Tokens(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.patches = nn.Conv2d(3, 8, (4, 2), stride=(4, 2))
            self.flat, self.linear, self.last = nn.Flatten(2), nn.Linear(8, 7), nn.Linear(7, 5)
            self.norm = nn.LayerNorm(8)

        def forward(self, x: Tensor) -> Tensor:
            x = self.norm(self.flat(self.patches(x)).transpose(1, 2))
            x = torch.cat([x[:, :1] * 0, x], 1)
            return self.last(self.linear(x)[:, 0])

    engine, x = engine_of(seeded(Tokens)), picture()
    assert [(layer.name, layer.axes, layer.shape) for layer in engine.layers] == [
        ("patches", "nchw", (8, 4, 8)),
        ("flat", "nct", (8, 4, 8)),
        ("norm", "ntc", (8, 4, 8)),
        ("linear", "ntc", (7, 4, 8)),
        ("last", "nc", (5,)),
    ]
    patches = engine.activations(x, "patches")
    assert torch.equal(engine.activations(x, "flat"), patches)
    normed = F.layer_norm(patches.permute(0, 2, 3, 1), (8,)).permute(0, 3, 1, 2)
    assert torch.allclose(engine.activations(x, "norm"), normed, atol=1e-6)
    linear = F.conv2d(normed, engine.module.linear.weight[..., None, None], engine.module.linear.bias)
    assert torch.allclose(engine.activations(x, "linear"), linear, atol=1e-6)
    with pytest.raises(NnvizError, match="Layer 'norm' gave 128 tokens, not the 32 of its grid"):
        engine.activations(picture(size=(32, 32)), "norm")


def test_a_network_that_catches_its_own_errors_is_listed() -> None:
    class Forgiving(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.wrong, self.conv, self.fc = nn.Sequential(nn.Conv2d(1, 4, 3)), nn.Conv2d(3, 4, 3), nn.Linear(4, 5)

        def forward(self, x: Tensor) -> Tensor:
            try:
                x = self.wrong(x)
            except RuntimeError:
                x = self.conv(x)
            return self.fc(F.relu(x).mean((2, 3)))

    layers = engine_of(seeded(Forgiving)).layers
    assert [layer.name for layer in layers] == ["conv", "relu", "fc"]


def test_shared_submodules_have_one_path() -> None:
    layers = engine_of(seeded(Reused)).layers
    assert "block.1" not in layers
    assert [layer.name for layer in layers if layer.kind == "ReLU"] == ["relu", "relu@2", "relu@3"]


def test_no_hook_and_no_mark_stays_behind() -> None:
    module, x = seeded(OneChannel), picture(2, 1)
    trace(module, x)
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in module.modules())
    assert module.conv.weight.__dict__ == {}


def test_what_stands_for_an_output() -> None:
    a, b = torch.ones(1), torch.zeros(1)
    assert tensor_of(a) is a
    assert tensor_of((a, b)) is a
    assert tensor_of([a]) is a
    assert tensor_of(Record(b, a)) is b
    assert tensor_of({"out": a}) is None
    assert tensor_of(()) is None
    assert tensor_of(None) is None
