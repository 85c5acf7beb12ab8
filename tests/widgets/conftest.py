"""A small engine, widgets that are closed after each test with nothing left of them, and pictures of all kinds."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import ipycanvas.canvas
import ipywidgets
import numpy as np
import pytest
import torch
from ipywidgets.widgets.widget import _instances
from PIL import Image
from torch import Tensor, nn

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.live import Worker
from nnviz_widgets.widgets import workers
from tests.engine.networks import seeded

LABELS = ["one", "two", "three", "four", "five"]
assert ipycanvas.canvas._CanvasManager  # importing it makes a manager of its own, which is none of ours


class Net(nn.Module):
    """Two convolutions, signed and rectified maps, and a switch that breaks it between them."""

    def __init__(self, inputs: int = 3) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, 6, 3, padding=1)
        self.relu1 = nn.ReLU()
        self.pool = nn.MaxPool2d(2)
        self.conv2 = nn.Conv2d(6, 8, 3, groups=2)
        self.relu2 = nn.ReLU()
        self.fc = nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu1(self.conv1(x))
        if Switch.error is not None:
            raise Switch.error
        x = self.relu2(self.conv2(self.pool(x)))
        return self.fc(x.mean((2, 3)))


class Switch:
    error: BaseException | None = None


def engine_of(make: Callable[[], nn.Module] = Net, **options: Any) -> Engine:
    settings = {"mean": (0.5,) * 3, "std": (0.25,) * 3, "size": 16, "labels": LABELS, "outputs": "logits", **options}
    return Engine(seeded(make), **settings)


@pytest.fixture
def engine() -> Engine:
    return engine_of()


@pytest.fixture(autouse=True)
def _switch_off() -> Iterator[None]:
    yield
    Switch.error = None


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NNVIZ_LANGUAGE", raising=False)
    monkeypatch.setattr("nnviz_widgets.lang._chosen", [])


def living() -> set[str]:
    """Ids of all widgets that are open."""
    return set(_instances)


def threads() -> list[threading.Thread]:
    """Our threads; one that is ending is given a moment."""
    end = time.monotonic() + 5
    while time.monotonic() < end:
        found = [thread for thread in threading.enumerate() if thread.name.startswith("nnviz-")]
        if not found:
            break
        time.sleep(0.01)
    return found


@pytest.fixture
def opened() -> Iterator[Callable[[Any], Any]]:
    """Registers a widget; at the end all are closed, and no other widget and no thread may be left of them."""
    before = living()
    made: list[Any] = []

    def register(widget: Any) -> Any:
        made.append(widget)
        return widget

    yield register
    for widget in made:
        widget.close()
    assert [type(_instances[key]).__name__ for key in living() - before] == []
    assert threads() == []


@pytest.fixture
def by_hand(monkeypatch: pytest.MonkeyPatch) -> list[Worker]:
    """The workers of widgets made from now on run only when told to, or when their result is waited for."""
    made: list[Worker] = []

    def make(**_hooks: object) -> Worker:
        made.append(Worker(threaded=False))
        return made[-1]

    monkeypatch.setattr(workers, "Worker", make)
    return made


def noise(seed: int = 0, side: int = 20) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)


def png(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def parts(widget: Any) -> Iterator[Any]:
    """A widget and all that it shows, depth first."""
    yield widget
    for child in getattr(widget, "children", ()):
        yield from parts(child)


def html_of(widget: Any) -> list[str]:
    return [part.value for part in parts(widget) if isinstance(part, ipywidgets.HTML)]


def status_of(widget: Any) -> str:
    """The status line, as HTML."""
    (line,) = [value for value in html_of(widget) if 'role="status"' in value]
    return line


def control_of(widget: Any, description: str) -> Any:
    (found,) = [part for part in parts(widget) if getattr(part, "description", None) == description]
    return found


def seen(widget: Any) -> np.ndarray:
    """The widget's picture as pixels."""
    return np.asarray(widget.picture)


def same(first: Tensor, second: Tensor) -> bool:
    return torch.equal(first, second)
