"""AscentColumns: priors side by side, raising one objective from one seed at once."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import ipywidgets
import traitlets

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.methods.ascent_step import AscentStep
from nnviz_widgets.methods.presets import PRESETS, preset
from nnviz_widgets.render.figure import Panel
from nnviz_widgets.widgets.ascent_code import objective_code
from nnviz_widgets.widgets.ascent_columns_controls import (
    LONGEST,
    OF,
    ObjectiveControls,
    contrast_tick,
    how_fields,
    preset_ticks,
)
from nnviz_widgets.widgets.ascent_columns_panes import SIDE, ColumnPanes
from nnviz_widgets.widgets.ascent_columns_run import run_columns
from nnviz_widgets.widgets.ascent_question import favourite, question_of
from nnviz_widgets.widgets.class_choice import ClassChoice
from nnviz_widgets.widgets.code import Expr, Script, call, indented, write
from nnviz_widgets.widgets.map_layers import check_channel
from nnviz_widgets.widgets.run_widget import Moment, RunWidget
from nnviz_widgets.widgets.saliency_question import first_layer
from nnviz_widgets.widgets.validated import validate

if TYPE_CHECKING:
    from nnviz_widgets.engine.engine import Engine

COLUMNS = ("None", "Simonyan", "Yosinski 3", "Distill")
QUICK = 160  # pixels: a side that four pictures at once bear on a CPU
PANES = {name: f"column{index}" for index, name in enumerate(PRESETS)}


class AscentColumns(RunWidget, ClassChoice):
    """The same class or channel raised from the same seed in columns, each with other priors, all at once.

    State: `of` ("class", "channel"), `target` (class), `layer` and `channel`, `columns` (names of presets, see
    `methods.presets`), `size` (pixels), `steps`, `seed`, `contrast` (show faint pictures with more; captions say by
    which factor), `theme`.
    The result is a dictionary of the `AscentStep`s that are shown, by preset; a column that failed is not in it.

    Simonyan et al. 2014; Yosinski et al. 2015; Olah et al. 2017.
    """

    of = traitlets.Enum(OF, "class", help="what is raised").tag(live=True)
    layer = traitlets.Unicode(help="layer of the channel").tag(live=True)
    channel = traitlets.Int(0, help="of the layer").tag(live=True)
    columns = traitlets.Tuple(COLUMNS, help="presets, from left to right").tag(live=True)
    size = traitlets.Int(QUICK, min=1, help="side of the pictures in pixels").tag(live=True)
    steps = traitlets.Int(128, min=1, max=LONGEST, help="after which it ends").tag(live=True)
    seed = traitlets.Int(0, min=0, help="the same in all columns").tag(live=True)
    contrast = traitlets.Bool(True, help="show faint pictures with more contrast").tag(option=True)

    def __init__(self, engine: Engine, *, language: str | None = None, **state: Any) -> None:
        super().__init__(engine, language=language, **state)

    def _start(self, state: dict[str, Any]) -> None:
        self.layer = self.engine.layers.origin(state.pop("layer", None) or first_layer(self.engine)).name
        self.target = favourite(self.engine)
        self.size = min(QUICK, max(self.engine.contract.size))
        super()._start(state)

    @validate("layer")
    def _validate_layer(self, proposal: Any) -> str:
        return self.engine.layers.origin(proposal["value"]).name

    @validate("channel")
    def _validate_channel(self, proposal: Any) -> int:
        return check_channel(self.engine, self.layer, proposal["value"])

    @validate("columns")
    def _validate_columns(self, proposal: Any) -> tuple[str, ...]:
        names = tuple(dict.fromkeys(proposal["value"]))
        for name in names:
            preset(name)
        if not names:
            raise NnvizError("columns_none", known=", ".join(PRESETS))
        return names

    def _panes(self) -> dict[str, tuple[int, int]]:
        return dict.fromkeys(PANES.values(), (SIDE, SIDE))

    def _build(self) -> list[ipywidgets.Widget]:
        self._drawn = ColumnPanes(self._surface, self.engine, self.language, PANES)
        what = ObjectiveControls(self, self._class_field("target", "columns_class_none"), self._failed)
        label = ipywidgets.Label(self._say("columns_columns"))
        rows = [
            what.row,
            [label, *preset_ticks(self, self._failed)],
            [*how_fields(self, self._failed), contrast_tick(self, self._failed), self.run_bar.box],
        ]
        boxes = [ipywidgets.HBox(row) for row in rows]
        for box in boxes:
            box.add_class("nnviz-row")
        self.observe(lambda change: self._drawn.choose(change["new"]), "columns")
        self._drawn.choose(self.columns)
        self.observe(self._on_contrast, "contrast")
        return [*boxes, self._drawn.heading, self._drawn.box]

    def _on_contrast(self, _change: Any) -> None:
        """Only how it is shown."""
        if self._latest is not None and self._open:
            self._shown = None
            self._draw_latest()

    def _run(self, state: SimpleNamespace, begin: Moment | None) -> Iterator[Moment]:
        state.target = favourite(self.engine) if state.target is None else state.target
        state.question = question_of(self.engine, state, self.language)
        names, how = state.columns, {"size": state.size, "steps": state.steps, "seed": state.seed}
        return run_columns(self.engine, state.question.read, names, **how, begin=begin, hasty=not state.single)

    def _draw(self, state: SimpleNamespace, moment: Moment) -> None:
        self._pointer.labels = self._drawn.draw(state, moment, contrast=self.contrast)

    def _result(self, moment: Moment) -> dict[str, AscentStep]:
        return {column.name: column.step for column in moment.shown if column.step is not None}

    def _code(self, script: Script, state: SimpleNamespace) -> None:
        state, moment = self._latest_shown()
        script.engine(self.engine)
        objective_code(script, state.question)
        script.need("methods.presets", "preset")
        script.let("result", {})
        start = Expr("preset(name).start")
        how = {"size": state.size, "steps": moment.step, "start": start, "priors": Expr("name"), "seed": state.seed}
        run = indented(call("methods.ascent", Expr("engine"), Expr("objective"), **how))
        names = tuple(column.name for column in moment.shown if column.step is not None)
        script.add(f"for name in {write(names)}:\n    for step in {run}:\n        result[name] = step")

    def _spoken(self) -> dict[str, Any]:
        names = ("target",) if self.of == "class" else ("layer", "channel")
        return {name: getattr(self, name) for name in ("of", *names, "columns", "seed")}

    def _panels(self, state: SimpleNamespace, moment: Moment) -> tuple[list[list[Panel]], str]:
        return self._drawn.panels(state, moment, contrast=self.contrast)
