"""What is left of a widget without its kernel: saved state, pages, and names that look like HTML."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path

import numpy as np
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image
from playwright.sync_api import Browser, BrowserContext

from nnviz_widgets.notebook_page import notebook_page
from tests.browser.conftest import PRELUDE
from tests.browser.lab import Lab
from tests.browser.notebook import Notebook

pytestmark = pytest.mark.browser

SLOW = """
const { get, set } = Object.getOwnPropertyDescriptor(HTMLImageElement.prototype, "src");
Object.defineProperty(HTMLImageElement.prototype, "src", {
  get, set(source) { setTimeout(() => set.call(this, source), source.startsWith("blob:") ? 2000 : 0); },
});
"""
DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABh6FO1AAAAABJRU5ErkJggg=="
NAUGHTY = "<img src=x onerror=window.nnvizHacked=1>"


@pytest.mark.parametrize("slow", [False, True])
def test_a_saved_notebook_opens_with_the_picture(
    notebook: Notebook, lab: Lab, shared: Path, context: BrowserContext, slow: bool
) -> None:
    notebook.run("widget = nnviz.ActivationMaps(engine, 'cat', layer='0', channel=2)\nwidget")
    saved = "widget._surface.canvases['mosaic'].image_data"  # the last pane that is saved
    before = notebook.await_picture("map")
    notebook.await_answer(f"{saved} is not None")
    notebook.run(f"first = {saved}")
    notebook.press("ArrowRight")
    notebook.await_change("map", before)
    expected = notebook.ask("widget._sheet.pixels(3).tolist()")
    notebook.await_colours("map", expected)
    notebook.await_answer(f"{saved} != first")
    toggle = "() => window.jupyterapp.commands.execute('@jupyter-widgets/jupyterlab-manager:saveWidgetState')"
    notebook.page.evaluate(toggle)
    held = notebook.ask("__import__('base64').b64encode(bytes(widget._surface.canvases['map'].image_data)).decode()")
    try:
        for _ in range(20):  # the page takes up a model's state in its own time, and saves what it has
            notebook.save()
            if held in shared.read_text():
                break
            notebook.page.wait_for_timeout(250)
        assert held in shared.read_text()
    finally:
        notebook.page.evaluate(toggle)
    copy = lab.folder / "reopened.ipynb"  # its kernel knows nothing of the widget
    copy.write_bytes(shared.read_bytes())
    page = context.new_page()
    if slow:  # the panes are there before their pictures are decoded
        page.add_init_script(SLOW)
    try:
        Notebook(page, lab.page(copy)).await_colours("map", expected)
    finally:
        page.close()


def test_an_exported_page_holds_the_picture(tmp_path: Path) -> None:
    cells = [new_code_cell(PRELUDE + "widget = nnviz.ActivationMaps(engine, 'cat', layer='0', channel=2)\nwidget")]
    cells.append(new_code_cell("widget.close()"))
    document = new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "python3"}})
    client = NotebookClient(document, timeout=120, resources={"metadata": {"path": tmp_path}}, store_widget_state=False)
    client.execute()
    page, _ = HTMLExporter().from_notebook_node(document)
    found = re.search(r'src="data:image/png;base64,([^"]+)"', page)
    assert found is not None
    picture = Image.open(io.BytesIO(base64.b64decode(found.group(1))))
    assert min(picture.size) > 300
    assert np.asarray(picture.convert("L")).std() > 10


def test_no_name_is_ever_run_as_html(notebook: Notebook) -> None:
    notebook.run(
        f"naughty = {NAUGHTY!r}\n"
        "odd = nn.Sequential()\n"
        "odd.add_module(naughty.replace('.', ' '), nn.Conv2d(3, 4, 3))\n"
        "odd.add_module('pool', nn.AdaptiveAvgPool2d(1))\n"
        "odd.add_module('flat', nn.Flatten())\n"
        "from types import SimpleNamespace\n"
        "odd_engine = nnviz.Engine(odd, mean=0.5, std=0.25, size=32, labels=[naughty] * 4, name=naughty)\n"
        "widget = nnviz.ActivationMaps(odd_engine, 'cat', layer=naughty.replace('.', ' '))\n"
        "filters = nnviz.Filters(odd_engine)\n"
        "display(widget, filters)"
    )
    notebook.await_picture("map")
    notebook.await_text(".nnviz-title", "<img src=x")
    notebook.await_text(".nnviz-caption", "<img src=x")
    notebook.page.mouse.move(*notebook.at("map", 0.5, 0.5))
    notebook.run(f"try:\n    widget.layer = {NAUGHTY!r}\nexcept nnviz.NnvizError as error:\n    widget._failed(error)")
    notebook.await_text(".nnviz-error", "<img src=x")
    assert notebook.page.locator("img[src=x]").count() == 0
    assert notebook.page.evaluate("() => window.nnvizHacked") is None


def test_pages_need_no_network(tmp_path: Path, browser: Browser, notebook: Notebook) -> None:
    """A widget's page and a notebook's: pictures and formulas are there, and no request leaves."""
    notebook.run(f"nnviz.Saliency(engine, 'cat', target=1).save({str(tmp_path / 'widget.html')!r})")
    cell = new_code_cell("", outputs=[new_output("display_data", {"image/png": DOT})])
    cells = [new_markdown_cell("The sum $\\sum_k w_k$ and\n\n$$y = \\frac{1}{2}$$"), cell]
    page_of = notebook_page(new_notebook(cells=cells), title="notebook", language="en", folder=tmp_path)
    (tmp_path / "notebook.html").write_text(page_of, encoding="utf-8")
    context = browser.new_context(offline=True, color_scheme="dark")
    asked: list[str] = []
    complaints: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    try:
        for name in ("widget", "notebook"):
            page = context.new_page()
            page.on("console", lambda message: complaints.append(message.text))
            page.goto((tmp_path / f"{name}.html").as_uri())
            sizes = page.evaluate("() => [...document.images].map((i) => i.complete && i.naturalWidth)")
            assert sizes, name
            assert all(sizes), name
            assert page.evaluate("() => document.scripts.length") == 0
        assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
        assert complaints == []
        assert page.locator("math").count() == 2
        heights = page.evaluate("() => [...document.querySelectorAll('math')].map((m) => m.getBoundingClientRect())")
        assert all(box["width"] > 10 and box["height"] > 10 for box in heights)
        fraction = page.locator("mfrac").bounding_box()
        assert fraction is not None
        assert fraction["height"] > 1.5 * fraction["width"]  # one number over the other
        background = "() => getComputedStyle(document.body).backgroundColor"
        page.goto((tmp_path / "widget.html").as_uri())
        assert page.evaluate(background) == "rgb(17, 17, 17)"
    finally:
        context.close()


def test_the_code_of_a_widget_is_copied(notebook: Notebook, context: BrowserContext) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    try:
        notebook.run("widget = nnviz.ActivationMaps(engine, 'cat', layer='0', channel=2)\nwidget")
        notebook.await_picture("map")
        button = notebook.page.locator(".nnviz-copy")
        button.focus()
        notebook.page.keyboard.press("Enter")
        notebook.await_text(".nnviz-copy", "Copied")
        assert notebook.page.evaluate("() => navigator.clipboard.readText()") == notebook.ask("widget.code")
    finally:
        context.clear_permissions()


def test_where_nothing_may_be_copied_the_code_is_shown(notebook: Notebook) -> None:
    notebook.run("widget = nnviz.ActivationMaps(engine, 'cat', layer='0', channel=2)\nwidget")
    notebook.await_picture("map")
    notebook.page.evaluate(
        "() => { navigator.clipboard.writeText = () => Promise.reject(new Error('refused'));"
        " document.execCommand = () => false; }"
    )
    try:
        notebook.page.locator(".nnviz-copy").click()
        notebook.page.locator(".nnviz-code textarea").wait_for()
        shown = notebook.page.locator(".nnviz-code textarea").input_value()
        assert shown == notebook.ask("widget.code")
    finally:
        notebook.page.evaluate("() => { delete navigator.clipboard.writeText; delete document.execCommand; }")
