"""Priors side by side: the same question in all columns, each as if alone; one that fails leaves the others."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch
from torch import nn

from nnviz_widgets.engine.objectives import channel, logit
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.methods.ascent import ascent
from nnviz_widgets.methods.presets import PRESETS, preset
from nnviz_widgets.widgets.ascent_columns import AscentColumns
from nnviz_widgets.widgets.ascent_columns_run import run_columns
from tests.widgets.conftest import control_of, engine_of, html_of, status_of

STEPS = 4
WAIT = 10.0


def until(holds):
    end = time.monotonic() + WAIT
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.002)


def alone(engine, objective, name, *, size=16, steps=STEPS, seed=0):
    start = preset(name).start
    return list(ascent(engine, objective, size=size, steps=steps, start=start, priors=name, seed=seed))


@pytest.fixture
def columns(engine, opened):
    return lambda **state: opened(AscentColumns(engine, **{"target": 1, "steps": STEPS, **state}))


@pytest.mark.parametrize("seed", [0, 3])
def test_each_column_is_the_ascent_that_it_would_be_alone(engine, columns, seed):
    widget = columns(seed=seed)
    result = widget.compute()
    assert list(result) == ["None", "Simonyan", "Yosinski 3", "Distill"]
    for name, step in result.items():
        expected = alone(engine, logit(1), name, seed=seed)[-1]
        assert step.step == STEPS
        assert torch.equal(step.x, expected.x)
        assert step.value == expected.value


def test_a_channel_is_raised_before_its_activation(engine, columns):
    widget = columns(of="channel", layer="relu2", channel=3, columns=("None",), size=12)
    (step,) = widget.compute().values()
    expected = alone(engine, channel("conv2", 3), "None", size=12)[-1]
    assert torch.equal(step.x, expected.x)
    assert step.x.shape == (1, 3, 12, 12)


def moments_of(run):
    """Those of a run, without those that come once more."""
    moments = list(run)
    return [moment for moment, before in zip(moments, [None, *moments], strict=False) if moment is not before]


def test_others_have_a_turn_between_two_columns(engine):
    names = ["None", "Simonyan", "Distill"]
    run = run_columns(engine, logit(0), names, size=16, steps=2, seed=0)
    assert [moment.step for moment in run] == [0, 0, *[0, 0, 1], *[1, 1, 2]]


def test_the_first_column_comes_before_the_others_have_begun(engine, columns):
    names = ["None", "Simonyan", "Distill"]
    first, second, *_ = run_columns(engine, logit(0), names, size=16, steps=2, seed=0, hasty=True)
    assert [column.step is None for column in first.shown] == [False, True, True]
    assert [column.error for column in first.shown] == [None] * 3
    assert [column.step.step for column in second.shown] == [0, 0, 0]
    widget = columns(columns=tuple(names))
    before = widget.compute()
    widget._draw(widget._latest[0], first)
    assert list(widget._result(first)) == ["None"]
    again = run_columns(engine, logit(0), names, size=16, steps=2, seed=0, begin=first, hasty=True)
    assert all(column.step is not None for column in next(again).shown)
    assert list(before) == names


def test_one_step_alone_is_of_all_columns(columns):
    widget = columns(autorun=False)
    until(lambda: widget.phase == "paused")
    assert all(column.step is not None for column in widget.moment.shown)


def test_one_step_of_each_at_every_moment(engine):
    moments = moments_of(run_columns(engine, logit(0), ["None", "Distill"], size=16, steps=3, seed=0))
    assert [moment.step for moment in moments] == [
        0,
        0,
        1,
        2,
        3,
    ]  # the beginning twice
    assert [[column.step.step for column in moment.shown] for moment in moments[1:]] == [[k, k] for k in range(4)]
    assert [moment.shown[0].top is None for moment in moments] == [True, False, False, False, False]


def test_going_on_from_any_moment_gives_the_same(engine):
    how = {"size": 16, "steps": 5, "seed": 2}
    whole = moments_of(run_columns(engine, logit(0), [*PRESETS], **how))[1:]
    again = moments_of(run_columns(engine, logit(0), [*PRESETS], **how, begin=whole[2]))
    assert [moment.step for moment in again] == [2, 3, 4, 5]
    for now, before in zip(again, whole[2:], strict=True):
        for column, other in zip(now.shown, before.shown, strict=True):
            assert torch.equal(column.step.x, other.step.x)


def test_pause_go_on_and_back_are_exact(engine, columns):
    widget = columns(autorun=False, columns=("Yosinski 2", "Distill"))
    until(lambda: widget.phase == "paused")
    widget.step()
    until(lambda: widget.phase == "paused" and widget.moment.step == 1)
    early = widget.moment
    first = widget.compute()
    until(lambda: widget.phase == "done")
    widget.seek(early)
    assert widget.result["Distill"].step == 1
    second = widget.compute()
    for name in first:
        expected = alone(engine, logit(1), name)[-1]
        assert torch.equal(first[name].x, expected.x)
        assert torch.equal(second[name].x, expected.x)


def test_a_step_after_the_end_goes_beyond_it(engine, columns):
    widget = columns(columns=("None",))
    widget.compute()
    until(lambda: widget.phase == "done")
    widget.step()
    until(lambda: widget.phase == "done" and widget.moment.step == STEPS + 1)
    assert torch.equal(widget.result["None"].x, alone(engine, logit(1), "None", steps=STEPS + 1)[-1].x)


class Dead(nn.Module):
    """Silent for the mean colour: its ReLU is closed where the picture is zero."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.relu = nn.ReLU()
        self.fc = nn.Linear(4, 5)
        nn.init.constant_(self.conv.bias, -0.01)

    def forward(self, x):
        return self.fc(self.relu(self.conv(x)).mean((2, 3)))


def test_a_column_that_fails_leaves_the_others(opened):
    widget = opened(AscentColumns(engine_of(Dead), target=0, steps=STEPS, columns=("Simonyan", "None")))
    result = widget.compute()
    until(lambda: widget.phase == "done")
    assert list(result) == ["None"]
    (refused,) = [line for line in html_of(widget) if "nnviz-refused" in line]
    assert "is zero at step 0" in refused
    assert "nnviz-error" not in status_of(widget)
    assert widget.picture.size[0] > 0


def test_when_all_fail_the_status_line_says_why(opened):
    widget = opened(AscentColumns(engine_of(Dead), target=0, steps=STEPS, columns=("Simonyan",)))
    until(lambda: widget.phase == "stopped")
    assert "is zero at step 0" in status_of(widget)


def test_words_below_each_picture(columns):
    widget = columns(columns=("None", "Distill"))
    result = widget.compute()
    until(lambda: widget.phase == "done")
    text = "\n".join(html_of(widget))
    assert "Olah et al. 2017" in text
    assert "network: " in text
    assert "two" in widget._drawn.heading.value  # the name of class 1
    probabilities = widget.engine.probabilities(result["Distill"].x)[0]
    assert widget.moment.shown[1].top == (int(probabilities.argmax()), pytest.approx(float(probabilities.max())))


def test_ticks_choose_columns(columns):
    widget = columns(columns=("None", "Distill"))
    button = control_of(widget, "Simonyan")
    assert not button.value
    button.value = True
    assert widget.columns == ("None", "Simonyan", "Distill")
    assert list(widget.compute()) == ["None", "Simonyan", "Distill"]
    for name in ("None", "Simonyan"):
        control_of(widget, name).value = False
    control_of(widget, "Distill").value = False  # the last one stays
    assert widget.columns == ("Distill",)
    assert control_of(widget, "Distill").value
    assert "No column is left" in status_of(widget)


def test_code_chooses_columns_in_any_order(columns):
    widget = columns(columns=("Distill", "None"))
    assert list(widget.compute()) == ["Distill", "None"]
    with pytest.raises(NnvizError, match="Distil"):
        widget.columns = ("Distil",)


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_preset_has_its_words(columns, language):
    widget = columns(columns=tuple(PRESETS), steps=1, language=language)
    widget.compute()
    until(lambda: widget.phase == "done")
    picture = np.asarray(widget.picture)
    assert picture.shape[2] == 3


def test_it_begins_with_a_picture_no_larger_than_the_network_takes(columns):
    assert columns(steps=1).size == 16


def test_saving(columns, tmp_path):
    widget = columns(steps=1)
    assert widget.save(tmp_path / "columns.png").stat().st_size > 0


def test_contrast_changes_what_is_shown_and_nothing_else(columns):
    widget = columns(columns=("Yosinski 3",))
    widget.compute()
    until(lambda: widget.phase == "done")
    moment, strong = widget.moment, np.asarray(widget._surface.picture("column4")).astype(int)
    assert "contrast ×" in "\n".join(html_of(widget))
    widget.contrast = False
    assert "contrast ×" not in "\n".join(html_of(widget))
    faint = np.asarray(widget._surface.picture("column4")).astype(int)
    assert strong[..., :3].std() > 3 * faint[..., :3].std()
    assert widget.moment is moment
