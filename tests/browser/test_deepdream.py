"""The dream as a person uses it: it grows, is steered without beginning anew, and stops."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.notebook import Notebook

pytestmark = pytest.mark.browser


@pytest.fixture
def dream(notebook: Notebook) -> Iterator[Notebook]:
    """The notebook with `widget`, which waits for start."""
    options = "layer='2', octaves=1, steps=1000, side=128, autorun=False"
    notebook.run(f"widget = nnviz.DeepDream(engine, 'cat', {options})\nwidget")
    for name in ("photo", "dream"):
        notebook.await_picture(name)
    yield notebook
    notebook.run("widget.close()")


def button(dream: Notebook, name: str) -> Locator:
    return dream.page.locator(".nnviz button", has_text=name)


def press(dream: Notebook, name: str) -> None:
    button(dream, name).click()


def test_it_grows_is_steered_and_stops(dream: Notebook) -> None:
    photo, before = dream.print_of("photo"), dream.print_of("dream")
    press(dream, "Go on")
    before = dream.await_change("dream", before)
    before = dream.await_change("dream", before)
    reached = dream.ask("widget.moment.step")
    slider = dream.page.locator(".nnviz-knobs .noUi-handle").nth(3)
    slider.focus()
    dream.page.keyboard.press("PageUp")
    dream.await_answer("widget.step_size > 1.5")
    dream.await_change("dream", dream.print_of("dream"))
    assert dream.ask("widget.moment.step") >= reached > 0
    press(dream, "Stop")
    dream.await_answer("widget.phase == 'stopped'")
    stopped = dream.ask("widget.moment.step")
    assert stopped < 1000
    dream.await_text(".nnviz-status", "stopped")
    assert dream.ask("widget.moment.step") == stopped
    assert dream.print_of("photo") == photo
    expect(button(dream, "Stop")).to_be_disabled()


def test_the_dream_is_saved_beside_the_notebook(dream: Notebook) -> None:
    press(dream, "Save picture")
    dream.await_text(".nnviz-status", "Saved as deepdream")
    assert dream.ask("__import__('glob').glob('deepdream*.png') != []")
