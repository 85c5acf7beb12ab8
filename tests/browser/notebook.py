"""A notebook in a page: run a cell, ask its kernel, look at the pixels of a pane."""

from __future__ import annotations

import ast
import base64
import io
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Locator, Page

HELPERS = (Path(__file__).parent / "helpers.js").read_text()
WAIT = 30_000  # milliseconds for anything that one waits to see
# What any page of JupyterLab may log, whatever the notebook does.
NOISE = ("favicon", "net::ERR_ABORTED", "404 (Not Found)", "503 (Service Unavailable)")


class Notebook:
    """One page with one notebook in it; `errors` gathers what the page complains of."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.errors: list[str] = []
        page.set_default_timeout(WAIT)
        page.add_init_script(HELPERS)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._heard)
        page.goto(url, wait_until="domcontentloaded")
        self._ready()

    def run(self, source: str, *, wait: bool = True) -> None:
        """Append a cell and run it, to its end unless told otherwise."""
        fault = self.page.evaluate("([source, wait]) => nnvizTest.run(source, wait)", [source, wait])
        assert not fault, fault

    def clear(self) -> None:
        """Take all cells away."""
        self.page.evaluate("() => nnvizTest.clear()")

    def ask(self, expression: str) -> Any:
        """The value of a Python expression in the kernel; plain values only."""
        answer = self.page.evaluate("(expression) => nnvizTest.ask(expression)", expression)
        assert "error" not in answer, answer["error"]
        return ast.literal_eval(answer["value"])

    def await_answer(self, expression: str) -> None:
        """Until a Python expression holds in the kernel, between cells."""
        deadline = time.monotonic() + WAIT / 1000
        while not self.ask(f"bool({expression})"):
            assert time.monotonic() < deadline, f"never came true: {expression}"

    def await_true(self, expression: str) -> None:
        """Until a JavaScript expression holds."""
        self.page.wait_for_function(f"() => {expression}", timeout=WAIT)

    def reload(self) -> None:
        """Save the notebook and load the page anew."""
        self.save()
        self.page.reload(wait_until="domcontentloaded")
        self._ready()

    def change_theme(self, theme: str) -> None:
        """Wear another of JupyterLab's themes.

        Its splash screen fades for 200 ms after each change, and one that is shown again meanwhile is taken away
        twice, which throws: so the last one has to be gone.
        """
        self.await_true("!document.getElementById('jupyterlab-splash')")
        change = "(theme) => window.jupyterapp.commands.execute('apputils:change-theme', { theme })"
        self.page.evaluate(change, theme)

    def save(self) -> None:
        self.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")

    # Panes

    def pane(self, name: str, view: int = 0) -> Locator:
        return self.page.locator(f"canvas.nnviz-pane-{name}").nth(view)

    def pixels(self, name: str, view: int = 0) -> NDArray[np.uint8]:
        """What a pane shows, (height, width, 4) in the canvas's own pixels."""
        url = self.pane(name, view).evaluate("(canvas) => canvas.toDataURL('image/png')")
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.split(",")[1]))).convert("RGBA"))

    def cells(self, name: str, rows: int, columns: int, view: int = 0) -> NDArray[np.uint8]:
        """The colours at the centres of a grid of cells over a pane, (rows, columns, 3)."""
        pixels = self.pixels(name, view)
        y = ((np.arange(rows) + 0.5) * pixels.shape[0] / rows).astype(int)
        x = ((np.arange(columns) + 0.5) * pixels.shape[1] / columns).astype(int)
        return pixels[y[:, None], x, :3]

    def print_of(self, name: str, view: int = 0) -> int:
        """A fingerprint of a pane's pixels; 0 while there is nothing in it."""
        return int(self.page.evaluate("([name, view]) => nnvizTest.print(name, view)", [name, view]))

    def await_picture(self, name: str, view: int = 0) -> int:
        """Until something is in a pane."""
        return self.await_change(name, 0, view)

    def await_change(self, name: str, before: int, view: int = 0) -> int:
        """Until a pane no longer has this fingerprint; the new one."""
        test = "([name, view, before]) => { const p = nnvizTest.print(name, view); return p !== before && p; }"
        return int(self.page.wait_for_function(test, arg=[name, view, before], timeout=WAIT).json_value())

    def await_print(self, name: str, expected: int, view: int = 0) -> None:
        """Until a pane has this fingerprint."""
        test = "([name, view, expected]) => nnvizTest.print(name, view) === expected"
        self.page.wait_for_function(test, arg=[name, view, expected], timeout=WAIT)

    def await_colours(self, name: str, expected: Sequence[Any], view: int = 0) -> None:
        """Until the cells of a pane have these colours, (rows, columns, 3)."""
        test = "([name, view, expected]) => nnvizTest.shows(name, view, expected)"
        self.page.wait_for_function(test, arg=[name, view, expected], timeout=WAIT)

    def at(self, name: str, x: float, y: float) -> tuple[float, float]:
        """A point of the page, from fractions of a pane; scrolled into view."""
        pane = self.pane(name)
        pane.scroll_into_view_if_needed()
        box = pane.bounding_box()
        assert box is not None
        return box["x"] + x * box["width"], box["y"] + y * box["height"]

    # Controls

    def press(self, key: str, times: int = 1, *, slider: int = 0) -> None:
        """Keys on a slider."""
        self.page.locator(".noUi-handle").nth(slider).focus()
        for _ in range(times):
            self.page.keyboard.press(key)

    def await_text(self, selector: str, text: str) -> None:
        """Until an element that fits a selector holds a text."""
        self.page.locator(selector, has_text=text).first.wait_for()

    def _ready(self) -> None:
        self.await_true("window.nnvizTest && nnvizTest.ready()")

    def _heard(self, message: Any) -> None:
        if message.type == "error" and not any(noise in message.text for noise in NOISE):
            self.errors.append(message.text)
