"""EmbeddingMap: pictures laid out on a plane, so that those that the network finds alike lie together."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import ipywidgets
import numpy as np

from nnviz_widgets.lang.classes import set_name
from nnviz_widgets.manifold.layout import Layout
from nnviz_widgets.render.figure import Panel
from nnviz_widgets.widgets.code import Expr, Script, call
from nnviz_widgets.widgets.embedding_map_controls import drawn_row, hand_row, made_row
from nnviz_widgets.widgets.embedding_map_hand import Hand
from nnviz_widgets.widgets.embedding_map_job import Shown
from nnviz_widgets.widgets.embedding_map_layouts import Asked
from nnviz_widgets.widgets.embedding_map_looks import Looks
from nnviz_widgets.widgets.embedding_map_pointing import EmbeddingMapPointing
from nnviz_widgets.widgets.embedding_map_side import Side
from nnviz_widgets.widgets.embedding_map_stage import Stage
from nnviz_widgets.widgets.embedding_map_thumbnails import Thumbnails
from nnviz_widgets.widgets.frame import Frame
from nnviz_widgets.widgets.scene import Bitmap


class EmbeddingMap(EmbeddingMapPointing):
    """Pictures on a plane: by PCA at once, by t-SNE or UMAP in a process of its own, which Cancel ends.

    Drag to pan, hold Ctrl or Cmd and turn the wheel to zoom; with the lasso, or with Shift, drag around pictures to
    select them; point at a picture to see it and its true neighbours. Arrow keys pan, Home shows all, Escape drops the
    selection.

    State: `kind` ("pca", "tsne", "umap"), `filled` (pulled onto a grid), `perplexity` (t-SNE), `neighbours` and
    `minimal_distance` (UMAP), `metric`, `seed`, `show` ("pictures", "marks"), `colours` ("class"; "seams": how far the
    neighbours on the map are in truth), `side` (of a thumbnail), `photo` (your own picture, placed among its
    neighbours; the map stays), `theme`; and `tool` ("pan", "lasso") and `width` (CSS pixels, from the beginning).
    The result is the `Layout`; `selected` are the places in the embedding of the pictures selected, `trust` is
    (trustworthiness, recall of 6 neighbours), `own_place` where your own picture lies on the layout.

    van der Maaten & Hinton 2008; McInnes et al. 2018; Karpathy 2014, t-SNE visualization of CNN codes.
    """

    def _start(self, state: dict[str, Any]) -> None:
        super()._start(state)
        self._thumbnails = Thumbnails(self.embedding.images, self.embedding.numbers)
        self._looks = Looks(self.embedding)
        self.selected: tuple[int, ...] = ()

    def _panes(self) -> dict[str, tuple[int, int]]:
        return {"map": (self.width, self.width), **Side.PANES}

    def _build(self) -> list[ipywidgets.Widget]:
        look = self._looks.of(self._snapshot(), None, None, ())
        self._stage = Stage(self._surface, self._thumbnails, np.zeros((len(self.embedding.ids), 2), np.float32), look)
        self._hand = Hand()
        self._frame = Frame(self._surface, "map")
        self._surface.canvases["map"].add_class("nnviz-drag")
        self.observe(self._on_tool, "tool")
        self._on_tool()
        self._side_panes = Side(self, self._surface, self._thumbnails)
        rows = [
            ipywidgets.HBox(row)
            for row in (
                made_row(self, self._failed),
                drawn_row(self, self._failed),
                [*hand_row(self), *self._own_controls()],
            )
        ]
        for row in rows:
            row.add_class("nnviz-row")
        pictures = ipywidgets.HBox([self._frame.box, self._side_panes.box])
        pictures.add_class("nnviz-panes")
        return [*rows, pictures]

    def _on_tool(self, _change: Any = None) -> None:
        canvas = self._surface.canvases["map"]
        (canvas.add_class if self.tool == "lasso" else canvas.remove_class)("nnviz-lasso")

    def cancel(self) -> None:
        """Stop the computation under way, its process at once; the last map stays."""
        super().cancel()
        self._layouts.stop()

    def close(self) -> None:
        """Cancel, and free every comm, timer, thread and process of this widget."""
        if self._open and hasattr(self, "_layouts"):
            self._layouts.close()
        if self._open and hasattr(self, "_stage"):
            self._stage.close()
        super().close()

    # From a value to the page

    def _draw(self, state: SimpleNamespace, shown: Shown) -> None:
        if self._shown is not None and self._shown[1] is shown:
            return
        self._side_panes.look(self._looks.colours(state, shown.seams))
        over = replace(self._stage.over, **self._own_over(state, shown))
        look = self._looks.of(state, shown.layout, shown.seams, self.selected)
        self._stage.show(shown.points, look, over)
        title, caption = self._words(state, shown)
        self._frame.say(title, caption)
        self._pointer.labels = {"map": f"{title}. {caption}"}
        self._side_panes.tell(state, shown.trust, shown.seams, self.selected)

    def _own_over(self, state: SimpleNamespace, shown: Shown) -> dict[str, Any]:
        """One's own picture as it lies over the map."""
        if state.x is None or shown.own is None:
            return {"own": None, "place": None, "own_near": ()}
        before = self._stage.over
        bitmap = before.own if before.own is not None and self._own_x is state.x else None
        if bitmap is None:
            bitmap = Bitmap(self.embedding.engine.contract.picture(state.x), exact=False)
        self._own_x = state.x
        points = Layout(shown.points, "", {})
        place = self.embedding.place(shown.own, points)
        return {"own": bitmap, "place": place, "own_near": tuple(shown.own.numbers.tolist())}

    _own_x: Any = None

    def _words(self, state: SimpleNamespace, shown: Shown) -> tuple[str, str]:
        kind = self._say(f"kind_{state.kind}")
        title = self._say(
            "map_of", kind=kind, count=len(self.embedding.ids), set=set_name(self.language, self.embedding.images.name)
        )
        words = [*self._lowered(state, shown.layout), *self._vectors_in_words(), self._say("map_hint")]
        return title, " · ".join(words)

    def _lowered(self, state: SimpleNamespace, layout: Layout | None) -> list[str]:
        """What there were too few pictures for."""
        options = {} if layout is None else layout.options
        told = []
        for key, name in (("map_lower_perplexity", "perplexity"), ("map_fewer_neighbours", "neighbours")):
            used, asked = (float(number) for number in (options.get(name, np.inf), getattr(state, name)))
            if used < asked:
                shown = [self._number(int(number) if number.is_integer() else number) for number in (used, asked)]
                told.append(self._say(key, count=len(self.embedding.ids), used=shown[0], asked=shown[1]))
        return told

    def _result(self, shown: Shown) -> Layout | None:
        return shown.layout or self.result

    @property
    def trust(self) -> tuple[float, float] | None:
        """(trustworthiness, recall) of the map shown, once they are known."""
        return None if self._shown is None else self._shown[1].trust

    @property
    def own_place(self) -> tuple[float, float] | None:
        """Where one's own picture lies on the layout; None without one."""
        if self._shown is None or self._shown[1].own is None or self._shown[1].layout is None:
            return None
        return self.embedding.place(self._shown[1].own, self._shown[1].layout)

    def _code(self, script: Script, state: SimpleNamespace) -> None:
        self._embedding_code(script)
        asked = Asked.of(state)
        found = call("embedding.layout", asked.kind, **dict(asked.options))
        if state.filled:
            script.need("methods.layouts", "gridded")
            found = call("gridded", found)
        script.let("result", found)
        if state.x is not None:
            script.input(state.photo)
            near = call("embedding.neighbours", Expr("x"), self._k, metric=state.metric, exact=True)
            script.let("place", call("embedding.place", near, Expr("result")))

    def _spoken(self) -> dict[str, Any]:
        return {"kind": self.kind, "filled": self.filled, "metric": self.metric}

    def _panels(self, state: SimpleNamespace, shown: Shown) -> tuple[list[list[Panel]], str]:
        title, caption = self._words(state, shown)
        return [[Panel(self._stage.whole(), title)]], caption
