import numpy as np
import pytest
import torch
from torch import nn

import nnviz_widgets as nnviz
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.methods import filters
from nnviz_widgets.widgets.pointer import Event
from tests.engine.networks import Normed, Reused
from tests.widgets.conftest import Net, control_of, engine_of, html_of, living, seen

NASTY = "<img src=x onerror=alert(1)>"


class Kinds(nn.Module):
    """One convolution of each kind after the other."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 6, 7, padding=3)
        self.grouped = nn.Conv2d(6, 8, 3, groups=2)
        self.depthwise = nn.Conv2d(8, 8, 3, groups=8)
        self.point = nn.Conv2d(8, 12, 1)
        self.up = nn.ConvTranspose2d(12, 6, 3, groups=3)
        self.flat = nn.Conv2d(6, 4, (1, 5))
        self.fc = nn.Linear(4, 5)

    def forward(self, x):
        for part in (self.first, self.grouped, self.depthwise, self.point, self.up, self.flat):
            x = part(x)
        return self.fc(x.mean((2, 3)))


NAMES = ["first", "grouped", "depthwise", "point", "up", "flat"]


@pytest.fixture(scope="module")
def kinds():
    return engine_of(Kinds)


@pytest.fixture
def shown(engine, opened):
    widget = opened(nnviz.Filters(engine, layer="conv1"))
    widget.compute()
    return widget


def caption(widget, pane="inputs"):
    return widget._frames[pane].caption.value


@pytest.mark.parametrize("layer", NAMES)
def test_every_kind_of_convolution(kinds, opened, layer):
    widget = opened(nnviz.Filters(kinds, layer=layer, filter=3))
    assert torch.equal(widget.compute(), filters(kinds, layer))
    assert seen(widget).ndim == 3
    every = filters(kinds, layer).shape[1] in (1, 3)
    assert (widget._frames["all"].box.layout.display == "none") is not every


def test_captions_say_which_channels_are_read(kinds, opened):
    widget = opened(nnviz.Filters(kinds, layer="grouped", filter=5))
    widget.compute()
    assert "channels 3 to 5" in caption(widget)
    widget.layer = "first"
    widget.compute()
    assert "red, green and blue" in caption(widget)
    widget.layer = "point"
    widget.compute()
    assert "8 inputs" in caption(widget)


def test_layers_are_offered_with_their_shapes(kinds, opened):
    options = control_of(opened(nnviz.Filters(kinds)), "Layer").options
    assert [name for _, name in options] == NAMES
    assert options[4][0] == "up · 6 × 4 × 3 × 3"


def test_colours_of_a_filter_are_its_weights(shown):
    """Tile k of the first pane holds filter k: mid-grey is 0, the largest weight of the filter is at an end."""
    tiles = shown._drawn.every
    for k, weights in enumerate(shown.result):
        x, y, w, h = tiles.grid.box(k)
        cells = tiles.bitmap.pixels[y : y + h, x : x + w, :3].reshape(3, h // 3, 3, w // 3, 3)
        assert (cells == cells[:, :1, :, :1]).all()
        wanted = 127.5 + 127.5 * (weights / weights.abs().max()).permute(1, 2, 0).numpy()
        assert np.abs(cells[:, 0, :, 0] - wanted).max() <= 1


def test_grey_tiles_of_a_filter_are_its_inputs(kinds, opened):
    widget = opened(nnviz.Filters(kinds, layer="grouped", filter=6, scale="shared"))
    weights = widget.compute()
    tiles = widget._drawn.inputs
    for i, kernel in enumerate(weights[6]):
        x, y, w, h = tiles.grid.box(i)
        cells = tiles.bitmap.pixels[y : y + h, x : x + w, :3].reshape(3, h // 3, 3, w // 3, 3)
        wanted = 127.5 + 127.5 * (kernel / weights.abs().max()).numpy()
        assert np.abs(cells[:, 0, :, 0] - wanted[..., None]).max() <= 2


def test_the_scale_is_of_all_filters_or_of_one(shown):
    each = shown._drawn.scale
    assert each.high == pytest.approx(float(shown.result[0].abs().max()))
    shown.scale = "shared"
    shown.compute()
    assert shown._drawn.scale.high == pytest.approx(float(shown.result.abs().max()))
    assert shown._drawn.scale.low == -shown._drawn.scale.high


def test_weights_that_are_all_zero(engine, opened):
    with torch.no_grad():
        engine.module.conv1.weight.zero_()
    widget = opened(nnviz.Filters(engine, layer="conv1"))
    widget.compute()
    assert set(np.unique(widget._drawn.inputs.bitmap.pixels[0, 0, :3])) <= {127, 128}


def test_several_networks_side_by_side(engine, kinds, opened):
    widget = opened(nnviz.Filters(engine, kinds, engine_of(Normed), layer="conv1"))
    alone = opened(nnviz.Filters(engine, layer="conv1"))
    widget.compute()
    alone.compute()
    assert seen(widget).shape[1] > seen(alone).shape[1]
    assert "Kinds · first" in widget._frames["other0"].title.value
    assert "Normed · conv1" in widget._frames["other1"].title.value
    with torch.no_grad():
        kinds.module.first.weight[0] += 1
    before = seen(widget)
    widget.compute()
    assert not np.array_equal(seen(widget), before)


def test_networks_without_filters_are_told_and_leave_nothing(engine, opened):
    flat = engine_of(lambda: nn.Sequential(nn.Flatten(), nn.Linear(768, 5)), name="flat")
    before = living()
    with pytest.raises(NnvizError, match="flat has no two-dimensional convolution"):
        nnviz.Filters(flat)
    with pytest.raises(NnvizError, match="flat has no two-dimensional convolution"):
        nnviz.Filters(engine, flat)
    with pytest.raises(NnvizError, match="str"):
        nnviz.Filters(engine, "cifar_net")
    assert living() == before


def test_a_layer_that_runs_again_has_the_filters_of_its_module(opened):
    widget = opened(nnviz.Filters(engine_of(Reused), layer="block.0@2"))
    assert widget.layer == "block.0"
    assert [name for _, name in control_of(widget, "Layer").options] == ["conv1", "block.0"]


@pytest.mark.parametrize("index", [-1, 6, 99])
def test_filters_out_of_range(shown, index):
    with pytest.raises(NnvizError, match="0 to 5"):
        shown.filter = index
    assert shown.filter == 0


def test_clicks_and_keys_choose_filters(shown):
    width, height = shown._surface.sizes["all"]
    for k in (4, 1, 5, 0):
        x, y, w, h = shown._drawn.every.box(k)
        shown._happened(Event("click", "all", (x + w / 2) / width, (y + h / 2) / height))
        assert shown.filter == k
    shown._happened(Event("key", "all", key="ArrowRight"))
    assert shown.filter == 1
    shown._happened(Event("key", "all", key="Home"))
    assert shown.filter == 0
    shown._happened(Event("click", "all", 0.999, 0.999))
    assert shown.filter == 0


def test_the_pointer_reads_weights(kinds, opened):
    widget = opened(nnviz.Filters(kinds, layer="grouped", filter=5))
    widget.compute()
    before = caption(widget)
    x, y, w, h = widget._drawn.inputs.box(1)
    width, height = widget._surface.sizes["inputs"]
    widget._happened(Event("move", "inputs", (x + w * 0.5) / width, (y + h * 0.9) / height))
    assert "input 4, row 2, column 1" in caption(widget)
    value = float(widget.result[5, 1, 2, 1])
    assert float(caption(widget).split(": ")[1].split("<")[0].replace("−", "-")) == pytest.approx(value, rel=0.01)
    widget._happened(Event("leave"))
    assert caption(widget) == before


def test_events_while_another_layer_is_on_its_way_harm_nothing(kinds, opened, by_hand):
    widget = opened(nnviz.Filters(kinds, layer="point", filter=11))
    widget.compute()
    widget.layer = "flat"  # 4 filters, while 12 are still shown
    for event in (Event("move", "inputs", 0.1, 0.1), Event("leave"), Event("key", "all", key="End")):
        widget._happened(event)
    widget.compute()
    assert widget.filter == 3


def test_names_are_never_run_as_html(opened):
    class Named(Net):
        def __init__(self):
            super().__init__()
            self.add_module(NASTY, self.conv1)
            del self.conv1

        def forward(self, x):
            self.__dict__["conv1"] = self._modules[NASTY]
            return super().forward(x)

    engine = engine_of(Named, name=NASTY, labels=[NASTY] * 5)
    widget = opened(nnviz.Filters(engine, engine, layer=NASTY))
    widget.compute()
    widget._happened(Event("move", "inputs", 0.05, 0.05))
    values = html_of(widget)
    assert sum("&lt;img src=x" in value for value in values) >= 2
    assert all("<img src=x" not in value for value in values)


def test_the_network_is_left_alone(kinds, opened):
    before = {name: value.clone() for name, value in kinds.module.state_dict().items()}
    opened(nnviz.Filters(kinds, layer="up")).compute()
    assert all(torch.equal(value, before[name]) for name, value in kinds.module.state_dict().items())
