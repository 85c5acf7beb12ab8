"""A map under way: wanted again, it goes on where it was and does not begin anew."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.methods.occluders import Fill
from nnviz_widgets.methods.occlusion import occlusion_batches
from nnviz_widgets.methods.occlusion_map import OcclusionMap

Steps = Generator[OcclusionMap | float, None, None]


@dataclass(frozen=True, eq=False)
class Wanted:
    """All that a map depends on; `clean`, the probabilities of the whole picture, stands for the weights."""

    x: Tensor
    clean: NDArray[np.float64]
    size: int
    stride: int
    fill: Fill
    layer: str
    half: bool

    def same(self, other: Wanted) -> bool:
        return self.x is other.x and np.array_equal(self.clean, other.clean) and self._knobs() == other._knobs()

    def start(self, engine: Engine) -> Steps:
        return occlusion_batches(
            engine,
            self.x,
            size=self.size,
            stride=self.stride,
            fill=self.fill,
            layer=self.layer or None,
            half=self.half,
        )

    def _knobs(self) -> tuple[object, ...]:
        return self.size, self.stride, self.fill, self.layer, self.half


class Course:
    """Keeps the last map and what is to come of it: every class is in it, so that another class costs no pass.

    Used by the worker's thread alone.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._wanted: Wanted | None = None
        self._steps: Steps | None = None
        self._newest: OcclusionMap | None = None

    def follow(self, wanted: Wanted) -> Iterator[OcclusionMap | float]:
        """The newest map if there is one, then what `occlusion_batches` gives."""
        if self._steps is None or self._wanted is None or not wanted.same(self._wanted):
            self.drop()
            self._wanted, self._steps = wanted, wanted.start(self._engine)
        if self._newest is not None:
            yield self._newest
        try:
            for step in self._steps:
                if isinstance(step, OcclusionMap):
                    self._newest = step
                yield step
        except Exception:  # not when it is given up for now: then it can go on
            self.drop()
            raise

    def drop(self) -> None:
        """Let go of the map and its computation."""
        if self._steps is not None:
            self._steps.close()
        self._wanted = self._steps = self._newest = None
