"""Which passes are kept, and what happens where none can be recorded; the recording itself needs a GPU."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from nnviz_widgets.engine import replays
from nnviz_widgets.engine.replays import KEPT, Replays


class Pass:
    def __init__(self) -> None:
        self.runs = 0

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        self.runs += 1
        return x.sum()[None], torch.ones_like(x)


@pytest.fixture
def records(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Each recording made; one of a pass given as None is refused."""
    made: list[object] = []

    def record(run: Pass, x: Tensor) -> object:
        made.append(run)
        return None if getattr(run, "refused", False) else lambda y: (y.sum()[None] + 1000, torch.ones_like(y))

    monkeypatch.setattr(replays, "_record", record)
    return made


def test_a_pass_is_recorded_once_and_replayed_from_the_first_look_on(records: list[object]) -> None:
    kept, run, x = Replays(), Pass(), torch.zeros(2)
    assert [kept.run("a", run, x)[0].item() for _ in range(3)] == [1000] * 3  # one arithmetic for the whole ascent
    assert (len(records), run.runs) == (1, 1)
    kept.run("a", run, torch.zeros(3))
    kept.run("b", run, x)
    kept.run("a", run, x.double())
    assert len(records) == 4


def test_what_cannot_be_recorded_is_not_tried_again(records: list[object]) -> None:
    kept, run, x = Replays(), Pass(), torch.ones(2)
    run.refused = True  # type: ignore[attr-defined]
    assert [kept.run("a", run, x)[0].item() for _ in range(3)] == [2] * 3
    assert (len(records), run.runs) == (1, 3)
    kept.clear()
    kept.run("a", run, x)
    assert len(records) == 2


def test_only_the_last_few_are_kept(records: list[object]) -> None:
    kept, run, x = Replays(), Pass(), torch.zeros(1)
    for key in range(KEPT + 1):
        kept.run(key, run, x)
    for key in range(KEPT, 0, -1):
        kept.run(key, run, x)
    assert len(records) == KEPT + 1
    kept.run(0, run, x)
    assert len(records) == KEPT + 2
