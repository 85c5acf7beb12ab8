import numpy as np
import pytest
import torch
from torch import nn
from traitlets import TraitError

import nnviz_widgets as nnviz
from nnviz_widgets import methods
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.render.numbers import format_number
from nnviz_widgets.widgets.pointer import Event
from nnviz_widgets.widgets.saliency_heat import scale_for
from tests.widgets.conftest import control_of, engine_of, parts, seen, status_of

PICTURE = np.random.default_rng(3).random((20, 24, 3)).astype(np.float32)
RULES = ("vanilla", "deconvnet", "guided")


@pytest.fixture
def saliency(engine, opened):
    return opened(nnviz.Saliency(engine, PICTURE, target=1, layer="conv2"))


def shows(widget, pane):
    return widget._frames[pane].box.layout.display is None


def test_the_result_holds_the_gradient_by_each_rule(engine, saliency):
    found = saliency.compute()
    assert tuple(found) == RULES
    for rule in RULES:
        expected = methods.saliency(engine, engine.prepare(PICTURE), nnviz.logit(1), rule=rule)
        assert torch.equal(found[rule], expected)


def test_of_a_channel_and_of_one_neuron(engine, saliency):
    x = engine.prepare(PICTURE)
    saliency.of, saliency.channel = "channel", 3
    expected = methods.saliency(engine, x, nnviz.channel("conv2", 3))
    assert torch.equal(saliency.compute()["vanilla"], expected)
    saliency.of, saliency.unit = "neuron", (2, 4)
    expected = methods.saliency(engine, x, nnviz.neuron("conv2", 3, 2, 4))
    assert torch.equal(saliency.compute()["vanilla"], expected)
    saliency.unit = None  # the strongest of the channel
    row, col = divmod(int(engine.activations(x, "conv2")[0, 3].argmax()), 6)
    expected = methods.saliency(engine, x, nnviz.neuron("conv2", 3, row, col))
    assert torch.equal(saliency.compute()["vanilla"], expected)


def test_of_a_unit_of_any_layer(engine, saliency):
    saliency.of, saliency.layer, saliency.channel = "neuron", "fc", 2
    expected = methods.saliency(engine, engine.prepare(PICTURE), nnviz.neuron("fc", 2))
    assert torch.equal(saliency.compute()["guided"] * 0 + saliency.compute()["vanilla"], expected)
    assert not shows(saliency, "map")
    assert "fc, unit 2" in saliency._frames["photo"].caption.value
    for event in (Event("click", "photo", 0.5, 0.5), Event("key", "photo", key="ArrowUp"), Event("move", "map", 0.5)):
        saliency._happened(event)
    assert saliency.unit is None
    with pytest.raises(NnvizError, match="no maps"):
        saliency.unit = (0, 0)


def test_a_network_without_maps_has_classes_and_units(opened):
    flat = engine_of(lambda: nn.Sequential(nn.Flatten(), nn.Linear(768, 5)))
    saliency = opened(nnviz.Saliency(flat, PICTURE))
    assert list(saliency.compute()) == ["vanilla"]
    saliency.of, saliency.channel = "neuron", 4
    weights = flat.module[1].weight[4].detach().view(1, 3, 16, 16)
    assert torch.allclose(saliency.compute()["vanilla"], weights)


# One neuron: the map it is in, where it is, what it sees


def test_the_map_of_the_channel_is_shown_where_one_is_asked_about(engine, saliency):
    saliency.compute()
    assert not shows(saliency, "map")
    for of in ("channel", "neuron"):
        saliency.of, saliency.channel = of, 5
        saliency.compute()
        assert shows(saliency, "map")
        assert "conv2 · channel 5" in saliency._frames["map"].title.value
        assert "before its ReLU" in saliency._frames["map"].caption.value
    values = engine.activations(engine.prepare(PICTURE), "conv2")[0, 5]
    saliency.unit = (3, 2)
    saliency.compute()
    assert "row 3, column 2" in saliency._frames["map"].caption.value
    saliency._happened(Event("move", "map", x=0.99, y=0.01))
    value = saliency._frames["map"].caption.value.split("column 5: ")[1].split("<")[0].replace("−", "-")
    assert float(value) == pytest.approx(float(values[0, 5]), rel=0.01)
    saliency._happened(Event("leave"))
    assert "row 3, column 2" in saliency._frames["map"].caption.value


@pytest.mark.parametrize("pane", ["photo", "map"])
def test_a_click_chooses_the_neuron_and_its_field_is_drawn(engine, saliency, pane):
    saliency.of = "channel"
    saliency.compute()
    before = {name: saliency._surface.picture(name).copy() for name in ("photo", "map")}
    saliency._happened(Event("click", pane, x=0.5, y=0.2))
    assert (saliency.of, saliency.unit) == ("neuron", (1, 3))
    saliency.compute()
    field = engine.receptive_field("conv2", 1, 3)
    assert saliency._shown[1].seen == field
    assert "row 1, column 3" in saliency._frames["photo"].caption.value
    for name, box in (("photo", (field.top, field.left, field.height, field.width, 16)), ("map", (1, 3, 1, 1, 6))):
        rows, cols = np.nonzero((saliency._surface.picture(name) != before[name]).any(2))
        top, left, height, width, side = box
        zoom, line = 448 / side, 8  # pixels of a cell, and of the double outline
        assert rows.min() == pytest.approx(max(0, top * zoom - line), abs=2)
        assert rows.max() == pytest.approx((top + height) * zoom + line, abs=3)
        assert cols.min() == pytest.approx(max(0, left * zoom - line), abs=2)
        assert cols.max() == pytest.approx(min(448, (left + width) * zoom + line), abs=3)


def test_arrow_keys_move_the_neuron_and_escape_leaves_it(saliency):
    saliency.of = "neuron"
    saliency.compute()
    start = saliency._shown[1].question.unit
    saliency._happened(Event("key", "map", key="ArrowUp"))
    assert saliency.unit == (max(start[0] - 1, 0), start[1])
    saliency.unit = (5, 5)
    for key in ("ArrowDown", "ArrowRight"):  # at the edge it stays
        saliency._happened(Event("key", "photo", key=key))
    assert saliency.unit == (5, 5)
    saliency._happened(Event("key", "photo", key="ArrowLeft"))
    assert saliency.unit == (5, 4)
    saliency._happened(Event("key", "vanilla", key="ArrowLeft"))
    saliency._happened(Event("key", "map", key="Home"))
    assert saliency.unit == (5, 4)
    saliency._happened(Event("key", "map", key="Escape"))
    assert saliency.of == "channel"
    saliency.compute()


def test_a_click_on_the_photo_of_a_class_chooses_nothing(saliency):
    saliency.compute()
    saliency._happened(Event("click", "photo", x=0.5, y=0.5))
    assert (saliency.of, saliency.unit) == ("class", None)


def test_another_layer_forgets_the_neuron_and_has_its_own_channels(saliency):
    saliency.of, saliency.channel, saliency.unit = "neuron", 7, (5, 5)
    saliency.layer = "conv1"
    assert (saliency.channel, saliency.unit) == (5, None)
    assert saliency._controls["channel"].max == 5
    saliency.compute()


# How it is drawn


def test_smooth_and_times_input_are_those_of_the_method(engine, saliency):
    saliency.rules, saliency.smooth, saliency.view = ("guided",), 3, "times_input"
    expected = methods.saliency(
        engine, engine.prepare(PICTURE), nnviz.logit(1), rule="guided", smooth=3, times_input=True
    )
    found = saliency.compute()
    assert list(found) == ["guided"]
    assert torch.equal(found["guided"], expected)


def test_rules_are_ticked_one_by_one_and_one_stays(saliency):
    saliency.rules = ("guided",)
    boxes = {rule: control_of(saliency, rule.title()) for rule in RULES}
    assert [box.value for box in boxes.values()] == [False, False, True]
    saliency.compute()
    assert [shows(saliency, rule) for rule in RULES] == [False, False, True]
    boxes["vanilla"].value = True
    assert saliency.rules == ("vanilla", "guided")
    boxes["guided"].value = False
    boxes["vanilla"].value = False
    assert saliency.rules == ("vanilla",)
    assert boxes["vanilla"].value
    assert "No rule is left" in status_of(saliency)


@pytest.mark.parametrize("clip", [99.0, 60.0, 100.0])
def test_the_colour_bar_has_the_gradients_own_numbers(saliency, clip):
    saliency.clip = clip
    values = saliency.compute()["vanilla"][0].abs().amax(0).numpy()
    state, shown = saliency._shown
    scale = scale_for(shown.maps["vanilla"], state, shown)
    assert (scale.low, scale.signed) == (0, False)
    assert scale.high == pytest.approx(float(np.percentile(values, clip)), rel=1e-5)
    caption = saliency._frames["vanilla"].caption.value
    assert ("percentile" in caption) == (clip < 100)
    assert f"to {format_number(values.max())}" in caption  # the real range, whatever the colours


def test_signed_maps_have_a_symmetric_scale(saliency):
    saliency.view = "signed"
    values = saliency.compute()["vanilla"][0].sum(0).numpy()
    state, shown = saliency._shown
    scale = scale_for(shown.maps["vanilla"], state, shown)
    assert scale.low == -scale.high < 0
    assert np.allclose(shown.maps["vanilla"].values, values, atol=1e-6)


def test_the_overlay_goes_from_the_photo_to_the_map_alone(saliency):
    saliency.compute()
    photo, alone = saliency._surface.picture("photo"), saliency._surface.picture("guided")
    saliency.overlay = 0.0
    saliency.compute()
    assert np.array_equal(saliency._surface.picture("guided")[..., :3], photo[..., :3])
    saliency.overlay = 0.5
    saliency.compute()
    half = saliency._surface.picture("guided")
    values = saliency._shown[1].maps["guided"].values
    row, col = divmod(int(values.argmax()), 16)  # there the map alone, where it is 0 the photo alone
    assert np.array_equal(half[28 * row + 14, 28 * col + 14, :3], alone[28 * row + 14, 28 * col + 14, :3])
    saliency.overlay = 1.0
    saliency.compute()
    assert np.array_equal(saliency._surface.picture("guided"), alone)


def test_a_network_without_relu_shows_vanilla_and_says_why_not_the_others(opened):
    engine = engine_of(lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.SiLU(), nn.Flatten(), nn.Linear(784, 5)))
    saliency = opened(nnviz.Saliency(engine, PICTURE, language="fr"))
    assert list(saliency.compute()) == ["vanilla"]
    for rule in ("deconvnet", "guided"):
        caption = saliency._frames[rule].caption.value
        assert "Aucune ReLU" in caption
        assert "vanilla" in caption  # what to try
        assert saliency._frames[rule].picture.layout.display == "none"
    assert "nnviz-error" not in saliency._status.text.value
    saliency.rules = ("guided",)
    with pytest.raises(NnvizError):
        saliency.compute()
    assert "ReLU" in status_of(saliency)


def test_controls_that_cannot_act_are_disabled(saliency):
    layer, channel = saliency._controls["layer"], saliency._controls["channel"]
    assert layer.disabled
    assert channel.disabled
    assert not any(field.disabled for field in saliency._classes)
    saliency.of = "neuron"
    assert not channel.disabled
    assert all(field.disabled for field in saliency._classes)
    noise, baseline = control_of(saliency, "Noise"), control_of(saliency, "Baseline")
    assert noise.disabled
    assert "SmoothGrad" in noise.tooltip
    saliency.smooth = 2
    assert not noise.disabled
    assert baseline.disabled


def test_rare_controls_are_folded_away(saliency):
    folded = next(part for part in parts(saliency) if type(part).__name__ == "Accordion")
    assert folded.selected_index is None
    inside = {control.description for control in folded.children[0].children}
    assert inside == {"SmoothGrad", "Noise", "Integrated Gradients", "Baseline", "Colours end at"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("rules", ("sideways",)),
        ("rules", ()),
        ("channel", 8),
        ("layer", "nope"),
        ("view", "x"),
        ("target", 5),
        ("target", "thre e"),
        ("against", 5),
        ("against", "nobody"),
        ("clip", 101.0),
        ("overlay", 1.5),
        ("baseline", "pink"),
        ("smooth", -1),
        ("randomised", 99),
        ("method", 3),
    ],
)
def test_bad_state_is_refused(saliency, name, value):
    before = getattr(saliency, name)
    with pytest.raises((NnvizError, TraitError)):
        setattr(saliency, name, value)
    assert getattr(saliency, name) == before


@pytest.mark.parametrize("unit", [(6, 0), (0, -1), (1.5, 2), "12", 3])
def test_a_neuron_that_is_not_there_is_refused(saliency, unit):
    with pytest.raises(NnvizError):
        saliency.unit = unit
    assert saliency.unit is None


@pytest.mark.parametrize("widget", [nnviz.GradCam, nnviz.Occlusion])
def test_a_network_without_maps_is_told(widget):
    flat = engine_of(lambda: nn.Sequential(nn.Flatten(), nn.Linear(768, 5)))
    with pytest.raises(NnvizError, match="no maps"):
        widget(flat, PICTURE)


def test_events_before_the_first_picture_and_at_the_edges_harm_nothing(engine, opened, by_hand):
    saliency = opened(nnviz.Saliency(engine, PICTURE, of="neuron", layer="conv2"))
    events = [Event(kind, pane, 1.0, 1.0, "ArrowUp") for kind in ("move", "click", "key", "leave") for pane in RULES]
    events += [Event(kind, pane, -0.01, 1.01, "ArrowUp") for kind in ("click", "move") for pane in ("photo", "map")]
    for event in events:
        saliency._happened(event)
    saliency.compute()
    saliency.layer = "conv1"  # while another is still shown
    for event in events:
        saliency._happened(event)
    saliency.compute()


@pytest.mark.parametrize("size", [(16, 16), (12, 20)])
def test_pictures_of_any_shape_make_one_picture(opened, size):
    saliency = opened(nnviz.Saliency(engine_of(size=size), PICTURE, of="neuron", layer="conv2"))
    saliency.compute()
    assert seen(saliency).ndim == 3
    width, height = saliency._photo_size()
    assert width / height == pytest.approx(size[1] / size[0], rel=0.02)


# A person's own function


def gradient(module, x, target):
    x.requires_grad_()
    module(x)[0, target].backward()
    return x.grad


def test_a_function_of_ones_own_stands_beside_the_first_rule(engine, opened):
    saliency = opened(nnviz.Saliency(engine, PICTURE, target=1, method=gradient))
    saliency.compute()
    assert saliency.comparison.equal
    assert shows(saliency, "own")
    assert "gradient" in saliency._frames["own"].title.value
    assert np.allclose(saliency._surface.picture("own"), saliency._surface.picture("vanilla"), atol=2)
    saliency.rules = ("guided",)
    saliency.compute()
    assert not saliency.comparison.equal
    assert "largest difference" in saliency._frames["own"].caption.value
    saliency.method = lambda module, x, target: methods.saliency(engine, x, nnviz.logit(target), rule="guided")
    saliency.compute()
    assert saliency.comparison.largest == 0
    saliency.method = None
    saliency.compute()
    assert not shows(saliency, "own")


@pytest.mark.parametrize("change", [{"of": "neuron"}, {"against": 2}, {"randomised": 1}], ids=str)
def test_it_is_said_where_a_function_cannot_be_asked(engine, opened, change):
    saliency = opened(nnviz.Saliency(engine, PICTURE, target=1, layer="conv2", method=gradient, **change))
    saliency.compute()
    assert "one class of the trained network" in saliency._frames["own"].caption.value
    assert saliency.comparison is None


def test_a_function_that_fails_leaves_the_reference(engine, opened):
    def broken(module, x, target):
        return module.nothing

    saliency = opened(nnviz.Saliency(engine, PICTURE, target=1, method=broken))
    with pytest.raises(NnvizError, match="nothing"):
        saliency.compute()
    assert "nnviz-error" in status_of(saliency)
    assert list(saliency.result) == list(RULES)
