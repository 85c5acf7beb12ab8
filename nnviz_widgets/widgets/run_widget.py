"""A widget whose job is a long run: it is watched and steered, paused, taken step by step, and gone back in."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import traitlets

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.live import Partial, State, Superseded
from nnviz_widgets.widgets.base import LiveWidget
from nnviz_widgets.widgets.number import decimal_mark
from nnviz_widgets.widgets.run_bar import PHASES, Phase, RunBar
from nnviz_widgets.widgets.status import say_time

RATE = 20  # frames a second at most
SHARE = 0.1  # of the time may go to drawing
TOLD = 0.2  # seconds between two words in the status line
WINDOW = 2.0  # seconds over which steps a second are counted


@dataclass(frozen=True, eq=False)
class Moment:
    """A run after one of its steps, and all that is needed to show it and to go on from it.

    Attributes:
        step: how many steps led to it; 0 is the beginning. steps: of the whole run.
        shown: what `_draw` is given. state: from which the method goes on as if it had never stopped.
    """

    step: int
    steps: int
    shown: Any
    state: Any


class RunWidget(LiveWidget):
    """Base of the widgets that run; mixed in before another base: `class DeepDream(RunWidget, StillWidget)`.

    A trait tagged `live` asks another question, so a change of one begins the run anew. A trait tagged `knob` steers:
    `_run` reads it at each step (`self._knobs()` gives all by name), and nothing begins anew. A change of theme
    only draws again.

    A widget says in `_run` what its steps are; its `_draw`, `_result` and `_panels` are given a `Moment`. Few moments
    are drawn: at most 20 a second, and for a tenth of the time. What is to be kept of every step (a timeline) is kept
    in `_run`. `_build` puts `self.run_bar.box` where it belongs.
    """

    phase = traitlets.Enum(PHASES, "running", help="where the run stands; see start, pause, stop")
    autorun = traitlets.Bool(True, help="begin at once; else wait for start").tag(option=True)

    _begin: tuple[Moment | None, bool] = (None, False)  # from where the next job goes on, and whether for one step only
    _latest: tuple[SimpleNamespace, Moment] | None = None
    _asked: Phase | None = None  # what a person asked for while a job was under way
    _next_drawing = 0.0
    _next_word = 0.0

    def _run(self, state: SimpleNamespace, begin: Moment | None) -> Iterator[Moment]:
        """The moments of a run from its beginning, or from `begin` on, which may come once more. Worker's thread."""
        raise NotImplementedError

    # What anyone may call

    def start(self) -> None:
        """Begin, or go on after a pause."""
        if self.phase != "running":
            self._go(self.moment if self.phase == "paused" else None)

    def pause(self) -> None:
        """Stop after the step under way; `start` goes on from there."""
        self._halt("paused")

    def step(self) -> None:
        """One step, then pause."""
        if self.phase != "running":
            self._go(None if self.phase == "stopped" else self.moment, single=True)

    def stop(self) -> None:
        """End the run; the last picture stays."""
        self._halt("stopped")

    def restart(self) -> None:
        """From the beginning."""
        self._go(None)

    def seek(self, moment: Moment) -> None:
        """Show an earlier moment of this run; `start` goes on from there."""
        if self._latest is None:
            return
        self.pause()
        with self._drawing:
            self._latest = self._latest[0], moment
        self._draw_latest()
        self.phase = "paused"
        self._tell(State(False, None, 0.0, None, cancelled=True))

    @property
    def moment(self) -> Moment | None:
        """Where the run is; None before its first step."""
        return None if self._latest is None else self._latest[1]

    def compute(self) -> Any:
        """Run to the end, from where the run is, with or without a browser, and return the result."""
        if self.phase in ("paused", "stopped"):
            self.start()
        while True:
            try:
                return self._result(self._ticket.result()[1])
            except Superseded:
                continue  # another question was asked meanwhile

    def cancel(self) -> None:
        """Pause; the last picture stays."""
        self.pause()

    def _latest_shown(self) -> tuple[SimpleNamespace, Moment]:
        """Where the run is, and what it was asked.

        Raises:
            NnvizError: before its first step.
        """
        if self._latest is None:
            self._await_picture()
        if self._latest is None:
            raise NnvizError("run_nothing")
        return self._latest

    # The job

    def _start(self, state: dict[str, Any]) -> None:
        self._drawing = threading.RLock()
        self._times: deque[tuple[float, int]] = deque()
        actions = {name: getattr(self, name) for name in ("start", "pause", "step", "stop", "restart")}
        self.autorun = state.pop("autorun", True)
        super()._start(state)
        self._begin = None, not self.autorun
        self.run_bar = RunBar(self.language, actions)
        self.observe(lambda change: self.run_bar.show(change["new"]), "phase")
        self.run_bar.show(self.phase)

    def _knobs(self) -> dict[str, Any]:
        """What steers, by name; from any thread."""
        return {name: getattr(self, name) for name in self.trait_names(knob=True)}

    def _go(self, begin: Moment | None, *, single: bool = False) -> None:
        self._begin = begin, single
        self._ticket = self._post()

    def _halt(self, phase: Phase) -> None:
        if self.phase == "running":
            self._asked = phase
            self._view.cancel()
        elif self.phase == "paused":
            self.phase = phase

    def _post(self) -> Any:
        self._asked = None
        self._times.clear()
        self.phase = "running"
        return super()._post()

    def _changed(self, change: Any) -> None:
        if change["name"] in ("theme", "page_dark"):
            if self._latest is not None and not self._held and self._open:
                self._shown = None
                self._draw_latest()
            return
        self._begin = None, False
        super()._changed(change)

    def _snapshot(self) -> SimpleNamespace:
        state = super()._snapshot()
        state.begin, state.single = self._begin
        return state

    def _steps(self, state: SimpleNamespace) -> Iterator[Any]:
        for moment in self._run(state, state.begin):
            if state.begin is not None and moment.step <= state.begin.step:
                continue  # it is what is shown
            yield Partial(moment, moment.step / max(1, moment.steps))
            if state.single:
                return

    # Its moments

    def _arrived(self, value: tuple[SimpleNamespace, Moment], last: bool) -> None:
        now = time.monotonic()
        with self._drawing:
            if self._asked is not None and not last:
                return  # paused, or gone back, meanwhile
            if self._latest is not None and value[1] is self._latest[1] and not last:
                return  # once more, to give others a turn
            self._latest = value
            self._times.append((now, value[1].step))
            while now - self._times[0][0] > WINDOW and len(self._times) > 2:
                self._times.popleft()
        if last or now >= self._next_drawing:
            self._draw_latest()

    def _draw_latest(self) -> None:
        with self._drawing:
            value = self._latest
            if value is None or value is self._shown:
                return
            begun = time.monotonic()
            value[0].dark = self._is_dark()
            super()._arrived(value, True)
            ended = time.monotonic()
            self._next_drawing = max(begun + 1 / RATE, ended + (ended - begun) * (1 / SHARE - 1))

    def _progressed(self, state: State) -> None:
        if state.running:
            self._tell(state)
            return
        self._draw_latest()
        failed = not state.cancelled and state.left is None
        moment = self.moment
        over = moment is not None and moment.step >= moment.steps
        self.phase = self._asked or ("stopped" if failed else "done" if over else "paused")
        if not failed:
            self._tell(state)

    def _tell(self, state: State) -> None:
        """The status line: how far, how fast, how long still."""
        now, moment = time.monotonic(), self.moment
        if moment is None or (state.running and now < self._next_word):
            return
        self._next_word = now + TOLD
        words = [self._say("run_at", step=moment.step, steps=moment.steps)]
        if rate := self.steps_per_second:
            words.append(self._say("run_rate", rate=f"{rate:.3g}".replace(".", decimal_mark(self.language))))
            if state.running:
                left = say_time(self.language, (moment.steps - moment.step) / rate)
                words.append(self._say("run_left", time=left))
        words.append(str(self.engine.device) if state.running else self._say(f"run_{self.phase}"))
        self._status.note(" · ".join(words), done=moment.step / max(1, moment.steps) if state.running else None)

    @property
    def steps_per_second(self) -> float | None:
        """Over the last two seconds; None before there are any."""
        with self._drawing:
            if len(self._times) < 2 or self._times[-1][0] == self._times[0][0]:
                return None
            (first, start), (last, end) = self._times[0], self._times[-1]
        return (end - start) / (last - first)
