import time

import numpy as np
import pytest
import torch
from torch import nn

import nnviz_widgets as nnviz
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.widgets.pointer import Event
from tests.widgets.conftest import Net, control_of, engine_of, html_of, parts, seen

NASTY = '<img src=x onerror="alert(1)">&'


@pytest.fixture
def maps(engine, opened):
    widget = opened(nnviz.ActivationMaps(engine, layer="conv1", channel=0))
    widget.compute()
    return widget


def caption(widget, pane):
    return widget._frames[pane].caption.value


def centre(widget, channel):
    """Middle of a channel's tile as fractions of the mosaic's pane."""
    x, y, w, h = widget._sheet.box(channel)
    width, height = widget._surface.sizes["mosaic"]
    return (x + w / 2) / width, (y + h / 2) / height


def test_it_begins_with_a_rectified_layer_and_a_map_that_shows_something(engine, opened):
    widget = opened(nnviz.ActivationMaps(engine))
    assert widget.layer in ("relu1", "relu2")
    assert float(widget.compute()[widget.channel].max()) > 0


def test_layers_that_have_no_maps_are_not_offered(maps):
    assert [name for _, name in control_of(maps, "Layer").options] == ["conv1", "relu1", "pool", "conv2", "relu2"]
    assert control_of(maps, "Layer").options[0][0] == "conv1 · Conv2d · 6 × 16 × 16"


def test_a_network_without_maps_is_told(opened):
    flat = engine_of(lambda: nn.Sequential(nn.Flatten(), nn.Linear(768, 5)))
    with pytest.raises(NnvizError, match="height and a width"):
        nnviz.ActivationMaps(flat)


def test_a_container_stands_for_its_last_child(opened):
    net = engine_of(
        lambda: nn.Sequential(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()), nn.Flatten(), nn.Linear(784, 5))
    )
    widget = opened(nnviz.ActivationMaps(net, layer="0"))
    assert widget.layer in ("0.1", "0")
    assert control_of(widget, "Layer").value == widget.layer


@pytest.mark.parametrize(
    "unit", [(16, 0), (0, 16), (-1, 0), (1,), (1, 2, 3), "12", 5, (1.5, 2.0), (None, 1), ("a", "b")], ids=str
)
def test_units_that_are_none(maps, unit):
    with pytest.raises(NnvizError):
        maps.unit = unit
    assert maps.unit is None


@pytest.mark.parametrize(
    "unit", [(3, 4), [3, 4], np.array([3, 4]), torch.tensor([3, 4])], ids=lambda u: type(u).__name__
)
def test_units(maps, unit):
    maps.unit = unit
    assert maps.unit == (3, 4)
    maps.compute()
    assert "row 3, column 4" in caption(maps, "map")
    assert "receptive field 3 × 3 px" in caption(maps, "map")
    maps.unit = None
    maps.compute()
    assert "row" not in caption(maps, "map")


def test_another_layer_forgets_the_unit(maps):
    maps.unit = (15, 15)
    maps.layer = "conv2"
    assert maps.unit is None
    maps.compute()


def test_the_receptive_field_is_outlined_on_the_photo(engine, maps):
    before = maps._surface.picture("photo").copy()
    maps.unit = (8, 8)
    maps.compute()
    after = maps._surface.picture("photo")
    changed = (before != after).any(2)
    field, zoom = engine.receptive_field("conv1", 8, 8), 280 / 16 * 2
    rows, cols = np.nonzero(changed)
    assert rows.min() < field.top * zoom < (field.top + field.height) * zoom < rows.max()
    assert cols.min() < field.left * zoom < (field.left + field.width) * zoom < cols.max()
    inside = changed[int(field.top * zoom) + 1 : int((field.top + field.height) * zoom) - 1]
    assert not inside[:, int(field.left * zoom) + 1 : int((field.left + field.width) * zoom) - 1].any()


def test_channels_change_the_large_map(maps):
    pictures = []
    for channel in range(3):
        maps.channel = channel
        maps.compute()
        pictures.append(maps._surface.picture("map"))
        assert f"channel {channel}" in maps._frames["map"].title.value
    assert not np.array_equal(pictures[0], pictures[1])
    assert not np.array_equal(pictures[1], pictures[2])


def test_the_large_map_has_exact_cells(maps):
    """Every cell is one colour, and colours of a shared signed scale rise with the values."""
    values = maps.result[0]
    large = maps._surface.picture("map")[..., :3].reshape(16, 35, 16, 35, 3)
    assert (large == large[:, :1, :, :1]).all()
    top, bottom = int(values.argmax()), int(values.argmin())
    colours = large[:, 0, :, 0].reshape(256, 3)
    assert not np.array_equal(colours[top], colours[bottom])


@pytest.mark.parametrize(("order", "key"), [("mean", lambda m: m.mean((1, 2))), ("maximum", lambda m: m.amax((1, 2)))])
def test_orders(maps, order, key):
    maps.order = order
    result = maps.compute()
    wanted = key(result).argsort(descending=True, stable=True).tolist()
    assert [maps._sheet.channel_at(*middle(maps, i)) for i in range(len(result))] == wanted


def middle(widget, place):
    x, y, w, h = widget._sheet.tiles.box(place)
    return x + w / 2, y + h / 2


def test_scales(maps):
    shared = maps._sheet.scales
    assert len(set(shared)) == 1
    maps.scale = "each"
    result = maps.compute()
    for scale, values in zip(maps._sheet.scales, result, strict=True):
        assert scale.high == pytest.approx(float(values.abs().max()), rel=1e-6)


def test_overlay_lies_on_the_photo_alone(maps):
    photo, large = maps._surface.picture("photo"), maps._surface.picture("map")
    maps.overlay = 0.5
    maps.compute()
    assert not np.array_equal(maps._surface.picture("photo"), photo)
    assert np.array_equal(maps._surface.picture("map"), large)
    maps.overlay = 0.0
    maps.compute()
    assert np.array_equal(maps._surface.picture("photo"), photo)


def test_a_click_on_a_tile_chooses_its_channel(maps):
    maps.order = "mean"
    maps.compute()
    for channel in range(6):
        maps._happened(Event("click", "mosaic", *centre(maps, channel)))
        assert maps.channel == channel
    maps._happened(Event("click", "mosaic", 0.999, 0.999))
    assert maps.channel == 5


def test_keys_on_the_mosaic_move_along_its_tiles(maps):
    maps._happened(Event("key", "mosaic", key="ArrowRight"))
    assert maps.channel == 1
    maps._happened(Event("key", "mosaic", key="End"))
    assert maps.channel == 5
    maps._happened(Event("key", "mosaic", key="ArrowRight"))
    assert maps.channel == 5
    maps._happened(Event("key", "mosaic", key="Escape"))
    assert maps.channel == 5


def test_a_click_on_the_map_chooses_the_unit_and_escape_leaves(maps):
    maps._happened(Event("click", "map", 0.99, 0.01))
    assert maps.unit == (0, 15)
    maps._happened(Event("key", "map", key="ArrowUp"))
    maps._happened(Event("key", "map", key="ArrowRight"))
    assert maps.unit == (0, 15)
    maps._happened(Event("key", "map", key="ArrowDown"))
    maps._happened(Event("key", "map", key="ArrowLeft"))
    assert maps.unit == (1, 14)
    maps._happened(Event("key", "map", key="Escape"))
    assert maps.unit is None


@pytest.mark.parametrize("x", [-0.001, 0.0, 1.0, 1.001])
def test_a_click_at_the_very_edge_harms_nothing(maps, x):
    maps._happened(Event("click", "map", x, x))
    assert maps.unit in ((0, 0), (15, 15))
    maps.compute()


def test_the_pointer_reads_values(maps):
    before = caption(maps, "map")
    maps._happened(Event("move", "map", (4 + 0.5) / 16, (3 + 0.5) / 16))
    value = float(maps.result[0, 3, 4])
    assert "row 3, column 4" in caption(maps, "map")
    shown = caption(maps, "map").split(": ")[1].split("<")[0].replace("−", "-")
    assert float(shown) == pytest.approx(value, rel=0.01)
    maps._happened(Event("move", "mosaic", *centre(maps, 2)))
    assert "channel 2" in caption(maps, "mosaic")
    maps._happened(Event("leave"))
    assert caption(maps, "map") == before
    assert "channel 2" not in caption(maps, "mosaic")


def test_events_before_the_first_picture_harm_nothing(engine, opened, by_hand):
    widget = opened(nnviz.ActivationMaps(engine))
    for kind in ("move", "click", "key", "leave"):
        widget._happened(Event(kind, "map", 0.5, 0.5, "ArrowUp"))


def test_events_while_another_layer_is_on_its_way_harm_nothing(engine, opened, by_hand):
    widget = opened(nnviz.ActivationMaps(engine, layer="conv1"))
    widget.compute()
    widget.layer = "conv2"  # 6 x 6, while 16 x 16 is still shown
    for event in (Event("click", "map", 0.99, 0.99), Event("key", "map", key="ArrowDown"), Event("move", "map", 1, 1)):
        widget._happened(event)
    widget._happened(Event("key", "mosaic", key="End"))
    widget.layer = "conv1"
    widget.channel = 5
    widget.compute()


def test_what_is_shown_is_said_to_screen_readers(maps):
    assert set(maps._pointer.labels) == {"photo", "map", "mosaic"}
    assert "conv1" in maps._pointer.labels["map"]


def test_names_are_never_run_as_html(opened):
    class Named(Net):
        def __init__(self):
            super().__init__()
            self.add_module(NASTY, nn.Identity())

        def forward(self, x):
            return super().forward(getattr(self, NASTY)(x) * 1)

    engine = engine_of(Named, labels=[NASTY] * 5, name=NASTY)
    widget = opened(nnviz.ActivationMaps(engine, layer=NASTY))
    widget.compute()
    widget._happened(Event("move", "map", 0.5, 0.5))
    widget._happened(Event("move", "mosaic", *centre(widget, 0)))
    values = html_of(widget)
    assert sum("&lt;img src=x" in value for value in values) >= 3
    widget._failed(NnvizError("layer_unknown", name=NASTY, near=NASTY))
    widget._failed(RuntimeError(NASTY))
    for value in [*values, *html_of(widget)]:
        assert "<img src=x" not in value
    for part in parts(widget):
        assert not getattr(part, "description_allow_html", False)
    assert widget.picture.size[0] > 0


def test_weights_that_change_are_seen_at_the_next_look(engine, maps):
    before = maps.compute().clone()
    with torch.no_grad():
        engine.module.conv1.weight.mul_(2)
    after = maps.compute()
    assert not torch.equal(before, after)
    assert maps._sheet.maxima[0] == pytest.approx(float(after[0].max()), rel=1e-5)


def test_one_pass_serves_all_layers(engine, maps, monkeypatch):
    while maps._ahead is None:  # a pass in the background reads all layers
        time.sleep(0.01)
    monkeypatch.setattr(Net, "forward", None)
    for layer in ("relu1", "pool", "conv2", "relu2"):
        maps.layer = layer
        assert maps.compute().shape == engine.layers[layer].shape


@pytest.mark.parametrize("size", [(16, 16), (12, 20), (64, 24)])
def test_pictures_that_are_not_square(opened, size):
    widget = opened(nnviz.ActivationMaps(engine_of(size=size), layer="conv1", unit=(11, 2)))
    widget.compute()
    height, width = size
    assert widget._photo_size()[0] / widget._photo_size()[1] == pytest.approx(width / height, rel=0.05)
    assert seen(widget).ndim == 3


def hooked(module, x, layer):
    kept = []
    handle = module.get_submodule(layer).register_forward_hook(lambda part, given, out: kept.append(out.clone()))
    module(x)
    handle.remove()
    return kept[0][0]


def test_a_function_of_ones_own_stands_beside_the_large_map_and_runs_once_a_layer(engine, opened):
    calls = []

    def mine(module, x, layer):
        calls.append(layer)
        return hooked(module, x, layer)

    widget = opened(nnviz.ActivationMaps(engine, layer="conv1", channel=0, method=mine))
    assert widget.compute().shape == widget.comparison.values.shape
    assert widget.comparison.equal
    assert "mine" in widget._frames["own"].title.value
    widget.channel = 1
    widget.compute()
    assert calls == ["conv1"]
    widget.layer = "conv2"
    widget.compute()
    assert calls == ["conv1", "conv2"]
    widget.method = None
    widget.compute()
    assert widget._frames["own"].box.layout.display == "none"


def test_the_channel_in_which_it_differs_most_is_named(engine, opened):
    def mine(module, x, layer):
        maps = hooked(module, x, layer)
        maps[3, 2, 5] += 7
        return maps

    widget = opened(nnviz.ActivationMaps(engine, layer="conv1", channel=0, method=mine))
    widget.compute()
    assert "row 2, column 5" in caption(widget, "own")
    assert "channel 3" in caption(widget, "own")
    widget.channel = 3
    widget.compute()
    assert "channel" not in caption(widget, "own")


def test_a_function_without_a_layer_is_told_how_it_is_called(engine, opened):
    widget = opened(nnviz.ActivationMaps(engine, layer="conv1", channel=0, method=lambda module, x: x))
    with pytest.raises(NnvizError, match=r"\(module, x, layer\)"):
        widget.compute()
