"""What a pointer and keys do on a map of pictures: move it, select, look at one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from types import SimpleNamespace

from nnviz_widgets.widgets.embedding_map_hand import Hand
from nnviz_widgets.widgets.embedding_map_job import EmbeddingMapJob, Shown
from nnviz_widgets.widgets.embedding_map_looks import Looks
from nnviz_widgets.widgets.embedding_map_side import Side
from nnviz_widgets.widgets.frame import Frame
from nnviz_widgets.widgets.pointer import Event

STEP = 60  # CSS pixels by which an arrow key moves it


class EmbeddingMapPointing(EmbeddingMapJob):
    """The part of `EmbeddingMap` that answers a person."""

    selected: tuple[int, ...]
    _hand: Hand
    _looks: Looks
    _frame: Frame
    _side_panes: Side
    _words: Callable[[SimpleNamespace, Shown], tuple[str, str]]

    def zoom(self, factor: float) -> None:
        """Closer to the middle of what is shown, or farther by a factor below 1."""
        self._stage.look_at(self._stage.view.zoomed(factor, self.width / 2, self.width / 2))

    def show_all(self) -> None:
        """The whole map."""
        self._stage.look_at(self._stage.view.whole())

    def select(self, numbers: Iterable[int]) -> None:
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
                if not found:
                    self._frame.say_below(self._say("tool_lasso_empty"))
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
