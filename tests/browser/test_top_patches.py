"""TopPatches in a browser: a click opens the picture of a patch, Escape closes it; the sheet opens a channel."""

from __future__ import annotations

import pytest

from tests.browser.notebook import Notebook

pytestmark = pytest.mark.browser

SHOW = """
import tempfile
import numpy as np
pictures = nnviz.ImageSet(np.random.default_rng(0).integers(0, 256, (12, 32, 32, 3), np.uint8))
widget = nnviz.TopPatches(engine, pictures, path=tempfile.mkdtemp(), n=4)
widget
"""


def test_patches_are_clicked_opened_and_left(notebook: Notebook) -> None:
    notebook.run(SHOW)
    notebook.await_picture("patch0")
    notebook.await_answer("widget.index is not None and len(widget.index.pictures) == 12")
    notebook.await_answer("len(widget.result) == 4 and all(p.gradient is not None for p in widget.result)")
    x, y = notebook.at("patch1", 0.5, 0.2)
    notebook.page.mouse.click(x, y)
    notebook.await_answer("widget.opened is not None and widget.chosen == 1")
    notebook.await_answer("widget.opened.unit == (widget.result[1].winner.row, widget.result[1].winner.col)")
    notebook.await_picture("mosaic")
    notebook.page.keyboard.press("ArrowRight")
    notebook.await_answer("widget.chosen == 2")
    notebook.page.keyboard.press("Escape")
    notebook.await_answer("widget.opened is None")
    before = notebook.print_of("patch0")
    notebook.page.keyboard.press("ArrowDown")
    notebook.await_answer("widget.channel > 0")
    notebook.await_change("patch0", before)
    notebook.run("widget.close()")


def test_a_click_on_the_sheet_opens_that_channel(notebook: Notebook) -> None:
    notebook.run(SHOW.replace("n=4)", "n=4, page='all')"))
    notebook.await_picture("sheet")
    notebook.await_answer("widget.result is not None and len(widget.result) > 4")
    notebook.await_answer("widget._surface._pacer.deadline() is None")
    box = notebook.ask("widget._sheet[1].grid.box(3)")
    size = notebook.ask("widget._surface.sizes['sheet']")
    x, y = notebook.at("sheet", (box[0] + box[2] / 2) / 2 / size[0], (box[1] + box[3] / 2) / 2 / size[1])
    notebook.page.mouse.move(x, y)
    notebook.await_text(".nnviz-caption", "channel 3")
    notebook.page.mouse.click(x, y)
    notebook.await_answer("(widget.page, widget.channel) == ('channel', 3)")
    notebook.await_picture("patch0")
    notebook.run("widget.close()")
