import pytest
import torch
from torch import nn

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.methods import activation_maps
from tests.engine.networks import Counting, OneChannel, Plain, engine_of, picture, seeded


def hooked(module, layer, x):
    """What a plain forward hook sees."""
    seen = []
    handle = module.get_submodule(layer).register_forward_hook(lambda _m, _i, output: seen.append(output.clone()))
    with torch.no_grad():
        module(x)
    handle.remove()
    return seen[0]


class Channels(nn.Module):
    """Channels last, as Swin has them."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 2, stride=2)
        self.norm = nn.LayerNorm(8)
        self.mix = nn.Linear(8, 6)
        self.fc = nn.Linear(6, 5)

    def forward(self, x):
        return self.fc(self.mix(self.norm(self.conv(x).permute(0, 2, 3, 1))).mean((1, 2)))


class Tokens(nn.Module):
    """A class token before the patches, as ViT has it."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 8, 4, stride=4)
        self.token = nn.Parameter(torch.randn(1, 1, 8))
        self.norm = nn.LayerNorm(8)
        self.fc = nn.Linear(8, 5)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = self.norm(torch.cat([self.token.expand(len(x), -1, -1), x], 1))
        return self.fc(x[:, 0])


@pytest.mark.parametrize("layer", ["conv1", "bn1", "act1", "pool", "block.0", "block", "average"])
def test_maps_are_what_a_forward_hook_sees(layer):
    module, x = seeded(Plain), picture()
    torch.testing.assert_close(activation_maps(engine_of(module), x, layer), hooked(module, layer, x)[0])


@pytest.mark.parametrize("layer", ["conv1", "bn1", "block.1"])
def test_maps_of_layers_that_are_overwritten_afterwards(layer):
    plain, inplace, x = seeded(Plain), seeded(lambda: Plain(inplace=True)), picture()
    torch.testing.assert_close(activation_maps(engine_of(inplace), x, layer), hooked(plain, layer, x)[0])


def test_the_first_picture_of_several():
    engine, x = engine_of(seeded(Plain)), picture(3)
    torch.testing.assert_close(activation_maps(engine, x, "block.0"), activation_maps(engine, x[:1], "block.0"))


@pytest.mark.parametrize("layer", ["flatten", "fc"])
def test_a_layer_without_space(layer):
    with pytest.raises(NnvizError, match=layer) as caught:
        activation_maps(engine_of(seeded(Plain)), picture(), layer)
    assert caught.value.code == "layer_not_spatial"


def test_an_unknown_layer():
    with pytest.raises(NnvizError, match="'conv1'"):
        activation_maps(engine_of(seeded(Plain)), picture(), "conv2")


def test_grey_pictures_that_are_not_square():
    module = seeded(OneChannel)
    engine = engine_of(module, mean=0.5, std=0.25, size=(12, 20))
    x = picture(channels=1, size=(12, 20))
    maps = activation_maps(engine, x, "conv")
    assert maps.shape == (4, 10, 9)
    torch.testing.assert_close(maps, hooked(seeded(lambda: OneChannel()), "conv", x)[0])


@pytest.mark.parametrize(("layer", "channels"), [("norm", 8), ("mix", 6)])
def test_channels_last(layer, channels):
    module, x = seeded(Channels), picture()
    maps = activation_maps(engine_of(module), x, layer)
    assert maps.shape == (channels, 8, 8)
    torch.testing.assert_close(maps, hooked(module, layer, x)[0].permute(2, 0, 1))


def test_tokens_lie_on_their_grid_without_the_class_token():
    module, x = seeded(Tokens), picture()
    maps = activation_maps(engine_of(module), x, "norm")
    assert maps.shape == (8, 4, 4)
    torch.testing.assert_close(maps, hooked(module, "norm", x)[0, 1:].T.reshape(8, 4, 4))


def test_a_second_look_takes_no_pass(monkeypatch):
    engine, x = engine_of(seeded(Counting)), picture()
    first = activation_maps(engine, x, "block.0")
    monkeypatch.setattr(Counting, "passes", 0)
    assert torch.equal(activation_maps(engine, x, "block.0"), first)
    assert Counting.passes == 0
