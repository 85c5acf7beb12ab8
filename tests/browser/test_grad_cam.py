"""Grad-CAM in a browser: the strip changes the class; values under the pointer."""

from __future__ import annotations

import numpy as np
import pytest

from tests.browser.notebook import Notebook

pytestmark = pytest.mark.browser

SHOW = "widget = nnviz.GradCam(nnviz.load(), 'cat')\nwidget"
DRAWN = "widget._surface._pacer.deadline() is None"
# From a key on the strip to the first animation frame in which the map has other pixels, in milliseconds.
CLOCK = """
(key) => new Promise((answer) => {
  const map = document.querySelector("canvas.nnviz-pane-map");
  const strip = document.querySelector("canvas.nnviz-pane-strip");
  const look = () => {
    const c = map.getContext("2d");
    return [0.2, 0.4, 0.6, 0.8].map((x) => c.getImageData(x * map.width, 0, 1, map.height).data.join()).join();
  };
  const before = look(), start = performance.now();
  const poll = () => {
    const now = performance.now();
    if (look() !== before) answer(now - start);
    else if (now - start > 10000) answer(null);
    else requestAnimationFrame(poll);
  };
  strip.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
  requestAnimationFrame(poll);
})
"""


def test_each_key_on_the_strip_draws_another_class(notebook: Notebook) -> None:
    notebook.run(SHOW)
    notebook.await_picture("map")
    times = []
    for press in range(24):
        notebook.await_answer(DRAWN)
        taken = notebook.page.evaluate(CLOCK, "ArrowRight" if press % 8 < 4 else "ArrowLeft")
        assert taken is not None
        times.append(taken)
    times = sorted(times[4:])
    print(f"key to pixels: fastest {times[0]:.0f}, median {times[len(times) // 2]:.0f}, slowest {times[-1]:.0f} ms")
    notebook.run("widget.close()")


def test_a_click_on_the_strip_asks_about_that_class(notebook: Notebook) -> None:
    notebook.run("widget = nnviz.GradCam(engine, 'cat')\nwidget")
    before = notebook.await_picture("map")
    notebook.await_picture("strip")
    x, y = notebook.at("strip", 0.5 / 5, 0.4)
    notebook.page.mouse.click(x, y)
    notebook.await_answer("widget.target == widget._shown[1].strip.classes[0][0]")
    x, y = notebook.at("strip", 2.5 / 5, 0.4)
    notebook.page.mouse.click(x, y)
    notebook.await_answer("widget.target == widget._shown[1].strip.classes[2][0]")
    notebook.await_change("map", before)
    notebook.run("widget.close()")


def test_the_value_under_the_pointer_is_told_for_both_maps(notebook: Notebook) -> None:
    notebook.run("widget = nnviz.GradCam(engine, 'cat', target=0, second=1)\nwidget")
    notebook.await_picture("second")
    notebook.await_answer(DRAWN)
    before, pixels = [notebook.print_of(name) for name in ("map", "second")], notebook.pixels("map").astype(int)
    x, y = notebook.at("second", 2.5 / 16, 5.5 / 16)
    notebook.page.mouse.move(x, y)
    notebook.await_answer("'row 5, column 2' in widget._frames['map'].caption.value")
    notebook.await_text(".nnviz-caption", "row 5, column 2")
    notebook.await_change("map", before[0])
    notebook.await_change("second", before[1])
    notebook.page.mouse.move(1, 1)
    notebook.await_text(".nnviz-caption", "maximum")
    notebook.await_answer(DRAWN)
    assert np.abs(notebook.pixels("map") - pixels).max() <= 8  # the outline is gone, but for the rounding of blends
    notebook.run("widget.close()")
