"""The job of a map of pictures: a map, from a process of its own where it takes long, and how far to trust it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnviz_widgets.live import Partial
from nnviz_widgets.manifold.layout import Layout
from nnviz_widgets.methods.layouts import lay_out
from nnviz_widgets.methods.nearest import Nearest
from nnviz_widgets.methods.seams import seams
from nnviz_widgets.widgets.embedding_map_layouts import Asked, Layouts
from nnviz_widgets.widgets.embedding_map_stage import Stage
from nnviz_widgets.widgets.embedding_map_state import EmbeddingMapState
from nnviz_widgets.widgets.embedding_map_viewport import normalised, on_grid
from nnviz_widgets.widgets.neighbours_rows import NEAREST


@dataclass(frozen=True, eq=False)
class Shown:
    """A map, or one that is being made; `points` is where the pictures are now, -0.5..0.5."""

    asked: Asked
    points: NDArray[np.float32]
    layout: Layout | None = None
    trust: tuple[float, float] | None = None
    seams: NDArray[np.float32] | None = None
    own: Nearest | None = None


class EmbeddingMapJob(EmbeddingMapState):
    """The part of `EmbeddingMap` that computes; worker's thread."""

    _stage: Stage

    def _start(self, state: dict[str, Any]) -> None:
        super()._start(state)
        self._layouts = Layouts(self.embedding)
        self._seams: dict[tuple[Asked, bool, str], NDArray[np.float32]] = {}
        self._normal: tuple[Layout, NDArray[np.float32]] | None = None

    def _steps(self, state: SimpleNamespace) -> Iterator[Any]:
        asked = Asked.of(state)
        near = None if state.x is None else self.embedding.neighbours(state.x, self._k, metric=state.metric, exact=True)
        start = self._stage.goal
        if self._shown is None and state.kind != "pca":  # something to begin with
            start = normalised(lay_out("pca", self.embedding.vectors).points)
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
