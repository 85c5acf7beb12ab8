"""The drawing surface at its limits: floods, frames that fail, and its end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser.notebook import Notebook

pytestmark = pytest.mark.browser

# A pane in one colour that is a number.
SURFACE = """
import numpy as np
from IPython.display import display
from nnviz_widgets.widgets.scene import Bitmap, Scene, Sprite
from nnviz_widgets.widgets.surface import Surface

class Garbage(Bitmap):
    encoded = b"no picture at all"

def frame(number, kind=Bitmap):
    pixels = np.full((100, 100, 3), (number // 256, number % 256, 200), dtype=np.uint8)
    return {"numbers": Scene(None, (Sprite(kind(pixels), (0, 0, 100, 100)),))}

class Counting(Surface):
    drawn = 0
    def _draw(self, frame):
        self.drawn += 1
        super()._draw(frame)

surface = Counting({"numbers": (100, 100)})
display(surface.canvases["numbers"])
"""


def colour(number: int) -> list[list[list[int]]]:
    return [[[number // 256, number % 256, 200]]]


@pytest.fixture
def surface(notebook: Notebook) -> Iterator[Notebook]:
    """The notebook with an empty surface."""
    notebook.run(SURFACE)
    notebook.pane("numbers").wait_for()
    yield notebook
    notebook.run("surface.close()")


@pytest.mark.parametrize("pause", [0, 0.002])
def test_a_flood_does_not_lag_behind(surface: Notebook, pause: float) -> None:
    surface.run("surface.show(frame(1))")
    surface.await_colours("numbers", colour(1))
    # A comm's first messages come on the thread of the cells; those of a flood shall come beside the cell.
    surface.await_answer("surface._pacer.deadline() is None")
    surface.page.evaluate("() => nnvizTest.follow('numbers')")
    surface.run(
        "surface.drawn = 0\n"
        f"for number in range(2, 402):\n    surface.show(frame(number))\n    time.sleep({pause})\n"
        "shown = time.time()"
    )
    surface.await_colours("numbers", colour(401))
    surface.await_true("window.nnvizSeen.at(-1)[1] === 401")
    seen = surface.page.evaluate("() => window.nnvizSeen")
    lag = seen[-1][0] / 1000 - surface.ask("shown")
    drawn = surface.ask("surface.drawn")
    print(f"last of 400 frames on screen {1000 * lag:.0f} ms after it was shown; {drawn} were sent")
    numbers = [number for _, number in seen if number > 0]
    assert numbers == sorted(numbers)
    assert lag < 2
    assert drawn < 100


def test_a_picture_that_the_browser_cannot_read_does_not_stop_later_ones(surface: Notebook) -> None:
    surface.run("surface.show(frame(1))")
    surface.await_colours("numbers", colour(1))
    surface.run("surface.show(frame(2, Garbage))")
    surface.run("surface.show(frame(3))")
    surface.await_colours("numbers", colour(3))
    surface.run("surface.show(frame(4))")
    surface.await_colours("numbers", colour(4))
    surface.errors.clear()  # the browser said that it could not read it


def test_the_very_first_picture_may_be_one_that_the_browser_cannot_read(surface: Notebook) -> None:
    surface.run("surface.show(frame(2, Garbage))")
    surface.await_answer("surface.drawn > 1 and surface._pacer.deadline() is None")  # tried twice, given up
    surface.run("surface.show(frame(3))")
    surface.await_colours("numbers", colour(3))
    surface.errors.clear()


def test_a_frame_that_cannot_be_drawn_does_not_stop_later_ones(surface: Notebook) -> None:
    surface.run(
        "class Broken(Bitmap):\n"
        "    @property\n"
        "    def encoded(self): raise ValueError('broken')\n"
        "for kind in (Bitmap, Broken, Bitmap):\n"
        "    try: surface.show(frame(5, kind))\n"
        "    except ValueError: pass\n"
        "surface.show(frame(6))"
    )
    surface.await_colours("numbers", colour(6))


def test_a_widget_whose_draw_raises_says_so_and_goes_on(notebook: Notebook) -> None:
    notebook.run(
        "class Failing(nnviz.ActivationMaps):\n"
        "    def _draw(self, state, shown):\n"
        "        if state.channel == 3: raise ValueError('<b>three</b> fails')\n"
        "        super()._draw(state, shown)\n"
        "widget = Failing(engine, 'cat', layer='0', channel=2)\nwidget"
    )
    before = notebook.await_picture("map")
    notebook.press("ArrowRight")
    notebook.await_text(".nnviz-error", "<b>three</b> fails")
    assert notebook.print_of("map") == before
    notebook.press("ArrowRight")
    notebook.await_change("map", before)
    notebook.page.locator(".nnviz-error").wait_for(state="detached")


def test_a_page_that_acknowledges_a_closed_widget_does_not_complain(notebook: Notebook) -> None:
    """Its canvas is read while the browser is idle, which may be later than `close` waits."""
    late = (
        "() => { const p = HTMLCanvasElement.prototype; window.nnvizBlob = p.toBlob; window.nnvizRead = 0;"
        " p.toBlob = function (done, ...rest) { window.nnvizBlob.call("
        "this, (blob) => setTimeout(() => { done(blob); window.nnvizRead++; }, 3000), ...rest); }; }"
    )
    notebook.page.evaluate(late)
    try:
        notebook.run("widget = nnviz.ActivationMaps(engine, 'cat')\nwidget")
        notebook.await_picture("map")
        notebook.await_true("window.nnvizRead > 0")
        read = notebook.page.evaluate("() => window.nnvizRead")
        notebook.run("widget.channel = 3; widget.result; widget.close()")
        notebook.await_true(f"window.nnvizRead > {read}")
    finally:
        notebook.page.evaluate("() => { HTMLCanvasElement.prototype.toBlob = window.nnvizBlob; }")
    assert notebook.errors == []


def test_close_frees_every_comm_and_thread(notebook: Notebook) -> None:
    live = "sorted(type(w).__name__ for w in ipywidgets.widgets.widget._instances.values())"
    threads = "sorted(t.name for t in threading.enumerate() if t.name.startswith('nnviz'))"
    before = notebook.ask(live)
    notebook.run("maps, filters = nnviz.ActivationMaps(engine, 'cat'), nnviz.Filters(engine)\ndisplay(maps, filters)")
    picture = notebook.await_picture("map")
    notebook.press("ArrowRight")
    notebook.await_change("map", picture)
    assert "nnviz-worker" in notebook.ask(threads)
    notebook.run("maps.close()\nfilters.close()\nmaps.close()")
    notebook.page.locator("canvas.nnviz-pane").first.wait_for(state="detached")
    assert notebook.ask(live) == before
    notebook.run(
        "deadline = time.monotonic() + 10\n"
        "while time.monotonic() < deadline and any(t.name.startswith('nnviz') for t in threading.enumerate()):\n"
        "    time.sleep(0.01)"
    )
    assert notebook.ask(threads) == []
