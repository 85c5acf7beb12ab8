"""One JupyterLab, one kernel and one browser for all tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from tests.browser.chromium import FLAGS, MISSING, find_chromium, must_be_there
from tests.browser.lab import Lab, running_lab
from tests.browser.notebook import Notebook

PRELUDE = """
import ipywidgets, threading, time, torch
import nnviz_widgets as nnviz
from torch import nn

torch.manual_seed(0)
layers = nn.Conv2d(3, 12, 5, stride=2, padding=2), nn.ReLU(), nn.Conv2d(12, 16, 3, stride=2, padding=1), nn.ReLU()
net = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 5))
engine = nnviz.Engine(net, mean=0.5, std=0.25, size=64, labels=["one", "two", "three", "four", "five"])
"""

CLOSE = """
from nnviz_widgets.widgets.base import LiveWidget
for widget in list(ipywidgets.widgets.widget._instances.values()):
    if isinstance(widget, LiveWidget):
        widget.close()
ipywidgets.Widget.close_all()
"""

_missing: list[str] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _missing:
        terminalreporter.write_line(f"skipped: {_missing[0]}", yellow=True)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a browser."""
    path = find_chromium()
    if path is None:
        if must_be_there(os.environ):
            pytest.fail(MISSING, pytrace=False)
        _missing.append(MISSING)
        pytest.skip(MISSING)
    return path


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """One for all pages, so that JupyterLab's own files are fetched once."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    yield context
    context.close()


@pytest.fixture(scope="session")
def lab(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running_lab(tmp_path_factory.mktemp("lab")) as lab:
        yield lab


@pytest.fixture(scope="session")
def shared(lab: Lab) -> Path:
    """The notebook whose kernel all tests share: its file stays empty, so each page begins without cells."""
    return lab.notebook("shared")


@pytest.fixture(scope="session")
def page(context: BrowserContext, lab: Lab, shared: Path) -> Iterator[Notebook]:
    """One page for all of them; loading one takes seconds."""
    page = context.new_page()
    notebook = Notebook(page, lab.page(shared))
    notebook.run(PRELUDE)
    yield notebook
    page.close()


@pytest.fixture
def notebook(page: Notebook) -> Iterator[Notebook]:
    """An empty notebook with a small network, `engine`, in its kernel."""
    page.clear()
    page.errors.clear()
    yield page
    page.run(CLOSE)
    assert page.errors == []
