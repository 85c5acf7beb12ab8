"""The widgets in Notebook 7, and as an app in Voila, where there are no cells and no one runs them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import BrowserContext

from nnviz_widgets.tour import find_tour
from tests.browser.conftest import CLOSE, PRELUDE
from tests.browser.lab import NOTEBOOK, VOILA, Lab, running_lab
from tests.browser.notebook import Notebook

pytestmark = pytest.mark.browser

SHOW = "widget = nnviz.ActivationMaps(engine, 'cat', layer='0', channel=2)\nwidget"


def ours(errors: list[str]) -> list[str]:
    """Extensions made for another host, and what they fetch from a network, complain in these."""
    return [error for error in errors if any(name in error for name in ("nnviz", "ipycanvas", "anywidget"))]


class App(Notebook):
    """A page of Voila's: widgets without cells, and no kernel that could be asked."""

    def _ready(self) -> None:
        self.await_true("window.nnvizTest && document.querySelector('canvas.nnviz-pane')")


@pytest.fixture(scope="module")
def notebook7(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running_lab(tmp_path_factory.mktemp("notebook7"), NOTEBOOK) as server:
        yield server


@pytest.fixture(scope="module")
def voila(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running_lab(tmp_path_factory.mktemp("voila"), VOILA) as server:
        yield server


def expected(channel: int, *, dark: bool = False) -> Any:
    """The colours of a channel's map, (rows, columns, 3), computed here."""
    names: dict[str, Any] = {}
    exec(PRELUDE + SHOW.removesuffix("widget") + f"widget.theme = {'dark' if dark else 'light'!r}", names)
    widget = names["widget"]
    try:
        widget.compute()
        return widget._sheet.pixels(channel).tolist()
    finally:
        widget.close()


def test_a_slider_moves_pixels_in_notebook_7(notebook7: Lab, context: BrowserContext) -> None:
    page = context.new_page()
    try:
        notebook = Notebook(page, notebook7.page(notebook7.notebook("seven")))
        notebook.run(PRELUDE + SHOW)
        before, photo = notebook.await_picture("map"), notebook.await_picture("photo")
        assert page.locator("#jp-NotebookSwitcher, .jp-NotebookPanel").count()
        notebook.press("ArrowRight")
        notebook.await_change("map", before)
        assert notebook.ask("widget.channel") == 3
        notebook.await_colours("map", notebook.ask("widget._sheet.pixels(3).tolist()"))
        assert notebook.print_of("photo") == photo
        notebook.run(CLOSE)
        assert ours(notebook.errors) == []
    finally:
        page.close()


def app(lab: Lab, name: str, *cells: str) -> Path:
    path = lab.notebook(name)
    document = nbformat.read(path, as_version=4)
    nbformat.write(new_notebook(cells=[*map(new_code_cell, cells)], metadata=document.metadata), path)
    return path


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_slider_moves_pixels_in_voila(voila: Lab, context: BrowserContext, theme: str) -> None:
    page = context.new_page()
    try:
        url = f"{voila.page(app(voila, f'maps-{theme}', PRELUDE, SHOW))}?theme={theme}"
        shown = App(page, url)
        shown.await_colours("map", expected(2, dark=theme == "dark"))
        shown.await_picture("photo")
        assert page.locator(".jp-InputArea-editor, .cm-content").count() == 0
        shown.press("ArrowRight")
        shown.await_text(".nnviz-title", "channel 3")
        shown.await_colours("map", expected(3, dark=theme == "dark"))
        assert ours(shown.errors) == []
    finally:
        page.close()


def test_a_page_of_voila_that_is_loaded_again_has_its_own_widgets(voila: Lab, context: BrowserContext) -> None:
    page = context.new_page()
    try:
        shown = App(page, voila.page(app(voila, "again", PRELUDE, SHOW)))
        before = shown.await_picture("map")
        shown.press("ArrowRight")
        shown.await_change("map", before)
        page.reload(wait_until="domcontentloaded")
        shown._ready()
        shown.await_print("map", before)
    finally:
        page.close()


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_the_tour_is_an_app(voila: Lab, context: BrowserContext) -> None:
    """Every widget of it with its pictures, and a control that moves them."""
    source = nbformat.read(find_tour("en"), as_version=4)
    path = voila.notebook("tour")
    nbformat.write(source, path)
    page = context.new_page()
    try:
        page.goto(voila.page(path), wait_until="commit", timeout=800_000)
        page.wait_for_function("() => document.querySelectorAll('.nnviz').length", timeout=800_000)
        count = page.evaluate("() => document.querySelectorAll('.nnviz').length")
        assert count >= sum("nnviz." in cell.source for cell in source.cells if cell.cell_type == "code") // 2
        drawn = (
            "() => [...document.querySelectorAll('.nnviz')].every((w) =>"
            " [...w.querySelectorAll('canvas.nnviz-pane')].some((c) => c.width &&"
            " c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some((v) => v)))"
        )
        page.wait_for_function(drawn, timeout=600_000)
        page.set_viewport_size({"width": 1280, "height": 800})
        wide = page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0
        slider = page.locator(".nnviz .noUi-handle").first
        picture = (
            "(handle) => [...handle.closest('.nnviz').querySelectorAll('canvas.nnviz-pane')]"
            ".map((c) => c.toDataURL()).join()"
        )
        before = slider.evaluate(picture)
        assert before
        slider.focus()
        page.keyboard.press("ArrowRight")
        for _ in range(100):
            if slider.evaluate(picture) != before:
                break
            page.wait_for_timeout(100)
        else:
            raise AssertionError("no picture has changed")
    finally:
        page.close()
