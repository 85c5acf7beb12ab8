"""Neighbours: pictures, and those that a layer finds most like them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from operator import index
from types import SimpleNamespace
from typing import Any

import ipywidgets
import numpy as np
import traitlets

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.live import Partial
from nnviz_widgets.methods.nearest import Nearest
from nnviz_widgets.render.figure import Panel
from nnviz_widgets.render.numbers import format_number
from nnviz_widgets.widgets.controls import bind, dropdown
from nnviz_widgets.widgets.frame import Frame
from nnviz_widgets.widgets.neighbours_own import EmbeddingWidget
from nnviz_widgets.widgets.neighbours_sheet import Sheet, Tile
from nnviz_widgets.widgets.pointer import Event
from nnviz_widgets.widgets.scene import Bitmap
from nnviz_widgets.widgets.validated import validate

REFERENCES, NEAREST = 5, 6


@dataclass(frozen=True, eq=False)
class Row:
    """A reference, by its place in the embedding (None for one's own picture), and its neighbours."""

    number: int | None
    near: Nearest


@dataclass(frozen=True, eq=False)
class Shown:
    """The rows, and the share of neighbours of the same class over the whole set, once it is known."""

    rows: tuple[Row, ...]
    sheet: Bitmap
    whole: float | None = None


class Neighbours(EmbeddingWidget):
    """Five pictures in a column, beside each the six whose vectors are nearest; same classes bear a tick.

    Click a neighbour, or choose it with the arrow keys and press Enter, to make it the reference of its row; of your
    own picture's row, of the next one.

    State: `references` (places of pictures in the embedding), `photo` (your own picture, the first row; None for none),
    `metric` ("euclidean", "cosine"), `seed` (another one draws other references), `theme`; and `chosen`, the (row,
    column) of the chosen tile or None.
    The result is a tuple of `Nearest`, one a row; `same_class` is the share of equal classes in it.

    Krizhevsky et al. 2012, figure 4.
    """

    references: Any = traitlets.Any((), help="places of the pictures in the embedding").tag(live=True)
    seed = traitlets.Int(0, min=0, help="by which references are drawn").tag(live=True)
    chosen: Any = traitlets.Any(None, help="(row, column) of the chosen tile").tag(option=True)

    def _start(self, state: dict[str, Any]) -> None:
        super()._start({name: state.pop(name) for name in ("photo", "metric", "seed", "theme") if name in state})
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
        return {"sheet": self._sheet.size}

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
        return [row, self._frame.box]

    def _on_another(self, _button: Any) -> None:
        self.seed += 1

    def _on_seed(self, _change: Any) -> None:
        with self._together():
            self.references = self._drawn_by_lot()

    def _steps(self, state: SimpleNamespace) -> Iterator[Any]:
        numbers = state.references
        rows = [Row(n, self.embedding.neighbours(n, NEAREST, metric=state.metric)) for n in numbers]
        if state.x is not None:
            near = self.embedding.neighbours(state.x, NEAREST, metric=state.metric)
            rows = [Row(None, near), *rows][:REFERENCES]
        sheet = self._sheet.paint([self._tiles(state, row) for row in rows], dark=state.dark)
        shown = Shown(tuple(rows), sheet, self._whole.get(state.metric))
        known = state.metric in self._whole
        yield Partial(shown, 1.0 if known else 0.5)
        if not known:
            self._whole[state.metric] = self.embedding.same_class(NEAREST, metric=state.metric)
            yield Partial(replace(shown, whole=self._whole[state.metric]), 1.0)

    def _tiles(self, state: SimpleNamespace, row: Row) -> list[Tile]:
        images, numbers = self.embedding.images, self.embedding.numbers
        if row.number is None:
            first = Tile(self.embedding.engine.contract.picture(state.x), self._say("photo_own"), "")
        else:
            first = Tile(images.thumbnail(numbers[row.number], 168), self._name(row.number), "")
        found = [first]
        for number, distance in zip(row.near.numbers.tolist(), row.near.distances.tolist(), strict=True):
            thumbnail = images.thumbnail(numbers[number], 168)
            same = self._alike(row.number, number) is True
            found.append(Tile(thumbnail, self._name(number), format_number(distance), same))
        return found

    def _alike(self, first: int | None, second: int) -> bool | None:
        """Whether two pictures are of one class; None where that is not known."""
        labels = self.embedding.labels
        if first is None or labels[first] is None or labels[second] is None:
            return None
        return labels[first] == labels[second]

    @property
    def same_class(self) -> float | None:
        """Share of the neighbours shown that are of their reference's class; None where no class is known."""
        if self._shown is None:
            self.compute()
        assert self._shown is not None
        found = self._compared(self._shown[1])
        return sum(found) / len(found) if found else None

    def _compared(self, shown: Shown) -> list[bool]:
        pairs = ((row.number, number) for row in shown.rows for number in row.near.numbers.tolist())
        return [alike for pair in pairs if (alike := self._alike(*pair)) is not None]

    def _draw(self, state: SimpleNamespace, shown: Shown) -> None:
        rows = len(shown.rows)
        if self.chosen is not None and self.chosen[0] >= rows:
            self.chosen = None
        self._surface.show({"sheet": self._sheet.scene(shown.sheet, self.chosen)})
        self._frame.cut_to(self._sheet.size[0], Sheet(rows, 1 + NEAREST).size[1])
        title, caption = self._words(state, shown)
        self._frame.say(title, caption)
        self._pointer.labels = {"sheet": f"{title}. {caption}"}

    def _words(self, state: SimpleNamespace, shown: Shown) -> tuple[str, str]:
        metric = self._say(f"metric_{state.metric}_of")
        title = self._say("neighbours_title", nearest=NEAREST, metric=metric)
        words = [self._vectors_in_words()]
        compared = self._compared(shown)
        if compared:
            words.append(self._say("neighbours_same", same=sum(compared), count=len(compared)))
        if shown.whole is not None:
            words.append(self._say("neighbours_whole", percent=format_number(100 * shown.whole)))
        recall = min(row.near.recall for row in shown.rows)
        if recall < 1:
            words.append(self._say("neighbours_recall", percent=format_number(100 * recall)))
        return title, " · ".join(words)

    def _on_chosen(self, _change: Any) -> None:
        if self._shown is not None and self._open:
            self._surface.show({"sheet": self._sheet.scene(self._shown[1].sheet, self.chosen)})
            self._say_tile(self.chosen)

    def _on_event(self, event: Event) -> None:
        if self._shown is None:
            return
        if event.kind == "leave":
            self._frame.say_below(self._words(*self._shown)[1])
        elif event.kind == "key":
            self._on_key(event.key)
        elif event.pane == "sheet":
            width, height = self._sheet.size
            tile = self._sheet.at(event.x * width, event.y * height)
            tile = tile if tile is not None and tile[0] < len(self._shown[1].rows) else None
            if event.kind == "click" and tile is not None:
                self.chosen = tile
                self._take(tile)
            elif event.kind == "move":
                self._say_tile(tile)

    def _on_key(self, key: str) -> None:
        assert self._shown is not None
        if key == "Escape":
            self.chosen = None
        elif key == "Enter" and self.chosen is not None:
            self._take(self.chosen)
        elif key.startswith("Arrow"):
            row, column = (0, 0) if self.chosen is None else self._sheet.step(self.chosen, key)
            self.chosen = min(row, len(self._shown[1].rows) - 1), column

    def _take(self, tile: tuple[int, int]) -> None:
        """A neighbour becomes the reference of its row."""
        assert self._shown is not None
        rows, (row, column) = self._shown[1].rows, tile
        if column == 0:
            return
        number = int(rows[row].near.numbers[column - 1])
        own = rows[0].number is None
        at = max(row - own, 0)
        references = [*self.references]
        references[at] = number
        self.chosen = (at + own, 0)
        self.references = tuple(references)

    def _say_tile(self, tile: tuple[int, int] | None) -> None:
        assert self._shown is not None
        if tile is None:
            self._frame.say_below(self._words(*self._shown)[1])
            return
        row = self._shown[1].rows[tile[0]]
        if tile[1] == 0:
            number, key, distance = row.number, "neighbours_reference", ""
        else:
            number, key = int(row.near.numbers[tile[1] - 1]), "neighbours_hover"
            distance = format_number(row.near.distances[tile[1] - 1])
        if number is None:
            self._frame.say_below(self._say("photo_own"))
            return
        fields = {"name": self._name(number), "id": self.embedding.ids[number], "distance": distance}
        self._frame.say_below(self._say(key, **fields))

    def _result(self, shown: Shown) -> tuple[Nearest, ...]:
        return tuple(row.near for row in shown.rows)

    def _spoken(self) -> dict[str, Any]:
        return {"references": self.references, "metric": self.metric}

    def _panels(self, state: SimpleNamespace, shown: Shown) -> tuple[list[list[Panel]], str]:
        title, caption = self._words(state, shown)
        height = Sheet(len(shown.rows), 1 + NEAREST).size[1]
        return [[Panel(shown.sheet.pixels[: 2 * height], title)]], caption
