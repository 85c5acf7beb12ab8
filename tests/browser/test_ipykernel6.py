"""The widgets on ipykernel 6, whose messages all come on the thread of the cells."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext

from tests.browser.chromium import run_quietly
from tests.browser.conftest import PRELUDE
from tests.browser.lab import Lab
from tests.browser.notebook import Notebook

pytestmark = [pytest.mark.browser, pytest.mark.soak]


def test_a_slider_moves_pixels(context: BrowserContext, lab: Lab, tmp_path: Path) -> None:
    packages = ["--target", str(tmp_path), "--no-deps", "ipykernel<7", "nest-asyncio"]
    if not run_quietly([sys.executable, "-m", "pip", "install", "--quiet", *packages], 120):
        pytest.skip("ipykernel 6 could not be installed")
    lab.add_kernel("six", packages=tmp_path)
    page = context.new_page()
    try:
        notebook = Notebook(page, lab.page(lab.notebook("six", kernel="six")))
        notebook.run(PRELUDE + "widget = nnviz.ActivationMaps(engine, 'cat', layer='0', channel=2)\nwidget")
        assert notebook.ask("__import__('ipykernel').version_info[0]") == 6
        before = notebook.await_picture("map")
        notebook.press("ArrowRight", 3)
        notebook.await_text(".nnviz-title", "channel 5")
        notebook.await_change("map", before)
        notebook.await_colours("map", notebook.ask("widget._sheet.pixels(5).tolist()"))
        notebook.run("widget.close()")
        assert notebook.errors == []
    finally:
        page.close()
