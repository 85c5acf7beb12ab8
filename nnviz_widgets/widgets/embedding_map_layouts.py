"""The maps of an embedding that were computed, and the one that is being computed in a process of its own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from nnviz_widgets.live.lane import Lane
from nnviz_widgets.manifold.layout import Layout, Points
from nnviz_widgets.methods.embeddings import Embedding
from nnviz_widgets.methods.layouts import FINDERS, gridded, lay_out, trust

OPTIONS = {
    "pca": (),
    "tsne": ("perplexity", "metric", "seed"),
    "umap": ("neighbours", "minimal_distance", "metric", "seed"),
}


@dataclass(frozen=True)
class Asked:
    """What a map is asked for: its kind and the options that this kind has."""

    kind: str
    options: tuple[tuple[str, Any], ...]

    @staticmethod
    def of(state: SimpleNamespace) -> Asked:
        return Asked(state.kind, tuple((name, getattr(state, name)) for name in OPTIONS[state.kind]))


class Layouts:
    """Every map is computed once. One at a time is under way; asking for another ends it, asking again goes on."""

    def __init__(self, embedding: Embedding) -> None:
        self._embedding = embedding
        self._done: dict[Asked, Layout] = {}
        self._grids: dict[Asked, Layout] = {}
        self._trust: dict[tuple[Asked, bool, str], tuple[float, float]] = {}
        self._lane: tuple[Asked, Lane] | None = None
        self._lock = threading.Lock()
        self._closed = False

    def find(self, asked: Asked) -> Iterator[tuple[float, Points | None] | None]:
        """Compute a map; yields (fraction done, the points so far or None), or None to give others a turn."""
        if self._lane is not None and self._lane[0] != asked:
            self.stop()
        if asked in self._done:
            return
        if asked.kind == "pca":
            self._done[asked] = lay_out("pca", self._embedding.vectors)
            return
        lane = self._start(asked)
        try:
            yield from lane.follow()
            self._done[asked] = lane.result
        except GeneratorExit:
            raise  # a newer job may want the same map: what is computed goes on
        except BaseException:
            self.stop()
            raise
        self.stop()

    def get(self, asked: Asked, *, filled: bool) -> Layout | None:
        """A map that was computed, or its filled grid."""
        found = self._done.get(asked)
        if found is None or not filled:
            return found
        if asked not in self._grids:
            self._grids[asked] = gridded(found)
        return self._grids[asked]

    def trust(self, asked: Asked, metric: Any, *, filled: bool) -> tuple[float, float] | None:
        """(trustworthiness, recall) if it was measured; see `layouts.trust`."""
        return self._trust.get((asked, filled, metric))

    def measure(self, asked: Asked, metric: Any, *, filled: bool) -> tuple[float, float]:
        layout = self.get(asked, filled=filled)
        assert layout is not None
        found = trust(self._embedding.vectors, layout, metric=metric)
        self._trust[asked, filled, metric] = found
        return found

    def stop(self) -> None:
        """End what is being computed, at once; from any thread."""
        with self._lock:
            lane, self._lane = self._lane, None
        if lane is not None:
            lane[1].close()

    def close(self) -> None:
        with self._lock:
            self._closed = True
        self.stop()

    def _start(self, asked: Asked) -> Lane:
        with self._lock:
            if self._lane is not None and self._lane[0] == asked:
                return self._lane[1]
        lane = Lane(FINDERS[asked.kind], self._embedding.vectors.numpy(), **dict(asked.options))
        with self._lock:
            if not self._closed:
                self._lane = asked, lane
                return lane
        lane.close()
        return lane
