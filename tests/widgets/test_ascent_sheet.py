"""A sheet of channels: batches in order, each picture as if made alone; chosen, opened, paused, gone on with."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch

from nnviz_widgets.engine.objectives import channel
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.methods.ascent import ascent
from nnviz_widgets.methods.presets import preset
from nnviz_widgets.widgets.ascent_sheet import AscentSheet
from nnviz_widgets.widgets.ascent_sheet_run import SheetResult, run_sheet
from nnviz_widgets.widgets.ascent_sheet_strips import SIZE, step
from nnviz_widgets.widgets.pointer import Event
from tests.widgets.conftest import Switch, control_of, html_of, status_of

STEPS = 3
HOW = {"size": 16, "steps": STEPS, "priors": "Distill", "seed": 1}
WAIT = 10.0


def until(holds):
    end = time.monotonic() + WAIT
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.002)


def alone(engine, k, priors="Distill", seed=0):
    how = {"size": 16, "steps": STEPS, "priors": priors, "start": preset(priors).start, "seed": seed}
    return list(ascent(engine, channel("conv1", k), **how))[-1]


def objectives(count):
    return [channel("conv1", k) for k in range(count)]


@pytest.fixture
def sheet(engine, opened):
    def make(**state):
        return opened(AscentSheet(engine, **{"layer": "relu1", "steps": STEPS, "batch": 2, "count": 6, **state}))

    return make


@pytest.mark.parametrize("priors", ["Distill", "Yosinski 3"])
def test_each_picture_is_the_one_that_it_would_be_alone(engine, sheet, priors):
    result = sheet(preset=priors).compute()
    assert result.channels == (0, 1, 2, 3, 4, 5)
    assert result.pictures.shape == (6, 16, 16, 3)
    for k in result.channels:
        expected = alone(engine, k, priors)
        np.testing.assert_allclose(result.pictures[k], expected.image, atol=2e-3)
        assert result.values[k] == pytest.approx(expected.value, rel=1e-3)


def test_batches_fill_the_sheet_in_order(engine):
    moments = list(run_sheet(engine, range(5), objectives(5), **HOW, batch=2))
    assert [moment.step for moment in moments] == list(range(3 * STEPS + 1))
    assert {moment.steps for moment in moments} == {3 * STEPS}
    begun = [len(moment.shown.tiles) for moment in moments]
    assert begun == [2, 2, 2, 2, 4, 4, 4, 5, 5, 5]
    done = [len(moment.shown.done) for moment in moments]
    assert done == [0, 0, 0, 2, 2, 2, 4, 4, 4, 5]
    assert moments[-1].shown.done[:2] == moments[4].shown.done  # what is done stays
    assert [tile.channel for tile in moments[-1].shown.tiles] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("at", range(7))
def test_going_on_from_any_moment_gives_the_same(engine, at):
    whole = list(run_sheet(engine, range(4), objectives(4), **HOW, batch=2))
    again = [m for m in run_sheet(engine, range(4), objectives(4), **HOW, batch=2, begin=whole[at]) if m.step > at]
    assert [moment.step for moment in again] == list(range(at + 1, 7))
    for now, before in zip(again, whole[at + 1 :], strict=True):
        assert np.array_equal(SheetResult.of(now.shown).pictures, SheetResult.of(before.shown).pictures)


def test_pause_and_go_on_are_exact(engine, sheet):
    widget = sheet(autorun=False, count=4)
    until(lambda: widget.phase == "paused")
    for expected in range(1, STEPS + 2):  # into the second batch
        widget.step()
        until(lambda expected=expected: widget.phase == "paused" and widget.moment.step == expected)
    result = widget.compute()
    whole = list(run_sheet(engine, range(4), objectives(4), **{**HOW, "seed": 0}, batch=2))[-1]
    assert np.array_equal(result.pictures, SheetResult.of(whole.shown).pictures)


def test_a_step_after_the_end_changes_nothing(sheet):
    widget = sheet(count=2)
    widget.compute()
    until(lambda: widget.phase == "done")
    moment = widget.moment
    widget.step()
    until(lambda: widget.phase == "done")
    assert widget.moment is moment


def test_progress_counts_all_batches(sheet):
    widget = sheet(autorun=False)
    until(lambda: widget.phase == "paused")
    assert f"step 0 of {3 * STEPS}" in status_of(widget)


def test_a_batch_that_fails_leaves_the_next(engine, sheet, monkeypatch):
    from nnviz_widgets.widgets import ascent_sheet_run

    real = ascent_sheet_run.ascent

    def failing(engine, objectives, **how):
        if objectives[0] == channel("conv1", 2):
            raise NnvizError("ascent_diverged", step=1, knob="step_size")
        return real(engine, objectives, **how)

    monkeypatch.setattr(ascent_sheet_run, "ascent", failing)
    widget = sheet(channel=2)
    result = widget.compute()
    until(lambda: widget.phase == "done")
    assert result.channels == (0, 1, 4, 5)
    assert "no longer numbers after step 1" in "\n".join(html_of(widget))


def test_when_all_fail_the_status_line_says_why(sheet):
    Switch.error = RuntimeError("broken")
    widget = sheet(layer="relu2")
    until(lambda: widget.phase == "stopped")
    assert "broken" in status_of(widget)


def test_a_tile_is_chosen_by_keys_and_opened_by_enter_or_a_click(sheet):
    widget = sheet(layer="relu2", count=8, steps=1)
    widget.compute()
    until(lambda: widget.phase == "done")
    moment = widget.moment
    widget._room.across = 1
    for key, expected in (
        ("ArrowRight", 1),
        ("ArrowDown", 3),
        ("ArrowUp", 1),
        ("End", 7),
        ("ArrowDown", 7),
        ("Home", 0),
    ):
        widget._on_event(Event("key", "strip0", key=key))
        assert widget.channel == expected
    assert widget.opened is None
    widget._on_event(Event("key", "strip0", key="Enter"))
    first = widget.opened
    assert (first.of, first.layer, first.channel, first.seed) == ("channel", "relu2", 0, 0)
    widget._on_event(Event("click", "strip3", x=50 / SIZE[0]))
    assert (widget.channel, widget.opened.channel) == (6, 6)
    assert first.comm is None  # closed
    assert widget.moment is moment  # nothing was made anew


def test_pointing_at_a_tile_tells_what_it_is(sheet):
    widget = sheet(count=5, channel=4)
    widget.compute()
    until(lambda: widget.phase == "done")
    assert "channel 4 · " in widget._caption.value
    widget._on_event(Event("move", "strip0", x=(105 + 50) / SIZE[0]))
    tile = widget.moment.shown.tiles[1]
    assert "channel 1 · " in widget._caption.value
    assert f"network: {widget.engine.labels[tile.top[0]]}" in widget._caption.value
    widget._on_event(Event("move", "strip2", x=0.9))  # behind the last
    assert "channel 1 · " in widget._caption.value
    widget._on_event(Event("leave"))
    assert "channel 4 · " in widget._caption.value


def test_tiles_not_yet_begun_are_faint_and_numbered(sheet):
    widget = sheet(autorun=False)
    until(lambda: widget.phase == "paused")
    widget._on_event(Event("move", "strip2", x=0.01))
    assert "channel 4 · not begun" in widget._caption.value
    assert widget._surface.picture("strip0")[4, 4, 3] == 255
    assert 0 < widget._surface.picture("strip1")[4, 4, 3] < 64


def test_keys_with_another_number_in_a_row():
    channels = range(10, 21)
    assert step(channels, 10, "ArrowDown", 4) == 14
    assert step(channels, 19, "ArrowDown", 4) == 19
    assert step(channels, 20, "ArrowRight", 4) == 20
    assert step(channels, 12, "End", 4) == 20


def test_the_range_ends_with_the_layer(sheet):
    widget = sheet(layer="relu2", first=5, steps=1)
    assert widget.channel == 5
    assert widget.compute().channels == (5, 6, 7)
    with pytest.raises(NnvizError, match="0 to 7"):
        widget.first = 8
    widget.layer = "relu1"
    assert widget.first == 5
    assert control_of(widget, "From channel").max == 5


def test_pictures_are_of_the_value_before_the_activation(engine, sheet):
    result = sheet(layer="relu1", count=1, batch=1).compute()
    expected = alone(engine, 0)
    assert np.array_equal(result.pictures[0], expected.image)


def test_the_random_state_is_left_alone(sheet):
    before = torch.random.get_rng_state()
    sheet(count=2).compute()
    assert torch.equal(torch.random.get_rng_state(), before)


def test_saving_and_french(sheet, tmp_path):
    widget = sheet(count=3, language="fr")
    widget.compute()
    until(lambda: widget.phase == "done")
    assert widget.save(tmp_path / "sheet.png").stat().st_size > 0
    assert "Canaux 0 à 2 de relu1" in widget._title.value
