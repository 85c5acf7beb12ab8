"""What a pointer and keys do on a sheet of neighbours: choose a tile, or make it the reference of its row."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from nnviz_widgets.widgets.frame import Frame
from nnviz_widgets.widgets.neighbours_rows import NeighboursRows, Shown
from nnviz_widgets.widgets.pointer import Event


class NeighboursPointing(NeighboursRows):
    """The part of `Neighbours` that answers a person."""

    references: Any
    chosen: Any
    _frame: Frame
    _words: Callable[[SimpleNamespace, Shown], tuple[str, str]]

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
            distance = self._number(row.near.distances[tile[1] - 1])
        if number is None:
            self._frame.say_below(self._say("photo_own"))
            return
        fields = {"name": self._name(number), "id": self.embedding.ids[number], "distance": distance}
        self._frame.say_below(self._say(key, **fields))
