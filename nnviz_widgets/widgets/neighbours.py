"""Neighbours: pictures, and those that a layer finds most like them."""

from __future__ import annotations

from operator import index
from types import SimpleNamespace
from typing import Any

import ipywidgets
import numpy as np
import traitlets

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.methods.nearest import Nearest
from nnviz_widgets.render.figure import Panel
from nnviz_widgets.widgets.code import Expr, Script, call
from nnviz_widgets.widgets.controls import bind, dropdown
from nnviz_widgets.widgets.frame import Frame
from nnviz_widgets.widgets.neighbours_method import own_words
from nnviz_widgets.widgets.neighbours_pointing import NeighboursPointing
from nnviz_widgets.widgets.neighbours_rows import NEAREST, REFERENCES, Shown
from nnviz_widgets.widgets.neighbours_sheet import Sheet
from nnviz_widgets.widgets.validated import validate


class Neighbours(NeighboursPointing):
    """Five pictures in a column, beside each the six whose vectors are nearest; same classes bear a tick.

    Click a neighbour, or choose it with the arrow keys and press Enter, to make it the reference of its row; of your
    own picture's row, of the next one.

    State: `references` (places of pictures in the embedding), `photo` (your own picture, the first row; None for none),
    `metric` ("euclidean", "cosine"), `seed` (another one draws other references), `theme`; and `chosen`, the (row,
    column) of the chosen tile or None; `method` is your own f(vectors, number, k), also with `metric`, -> (k,) places
    of the vectors nearest to that of this number, nearest first, or (places, distances): shown below the reference.
    Your own picture's vector is the last one.
    The result is a tuple of `Nearest`, one a row; `same_class` is the share of equal classes in it.

    Krizhevsky et al. 2012, figure 4.
    """

    references: Any = traitlets.Any((), help="places of the pictures in the embedding").tag(live=True)
    seed = traitlets.Int(0, min=0, help="by which references are drawn").tag(live=True)
    chosen: Any = traitlets.Any(None, help="(row, column) of the chosen tile").tag(option=True)

    def _start(self, state: dict[str, Any]) -> None:
        super()._start(
            {name: state.pop(name) for name in ("photo", "metric", "seed", "theme", "method") if name in state}
        )
        most = len(self.embedding.ids) - 1
        if most < NEAREST:
            raise NnvizError("neighbours_count", k=NEAREST, most=most)
        self._whole: dict[str, float | None] = {}
        self._sheet = Sheet(REFERENCES, 1 + NEAREST)
        self.references = state.pop("references", None) or self._drawn_by_lot()
        super()._start(state)

    @validate("references")
    def _validate_references(self, proposal: Any) -> tuple[int, ...]:
        last = len(self.embedding.ids) - 1
        try:
            found = tuple(index(number) for number in proposal["value"])
        except TypeError as error:
            raise NnvizError("references_value", value=proposal["value"], last=last) from error
        if not 1 <= len(found) <= REFERENCES or not all(0 <= number <= last for number in found):
            raise NnvizError("references_value", value=proposal["value"], last=last)
        return found

    def _drawn_by_lot(self) -> tuple[int, ...]:
        count = len(self.embedding.ids)
        return tuple(np.random.default_rng(self.seed).choice(count, REFERENCES, replace=False).tolist())

    def _panes(self) -> dict[str, tuple[int, int]]:
        return dict.fromkeys(("sheet", "own"), self._sheet.size)

    def _build(self) -> list[ipywidgets.Widget]:
        metrics = [(self._say(f"metric_{name}"), name) for name in ("euclidean", "cosine")]
        metric = dropdown(self.language, "metric", metrics)
        bind(self, "metric", metric, self._failed)
        another = ipywidgets.Button(
            description=self._say("another_five"),
            tooltip=self._say("another_five_tip"),
            layout=ipywidgets.Layout(width="auto"),
        )
        another.on_click(self._on_another)
        self.observe(self._on_seed, "seed")
        self.observe(self._on_chosen, "chosen")
        row = ipywidgets.HBox([*self._own_controls(), metric, another])
        row.add_class("nnviz-row")
        self._frame = Frame(self._surface, "sheet")
        self._surface.canvases["sheet"].add_class("nnviz-opens")
        self._own_frame = Frame(self._surface, "own")
        return [row, self._frame.box, self._own_frame.box]

    def _on_another(self, _button: Any) -> None:
        self.seed += 1

    def _on_seed(self, _change: Any) -> None:
        with self._together():
            self.references = self._drawn_by_lot()

    @property
    def same_class(self) -> float | None:
        """Share of the neighbours shown that are of their reference's class; None where no class is known."""
        if self._shown is None:
            self.compute()
        assert self._shown is not None
        found = self._compared(self._shown[1])
        return sum(found) / len(found) if found else None

    @property
    def disagreements(self) -> int | None:
        """At how many places shown `method` has another neighbour than the reference; None before there is any."""
        own = None if self._shown is None else self._shown[1].own
        return sum(not alike for row in own.rows for alike in row.same) if own is not None and own.rows else None

    def _draw(self, state: SimpleNamespace, shown: Shown) -> None:
        rows = len(shown.rows)
        if self.chosen is not None and self.chosen[0] >= rows:
            self.chosen = None
        self._surface.show({"sheet": self._sheet.scene(shown.sheet, self.chosen)})
        self._frame.cut_to(self._sheet.size[0], Sheet(rows, 1 + NEAREST).size[1])
        title, caption = self._words(state, shown)
        self._frame.say(title, caption)
        self._pointer.labels = {"sheet": f"{title}. {caption}", "own": self._draw_own(shown)}

    def _draw_own(self, shown: Shown) -> str:
        """The rows of a person's own function, where there is one; its words."""
        frame, own = self._own_frame, shown.own
        frame.box.layout.display = None if own is not None else "none"
        if own is None:
            return ""
        height = Sheet(len(shown.rows), 1 + NEAREST).size[1] if shown.own_sheet is not None else 0
        frame.cut_to(self._sheet.size[0], height)
        if shown.own_sheet is not None:
            self._surface.show({"own": self._sheet.scene(shown.own_sheet, None)})
        title, caption = self._say("own_title", name=own.name), own_words(self.language, own)
        frame.say(title, caption)
        return f"{title}. {caption}"

    def _words(self, state: SimpleNamespace, shown: Shown) -> tuple[str, str]:
        metric = self._say(f"metric_{state.metric}_of")
        title = self._say("neighbours_title", nearest=NEAREST, metric=metric)
        words = self._vectors_in_words()
        compared = self._compared(shown)
        if compared:
            words.append(self._say("neighbours_same", same=sum(compared), count=len(compared)))
        if shown.whole is not None:
            words.append(self._say("neighbours_whole", percent=self._number(100 * shown.whole)))
        recall = min(row.near.recall for row in shown.rows)
        if recall < 1:
            words.append(self._say("neighbours_recall", percent=self._number(100 * recall)))
        return title, " · ".join(words)

    def _on_chosen(self, _change: Any) -> None:
        if self._shown is not None and self._open:
            self._surface.show({"sheet": self._sheet.scene(self._shown[1].sheet, self.chosen)})
            self._say_tile(self.chosen)

    def _result(self, shown: Shown) -> tuple[Nearest, ...]:
        return tuple(row.near for row in shown.rows)

    def _code(self, script: Script, state: SimpleNamespace) -> None:
        self._embedding_code(script)
        rows = state.references
        if state.x is not None:
            script.input(state.photo)
            rows = (Expr("x"), *rows)[:REFERENCES]
        script.let("rows", rows)
        near = call("embedding.neighbours", Expr("row"), NEAREST, metric=state.metric)
        script.let("result", Expr(f"tuple({near} for row in rows)"))

    def _spoken(self) -> dict[str, Any]:
        return {"references": self.references, "metric": self.metric}

    def _panels(self, state: SimpleNamespace, shown: Shown) -> tuple[list[list[Panel]], str]:
        title, caption = self._words(state, shown)
        height = Sheet(len(shown.rows), 1 + NEAREST).size[1]
        panels = [[Panel(shown.sheet.pixels[: 2 * height], title)]]
        if shown.own is not None and shown.own_sheet is not None:
            own = self._say("own_title", name=shown.own.name)
            panels.append([Panel(shown.own_sheet.pixels[: 2 * height], own)])
            caption = f"{caption} · {own_words(self.language, shown.own)}"
        return panels, caption
