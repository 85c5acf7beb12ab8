import contextlib
import threading

import ipywidgets
import numpy as np
import pytest
import torch
import traitlets
from PIL import Image

import nnviz_widgets as nnviz
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.live import Cancelled
from nnviz_widgets.methods import activation_maps, filters
from nnviz_widgets.widgets import workers
from nnviz_widgets.widgets.pointer import Event
from tests.widgets.conftest import Switch, control_of, engine_of, living, noise, parts, seen, status_of, threads

WIDGETS = [nnviz.ActivationMaps, nnviz.Filters]


@pytest.fixture(params=WIDGETS, ids=lambda kind: kind.__name__)
def kind(request):
    return request.param


def index_of(widget):
    """The name of the widget's slider trait."""
    return "filter" if isinstance(widget, nnviz.Filters) else "channel"


# State


def test_state_comes_by_name(engine, opened):
    maps = opened(nnviz.ActivationMaps(engine, layer="conv2", channel=7, order="mean", scale="each", overlay=0.5))
    assert (maps.layer, maps.channel, maps.order, maps.scale, maps.overlay) == ("conv2", 7, "mean", "each", 0.5)
    shown = opened(nnviz.Filters(engine, filter=5, layer="conv2", scale="shared", theme="dark"))
    assert (shown.layer, shown.filter, shown.scale, shown.theme) == ("conv2", 5, "shared", "dark")


@pytest.mark.parametrize(
    "state",
    [
        {"layr": "conv1"},
        {"layer": "conv9"},
        {"layer": "fc"},
        {"scale": "none"},
        {"theme": "blue"},
        {"language": "xx"},
        {"layout": {"width": 3}},
        {"page_drak": True},
    ],
    ids=str,
)
def test_a_widget_that_cannot_be_made_leaves_nothing(kind, engine, opened, state):
    with pytest.raises((NnvizError, traitlets.TraitError)):
        kind(engine, **state)
    assert not workers._open.get(engine)


@pytest.mark.parametrize(
    "state", [{"picture": "/no/such.png"}, {"channel": 6}, {"channel": -1}, {"overlay": 2}, {"unit": (0, 99)}], ids=str
)
def test_maps_that_cannot_be_made_leave_nothing(engine, opened, state):
    with pytest.raises((NnvizError, traitlets.TraitError)):
        nnviz.ActivationMaps(engine, layer="conv1", **state)


def test_a_fault_while_building_leaves_nothing(kind, engine, opened, monkeypatch):
    def fail(self):
        raise RuntimeError("no controls today")

    monkeypatch.setattr(kind, "_build", fail)
    with pytest.raises(RuntimeError):
        kind(engine)


def test_an_unknown_name_is_told_with_near_ones(engine, opened):
    with pytest.raises(NnvizError, match="overlay") as caught:
        nnviz.ActivationMaps(engine, overly=0.5)
    assert "overly" in str(caught.value)
    with pytest.raises(NnvizError) as caught:
        nnviz.ActivationMaps(engine, zzzz=1)
    assert "layer" in str(caught.value)
    assert "page_dark" not in str(caught.value)


def test_something_that_is_no_engine_is_told(kind, opened):
    with pytest.raises(NnvizError, match="Engine"):
        kind(torch.nn.Conv2d(3, 4, 3))


def test_a_layout_can_be_given(kind, engine, opened):
    widget = opened(kind(engine, layout={"border": "1px solid"}))
    assert widget.layout.border_top == "1px solid"


def test_a_refused_value_changes_nothing_and_the_next_is_taken(kind, engine, opened):
    widget = opened(kind(engine, layer="conv1"))
    result, before = widget.compute(), widget.picture
    for name, value in [("layer", "conv3"), ("layer", "fc"), (index_of(widget), 6), ("scale", "none"), ("theme", "")]:
        old = getattr(widget, name)
        with pytest.raises((NnvizError, traitlets.TraitError)):
            setattr(widget, name, value)
        assert getattr(widget, name) == old
    assert torch.equal(widget.compute(), result)
    assert np.array_equal(seen(widget), np.asarray(before))
    setattr(widget, index_of(widget), 4)
    widget.compute()
    assert not np.array_equal(seen(widget), np.asarray(before))


def test_a_refused_value_among_several_takes_all_of_them_back(kind, engine, opened):
    widget = opened(kind(engine, layer="conv1", **{"filter" if kind is nnviz.Filters else "channel": 2}))

    def change():
        with widget.hold_trait_notifications():
            widget.scale = "shared"
            setattr(widget, index_of(widget), 99)

    with pytest.raises(traitlets.TraitError, match="99"):
        change()
    assert getattr(widget, index_of(widget)) == 2
    widget.compute()
    with widget.hold_trait_notifications():
        widget.layer = "conv2"
        setattr(widget, index_of(widget), 7)
    assert (widget.layer, getattr(widget, index_of(widget))) == ("conv2", 7)
    assert widget.compute().shape[0] == 8


def test_another_layer_brings_what_depends_on_it_into_range_in_one_post(kind, engine, opened, monkeypatch):
    widget = opened(kind(engine, layer="conv2", **{"filter" if kind is nnviz.Filters else "channel": 7}))
    posted = []
    post = widget._view.post
    monkeypatch.setattr(widget._view, "post", lambda job: posted.append(widget._snapshot()) or post(job))
    widget.layer = "conv1"
    assert getattr(widget, index_of(widget)) == 5
    assert [(state.layer, getattr(state, index_of(widget))) for state in posted] == [("conv1", 5)]
    assert widget.compute().shape[0] == 6


def test_controls_follow_the_traits_and_the_traits_the_controls(kind, engine, opened):
    widget = opened(kind(engine, layer="conv1"))
    layer = control_of(widget, "Layer")
    index = control_of(widget, "Filter" if kind is nnviz.Filters else "Channel")
    widget.layer = "conv2"
    assert (layer.value, index.max) == ("conv2", 7)
    index.value = 7
    assert getattr(widget, index_of(widget)) == 7
    layer.value = "conv1"
    assert (widget.layer, getattr(widget, index_of(widget)), index.value, index.max) == ("conv1", 5, 5, 5)


# Results


def test_compute_returns_what_the_method_returns(engine, opened):
    maps = opened(nnviz.ActivationMaps(engine, layer="relu2"))
    expected = activation_maps(engine, engine.prepare(nnviz.sample("cat")), "relu2")
    assert torch.equal(maps.compute(), expected)
    assert torch.equal(maps.result, expected)
    shown = opened(nnviz.Filters(engine, layer="conv2"))
    assert torch.equal(shown.compute(), filters(engine, "conv2"))
    assert torch.equal(shown.result, filters(engine, "conv2"))


def test_the_picture_shows_the_state(kind, engine, opened):
    widget = opened(kind(engine, layer="conv2"))
    first = seen(widget)
    assert first.ndim == 3
    assert first.dtype == np.uint8
    widget.layer = "conv1"
    widget.compute()
    assert seen(widget).shape != first.shape or not np.array_equal(seen(widget), first)
    widget.layer = "conv2"
    setattr(widget, index_of(widget), 0)
    widget.compute()
    again = seen(widget)
    other = opened(kind(engine, layer="conv2", **{index_of(widget): 0}))
    other.compute()
    assert np.array_equal(seen(other), again)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".PNG"])
def test_save(kind, engine, opened, tmp_path, suffix):
    widget = opened(kind(engine))
    path = widget.save(tmp_path / f"view{suffix}")
    with Image.open(path) as saved:
        assert saved.size == widget.picture.size
        if suffix.lower() == ".png":
            assert np.array_equal(np.asarray(saved.convert("RGB")), seen(widget))


@pytest.mark.parametrize("name", ["view", "view.", "view.txt", "view.psd", ".png", "view.svg"])
def test_save_under_a_name_that_says_no_kind(kind, engine, opened, tmp_path, name):
    widget = opened(kind(engine))
    with pytest.raises(NnvizError, match="png"):
        widget.save(str(tmp_path / name))
    assert list(tmp_path.iterdir()) == []


def test_save_into_a_folder_that_is_not_there(kind, engine, opened, tmp_path):
    with pytest.raises(OSError, match="nowhere"):
        opened(kind(engine)).save(tmp_path / "nowhere" / "view.png")


def test_linked_widgets_move_together(kind, engine, opened):
    first, second = (opened(kind(engine, layer="conv1")) for _ in range(2))
    link = ipywidgets.link((first, index_of(first)), (second, index_of(second)))
    setattr(first, index_of(first), 4)
    assert getattr(second, index_of(second)) == 4
    second.compute()
    first.compute()
    assert np.array_equal(seen(first), seen(second))
    link.unlink()


def test_of_thirty_fast_moves_few_are_computed_and_the_last_is_shown(kind, engine, opened, monkeypatch):
    widget = opened(kind(engine, layer="conv2", **{"filter" if kind is nnviz.Filters else "channel": 0}))
    widget.compute()
    gate, drawn = threading.Event(), []
    draw = widget._draw

    def draw_at_last(state, shown):
        gate.wait(10)
        drawn.append(state)
        draw(state, shown)

    monkeypatch.setattr(widget, "_draw", draw_at_last)
    for i in range(1, 31):
        setattr(widget, index_of(widget), i % 8)
    gate.set()
    widget._ticket.result(10)
    assert getattr(drawn[-1], index_of(widget)) == 30 % 8
    assert len(drawn) <= 3


def test_compute_when_the_state_changes_meanwhile_gives_the_newest(engine, opened, by_hand):
    widget = opened(nnviz.Filters(engine, layer="conv1"))
    steps = widget._steps

    def change_once(state):
        if state.layer == "conv1":
            widget.layer = "conv2"
        return steps(state)

    widget._steps = change_once
    assert torch.equal(widget.compute(), filters(engine, "conv2"))


def test_display_waits_for_the_first_picture(kind, engine, opened):
    widget = opened(kind(engine))
    data, metadata = widget._repr_mimebundle_()
    assert data["image/png"].startswith(b"\x89PNG")
    assert len(metadata["image/png"]["alt"]) > 20  # titles and caption, for those who do not see the picture
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == widget.model_id
    assert kind.__name__ in repr(widget)


def test_display_of_a_widget_without_a_picture_shows_the_widget(engine, opened):
    Switch.error = None
    widget = opened(nnviz.ActivationMaps(engine, layer="conv1", channel=0))
    other = nnviz.Engine(engine.module, mean=0.5, std=0.25, size=16, outputs="logits")
    Switch.error = RuntimeError("broken")
    widget.close()
    broken = opened(nnviz.ActivationMaps(other, layer="conv1", channel=0))
    bundle = broken._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    assert "image/png" not in data
    assert "application/vnd.jupyter.widget-view+json" in data
    assert "broken" in status_of(broken)


def test_dark_pages(engine, opened):
    """Signed maps have a dark middle on a dark page; the page is asked unless the theme says it."""
    widget = opened(nnviz.ActivationMaps(engine, layer="conv1", channel=0))
    widget.compute()
    light = seen(widget)
    widget._happened(Event("theme", dark=True))
    widget.compute()
    dark = seen(widget)
    assert dark.mean() < light.mean() - 50
    widget.theme = "light"
    widget.compute()
    assert np.array_equal(seen(widget), light)
    widget._happened(Event("theme", dark=False))
    widget.theme = "dark"
    widget.compute()
    assert np.array_equal(seen(widget), dark)


def test_off_the_screen_it_stands_aside(engine, opened):
    widget = opened(nnviz.ActivationMaps(engine, layer="conv1", channel=0))
    widget._happened(Event("seen", seen=False))
    assert widget._view.aside
    widget._happened(Event("seen", seen=True))
    assert not widget._view.aside


# Failures


def only_line(widget):
    """What a person reads of an error before unfolding it."""
    line = status_of(widget)
    assert "nnviz-error" in line
    return line.split("<details>")[0]


def test_a_network_that_raises_leaves_the_last_picture(engine, opened):
    widget = opened(nnviz.ActivationMaps(engine, layer="conv1", channel=1))
    result, before = widget.compute(), seen(widget)
    Switch.error = RuntimeError("first line\nsecond line")
    widget.photo = noise()
    with pytest.raises(NnvizError, match="first line"):
        widget.compute()
    line = only_line(widget)
    assert "first line" in line
    assert "second line" not in line
    assert "<details><summary>details</summary><pre>Traceback" in status_of(widget)
    assert "second line" in status_of(widget)
    assert torch.equal(widget.result, result)
    assert np.array_equal(seen(widget), before)
    Switch.error = None
    widget.channel = 2
    expected = activation_maps(engine, engine.prepare(noise()), "conv1")
    assert torch.equal(widget.compute(), expected)
    assert "nnviz-error" not in status_of(widget)


def test_out_of_memory_is_one_line(engine, opened):
    widget = opened(nnviz.ActivationMaps(engine, layer="conv1"))
    widget.compute()
    Switch.error = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 3 TiB")
    widget.photo = noise()
    with pytest.raises(NnvizError, match="Not enough memory"):
        widget.compute()
    assert "Not enough memory" in only_line(widget)


def test_weights_that_become_nan(kind, engine, opened):
    widget = opened(kind(engine, layer="conv1"))
    before, kept = (widget.compute(), seen(widget))[1], engine.module.conv1.weight.detach().clone()
    with torch.no_grad():
        engine.module.conv1.weight[0, 0, 0, 0] = float("nan")
    setattr(widget, index_of(widget), 3)
    with pytest.raises(NnvizError, match=r"conv1\.weight"):
        widget.compute()
    assert "conv1.weight" in only_line(widget)
    assert np.array_equal(seen(widget), before)
    with torch.no_grad():
        engine.module.conv1.weight.copy_(kept)
    widget.compute()
    assert "nnviz-error" not in status_of(widget)


def test_a_failing_draw_leaves_the_last_picture_and_the_next_is_drawn(kind, engine, opened, monkeypatch):
    widget = opened(kind(engine, layer="conv1", **{"filter" if kind is nnviz.Filters else "channel": 0}))
    widget.compute()
    before, draw = seen(widget), widget._draw
    monkeypatch.setattr(widget, "_draw", lambda state, shown: 1 / 0)
    setattr(widget, index_of(widget), 3)
    with pytest.raises(ZeroDivisionError):
        widget.compute()
    assert "ZeroDivisionError" in only_line(widget)
    assert np.array_equal(seen(widget), before)
    monkeypatch.setattr(widget, "_draw", draw)
    setattr(widget, index_of(widget), 2)
    widget.compute()
    assert "nnviz-error" not in status_of(widget)
    assert not np.array_equal(seen(widget), before)


def test_a_first_draw_that_fails_does_not_break_the_display(kind, engine, opened, monkeypatch):
    monkeypatch.setattr(kind, "_draw", lambda self, state, shown: 1 / 0)
    widget = opened(kind(engine))
    bundle = widget._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    assert "image/png" not in data
    assert "ZeroDivisionError" in only_line(widget)


# Languages


def texts(widget):
    """All that is written on a widget's controls."""
    found = []
    for part in parts(widget):
        found += [getattr(part, name, None) for name in ("description", "tooltip", "value") if name != "value"]
        found += [label for label, _ in getattr(part, "options", ())]
        if isinstance(part, ipywidgets.HTML):
            found.append(part.value)
    return " ".join(filter(None, found))


def test_a_french_widget(kind, engine, opened, monkeypatch):
    french = opened(kind(engine, language="fr"))
    french.compute()
    assert "Couche" in texts(french)
    assert "Layer" not in texts(french)
    with pytest.raises(NnvizError):
        french.layer = "conv9"
    monkeypatch.setenv("NNVIZ_LANGUAGE", "fr")
    other = opened(kind(engine))
    other.compute()
    assert other.language == "fr"
    nnviz.set_language("en")
    english = opened(kind(engine))
    english.compute()
    assert "Layer" in texts(english)
    assert "Couche" not in texts(english)


def test_a_french_widget_fails_in_french(engine, opened):
    widget = opened(nnviz.ActivationMaps(engine, layer="conv1", language="fr"))
    widget.compute()
    Switch.error = RuntimeError("aïe")
    widget.photo = noise()
    with pytest.raises(NnvizError):
        widget.compute()
    assert "Le réseau" in only_line(widget)
    assert "détails" in status_of(widget)


# The end


def test_close_frees_all_and_may_be_called_again(kind, engine):
    before = living()
    widget = kind(engine)
    widget.compute()
    assert len(living() - before) > 20
    widget.close()
    assert living() == before
    assert threads() == []
    widget.close()


def test_a_closed_widget_does_no_harm(kind, engine, opened):
    widget = opened(kind(engine, layer="conv1"))
    widget.compute()
    before = seen(widget)
    widget.close()
    index = control_of(widget, "Filter" if kind is nnviz.Filters else "Channel") if widget.children else None
    setattr(widget, index_of(widget), 3)
    widget.layer = "conv2"
    if index is not None:
        index.value = 1
    widget.theme = "dark"
    widget.cancel()
    widget._happened(Event("click", "map", 0.5, 0.5))
    with pytest.raises(Cancelled):
        widget.compute()
    assert np.array_equal(seen(widget), before)


def test_close_while_a_job_runs_cancels_it(engine, opened, monkeypatch):
    started, gate, closed = threading.Event(), threading.Event(), threading.Event()

    def steps(self, state):
        try:
            started.set()
            gate.wait(10)
            yield from ()
        finally:
            closed.set()

    monkeypatch.setattr(nnviz.Filters, "_steps", steps)
    widget = opened(nnviz.Filters(engine))
    assert started.wait(10)
    ticket = widget._ticket
    closing = threading.Thread(target=widget.close)
    closing.start()
    with pytest.raises(Cancelled):
        ticket.result(10)
    gate.set()
    closing.join(10)
    assert closed.wait(10)


def test_cancel_stops_at_the_next_partial_result_and_the_next_change_works(engine, opened, by_hand, monkeypatch):
    widget = opened(nnviz.Filters(engine, layer="conv1"))
    widget.compute()
    before, steps = seen(widget), widget._steps

    def endless(state):
        while True:
            (item,) = steps(state)
            yield item.value

    monkeypatch.setattr(widget, "_steps", endless)
    widget.filter = 3
    for _ in range(3):
        by_hand[0].step()
    after = seen(widget)
    assert not np.array_equal(after, before)
    ticket = widget._ticket
    widget.cancel()
    by_hand[0].run_until_idle()
    with pytest.raises(Cancelled):
        ticket.result()
    assert "cancelled" in status_of(widget)
    assert np.array_equal(seen(widget), after)
    monkeypatch.setattr(widget, "_steps", steps)
    widget.filter = 4
    widget.compute()
    assert "cancelled" not in status_of(widget)


def test_widgets_of_one_engine_share_a_worker(engine, opened):
    first, second = opened(nnviz.ActivationMaps(engine)), opened(nnviz.Filters(engine))
    other = opened(nnviz.Filters(engine_of()))
    assert first._worker is second._worker
    assert other._worker is not first._worker
    first.close()
    assert second.compute() is not None
    with contextlib.suppress(NnvizError):
        nnviz.Filters(engine, layer="nothing")
    second.filter = 2
    assert second.compute() is not None
