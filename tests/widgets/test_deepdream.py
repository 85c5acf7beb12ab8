"""The dream widget: what it asks, how it is steered, what it saves."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch
from PIL import Image

import nnviz_widgets as nnviz
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.methods import deepdream
from nnviz_widgets.widgets.deepdream import DeepDream
from nnviz_widgets.widgets.deepdream_saving import dream_pixels
from nnviz_widgets.widgets.deepdream_state import dreamy_layer
from tests.widgets.conftest import control_of, html_of, noise, png, same, status_of

QUICK = {"octaves": 2, "steps": 2, "layer": "relu1"}


@pytest.fixture
def dream(engine, opened):
    def make(photo=None, **state):
        return opened(DeepDream(engine, noise(side=40)[:30] if photo is None else photo, **{**QUICK, **state}))

    return make


def until(condition, patience=10.0):
    end = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.005)


def last(steps):
    for step in steps:
        found = step
    return found


def test_it_shows_what_the_method_gives(dream, engine):
    widget = dream(seed=4, step_size=3.0, jitter=5)
    result = widget.compute()
    options = {"octaves": 2, "steps": 2, "seed": 4, "step_size": 3.0, "jitter": 5}
    wanted = last(deepdream(engine, noise(side=40)[:30], nnviz.layer_energy("relu1"), **options))
    assert same(result.state.x, wanted.state.x)
    assert (result.number, result.done) == (4, 1.0)
    assert result.image.shape == (30, 40, 3)
    until(lambda: widget.phase == "done")
    assert "octave 2 of 2, 40 × 30 pixels · step 2 of 2" in " ".join(html_of(widget))
    assert "step 4 of 4" in status_of(widget)


def test_the_photo_is_not_cropped_and_a_large_one_reduced(dream):
    assert dream().compute().image.shape == (30, 40, 3)
    widget = dream(noise(side=90)[:, :60], side=45)
    assert widget.compute().image.shape == (45, 30, 3)
    assert "camera" not in [value for _, value in control_of(widget, "Picture").options]
    widget.photo = png(noise(side=24))
    assert widget.compute().image.shape == (24, 24, 3)
    with pytest.raises(NnvizError, match="cannot be read"):
        widget.photo = b"nothing"
    assert widget.compute().image.shape == (24, 24, 3)


@pytest.mark.parametrize(
    ("state", "objective"),
    [
        ({"of": "layer"}, nnviz.layer_energy("relu1")),
        ({"of": "channels", "channels": (1, 4)}, nnviz.channel("relu1", 1) + nnviz.channel("relu1", 4)),
        ({"of": "channels", "channels": 2}, nnviz.channel("relu1", 2)),
        ({"of": "class", "target": "three"}, nnviz.logit(2)),
    ],
)
def test_what_is_dreamt_of(dream, state, objective):
    assert dream(**state).compute().plan.objective == objective


def test_a_class_that_nobody_chose_is_the_most_probable_one(dream, engine):
    widget = dream(engine.prepare(noise()), of="class")
    top = engine.top(engine.prepare(noise()), 1)[0]
    assert widget.compute().plan.objective == nnviz.logit(top[0])
    until(lambda: widget.phase == "done")
    assert f"Dream of {top[1]}" in " ".join(html_of(widget))


def test_a_guide(dream, engine):
    widget = dream(guide=noise(7))
    wanted = last(
        deepdream(engine, noise(side=40)[:30], nnviz.layer_energy("relu1"), octaves=2, steps=2, guide=noise(7))
    )
    assert same(widget.compute().state.x, wanted.state.x)
    guide = control_of(widget, "Guide")
    assert (guide.value, guide.label) == ("own", "your picture")
    guide.value = "none"
    assert widget.guide is None
    assert guide.index == 0
    assert not same(widget.compute().state.x, wanted.state.x)
    widget.of = "class"
    assert guide.disabled
    with pytest.raises(NnvizError, match="cannot be read"):
        widget.guide = b"nothing"


def test_step_size_steers_and_begins_nothing_anew(dream):
    widget = dream(autorun=False, octaves=1, steps=6)
    until(lambda: widget.phase == "paused")
    assert widget.moment.step == 0
    widget.step()
    until(lambda: widget.phase == "paused" and widget.moment.step == 1)
    first = widget.moment
    control_of(widget, "Step size").value = 0.0
    control_of(widget, "Jitter").value = 3
    assert widget.phase == "paused"
    widget.step()
    until(lambda: widget.phase == "paused" and widget.moment.step == 2)
    assert same(widget.moment.shown.state.x, first.shown.state.x)
    assert widget.moment.shown.plan is first.shown.plan
    widget.step_size = 4.0
    assert widget.compute().number == 6
    widget.steps = 3  # asks anew
    assert widget.compute().number == 3


def test_stop_and_restart(dream):
    widget = dream(octaves=1, steps=1000, side=40)
    until(lambda: widget.moment is not None and widget.moment.step > 2)
    widget.stop()
    until(lambda: widget.phase == "stopped")
    stopped = widget.moment.step
    assert stopped < 1000
    time.sleep(0.05)
    assert widget.moment.step == stopped
    widget.restart()
    until(lambda: widget.phase == "running" and 0 < widget.moment.step < 1000)
    widget.pause()
    until(lambda: widget.phase == "paused")


def test_the_channels_field(dream):
    widget = dream(of="channels")
    field = control_of(widget, "Channels")
    field.value = "3, 1 3"
    assert widget.channels == (3, 1)
    assert field.value == "3, 1"
    until(lambda: widget.phase == "done")  # its last word is no longer to come
    for wrong, word in (("99", "channel=99"), ("three", "three")):
        field.value = wrong
        assert widget.channels == (3, 1)
        assert word in status_of(widget)
    widget.layer = "relu2"
    widget.channels = (7, 2)
    widget.layer = "relu1"
    assert widget.channels == (2,)
    assert field.value == "2"


def test_a_value_from_code_beyond_a_slider_is_kept(dream):
    widget = dream(octave_scale=2.5, jitter=100, steps=80, autorun=False)
    assert (widget.octave_scale, widget.jitter, widget.steps) == (2.5, 100, 80)
    assert control_of(widget, "Jitter").value == 100


def test_saving(dream, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    widget = dream()
    result = widget.compute()
    saved = np.asarray(Image.open(widget.save_dream("a.png")))
    np.testing.assert_array_equal(saved, dream_pixels(result))
    np.testing.assert_allclose(saved / 255, result.image, atol=1e-2)
    for _ in range(2):
        control_of(widget, "Save picture").click()
    assert (tmp_path / "deepdream.png").exists()
    assert (tmp_path / "deepdream-2.png").exists()
    assert "Saved as deepdream-2.png" in " ".join(html_of(widget))
    with pytest.raises(NnvizError, match="what kind of picture"):
        widget.save_dream("a.nothing")
    with Image.open(widget.save_flight("a.gif", frames=3)) as flight:
        assert (flight.n_frames, flight.size) == (3, (40, 30))


def test_a_flight_tells_how_far_it_is_and_can_be_cancelled(dream, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    widget = dream()
    widget.compute()
    frames, button, cancel = (control_of(widget, name) for name in ("Frames", "Flight (WebP)", "Cancel flight"))
    frames.value = 2
    button.click()
    until(lambda: (tmp_path / "deepdream.webp").exists() and not button.disabled)
    frames.value = 5000
    button.click()
    assert button.disabled
    until(lambda: "Flight: frame 3 of 5000" in " ".join(html_of(widget)) or "frame 4" in " ".join(html_of(widget)))
    cancel.click()
    until(lambda: not button.disabled)
    assert "nothing was written" in " ".join(html_of(widget))
    assert [path.name for path in tmp_path.iterdir()] == ["deepdream.webp"]
    widget.save_flight("b.gif", frames=2)  # an earlier cancelling does not count
    button.click()  # and closing ends it, too


def test_it_says_what_is_wrong(dream):
    widget = dream(noise(side=3), layer="relu2")
    until(lambda: widget.phase == "stopped")
    assert "too small for this objective" in status_of(widget)
    with pytest.raises(NnvizError, match="has no option 'layers'"):
        dream(layers="relu1")
    with pytest.raises(NnvizError, match="not an index"):
        dream(channels=("a",))


def test_the_default_layer_is_there_in_any_network(engine):
    assert dreamy_layer(engine) == "relu2"


def test_its_picture_has_the_photo_and_the_dream(dream):
    widget = dream()
    widget.compute()
    assert widget.picture.width > 2 * 344
    assert repr(widget) == "DeepDream(of='layer', layer='relu1')"


def test_chance_is_left_alone(dream):
    before = torch.get_rng_state()
    dream().compute()
    assert torch.equal(torch.get_rng_state(), before)
