"""The panes of priors side by side: a picture a preset, with its value and the network's own opinion below."""

from __future__ import annotations

import html
from types import SimpleNamespace

import ipywidgets

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.lang import say, say_error
from nnviz_widgets.lang.classes import class_names
from nnviz_widgets.render.colormap import Pixels
from nnviz_widgets.render.figure import Panel
from nnviz_widgets.widgets.ascent_columns_contrast import stretched
from nnviz_widgets.widgets.ascent_columns_controls import preset_name
from nnviz_widgets.widgets.ascent_columns_run import Column, Columns
from nnviz_widgets.widgets.ascent_question import Question
from nnviz_widgets.widgets.frame import Frame
from nnviz_widgets.widgets.number import say_number
from nnviz_widgets.widgets.run_widget import Moment
from nnviz_widgets.widgets.scene import Bitmap, Scene, Sprite
from nnviz_widgets.widgets.still import SMALL
from nnviz_widgets.widgets.surface import Surface

SIDE, BETWEEN = 288, 16  # CSS pixels of a picture at most, and between two: see style.css


class ColumnPanes:
    """Draws a moment on a surface with a pane for each preset."""

    def __init__(self, surface: Surface, engine: Engine, language: str, names: dict[str, str]) -> None:
        self._surface, self._engine, self._language, self._panes = surface, engine, language, names
        self.frames = {name: Frame(surface, pane) for name, pane in names.items()}
        for frame in self.frames.values():
            frame.box.add_class("nnviz-slim")
            frame.caption.layout.width = "100%"
        self.heading = ipywidgets.HTML()
        self.box = ipywidgets.HBox([frame.box for frame in self.frames.values()])
        self.box.add_class("nnviz-columns")

    def choose(self, columns: tuple[str, ...]) -> None:
        """Show the panes of these presets, in this order."""
        self.box.layout.max_width = f"{len(columns) * (SIDE + BETWEEN) - BETWEEN}px"
        for name, frame in self.frames.items():
            frame.box.layout.display = None if name in columns else "none"
            frame.box.layout.order = str(columns.index(name)) if name in columns else None

    def draw(self, state: SimpleNamespace, moment: Moment, *, contrast: bool) -> dict[str, str]:
        """Show a moment, faint pictures with more `contrast`; what the panes show in words, by pane."""
        scenes, labels = {}, {}
        self.heading.value = f'<div class="nnviz-title">{html.escape(self.title(state, moment.shown))}</div>'
        for column in moment.shown:
            frame, name = self.frames[column.name], preset_name(self._language, column.name)
            if column.error is not None:
                words = say_error(self._language, column.error)
                frame.refuse(name, words)
            elif column.step is None:
                continue  # what was there stays until it has begun
            else:
                pixels, factor = self._pixels(column, contrast)
                words = self.words(column, state.question)
                if factor > 1:
                    words += f"\n{self._say('columns_contrast', factor=say_number(self._language, factor, digits=2))}"
                frame.say(name, words)
                sharp = max(pixels.shape[:2]) < SMALL
                sprite = Sprite(Bitmap(pixels, exact=sharp), (0, 0, SIDE, SIDE), smooth=not sharp)
                scenes[self._panes[column.name]] = Scene(None, (sprite,))
            labels[self._panes[column.name]] = self._say("columns_label", name=name, words=words.replace("\n", " · "))
        self._surface.show(scenes)
        return labels

    def panels(self, state: SimpleNamespace, moment: Moment, *, contrast: bool) -> tuple[list[list[Panel]], str]:
        """The same as one picture."""
        found = []
        for column in moment.shown:
            if column.step is not None:
                pixels, factor = self._pixels(column, contrast)
                title = f"{preset_name(self._language, column.name)}\n{self._result_words(column, state.question)}"
                if factor > 1:
                    title += f"\n{self._say('columns_contrast', factor=say_number(self._language, factor, digits=2))}"
                found.append(Panel(pixels, title, smooth=True))
        return [found], f"{self.title(state, moment.shown)} · {self.caption(state, moment)}"

    def _pixels(self, column: Column, contrast: bool) -> tuple[Pixels, float]:
        """A column's picture, and how much its contrast was raised."""
        assert column.step is not None
        if contrast:
            return stretched(column.step.image, self._engine.contract.mean)
        return self._engine.contract.picture(column.step.x), 1.0

    def title(self, state: SimpleNamespace, columns: Columns) -> str:
        return self._say("columns_heading", title=state.question.title, count=len(columns))

    def caption(self, state: SimpleNamespace, moment: Moment) -> str:
        fields = {"step": moment.step, "steps": moment.steps, "seed": state.seed, "size": state.size}
        return self._say("columns_caption", **fields)

    def words(self, column: Column, question: Question) -> str:
        """What the prior is, and what came of it."""
        author = "Yosinski" if column.name.startswith("Yosinski") else column.name
        about = self._say(f"columns_{column.name}_words"), self._say(f"columns_{author}_paper")
        return "\n".join([*about, self._result_words(column, question)])

    def _result_words(self, column: Column, question: Question) -> str:
        assert column.step is not None
        number = say_number(self._language, float(column.step.value))
        lines = [self._say("columns_value", value=question.value, number=number)]
        if column.top is not None:
            index, probability = column.top
            fields = {
                "name": class_names(self._language, self._engine.labels)[index],
                "probability": say_number(self._language, probability, digits=2),
            }
            lines.append(self._say("columns_top", **fields))
        return "\n".join(lines)

    def _say(self, key: str, **fields: object) -> str:
        return say(self._language, key, **fields)
