"""Priors side by side and a sheet of channels in a browser: pictures grow, a tile is chosen and opened."""

from __future__ import annotations

import pytest

from tests.browser.notebook import Notebook

pytestmark = pytest.mark.browser

DONE = "widget.phase == 'done' and widget._surface._pacer.deadline() is None"


def test_columns_grow_side_by_side(notebook: Notebook) -> None:
    notebook.run("widget = nnviz.AscentColumns(engine, target=1, size=32, steps=3, autorun=False)\nwidget")
    before = [notebook.await_picture(f"column{index}") for index in (0, 6)]
    notebook.run("widget.compute()")
    notebook.await_answer(DONE)
    for index, print_ in zip((0, 6), before, strict=True):
        notebook.await_change(f"column{index}", print_)
    boxes = [notebook.pane(f"column{index}").bounding_box() for index in (0, 1, 4, 6)]
    assert len({round(box["y"]) for box in boxes}) == 1  # side by side
    assert len({round(box["width"]) for box in boxes}) == 1
    assert [box["x"] for box in boxes] == sorted(box["x"] for box in boxes)
    notebook.run("widget.close()")


def test_a_tile_is_chosen_by_keys_and_opened_by_enter(notebook: Notebook) -> None:
    notebook.run("widget = nnviz.AscentSheet(engine, layer='1', count=12, size=32, steps=2)\nwidget")
    notebook.await_answer(DONE)
    notebook.await_picture("strip5")
    row = 2 * notebook.ask("widget._room.across")
    assert row >= 6  # as many as there is room for
    notebook.page.mouse.click(*notebook.at("strip0", 0.25, 0.5))
    notebook.await_answer("widget.opened is not None and widget.opened.channel == 0")
    notebook.page.keyboard.press("ArrowRight")
    notebook.page.keyboard.press("ArrowDown")
    notebook.await_answer(f"widget.channel == {row + 1 if row + 1 < 12 else 1}")
    notebook.page.keyboard.press("Enter")
    notebook.await_answer("widget.opened.channel == widget.channel")
    notebook.await_picture("picture")
    notebook.page.mouse.move(*notebook.at("strip1", 0.25, 0.5))
    notebook.await_text(".nnviz-caption", "channel 2 · ")
    notebook.run("widget.close()")
