"""A picture that grows: steered, gone back in, kept at its best, made again from its recipe."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
import torch
from PIL import Image

import nnviz_widgets as nnviz
from nnviz_widgets import methods
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.lang import TEXT
from nnviz_widgets.methods.recipe import Recipe
from nnviz_widgets.widgets.ascent import Ascent
from nnviz_widgets.widgets.ascent_question import parse, spell
from tests.widgets.conftest import Net, control_of, engine_of, html_of, noise, status_of

WAIT = 20.0


def until(holds):
    end = time.monotonic() + WAIT
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.002)


@pytest.fixture
def ascent(engine, opened):
    return lambda **state: opened(Ascent(engine, **{"preset": "Distill", "steps": 12, **state}))


@pytest.fixture
def gated(ascent, monkeypatch):
    """An ascent whose network waits at each step for `gate.release()`, paused at its beginning."""

    def make(**state):
        widget = ascent(autorun=False, **state)
        until(lambda: widget.phase == "paused")
        widget.gate = gate = threading.Semaphore(0)
        run = widget._run

        def waiting(*asked):
            for moment in run(*asked):
                yield moment
                assert gate.acquire(timeout=WAIT)

        monkeypatch.setattr(widget, "_run", waiting)
        return widget

    return make


def test_the_result_is_that_of_the_method(ascent, engine):
    widget = ascent(target="three", seed=3)
    found = widget.compute()
    (*_, expected) = methods.ascent(engine, nnviz.logit(2), steps=12, seed=3)
    assert found.step == widget.result.step == 12
    assert torch.equal(found.x, expected.x)
    assert found.value == expected.value


@pytest.mark.parametrize(
    ("state", "objective"),
    [
        ({"of": "channel", "layer": "conv2", "channel": 5}, nnviz.channel("conv2", 5)),
        ({"of": "channel", "layer": "relu1", "channel": 2}, nnviz.channel("conv1", 2)),
        ({"of": "neuron", "layer": "conv2", "channel": 1}, nnviz.neuron("conv2", 1, 3, 3)),
        ({"of": "neuron", "layer": "conv2", "channel": 1, "size": 24}, nnviz.neuron("conv2", 1, 5, 5)),
        ({"of": "neuron", "layer": "conv2", "channel": 1, "unit": (0, 2)}, nnviz.neuron("conv2", 1, 0, 2)),
        (
            {"of": "direction", "layer": "conv2", "direction": {1: 2.0, 4: -1}},
            nnviz.direction("conv2", [0, 2.0, 0, 0, -1, 0, 0, 0]),
        ),
        ({"objective": nnviz.logit(0) - nnviz.logit(1)}, nnviz.logit(0) - nnviz.logit(1)),
    ],
)
def test_what_is_raised(ascent, engine, state, objective):
    found = ascent(**state, steps=3).compute()
    (*_, expected) = methods.ascent(engine, objective, steps=3, size=state.get("size"))
    assert found.value == pytest.approx(expected.value, rel=1e-5)


def test_values_are_those_before_a_rectifying_activation_and_it_says_so(ascent):
    widget = ascent(of="channel", layer="relu1", channel=2)
    widget.compute()
    assert any("before ReLU, at conv1" in text for text in html_of(widget))


@pytest.mark.parametrize("preset", ["None", "Simonyan", "Yosinski 1", "Yosinski 2", "Yosinski 3", "Yosinski 4"])
def test_a_preset_is_taken_over_whole(ascent, engine, preset):
    widget = ascent(preset=preset, steps=4)
    found = widget.compute()
    named = methods.presets.preset(preset, engine.contract)
    (*_, expected) = methods.ascent(engine, nnviz.logit(0), steps=4, start=named.start, priors=preset)
    assert torch.equal(found.x, expected.x)


def test_another_preset_begins_anew_with_its_numbers_and_shows_those_of_the_paper(ascent):
    widget = ascent()
    widget.compute()
    widget.preset = "Yosinski 2"
    assert (widget.decay, widget.small_norm, widget.rule, widget.fourier) == (0.3, 20, "plain", False)
    widget.steps = 5
    assert widget.compute().step == 5
    table = next(text for text in html_of(widget) if "<table" in text)
    assert "no blur" in table
    assert "0.3" in table


def test_steering_goes_on_from_where_the_run_is(gated, engine):
    widget = gated(preset="Yosinski 3", steps=8)
    widget.start()
    widget.gate.release(3)
    until(lambda: widget.moment.step == 3)
    widget.decay = 0.5
    widget.gate.release(100)
    until(lambda: widget.phase == "done")
    (plain,) = [s for s in methods.ascent(engine, nnviz.logit(0), steps=8, priors="Yosinski 3") if s.step == 8]
    assert widget.result.step == 8
    assert widget.result.x.norm() < 0.5 * plain.x.norm()
    steered = dict(widget.result.state.steered)
    assert list(steered.values()) == [{"decay": 0.5}]
    assert next(iter(steered)) in (3, 4)
    np.testing.assert_array_equal(widget._timeline.values[:4], _values(engine, 3, "Yosinski 3"))


def _values(engine, steps, priors):
    return [step.value for step in methods.ascent(engine, nnviz.logit(0), steps=steps, priors=priors)]


def test_going_back_and_on_gives_the_same_as_never_pausing(ascent):
    widget = ascent()
    never = widget.compute()
    until(lambda: widget.phase == "done")
    widget._scrubber.slider.value = 5
    assert (widget.phase, widget.result.step) == ("paused", 5)
    widget.start()
    again = widget.compute()
    assert again is not never
    assert torch.equal(again.x, never.x)


def test_more_steps_let_a_run_that_is_done_go_on(ascent, engine):
    widget = ascent(steps=4)
    widget.compute()
    until(lambda: widget.phase == "done")
    widget.steps = 7
    assert widget.phase == "paused"
    widget.start()
    assert widget.compute().step == 7
    assert widget.result.value == _values(engine, 7, "Distill")[-1]


def test_keys_go_back_and_forth_and_pause(ascent):
    widget = ascent()
    widget.compute()
    until(lambda: widget.phase == "done")
    for key, step in (("ArrowLeft", 11), ("ArrowLeft", 10), ("ArrowRight", 11), ("Home", 0), ("End", 12)):
        widget._happened(nnviz.widgets.pointer.Event("key", pane="picture", key=key))
        assert widget.result.step == step
    widget._happened(nnviz.widgets.pointer.Event("key", pane="picture", key="ArrowLeft"))
    widget._happened(nnviz.widgets.pointer.Event("key", pane="picture", key=" "))
    until(lambda: widget.phase == "done")
    assert widget.result.step == 12


def test_the_best_moment_is_kept_and_gone_to(ascent):
    widget = ascent(preset="Yosinski 3", steps=10)
    widget.compute()
    until(lambda: widget.phase == "done")
    widget.decay, widget.steps = 1.0, 20
    widget.start()
    widget.compute()
    until(lambda: widget.phase == "done")
    values = widget._timeline.values
    best = int(values.argmax())
    assert 0 < best < 20
    control_of(widget, "Best").click()
    assert (widget.result.step, widget.result.value) == (best, values[best])


def test_after_values_that_are_no_numbers_the_best_picture_stays_and_the_line_says_why(ascent):
    widget = ascent(preset="Simonyan", l2=1e6, steps=50)
    until(lambda: widget.phase == "stopped")
    assert "no longer numbers" in status_of(widget)
    assert np.isfinite(widget.result.x.numpy()).all()
    widget._scrubber.go_to_best()
    assert np.isfinite(widget.result.value)


def test_an_objective_without_a_gradient_is_one_line(ascent):
    widget = ascent(of="neuron", layer="relu2", channel=1, start_from="zeros", preset="None", steps=200)
    widget.engine.module.conv2.weight.data.zero_()
    widget.engine.refresh()
    widget.restart()
    until(lambda: widget.phase == "stopped")
    assert "start from noise" in status_of(widget)
    assert widget.result.step == 0


def test_stop_ends_it_within_a_step(gated):
    widget = gated(steps=500)
    widget.start()
    widget.gate.release(2)
    until(lambda: widget.moment.step == 2)
    widget.stop()
    widget.gate.release(1)
    until(lambda: widget.phase == "stopped")
    assert widget.result.step == 2


def test_a_control_of_another_question_begins_nothing_anew(ascent):
    widget = ascent(of="class")
    widget.compute()
    ticket = widget._ticket
    widget.layer = "conv1"
    widget.channel = 3
    widget.photo = noise()
    assert widget._ticket is ticket
    widget.of = "channel"
    assert widget._ticket is not ticket
    widget.compute()


def test_it_begins_from_a_photo_or_from_the_last_result(ascent, engine):
    photo = noise(1)
    widget = ascent(photo=photo, start_from="photo", preset="None", steps=0 + 1)
    widget.compute()
    first = next(iter(widget._timeline)).shown.x
    torch.testing.assert_close(first, engine.prepare(photo))
    last = widget.result.x
    widget.start_from = "last"
    widget.target = "four"
    widget.compute()
    torch.testing.assert_close(next(iter(widget._timeline)).shown.x, last)


def test_several_pictures_are_made_at_once_and_differ(ascent):
    widget = ascent(pictures=4)
    assert widget.diversity > 0
    found = widget.compute()
    assert found.x.shape == (4, 3, 16, 16)
    assert not torch.equal(found.x[0], found.x[1])
    assert widget._drawn.panels(*widget._shown)[0][0][0].image.shape == (34, 34, 3)
    widget.start_from = "last"
    widget.pictures = 1
    assert widget.compute().x.shape == (1, 3, 16, 16)


def test_the_recipe_makes_the_picture_again(gated, engine, tmp_path):
    widget = gated(steps=9, seed=5, target=1)
    widget.start()
    widget.gate.release(3)
    until(lambda: widget.moment.step == 3)
    widget.jitter = 0
    widget.gate.release(100)
    until(lambda: widget.phase == "done")
    path = widget.save_recipe(tmp_path / "a.json")
    (*_, made) = Recipe.load(path).run(engine)
    assert torch.equal(made.x, widget.result.x)
    widget._scrubber.slider.value = 2  # another branch, steered otherwise
    widget.rotate = 0.0
    widget.start()
    until(lambda: widget.phase == "done")
    (*_, other) = Recipe.load(widget.save_recipe(tmp_path / "b.json")).run(engine)
    assert torch.equal(other.x, widget.result.x)
    assert not torch.equal(other.x, made.x)


def test_picture_animation_and_view_are_written(ascent, tmp_path):
    widget = ascent(steps=6)
    widget.compute()
    with Image.open(widget.save_picture(tmp_path / "p.png")) as picture:
        np.testing.assert_array_equal(np.asarray(picture), widget.engine.contract.picture(widget.result.x))
    for suffix in ("gif", "webp"):
        with Image.open(widget.save_animation(tmp_path / f"a.{suffix}")) as animation:
            assert animation.n_frames == 7
    with Image.open(widget.save(tmp_path / "view.png")) as view:
        assert view.size[0] > 640
    with pytest.raises(NnvizError, match="kind of picture"):
        widget.save_picture(tmp_path / "p.xyz")


def test_the_buttons_write_beside_the_notebook_and_overwrite_nothing(ascent, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    widget = ascent(steps=3)
    widget.compute()
    for name, files in (("PNG", {"ascent.png"}), ("PNG", {"ascent.png", "ascent-2.png"})):
        control_of(widget, name).click()
        widget._writing.join(WAIT)
        assert {path.name for path in tmp_path.iterdir()} == files
    for name in ("GIF", "Recipe"):
        control_of(widget, name).click()
        widget._writing.join(WAIT)
    assert {"ascent.gif", "ascent.json"} < {path.name for path in tmp_path.iterdir()}
    assert any("written: ascent.json" in text for text in html_of(widget))


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ({"presets": "Distill"}, "option_unknown"),
        ({"layer": "conv9"}, "layer_unknown"),
        ({"target": "nothing"}, "class_unknown"),
        ({"sigma": -1.0}, "prior_value"),
        ({"decay": 2.0}, "prior_value"),
        ({"unit": (1, 2, 3)}, "unit_value"),
        ({"layer": "conv1", "direction": {6: 1.0}}, "option_range"),
        ({"layer": "conv1", "direction": {1: 0.0}}, "direction_value"),
        ({"objective": "flamingo"}, "objective_type"),
        ({"of": "expression"}, "objective_none"),
        ({"size": "large"}, "size_value"),
    ],
)
def test_what_cannot_be_is_refused(engine, state, code):
    with pytest.raises(NnvizError) as caught:
        Ascent(engine, **state)
    assert caught.value.code == code


def test_controls_that_cannot_act_are_disabled_and_say_why(ascent):
    widget = ascent()
    sliders = widget._sliders._sliders
    assert sliders["sigma"].disabled
    assert "pixels" in sliders["sigma"].tooltip
    widget.preset = "Yosinski 1"
    assert not sliders["sigma"].disabled
    assert sliders["sigma"] in widget._sliders.main.children
    assert sliders["jitter"] in widget._sliders.rest.children
    assert sliders["diversity"].disabled
    widget.steps = 2
    widget.compute()


def test_a_slider_makes_room_for_any_value_from_code(ascent):
    widget = ascent(steps=2)
    widget.step_size = 0.0123
    widget.sigma = 7.5
    sliders = widget._sliders._sliders
    assert (widget.step_size, widget.sigma) == (0.0123, 7.5)
    assert (sliders["step_size"].value, sliders["sigma"].value) == (0.0123, 7.5)
    values = [value for _, value in sliders["step_size"].options]
    assert values == sorted(values)


def test_an_expression_from_code_has_its_button_while_there_is_one(ascent):
    widget = ascent()
    buttons = widget._what._of
    assert "expression" not in dict(buttons.options).values()
    widget.objective = nnviz.logit(1) - nnviz.logit(2)
    assert (widget.of, buttons.value) == ("expression", "expression")
    widget.objective = None
    assert (widget.of, buttons.value) == ("class", "class")


@pytest.mark.parametrize("language", ["en", "fr"])
def test_both_languages(ascent, language):
    widget = ascent(language=language, steps=2)
    widget.compute()
    assert control_of(widget, TEXT[language]["ascent_best"])
    assert any(TEXT[language]["ascent_opinion"] in text for text in html_of(widget))
    assert repr(widget) == "Ascent(of='class', target=0, preset='Distill', seed=0)"


def test_one_channel_networks(opened):
    engine = engine_of(lambda: Net(1), mean=0.5, std=0.25)
    widget = opened(Ascent(engine, steps=2))
    assert widget.compute().x.shape == (1, 1, 16, 16)


@pytest.mark.parametrize("weights", [{12: 1.0, 40: -0.5}, {0: 2.25}])
def test_weights_are_spelled_as_they_are_read(weights):
    assert parse(spell(weights)) == weights
    with pytest.raises(NnvizError, match="12: 1"):
        parse("first")


def test_it_begins_with_numbers_of_its_own_until_a_preset_is_asked_for(engine, opened):
    widget = opened(Ascent(engine, scale=0.3, autorun=False))
    assert (widget.preset, widget.scale, widget.steps) == ("Distill", 0.3, 192)
    assert widget.decay_power == 1.5
    widget.preset = "Yosinski 3"
    widget.preset = "Distill"
    assert (widget.scale, widget.steps, widget.decay_power) == (0.1, 512, 1)
