import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations

from nnviz_widgets import methods
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.methods.filters import filters, inputs_of, layers_with_filters, shape_of
from tests.engine.networks import Normed, OneChannel, Reused, engine_of, seeded, snapshot

KINDS = {
    "plain": lambda: nn.Conv2d(6, 8, 3),
    "grouped": lambda: nn.Conv2d(6, 8, 3, groups=2),
    "depthwise": lambda: nn.Conv2d(6, 6, 3, groups=6),
    "depthwise with a multiplier": lambda: nn.Conv2d(6, 12, (5, 3), groups=6),
    "1 x 1": lambda: nn.Conv2d(6, 8, 1, bias=False),
    "strided, dilated": lambda: nn.Conv2d(6, 8, (3, 5), stride=2, dilation=2, padding=3),
    "transposed": lambda: nn.ConvTranspose2d(6, 8, 3),
    "transposed, grouped": lambda: nn.ConvTranspose2d(6, 8, 3, stride=2, groups=2),
    "transposed, depthwise": lambda: nn.ConvTranspose2d(6, 6, (3, 5), groups=6),
    "transposed, in many groups": lambda: nn.ConvTranspose2d(6, 12, 3, groups=3, padding=1),
}


class Around(nn.Module):
    """A classifier around one convolution that reads six channels."""

    def __init__(self, conv):
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 3, padding=1)
        self.conv = conv
        self.fc = nn.Linear(conv.out_channels, 5)

    def forward(self, x):
        return self.fc(self.conv(self.stem(x)).relu().mean((2, 3)))


def around(make):
    return engine_of(seeded(lambda: Around(make())))


@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
def test_a_filter_makes_its_channel_from_the_inputs_it_is_said_to_read(make):
    """Oracle: an impulse in one input channel stamps the filter's slice for it on the output channel."""
    engine = around(make)
    conv = engine.module.conv
    weights = filters(engine, "conv")
    assert shape_of(engine, "conv") == tuple(weights.shape)
    assert weights.shape[0] == conv.out_channels
    transposed = isinstance(conv, nn.ConvTranspose2d)
    for channel in range(conv.in_channels):
        impulse = torch.zeros(1, conv.in_channels, 21, 21)
        impulse[0, channel, 10, 10] = 1
        with torch.no_grad():
            answer = (conv(impulse) - conv(torch.zeros_like(impulse)))[0]
        for k in range(conv.out_channels):
            reads = inputs_of(engine, "conv", k)
            assert len(reads) == weights.shape[1]
            if channel not in reads:
                assert answer[k].abs().max() == 0
                continue
            kernel = weights[k, reads.index(channel)][None, None]
            stamp = impulse[:, channel : channel + 1]
            if transposed:
                expected = F.conv_transpose2d(stamp, kernel, stride=conv.stride, padding=conv.padding)
            else:
                expected = F.conv2d(stamp, kernel, None, conv.stride, conv.padding, conv.dilation)
            torch.testing.assert_close(answer[k], expected[0, 0])


def test_a_transposed_filter_by_hand():
    conv = nn.ConvTranspose2d(6, 4, 2, groups=2)
    engine = around(lambda: conv)
    weights = filters(engine, "conv")
    # Filter 3 is the second of the second group: stored under inputs 3..5, at place 1.
    assert torch.equal(weights[3], conv.weight.detach()[3:6, 1])
    assert list(inputs_of(engine, "conv", 3)) == [3, 4, 5]


def test_the_result_is_a_copy():
    engine = around(KINDS["plain"])
    before = engine.module.conv.weight.detach().clone()
    filters(engine, "conv").zero_()
    filters(around(KINDS["transposed"]), "conv").zero_()
    assert torch.equal(engine.module.conv.weight, before)


def test_a_training_step_shows_through():
    engine = around(KINDS["plain"])
    before = filters(engine, "conv")
    with torch.no_grad():
        engine.module.conv.weight.add_(1)
    torch.testing.assert_close(filters(engine, "conv"), before + 1)


def test_half_precision_weights_come_as_floats():
    module = seeded(lambda: Around(KINDS["plain"]())).to(torch.bfloat16)
    assert filters(engine_of(module), "conv").dtype == torch.float32


def test_reused_modules_are_named_once_and_have_their_filters_at_each_call():
    engine = engine_of(seeded(Reused))
    assert layers_with_filters(engine) == ("conv1", "block.0")
    assert "block.0@2" in engine.layers
    assert torch.equal(filters(engine, "block.0@2"), filters(engine, "block.0"))


def test_a_grey_network():
    engine = engine_of(seeded(OneChannel), mean=0.5, std=0.25, size=(12, 16))
    assert layers_with_filters(engine) == ("conv", "head")
    assert filters(engine, "conv").shape == (4, 1, 3, 3)


def test_networks_without_two_dimensional_filters():
    line = nn.Sequential(nn.Flatten(2), nn.Conv1d(3, 4, 5), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 252, 5))
    dense = nn.Sequential(nn.Flatten(), nn.Linear(3 * 256, 8), nn.ReLU(), nn.Linear(8, 5))
    for module, layer in ((line, "1"), (dense, "1")):
        engine = engine_of(module.eval())
        assert layers_with_filters(engine) == ()
        with pytest.raises(NnvizError, match="two-dimensional") as caught:
            filters(engine, layer)
        assert caught.value.code == "layer_no_filters"


@pytest.mark.parametrize("read", [filters, shape_of, lambda engine, layer: inputs_of(engine, layer, 0)])
def test_a_layer_without_filters_and_an_unknown_one(read):
    engine = engine_of(seeded(Reused))
    with pytest.raises(NnvizError) as caught:
        read(engine, "relu")
    assert caught.value.code == "layer_no_filters"
    with pytest.raises(NnvizError, match="conv1"):
        read(engine, "conv11")


def test_normalised_weights_are_those_of_the_pass():
    module = seeded(Normed)
    engine = engine_of(module)
    assert layers_with_filters(engine) == ("conv1", "conv2", "conv3")
    for name in ("conv1", "conv2", "conv3"):
        assert torch.equal(filters(engine, name), getattr(module, name).weight.detach())


def test_asking_for_normalised_weights_does_not_touch_a_network_in_training():
    """A spectral norm turns its power iteration once more each time that its weights are read in training."""
    conv = parametrizations.spectral_norm(nn.Conv2d(6, 8, 3))
    engine = around(lambda: conv)
    engine.module.train()
    before = snapshot(engine.module)
    first = filters(engine, "conv")
    assert snapshot(engine.module) == before
    assert torch.equal(filters(engine, "conv"), first)
    engine.module.eval()
    assert torch.equal(first, conv.weight.detach())


def test_weights_that_are_not_numbers():
    engine = around(KINDS["plain"])
    with torch.no_grad():
        engine.module.conv.weight[2, 1, 0, 0] = float("nan")
    with pytest.raises(NnvizError, match=r"conv\.weight") as caught:
        filters(engine, "conv")
    assert caught.value.code == "weights_nan"
    assert filters(engine, "stem").shape == (6, 3, 3, 3)


def test_the_package_exports_the_functions():
    assert methods.filters is filters
    assert callable(methods.activation_maps)
