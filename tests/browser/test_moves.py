"""Sliders move pixels: at once, to the last value, in every view, after a reload, and beside a busy cell."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.lab import Lab
from tests.browser.notebook import Notebook

pytestmark = pytest.mark.browser

SHOW = "widget = nnviz.ActivationMaps(engine, 'cat', layer='0', channel=2)\nwidget"
COLOURS = "widget._sheet.pixels(widget.channel).tolist()"


def test_a_slider_moves_pixels(notebook: Notebook) -> None:
    notebook.run(SHOW)
    before, photo = notebook.await_picture("map"), notebook.await_picture("photo")
    notebook.press("ArrowRight")
    notebook.await_change("map", before)
    assert notebook.ask("widget.channel") == 3
    notebook.await_colours("map", notebook.ask(COLOURS))
    assert notebook.print_of("photo") == photo


def test_many_fast_moves_end_on_the_last_and_compute_few(notebook: Notebook) -> None:
    notebook.run(
        "class Slow(nnviz.ActivationMaps):\n"
        "    computed = []\n"
        "    def _steps(self, state):\n"
        "        self.computed.append(state.channel)\n"
        "        time.sleep(0.1)  # a network that takes its time\n"
        "        yield from super()._steps(state)\n"
        "widget = Slow(engine, 'cat', layer='2')\nwidget"
    )
    notebook.await_picture("map")
    notebook.run("widget.computed.clear()")
    notebook.press("ArrowRight", 15)
    notebook.press("ArrowLeft", 15)
    notebook.press("ArrowRight", 7)
    notebook.await_text(".nnviz-title", "channel 7")
    notebook.await_colours("map", notebook.ask("widget._sheet.pixels(7).tolist()"))
    computed = notebook.ask("widget.computed")
    assert computed[-1] == 7
    assert len(computed) < 25, computed


def test_a_number_beside_a_french_slider_has_a_comma_and_is_read_with_one(notebook: Notebook) -> None:
    notebook.run(SHOW.replace("'cat'", "'cat', language='fr', overlay=0.25"))
    notebook.await_picture("map")
    shown = notebook.page.locator(".nnviz .widget-readout", has_text=re.compile(r"^\d+[.,]\d+$"))
    expect(shown).to_have_text("0,25")
    shown.click()
    notebook.page.keyboard.press("Control+A")
    notebook.page.keyboard.type("0,5")
    notebook.page.keyboard.press("Enter")
    notebook.await_answer("widget.overlay == 0.5")
    shown.evaluate("(readout) => readout.blur()")
    expect(shown).to_have_text("0,50")
    shown.focus()
    shown.evaluate("(readout) => readout.blur()")
    expect(shown).to_have_text("0,50")
    assert notebook.ask("widget.overlay") == 0.5
    notebook.run("widget.overlay = 0.75")
    expect(shown).to_have_text("0,75")


def test_a_reload_brings_the_picture_back(notebook: Notebook) -> None:
    notebook.run(SHOW)
    notebook.press("ArrowRight", 2)
    notebook.await_colours("map", notebook.ask("widget.compute()[0, 0, 0].item() and widget._sheet.pixels(4).tolist()"))
    before = [notebook.print_of(name) for name in ("photo", "map", "mosaic")]
    notebook.reload()
    for name, expected in zip(("photo", "map", "mosaic"), before, strict=True):
        notebook.await_print(name, expected)
    notebook.press("ArrowRight")
    notebook.await_change("map", before[1])
    notebook.await_colours("map", notebook.ask(COLOURS))


def test_a_second_view_shows_the_same(notebook: Notebook) -> None:
    notebook.run(SHOW)
    before = notebook.await_picture("map")
    notebook.run("widget")
    for name in ("photo", "map", "mosaic"):
        notebook.await_print(name, notebook.await_picture(name), view=1)
    notebook.press("ArrowRight")
    after = notebook.await_change("map", before)
    notebook.await_print("map", after, view=1)


def test_moves_are_answered_while_another_cell_is_busy(notebook: Notebook, lab: Lab) -> None:
    notebook.run(SHOW)
    before = notebook.await_picture("map")
    notebook.press("ArrowRight")  # the very first message of a control comes on the cells' own thread
    before = notebook.await_change("map", before)
    end = lab.folder / "end"
    notebook.run(f"from pathlib import Path\nwhile not Path({str(end)!r}).exists(): time.sleep(0.02)", wait=False)
    notebook.await_text(".jp-InputPrompt", "[*]")
    try:
        for _ in range(3):
            notebook.press("ArrowRight")
            before = notebook.await_change("map", before)
        assert notebook.page.locator(".jp-InputPrompt", has_text="[*]").count() == 1
    finally:
        end.touch()
    notebook.await_true("nnvizTest.ready()")
    assert notebook.ask("widget.channel") == 6
    end.unlink()
