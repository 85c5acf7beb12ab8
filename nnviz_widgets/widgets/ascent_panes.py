"""The panes of an ascent: the picture as it grows, the value step by step, and the network's own opinion."""

from __future__ import annotations

import html
import math
import time
from types import SimpleNamespace
from typing import Any

import ipywidgets
import numpy as np
from torch import Tensor

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.images.contract import InputContract
from nnviz_widgets.lang import say
from nnviz_widgets.methods.ascent_step import AscentStep
from nnviz_widgets.render.colormap import Pixels
from nnviz_widgets.render.curve import Mark, curve
from nnviz_widgets.render.figure import Panel
from nnviz_widgets.widgets.ascent_opinion import Vector, opinion, opinion_html, opinion_words
from nnviz_widgets.widgets.ascent_own import AscentMoment, comparable, say_own_step
from nnviz_widgets.widgets.ascent_timeline import Timeline
from nnviz_widgets.widgets.frame import Frame
from nnviz_widgets.widgets.number import decimal_mark, say_number
from nnviz_widgets.widgets.scene import Bitmap, Scene, Sprite
from nnviz_widgets.widgets.surface import Surface

SIDE = 320  # CSS pixels of the picture
CURVE = 372, 164
CALM = 0.4  # seconds for which an opinion stands while a run goes on, to be read
SHARE = 0.05  # of the time may go to opinions
GAP = 2  # pixels between several pictures


def pixels_of(contract: InputContract, x: Tensor) -> Pixels:
    """A picture (1, C, h, w), or several as a square -> uint8 (h, w, 3)."""
    pictures = [contract.picture(x[i : i + 1]) for i in range(len(x))]
    columns = math.isqrt(len(pictures))
    height, width = x.shape[2] + GAP, x.shape[3] + GAP
    sheet = np.full((height * columns - GAP, width * columns - GAP, 3), 128, np.uint8)
    for index, picture in enumerate(pictures):
        top, left = index // columns * height, index % columns * width
        sheet[top : top + height - GAP, left : left + width - GAP] = picture
    return sheet


def mean_value(value: Any) -> float:
    """Of one picture, or of several."""
    return float(np.mean(value))


class AscentPanes:
    """Draws a moment of a run, from any thread; `_drawing` of the widget keeps them apart."""

    def __init__(self, surface: Surface, engine: Engine, language: str) -> None:
        self._surface, self._engine, self._language = surface, engine, language
        self.frames = {name: Frame(surface, name) for name in surface.sizes}
        self._heading = ipywidgets.HTML(
            f'<div class="nnviz-title">{html.escape(say(language, "ascent_opinion"))}</div>'
        )
        for frame in self.frames.values():  # a long name must not push the curve below the picture
            frame.title.layout.max_width = f"{frame.width}px"
        for canvas in surface.canvases.values():
            canvas.add_class("nnviz-plays")
        self._bars = ipywidgets.HTML(layout=ipywidgets.Layout(width=f"{CURVE[0]}px", max_width="100%"))
        right = ipywidgets.VBox([self.frames["curve"].box, self._heading, self._bars])
        right.layout.max_width = "100%"
        self.box = ipywidgets.HBox([self.frames["picture"].box, self.frames["own"].box, right])
        self.box.add_class("nnviz-panes")
        self._thought: tuple[AscentStep, Vector] | None = None  # of which step, and the opinion of it
        self._next_thought = 0.0
        self._own_words = ""
        self._curve = np.zeros((1, 1, 4), np.uint8)

    def draw(
        self, state: SimpleNamespace, moment: AscentMoment, timeline: Timeline, *, running: bool
    ) -> dict[str, str]:
        """Show a moment; what the panes show, in words, for those who do not see them."""
        step, question = moment.shown, state.question
        values, best = timeline.values, timeline.best
        marks = [Mark(moment.step)] + ([] if best is None else [Mark(best.step, filled=True)])
        width, height = CURVE
        self._curve = curve(
            values,
            last=moment.steps,
            width=width,
            height=height,
            marks=tuple(marks),
            dark=state.dark,
            decimal=decimal_mark(self._language),
        )
        own, self._own_words = moment.own, self._say_own(state, moment)
        own_x = None if own is None else own.x
        self._surface.show(
            {
                "picture": Scene(None, (self._sprite(pixels_of(self._engine.contract, step.x)),)),
                "own": Scene()
                if own_x is None
                else Scene(None, (self._sprite(pixels_of(self._engine.contract, own_x)),)),
                "curve": Scene(None, (Sprite(Bitmap(self._curve), (0, 0, width, height)),)),
            }
        )
        self.frames["picture"].say(question.title, self._words(state, moment))
        self.frames["curve"].say(self._say("ascent_curve", value=question.value), self._best_words(timeline))
        thought = self._thought[1] if running and self._thought is not None else self._opinion_of(step)
        self._bars.value = opinion_html(thought, self._engine.labels, state.wanted, self._language)
        if running:  # words that are read aloud do not change with every frame
            return {"picture": question.title, "curve": self._say("ascent_curve", value=question.value)}
        return {
            "picture": f"{question.title}: {self._words(state, moment)}",
            "own": self._own_words,
            "curve": self._best_words(timeline),
        }

    def panels(self, state: SimpleNamespace, moment: AscentMoment) -> tuple[list[list[Panel]], str]:
        """The same as one picture."""
        question = state.question
        picture = Panel(pixels_of(self._engine.contract, moment.shown.x), question.title, smooth=True)
        line = Panel(self._curve, self._say("ascent_curve", value=question.value))
        own = []
        if moment.own is not None and moment.own.x is not None:
            title = self._say("own_title", name=moment.own.name)
            own = [Panel(pixels_of(self._engine.contract, moment.own.x), title, smooth=True)]
        thought = opinion_words(self._opinion_of(moment.shown), self._engine.labels, state.wanted, self._language)
        words = [self._words(state, moment), thought, *([self._own_words] if own else [])]
        return [[picture, *own, line]], " · ".join(words)

    def _say_own(self, state: SimpleNamespace, moment: AscentMoment) -> str:
        """The words of a person's own run; the pane is there where there is one, or a reason why there is none."""
        frame, own = self.frames["own"], moment.own
        if state.method is not None and not comparable(state):
            frame.box.layout.display = None
            frame.refuse(self._say("own_label"), self._say("ascent_own_not_here"))
            return self._say("ascent_own_not_here")
        if own is None or own.x is None:
            frame.cut_to(frame.width, 0 if own is not None else frame.height)
            return say_own_step(frame, self._language, own, None)
        frame.cut_to(frame.width, frame.height)
        value = float(self._engine.logits(own.x)[0, state.target])
        self._engine.forget(own.x)
        return say_own_step(frame, self._language, own, value)

    def _sprite(self, pixels: Pixels) -> Sprite:
        height, width = pixels.shape[:2]
        ratio = SIDE / max(height, width)
        high, wide = height * ratio, width * ratio
        return Sprite(Bitmap(pixels, exact=False), ((SIDE - wide) / 2, (SIDE - high) / 2, wide, high), smooth=True)

    def _words(self, state: SimpleNamespace, moment: AscentMoment) -> str:
        step = moment.shown
        return self._say(
            "ascent_caption",
            value=say_number(self._language, mean_value(step.value)),
            step=moment.step,
            norm=say_number(self._language, mean_value(step.gradient_norm)),
            seed=state.seed,
        )

    def _best_words(self, timeline: Timeline) -> str:
        best = timeline.best
        if best is None:
            return ""
        return self._say(
            "ascent_best_at", value=say_number(self._language, mean_value(best.shown.value)), step=best.step
        )

    def think(self, step: AscentStep) -> None:
        """Ask the network about a step of a running ascent, for a small share of the time. Worker's thread."""
        begun = time.monotonic()
        if begun >= self._next_thought:
            self._opinion_of(step)
            ended = time.monotonic()
            self._next_thought = ended + max(CALM, (ended - begun) / SHARE)

    def _opinion_of(self, step: AscentStep) -> Vector:
        if self._thought is None or self._thought[0] is not step:
            self._thought = step, opinion(self._engine, step.x)
        return self._thought[1]

    def _say(self, key: str, **fields: object) -> str:
        return say(self._language, key, **fields)
