"""A training as a person uses it: it learns before one's eyes, is paused, taken step by step, steered, begun anew."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator

from tests.browser.notebook import Notebook

pytestmark = pytest.mark.browser

SHOW = """
import numpy
torch.manual_seed(0)
learner = nn.Sequential(nn.Conv2d(1, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(216, 10))
first = learner[0].weight.detach().clone()
digits = nnviz.ImageSet("digits")
some = nnviz.ImageSet(numpy.stack(digits[:300]), labels=list(digits.labels[:300]), classes=digits.classes)
widget = nnviz.Training(learner, some, mean=0.5, std=0.5, size=8, epochs=400, autorun=False)
widget
"""


@pytest.fixture
def training(notebook: Notebook) -> Iterator[Notebook]:
    """The notebook with `widget`, which waits at its beginning."""
    notebook.run(SHOW)
    for name in ("photo", "filters", "maps", "loss", "accuracy", "wrong"):
        notebook.await_picture(name)
    notebook.await_answer("widget.phase == 'paused'")
    yield notebook
    notebook.run("widget.close()")


def button(training: Notebook, name: str) -> Locator:
    return training.page.get_by_role("button", name=re.compile(rf"^\W*{name}$"))  # an icon before it


def test_it_learns_before_ones_eyes_and_begins_anew(training: Notebook) -> None:
    prints = {name: training.print_of(name) for name in ("filters", "maps", "loss", "accuracy")}
    button(training, "Go on").click()
    for name, before in prints.items():
        training.await_change(name, before)
    training.await_text(".nnviz-caption", "pictures/s")
    button(training, "Pause").click()
    training.await_answer("widget.phase == 'paused'")
    assert training.ask("not torch.equal(learner[0].weight, first)")
    step = training.ask("widget.result.step")
    button(training, "Step").click()
    training.await_answer(f"widget.result.step == {step + 1}")
    training.await_text(".nnviz-status", f"step {step + 1} of")
    training.press("ArrowRight", 3)  # the learning rate
    training.await_answer("widget.learning_rate > 0.09")
    assert training.ask("widget.phase") == "paused"
    button(training, "Restart").click()
    training.await_answer("widget.phase == 'running'")
    button(training, "Stop").click()
    training.await_answer("widget.phase == 'stopped'")
    training.run("widget.epochs = 1")
    button(training, "Start").click()
    training.await_answer("widget.phase == 'done'")
    assert training.ask("widget.result.step == widget._each")


def test_a_click_on_the_mistake_looks_at_it(training: Notebook) -> None:
    photo = training.print_of("photo")
    training.page.mouse.click(*training.at("wrong", 0.5, 0.5))
    training.await_answer("widget.example == widget.result.wrong.index")
    training.await_change("photo", photo)
    training.page.mouse.move(*training.at("maps", 0.02, 0.02))
    training.await_text(".nnviz-caption", "channel 0, row 0, column 0")
