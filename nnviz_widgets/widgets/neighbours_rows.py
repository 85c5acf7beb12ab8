"""The job of a widget of neighbours: rows of a reference and the pictures nearest to it, painted on one sheet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import torch

from nnviz_widgets.live import Partial
from nnviz_widgets.methods.nearest import Nearest
from nnviz_widgets.methods.own_method import name_of
from nnviz_widgets.widgets.neighbours_method import OwnRows, own_row
from nnviz_widgets.widgets.neighbours_own import EmbeddingWidget
from nnviz_widgets.widgets.neighbours_sheet import Sheet, Tile
from nnviz_widgets.widgets.own_method import OwnMethodWidget
from nnviz_widgets.widgets.scene import Bitmap

REFERENCES, NEAREST = 5, 6


@dataclass(frozen=True, eq=False)
class Row:
    """A reference, by its place in the embedding (None for one's own picture), and its neighbours."""

    number: int | None
    near: Nearest


@dataclass(frozen=True, eq=False)
class Shown:
    """The rows, and the share of neighbours of the same class over the whole set, once it is known; and those of a
    person's own function, with their sheet."""

    rows: tuple[Row, ...]
    sheet: Bitmap
    whole: float | None = None
    own: OwnRows | None = None
    own_sheet: Bitmap | None = None


class NeighboursRows(OwnMethodWidget, EmbeddingWidget):
    """The part of `Neighbours` that computes; worker's thread."""

    _sheet: Sheet
    _whole: dict[str, float | None]

    def _steps(self, state: SimpleNamespace) -> Iterator[Any]:
        numbers = state.references
        rows = [Row(n, self.embedding.neighbours(n, NEAREST, metric=state.metric)) for n in numbers]
        if state.x is not None:
            near = self.embedding.neighbours(state.x, NEAREST, metric=state.metric)
            rows = [Row(None, near), *rows][:REFERENCES]
        sheet = self._sheet.paint([self._tiles(state, row) for row in rows], dark=state.dark)
        shown = Shown(tuple(rows), sheet, self._whole.get(state.metric))
        known = state.metric in self._whole
        last = 1.0 if state.method is None else 0.8
        yield Partial(shown, last if known else 0.5)
        if not known:
            self._whole[state.metric] = self.embedding.same_class(NEAREST, metric=state.metric)
            shown = replace(shown, whole=self._whole[state.metric])
            yield Partial(shown, last)
        if state.method is not None:
            yield from self._search_by_hand(state, shown)

    def _search_by_hand(self, state: SimpleNamespace, shown: Shown) -> Iterator[Any]:
        """With what a person's own function finds."""
        name, vectors = name_of(state.method), self.embedding.vectors
        if shown.rows[0].number is None:
            vectors = torch.cat([vectors, self.embedding.vector(state.x)[None]])
        yield Partial(replace(shown, own=OwnRows(name)), 0.8)
        try:
            asked = [(len(vectors) - 1 if row.number is None else row.number, row.near) for row in shown.rows]
            found = [own_row(state.method, vectors, n, NEAREST, near, state.metric) for n, near in asked]
        except Exception:
            yield Partial(replace(shown, own=OwnRows(name, failed=True)), 0.8)
            raise
        tiles = [self._tiles(state, replace(row, near=own.near)) for row, own in zip(shown.rows, found, strict=True)]
        marked = [
            [first, *(replace(tile, differs=not alike) for tile, alike in zip(rest, own.same, strict=True))]
            for (first, *rest), own in zip(tiles, found, strict=True)
        ]
        sheet = self._sheet.paint(marked, dark=state.dark)
        own = OwnRows.of(name, found, [row.near for row in shown.rows])
        yield Partial(replace(shown, own=own, own_sheet=sheet), 1.0)

    def _tiles(self, state: SimpleNamespace, row: Row) -> list[Tile]:
        images, numbers = self.embedding.images, self.embedding.numbers
        if row.number is None:
            first = Tile(self.embedding.engine.contract.picture(state.x), self._say("photo_own"), "")
        else:
            first = Tile(images.thumbnail(numbers[row.number], 168), self._name(row.number), "")
        found = [first]
        for number, distance in zip(row.near.numbers.tolist(), row.near.distances.tolist(), strict=True):
            if number == len(numbers):  # one's own picture, which only a person's function takes for its neighbour
                found.append(replace(first, note=self._number(distance)))
                continue
            thumbnail = images.thumbnail(numbers[number], 168)
            same = self._alike(row.number, number) is True
            found.append(Tile(thumbnail, self._name(number), self._number(distance), same))
        return found

    def _alike(self, first: int | None, second: int) -> bool | None:
        """Whether a neighbour is of a picture's class; None where that is not known, or no other picture is."""
        labels = self.embedding.labels
        if first is None or not self.embedding.kin[first] or labels[second] is None:
            return None
        return labels[first] == labels[second]

    def _compared(self, shown: Shown) -> list[bool]:
        pairs = ((row.number, number) for row in shown.rows for number in row.near.numbers.tolist())
        return [alike for pair in pairs if (alike := self._alike(*pair)) is not None]
