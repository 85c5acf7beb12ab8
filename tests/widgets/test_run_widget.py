"""Long runs: started, steered, paused, taken step by step, gone back in; with a counter for a method."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace

import ipywidgets
import numpy as np
import pytest
import traitlets

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.render.figure import Panel
from nnviz_widgets.widgets.run_bar import RunBar
from nnviz_widgets.widgets.run_widget import Moment, RunWidget
from nnviz_widgets.widgets.scene import Bitmap, Scene, Sprite

WAIT = 10.0


class Counter(RunWidget):
    """Adds `pace` at each step, from `base` on."""

    base = traitlets.Int(0).tag(live=True)
    count = traitlets.Int(6).tag(live=True)
    pace = traitlets.Int(1).tag(knob=True)

    def _start(self, state):
        self.gate: threading.Semaphore | None = None
        self.fault: int | None = None
        self.drawn: list[tuple[int, bool]] = []
        super()._start(state)

    def _panes(self):
        return {"photo": (4, 4)}

    def _build(self) -> list[ipywidgets.Widget]:
        return [self.run_bar.box, *self._surface.canvases.values()]

    def _run(self, state: SimpleNamespace, begin: Moment | None) -> Iterator[Moment]:
        at, value = (0, state.base) if begin is None else (begin.step, begin.state)
        yield Moment(at, state.count, value, value)
        while at < state.count or (begin is not None and at < begin.step + 1):
            if self.gate is not None:
                assert self.gate.acquire(timeout=WAIT)
            if self.fault == at:
                raise NnvizError("output_nan")
            at, value = at + 1, value + self._knobs()["pace"]
            yield Moment(at, state.count, value, value)

    def _draw(self, state, moment):
        self.drawn.append((moment.shown, state.dark))
        self._surface.show({"photo": Scene(Sprite(Bitmap(np.zeros((4, 4, 3), np.uint8)), (0, 0, 4, 4)))})

    def _result(self, moment):
        return moment.shown

    def _panels(self, state, moment):
        return [[Panel(np.zeros((4, 4, 3), np.uint8), "")]], ""


def until(holds):
    end = time.monotonic() + WAIT
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.002)


@pytest.fixture
def counter(engine, opened):
    return lambda **state: opened(Counter(engine, **state))


def gated(counter, **state):
    """A counter that waits at each step for `gate.release()`, at its beginning."""
    widget = counter(autorun=False, **state)
    until(lambda: widget.phase == "paused")
    widget.gate = threading.Semaphore(0)
    return widget


def test_it_runs_to_the_end_by_itself(counter):
    widget = counter(base=10)
    assert widget.compute() == widget.result == 16
    until(lambda: widget.phase == "done")
    assert widget.drawn[-1] == (16, False)


def test_without_autorun_it_waits_at_its_beginning(counter):
    widget = counter(autorun=False)
    until(lambda: widget.phase == "paused")
    assert (widget.moment.step, widget.result) == (0, 0)
    widget.start()
    until(lambda: widget.phase == "done")
    assert widget.result == 6


@pytest.mark.parametrize("patience", ["0.01", "10"])
def test_a_display_waits_for_the_end_where_nobody_watches(counter, monkeypatch, patience):
    monkeypatch.setenv("NNVIZ_PATIENCE", patience)
    widget = gated(counter, count=1)
    widget.start()
    timer = threading.Timer(0.2, widget.gate.release)
    timer.start()
    widget._repr_mimebundle_()
    assert widget.result == (1 if patience == "10" else 0)
    timer.join()
    until(lambda: widget.phase == "done")


def test_a_knob_steers_and_another_question_begins_anew(counter):
    widget = gated(counter)
    widget.start()
    widget.gate.release(2)
    until(lambda: widget.moment.step == 2)
    widget.pace = 100
    widget.gate.release(1)
    until(lambda: widget.moment.step >= 3)
    assert widget.moment.shown in (102, 101 + 1)  # begun, and never begun anew
    widget.gate.release(100)
    widget.base = 5
    assert widget.compute() == 605


def test_pause_stops_within_a_step_and_start_goes_on(counter):
    widget = gated(counter, count=50)
    widget.start()
    widget.gate.release(3)
    until(lambda: widget.moment.step == 3)
    widget.pause()
    widget.gate.release(1)  # the step under way ends, and counts no more
    until(lambda: widget.phase == "paused")
    assert widget.moment.step == 3
    widget.gate.release(100)
    widget.start()
    until(lambda: widget.phase == "done")
    assert widget.result == 50


def test_step_takes_one(counter):
    widget = counter(autorun=False)
    until(lambda: widget.phase == "paused")
    for expected in (1, 2):
        widget.step()
        until(lambda: widget.phase == "paused")
        assert widget.result == expected


def test_a_step_after_the_end_goes_beyond_it(counter):
    widget = counter()
    widget.compute()
    until(lambda: widget.phase == "done")
    widget.step()
    until(lambda: widget.phase == "done" and widget.moment.step == 7)


def test_stop_keeps_the_picture_and_start_begins_anew(counter):
    widget = gated(counter)
    widget.start()
    widget.gate.release(2)
    until(lambda: widget.moment.step == 2)
    widget.stop()
    widget.gate.release(1)
    until(lambda: widget.phase == "stopped")
    assert widget.result == 2
    widget.gate.release(100)
    widget.start()
    assert widget.compute() == 6


def test_going_back_and_on_gives_the_same(counter):
    widget = counter()
    widget.compute()
    until(lambda: widget.phase == "done")
    early = Moment(2, 6, 2, 2)
    widget.seek(early)
    assert (widget.phase, widget.moment, widget.result) == ("paused", early, 2)
    assert "step 2 of 6" in widget._status.text.value
    widget.start()
    assert widget.compute() == 6


def test_going_back_while_it_runs_stays_there(counter):
    widget = gated(counter, count=50)
    widget.start()
    widget.gate.release(4)
    until(lambda: widget.moment.step == 4)
    widget.seek(Moment(1, 50, 1, 1))
    widget.gate.release(1)
    until(lambda: widget.phase == "paused")
    time.sleep(0.05)
    assert (widget.moment.step, widget.result) == (1, 1)


def test_a_failure_keeps_the_last_good_moment(counter):
    widget = gated(counter)
    widget.fault = 2
    widget.start()
    widget.gate.release(100)
    until(lambda: widget.phase == "stopped")
    assert widget.result == 2
    assert "numbers" in widget._status.text.value


def test_a_theme_only_draws_again(counter):
    widget = counter()
    widget.compute()
    until(lambda: widget.phase == "done")
    moment, drawn = widget.moment, len(widget.drawn)
    widget.theme = "dark"
    assert widget.moment is moment
    assert widget.drawn[drawn:] == [(6, True)]


def test_drawing_takes_a_tenth_of_the_time(counter, monkeypatch):
    widget = counter(count=300, autorun=False)
    until(lambda: widget.phase == "paused")
    slow = widget._draw
    monkeypatch.setattr(widget, "_draw", lambda *a: (time.sleep(0.02), slow(*a)))
    widget.drawn.clear()
    widget.gate = threading.Semaphore(0)
    widget.start()
    for _ in range(300):
        widget.gate.release()
        time.sleep(0.001)
    until(lambda: widget.phase == "done")
    assert widget.drawn[-1][0] == 300  # the last is always drawn
    assert len(widget.drawn) < 30


def test_the_buttons_offer_what_can_be_done():
    pressed = []
    bar = RunBar("en", {n: lambda n=n: pressed.append(n) for n in ("start", "pause", "step", "stop", "restart")})
    bar.show("running")
    assert bar.buttons["start"].description == "Pause"
    assert bar.buttons["step"].disabled
    assert "running" in bar.buttons["step"].tooltip
    for button in bar.buttons.values():
        button.click()
    bar.show("paused")
    bar.buttons["start"].click()
    assert bar.buttons["start"].description == "Go on"
    bar.show("done")
    assert bar.buttons["stop"].disabled
    assert pressed == ["pause", "step", "stop", "restart", "start"]
    for part in (bar.box, *bar.buttons.values()):
        part.layout.close()
        part.close()


def test_an_unknown_option_is_an_error(engine):
    with pytest.raises(NnvizError, match="pace"):
        Counter(engine, pacee=2)
