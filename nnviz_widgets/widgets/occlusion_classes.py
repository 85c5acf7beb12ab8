"""Colours of the classes that win somewhere: a class keeps its colour as the map becomes finer."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nnviz_widgets.lang import say
from nnviz_widgets.render.colormap import CLASS_COLOURS, Pixels, classes

LEGEND = 9  # classes that are named

Colour = tuple[int, int, int]
Mark = tuple[Colour | None, str, str]


class ClassColours:
    """Colours by the order in which classes came: those named first, then as they win, the most frequent first."""

    def __init__(self, first: Sequence[int] = ()) -> None:
        self._places = {index: place for place, index in enumerate(first)}

    def take(self, winners: NDArray[np.int64]) -> None:
        """Colours for classes (rows, columns) that have none yet."""
        for index in _counted(winners):
            self._places.setdefault(index, len(self._places))

    def of(self, index: int) -> tuple[int, int, int] | None:
        """A class's colour; None for one that has none."""
        place = self._places.get(index)
        return None if place is None else CLASS_COLOURS[place % len(CLASS_COLOURS)]

    def paint(self, winners: NDArray[np.int64]) -> Pixels:
        """(rows, columns) of class indices -> uint8 (rows, columns, 3)."""
        places = [self._places[index] for index in winners.flatten().tolist()]
        return classes(np.array(places).reshape(winners.shape))

    def marks(self, winners: NDArray[np.int64], labels: Sequence[str], language: str) -> list[Mark]:
        """(colour, class, at how many of the positions it wins), the most frequent first; then how many others."""
        counted = _counted(winners)
        marks: list[Mark] = [
            (self.of(c), labels[c], _percent(n / winners.size)) for c, n in list(counted.items())[:LEGEND]
        ]
        if len(counted) > LEGEND:
            marks.append((None, say(language, "occlusion_others", count=len(counted) - LEGEND), ""))
        return marks


def legend_html(marks: Sequence[Mark]) -> str:
    """A legend that stands beside its map."""
    return f'<div class="nnviz-legend">{"".join(_mark(*mark) for mark in marks)}</div>'


def _mark(colour: Colour | None, label: str, part: str) -> str:
    name = html.escape(label)
    spot = f'<span style="background:rgb{colour}"></span>' if colour else ""
    return f'<div class="nnviz-mark">{spot}<b title="{name}">{name}</b><i>{html.escape(part)}</i></div>'


def _counted(winners: NDArray[np.int64]) -> dict[int, int]:
    return dict(Counter(winners.flatten().tolist()).most_common())


def _percent(part: float) -> str:
    return "< 1 %" if part < 0.005 else f"{100 * part:.0f} %"
