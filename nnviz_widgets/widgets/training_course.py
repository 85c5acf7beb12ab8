"""What a training has shown so far: losses, right answers, and the last mistake on pictures held out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nnviz_widgets.methods.train import TrainingStep
from nnviz_widgets.methods.train_score import Wrong

Vector = NDArray[np.float64]
Places = tuple[Vector, Vector]
"""Epochs, and the values there."""


class Course:
    """Filled on the worker's thread, step by step; read from any."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self._steps: list[tuple[float, ...]] = []
        self._tests: list[tuple[float, ...]] = []
        self._last = -1
        self.wrong: Wrong | None = None

    def add(self, step: TrainingStep) -> None:
        """A step that was there already is not taken twice."""
        if step.step <= self._last:
            return
        self._last = step.step
        if step.step:
            self._steps.append((step.epoch, step.loss, step.accuracy))
        if step.test_accuracy is not None:
            self._tests.append((step.epoch, step.test_accuracy))
            self.wrong = step.wrong

    @property
    def losses(self) -> Places:
        return _columns(self._steps[:], 1)

    @property
    def accuracies(self) -> Places:
        """Of the pictures learned from."""
        return _columns(self._steps[:], 2)

    @property
    def tests(self) -> Places:
        """Accuracies of the pictures held out."""
        return _columns(self._tests[:], 1)


def smoothed(places: Places, window: int) -> Places:
    """Each value the mean of the last `window` ones."""
    epochs, values = places
    sums = np.concatenate([[0.0], np.cumsum(values)])
    ends = np.arange(1, len(values) + 1)
    begins = np.maximum(ends - window, 0)
    return epochs, (sums[ends] - sums[begins]) / (ends - begins)


def _columns(rows: list[tuple[float, ...]], column: int) -> Places:
    return np.array([row[0] for row in rows]), np.array([row[column] for row in rows])
