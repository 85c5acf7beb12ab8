"""EmbeddingMap: pictures laid out on a plane, so that those that the network finds alike lie together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import ipywidgets
import numpy as np
from numpy.typing import NDArray

from nnviz_widgets.live import Partial
from nnviz_widgets.methods.layouts import Layout, pca
from nnviz_widgets.methods.nearest import Nearest
from nnviz_widgets.methods.seams import seams
from nnviz_widgets.render.figure import Panel
from nnviz_widgets.widgets.embedding_map_controls import drawn_row, hand_row, made_row
from nnviz_widgets.widgets.embedding_map_hand import Hand
from nnviz_widgets.widgets.embedding_map_layouts import Asked, Layouts
from nnviz_widgets.widgets.embedding_map_looks import Looks
from nnviz_widgets.widgets.embedding_map_side import Side
from nnviz_widgets.widgets.embedding_map_stage import Stage
from nnviz_widgets.widgets.embedding_map_state import EmbeddingMapState
from nnviz_widgets.widgets.embedding_map_thumbnails import Thumbnails
from nnviz_widgets.widgets.embedding_map_viewport import normalised, on_grid
from nnviz_widgets.widgets.frame import Frame
from nnviz_widgets.widgets.neighbours import NEAREST
from nnviz_widgets.widgets.pointer import Event
from nnviz_widgets.widgets.scene import Bitmap

STEP = 60  # CSS pixels by which an arrow key moves it


@dataclass(frozen=True, eq=False)
class Shown:
    """A map, or one that is being made; `points` is where the pictures are now, -0.5..0.5."""

    asked: Asked
    points: NDArray[np.float32]
    layout: Layout | None = None
    trust: tuple[float, float] | None = None
    seams: NDArray[np.float32] | None = None
    own: Nearest | None = None


class EmbeddingMap(EmbeddingMapState):
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
        self._layouts = Layouts(self.embedding)
        self._thumbnails = Thumbnails(self.embedding.images, self.embedding.numbers)
        self._looks = Looks(self.embedding)
        self._seams: dict[tuple[Asked, bool, str], NDArray[np.float32]] = {}
        self._normal: tuple[Layout, NDArray[np.float32]] | None = None
        self.selected: tuple[int, ...] = ()

    def _panes(self) -> dict[str, tuple[int, int]]:
        return {"map": (self.width, self.width), **Side.PANES}

    def _build(self) -> list[ipywidgets.Widget]:
        look = self._looks.of(self._snapshot(), None, None, ())
        self._stage = Stage(self._surface, self._thumbnails, np.zeros((len(self.embedding.ids), 2), np.float32), look)
        self._hand = Hand()
        self._frame = Frame(self._surface, "map")
        self._surface.canvases["map"].add_class("nnviz-drag")
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

    # The job

    def _steps(self, state: SimpleNamespace) -> Iterator[Any]:
        asked = Asked.of(state)
        near = None if state.x is None else self.embedding.neighbours(state.x, self._k, metric=state.metric, exact=True)
        start = self._stage.goal
        if self._shown is None and state.kind != "pca":  # something to begin with
            start = normalised(pca(self.embedding.vectors).points)
        shown, done = Shown(asked, start, own=near), 0.0
        for word in self._layouts.find(asked):
            if word is not None:
                done = 0.95 * word[0]
                if word[1] is not None and not state.filled:
                    shown = replace(shown, points=normalised(word[1]))
            yield Partial(shown, done)  # the same once more only gives others a turn
        layout = self._layouts.get(asked, filled=state.filled)
        assert layout is not None
        trust = self._layouts.trust(asked, state.metric, filled=state.filled)
        shown = replace(shown, layout=layout, points=self._normalised(layout), trust=trust)
        if state.colours == "seams":
            shown = replace(shown, seams=self._seams_of(asked, layout, state))
        yield Partial(shown, 0.97 if trust is None else 1.0)
        if trust is None:
            trust = self._layouts.measure(asked, state.metric, filled=state.filled)
            yield Partial(replace(shown, trust=trust), 1.0)

    @property
    def _k(self) -> int:
        """How many neighbours are shown; fewer where there are fewer pictures."""
        return max(1, min(NEAREST, len(self.embedding.ids) - 1))

    def _normalised(self, layout: Layout) -> NDArray[np.float32]:
        if self._normal is None or self._normal[0] is not layout:
            self._normal = layout, normalised(layout.points) if layout.cells is None else on_grid(layout.cells)
        return self._normal[1]

    def _seams_of(self, asked: Asked, layout: Layout, state: SimpleNamespace) -> NDArray[np.float32]:
        key = asked, state.filled, state.metric
        if key not in self._seams:
            self._seams[key] = seams(self.embedding.vectors, layout.points, metric=state.metric)
        return self._seams[key]

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
        title = self._say("map_of", kind=kind, count=len(self.embedding.ids), set=self.embedding.images.name)
        words = [self._vectors_in_words(), self._say("map_hint")]
        return title, " · ".join(words)

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

    # What a person does

    def zoom(self, factor: float) -> None:
        """Closer to the middle of what is shown, or farther by a factor below 1."""
        self._stage.look_at(self._stage.view.zoomed(factor, self.width / 2, self.width / 2))

    def show_all(self) -> None:
        """The whole map."""
        self._stage.look_at(self._stage.view.whole())

    def select(self, numbers: Any) -> None:
        """Select pictures by their places in the embedding; none to drop the selection."""
        self.selected = tuple(int(number) for number in numbers)
        if self._shown is not None:
            state, shown = self._shown
            self._stage.shade(self._looks.of(state, shown.layout, shown.seams, self.selected))
            self._side_panes.tell(state, shown.trust, shown.seams, self.selected)

    def _on_event(self, event: Event) -> None:
        if self._shown is None:
            return
        if event.kind == "leave":
            self._point_at(None)
        elif event.kind == "key":
            self._on_key(event.key)
        elif event.pane == "map":
            found = self._hand.take(event, self._stage, lasso=self.tool == "lasso")
            if found is not None:
                self.select(found)
            elif event.kind in ("move", "click") and not event.held:
                self._point_at(self._stage.at(event.x * self.width, event.y * self.width))

    def _on_key(self, key: str) -> None:
        right, down = {
            "ArrowLeft": (STEP, 0),
            "ArrowRight": (-STEP, 0),
            "ArrowUp": (0, STEP),
            "ArrowDown": (0, -STEP),
        }.get(key, (0, 0))
        if right or down:
            self._stage.look_at(self._stage.view.panned(right, down))
        elif key == "Home":
            self.show_all()
        elif key == "Escape":
            self.select(())

    def _point_at(self, number: int | None) -> None:
        """Show a picture and its true neighbours."""
        assert self._shown is not None
        over = self._stage.over
        if number == over.number:
            return
        if number is None:
            self._stage.lay_over(replace(over, number=None, near=()))
            self._frame.say_below(self._words(*self._shown)[1])
            return
        state, shown = self._shown
        near = self.embedding.neighbours(number, self._k, metric=state.metric, exact=True)
        self._stage.lay_over(replace(over, number=number, near=tuple(near.numbers.tolist())))
        words = [self._name(number), self.embedding.ids[number]]
        if shown.seams is not None:
            words.append(self._say("seam_hover", percent=round(100 * float(shown.seams[number]))))
        self._frame.say_below(" · ".join(dict.fromkeys(words)))
        self._side_panes.show(number, near)

    def _spoken(self) -> dict[str, Any]:
        return {"kind": self.kind, "filled": self.filled, "metric": self.metric}

    def _panels(self, state: SimpleNamespace, shown: Shown) -> tuple[list[list[Panel]], str]:
        title, caption = self._words(state, shown)
        return [[Panel(self._stage.whole(), title)]], caption
