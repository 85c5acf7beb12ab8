"""A person's own step of an ascent: her run from the same first picture, beside the reference's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.lang import say
from nnviz_widgets.methods.ascent_step import AscentStep
from nnviz_widgets.methods.own_method import asked_for, called, compare, name_of, on_its_own
from nnviz_widgets.widgets.frame import Frame
from nnviz_widgets.widgets.number import say_number
from nnviz_widgets.widgets.own_method import Own, own_caption, say_own
from nnviz_widgets.widgets.run_widget import Moment


@dataclass(frozen=True, eq=False)
class OwnStep(Own):
    """A person's run after a step.

    Attributes:
        compared: her step held against the reference's from the same picture, the reference's own: two runs drift
            apart by rounding alone. Of the first step that differs, from then on.
        x: (1, C, h, w), the picture of her own run, in the reference's memory format.
        compared_at: the step compared. apart: the largest difference between the two runs by now.
    """

    x: Tensor | None = None
    compared_at: int = 0
    apart: float = 0.0


@dataclass(frozen=True, eq=False)
class AscentMoment(Moment):
    """With a person's own run, where there is one."""

    own: OwnStep | None = None


def comparable(state: SimpleNamespace) -> bool:
    """Whether a person's step is asked the same question: one picture, one class."""
    return bool(state.of == "class" and state.pictures == 1)


class OwnRun:
    """f(module, x, target, ...) step after step, from the reference's first picture on.

    The module is one copy of the network for the whole run, so that what f does to it is seen.

    Args:
        begin: to go on from.
    """

    def __init__(self, engine: Engine, state: SimpleNamespace, begin: Moment | None) -> None:
        self._device, self._method, self._target = engine.device, state.method, state.target
        self._module, self._laid_out = engine.plain_copy(), engine.laid_out
        self._last = begin.own if isinstance(begin, AscentMoment) else None
        self._reference: Tensor | None = None

    def at(self, step: AscentStep, knobs: Mapping[str, Any]) -> OwnStep:
        """Beside a step of the reference's, which the knobs led to. Worker's thread."""
        name, last, before = name_of(self._method), self._last, self._reference
        self._reference = step.x
        if last is None:
            self._last = OwnStep(name, compare(name, step.x, step.x), x=self._laid_out(step.x))
        elif before is not None:  # else it is the step that the run goes on from
            assert last.x is not None
            assert last.compared is not None
            known = {"step": step.step - 1, **knobs}
            own = compare(name, self._call(last.x, known), step.x)
            compared, at = last.compared, last.compared_at
            if compared.equal:
                same = torch.equal(last.x, before)
                compared = own if same else compare(name, self._call(before, known), step.x)
                at = step.step
            x = self._laid_out(own.values.to(step.x))
            self._last = OwnStep(name, compared, x=x, compared_at=at, apart=own.largest)
        assert self._last is not None
        return self._last

    def _call(self, x: Tensor, known: Mapping[str, Any]) -> Any:
        further = asked_for(self._method, known, after=3)
        words = ", ".join(["module", "x", "target", *further])
        with on_its_own(self._device):
            clone = self._laid_out(x)  # of another memory format, it would be rounded otherwise
            return called(self._method, words, self._module, clone, self._target, **further)


def say_own_step(frame: Frame, language: str, own: OwnStep | None, value: float | None) -> str:
    """Title and caption of the pane, which is not there without a function; both in one line for its label."""
    words = say_own(frame, language, own)
    if own is None or value is None:
        return words
    told = [say(language, "ascent_own_value", value=say_number(language, value)), own_caption(language, own)]
    if own.compared_at:
        told[1] = say(language, "ascent_own_compared", step=own.compared_at, words=told[1])
    if own.apart:
        told.append(say(language, "ascent_own_apart", apart=say_number(language, own.apart, digits=2)))
    caption = " · ".join(told)
    frame.say_below(caption)
    return f"{say(language, 'own_title', name=own.name)}. {caption}"
