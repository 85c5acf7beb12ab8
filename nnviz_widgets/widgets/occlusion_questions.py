"""What the network says with the square at one place: asked one at a time, the next one always the newest."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.live import Partial, Worker
from nnviz_widgets.methods.occluders import Fill, occluder
from nnviz_widgets.widgets.occlusion_square import Corner

MOMENT = 0.06  # seconds without a newer question
NAP = 0.01


@dataclass(frozen=True, eq=False)
class Question:
    """A square on a picture.

    Attributes:
        known: the probabilities, where the map has them already.
        layer, channel: of a map that is wanted too; None for none.
    """

    x: Tensor
    corner: Corner
    size: int
    fill: Fill
    known: NDArray[np.float64] | None = None
    layer: str = ""
    channel: int | None = None

    def same(self, other: Question | None) -> bool:
        """Whether it has the same answer, on the same network."""
        return other is not None and self._key() == other._key() and self.x is other.x

    @property
    def source(self) -> tuple[str, int | None]:
        """Where the map that is wanted comes from."""
        return self.layer, self.channel

    def _key(self) -> tuple[object, ...]:
        return self.corner, self.size, self.fill, self.known is not None, self.source


@dataclass(frozen=True, eq=False)
class Answer:
    """Probabilities (classes,) with the square there, and the layer's map (h, w) as soon as there is one."""

    question: Question
    probabilities: NDArray[np.float64]
    feature: NDArray[np.float32] | None = None

    def with_map_of(self, before: Answer | None) -> Answer:
        """Until its own map is there, that of the answer before stands in, if it is of the same channel."""
        if self.feature is not None or before is None or before.question.source != self.question.source:
            return self
        return replace(self, feature=before.feature)


def answers(engine: Engine, question: Question) -> Iterator[Partial]:
    """The probabilities, by one pass; then the map, which costs another, as soon as the square rests for a moment."""
    hidden = _hidden(engine, question)
    found = question.known
    if found is None:
        found = engine.probabilities(hidden)[0].double().cpu().numpy()
    answer = Answer(question, found)
    if question.channel is None:
        yield Partial(answer, 1.0)
        return
    end = time.monotonic() + MOMENT
    yield Partial(answer, 0.5)
    while time.monotonic() < end:
        time.sleep(NAP)
        yield Partial(answer, 0.5)  # a newer question is heard here
    maps = engine.activations(hidden, question.layer)[0, question.channel]
    yield Partial(replace(answer, feature=maps.float().cpu().numpy()), 1.0)


def _hidden(engine: Engine, question: Question) -> Tensor:
    (top, left), size = question.corner, question.size
    hidden = question.x.clone()
    square = (..., slice(top, top + size), slice(left, left + size))
    hidden[square] = occluder(engine.contract, question.x, question.fill)[square]
    return hidden


class Questions:
    """A mailbox of its own on a worker, so that an answer comes between two batches of a map.

    A running question is not given up for a newer one, or a hand that never rests would see no answer at all; but of
    those that come meanwhile only the last is asked.
    """

    def __init__(
        self,
        engine: Engine,
        worker: Worker,
        told: Callable[[Answer], object],
        failed: Callable[[BaseException], object],
    ) -> None:
        self._engine, self._tell, self._fail = engine, told, failed
        self._view = worker.view(on_result=self._told, on_error=self._failed)
        self._lock = threading.Lock()
        self._waiting: Question | None = None
        self._asked: Question | None = None
        self._newest: Answer | None = None  # told already
        self.idle = threading.Event()
        self.idle.set()

    def ask(self, question: Question | None) -> None:
        """Returns at once, from any thread; with None nothing is to be asked any more."""
        with self._lock:
            if question is None or (self._asked is not None and question.same(self._asked)):
                self._waiting = None
                return
            if not self.idle.is_set():
                self._waiting = question
                return
            self.idle.clear()
        self._post(question)

    def close(self) -> None:
        self._view.close()

    def _post(self, question: Question) -> None:
        self._asked = question
        self._view.post(lambda: answers(self._engine, question))

    def _told(self, answer: Answer, last: bool) -> None:
        if answer is not self._newest:
            self._newest = answer
            self._tell(answer)
        self._go_on(last)

    def _failed(self, error: BaseException) -> None:
        self._fail(error)
        self._go_on(True)

    def _go_on(self, ended: bool) -> None:
        with self._lock:
            question, self._waiting = self._waiting, None
            if question is None:
                if ended:
                    self._asked = None
                    self.idle.set()
                return
        self._post(question)
