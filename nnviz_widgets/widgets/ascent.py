"""Ascent: a picture grows that a class, a channel or one neuron likes best, and is steered while it grows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import ipywidgets
from torch import Tensor

from nnviz_widgets.engine.objectives import Objective
from nnviz_widgets.methods.ascent import ascent
from nnviz_widgets.methods.ascent_step import AscentStep
from nnviz_widgets.methods.own_method import name_of
from nnviz_widgets.render.figure import Panel
from nnviz_widgets.widgets.ascent_code import ascent_code
from nnviz_widgets.widgets.ascent_controls import WhatControls, how_controls
from nnviz_widgets.widgets.ascent_knobs import KnobSliders
from nnviz_widgets.widgets.ascent_own import AscentMoment, OwnRun, OwnStep, comparable
from nnviz_widgets.widgets.ascent_panes import CURVE, SIDE, AscentPanes, mean_value
from nnviz_widgets.widgets.ascent_priors import priors_of, steering
from nnviz_widgets.widgets.ascent_published import Published
from nnviz_widgets.widgets.ascent_question import question_of
from nnviz_widgets.widgets.ascent_saving import AscentSaving
from nnviz_widgets.widgets.ascent_scrubber import Scrubber
from nnviz_widgets.widgets.ascent_state import LONGEST
from nnviz_widgets.widgets.ascent_timeline import Timeline
from nnviz_widgets.widgets.code import Script
from nnviz_widgets.widgets.controls import more
from nnviz_widgets.widgets.pointer import Event
from nnviz_widgets.widgets.run_widget import Moment

if TYPE_CHECKING:
    from nnviz_widgets.engine.engine import Engine


class Ascent(AscentSaving):
    """A picture that grows, beside its value step by step and what the network takes it for.

    Over the picture, space pauses and goes on, arrow keys go back and forth in the run, Escape stops it.

    State: `of` ("class", "channel", "neuron", "direction", "expression"), `target` (class), `layer`, `channel`, `unit`
    ((row, column); None for the middle), `direction` ({channel: weight}), `objective` (an Objective from code),
    `start_from` ("noise", "zeros", "photo", "last"), `photo`, `preset`, `rule`, `fourier`, `decay_power`,
    `decorrelated`, `size`, `pictures`, `seed`; a change of one of these begins anew. What steers: `steps`, `step_size`,
    `progress`, `l2`, `total_variation`, `decay`, `sigma`, `every`, `small_value`, `small_norm`, `small_contribution`,
    `jitter`, `scale`, `rotate`, `redirected`, `diversity`: see `methods.ascent` and `methods.priors`. `method` is your
    own step f(module, x, target, ...) -> the next x, for one picture of a class: its run from the same start is shown
    beside the reference. What it names behind target it is given: `step`, how many came before, and all that steers.
    The result is the `AscentStep` that is shown; `save_picture`, `save_animation`, `save_recipe` keep more of it.

    Simonyan et al. 2014; Yosinski et al. 2015; Olah et al. 2017.
    """

    _side = SIDE

    def __init__(
        self, engine: Engine, objective: Objective | None = None, *, language: str | None = None, **state: Any
    ) -> None:
        super().__init__(engine, language=language, objective=objective, **state)

    def _panes(self) -> dict[str, tuple[int, int]]:
        return {"picture": (SIDE, SIDE), "own": (SIDE, SIDE), "curve": CURVE}

    def _build(self) -> list[ipywidgets.Widget]:
        self._timeline = Timeline()
        self._scrubber = Scrubber(self.language, self._timeline, self.seek)
        self._drawn = AscentPanes(self._surface, self.engine, self.language)
        self.observe(self._on_preset, "preset")  # first: the sliders are arranged by what it sets
        self._what = WhatControls(self, self._class_field("target", "ascent_target_empty"), self._failed)
        how = how_controls(self, self.language, self._failed)
        self._sliders = KnobSliders(self, self.language, self._failed)
        self._published = Published(self, self.language)
        self._photo_row = ipywidgets.HBox(self._photo_controls())
        rows = [
            self._what.row,
            [how.pop("start_from"), self._photo_row, how.pop("preset")],
            [self.run_bar.box, self._scrubber.slider, self._scrubber.best],
        ]
        *asked, player = boxes = [ipywidgets.HBox(row) for row in rows]
        for box in (*boxes, self._photo_row):
            box.add_class("nnviz-row")
        self.observe(self._on_start, "start_from")
        self.observe(self._on_pictures, "pictures")
        self.observe(self._on_steps, "steps")
        self._on_start()
        folded = more(self.language, [*how.values(), self._sliders.rest, self._saving_row()])
        return [*asked, self._sliders.main, self._published.text, folded, player, self._drawn.box]

    def _on_preset(self, _change: Any) -> None:
        with self._together():
            self._apply_preset()

    def _on_start(self, _change: Any = None) -> None:
        self._photo_row.layout.display = None if self.start_from == "photo" else "none"

    def _on_steps(self, _change: Any) -> None:
        """More of them: a run that was done goes on."""
        if self.phase == "done" and self.moment is not None and self.moment.step < self.steps:
            self.phase = "paused"

    def _run(self, state: SimpleNamespace, begin: Moment | None) -> Iterator[Moment]:
        state.question = question_of(self.engine, state, self.language)
        state.wanted = state.target if state.of == "class" else None
        if begin is None:
            self._timeline.clear()
            self._began = self._start_of(state)
        else:
            self._timeline.cut(begin.step)
        state.began = self._began  # for the recipe
        knobs = self._knobs()
        asked, told = state.question.read, dict(knobs)
        own = None if state.method is None or not comparable(state) else OwnRun(self.engine, state, begin)

        def steered() -> dict[str, Any]:
            told.update(found := steering(state, self._knobs()))
            return found

        made = ascent(
            self.engine,
            asked if state.pictures == 1 else [asked] * state.pictures,
            size=state.size,
            steps=LONGEST,  # where it ends is looked up at each step
            step_size=knobs["step_size"],
            start=state.began if begin is None else begin.state,
            priors=priors_of(state, knobs),
            seed=state.seed,
            knobs=steered,
        )
        for step in made:
            moment = AscentMoment(step.step, self.steps, step, step.state)
            if own is not None:
                try:
                    moment = replace(moment, own=own.at(step, told))
                except Exception:
                    yield replace(moment, own=OwnStep(name_of(state.method), failed=True))
                    raise
            self._timeline.add(moment, mean_value(step.value))
            self._drawn.think(step)
            yield moment
            if step.step >= moment.steps and (begin is None or step.step > begin.step):
                return

    def _start_of(self, state: SimpleNamespace) -> str | Tensor:
        match state.start_from:
            case "photo":
                start: str | Tensor = state.x
            case "last" if state.last is not None:
                start = state.last[: state.pictures]
            case "zeros":
                start = "zeros"
            case _:
                start = "noise"
        return start

    def _draw(self, state: SimpleNamespace, moment: AscentMoment) -> None:
        running = self.phase == "running" and moment.step < moment.steps
        self._pointer.labels = self._drawn.draw(state, moment, self._timeline, running=running)
        self._scrubber.show(moment.step, moment.steps)

    def _on_event(self, event: Event) -> None:
        if event.kind != "key":
            return
        match event.key:
            case " ":
                self.pause() if self.phase == "running" else self.start()
            case "Escape":
                self.stop()
            case "ArrowLeft" | "ArrowDown":
                self._scrubber.move(-1)
            case "ArrowRight" | "ArrowUp":
                self._scrubber.move(1)
            case "Home":
                self._scrubber.move_to_end(-1)
            case "End":
                self._scrubber.move_to_end(1)

    def _result(self, moment: Moment) -> AscentStep:
        step: AscentStep = moment.shown
        return step

    def _code(self, script: Script, state: SimpleNamespace) -> None:
        state, _ = self._latest_shown()
        script.engine(self.engine)
        ascent_code(script, self._recipe(), state)

    def _spoken(self) -> dict[str, Any]:
        names = {"class": ("target",), "channel": ("layer", "channel"), "neuron": ("layer", "channel", "unit")}
        named = {"direction": ("layer", "direction"), "expression": ("objective",), **names}[self.of]
        return {name: getattr(self, name) for name in ("of", *named, "preset", "seed")}

    def _panels(self, state: SimpleNamespace, moment: AscentMoment) -> tuple[list[list[Panel]], str]:
        return self._drawn.panels(state, moment)
