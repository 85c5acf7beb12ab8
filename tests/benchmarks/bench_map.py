"""A map of 20 000 pictures under a hand in headless Chromium: frames a second of a drag and of the wheel.

    python -m tests.benchmarks.bench_map [--points 20000] [--seconds 6]

Beside it what people do without it: the same points by matplotlib's `scatter` in a picture that a slider draws anew. A
frame is one whose pixels differ from the last ones seen, looked at once an animation frame; that costs time, too, and
counts against both. Also told is the longest wait between two frames.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.chromium import FLAGS, MISSING, find_chromium
from tests.browser.lab import running_lab
from tests.browser.notebook import Notebook

MAKE = """
import nnviz_widgets as nnviz
import numpy as np, torch
from torch import nn
from nnviz_widgets.methods.embeddings import Embedding
torch.manual_seed(0)
count = {count}
net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10))
engine = nnviz.Engine(net, mean=0.5, std=0.25, size=32)
pixels = np.random.default_rng(0).integers(0, 256, (count, 4, 4), dtype=np.uint8)
images = nnviz.ImageSet(pixels, labels=[i % 10 for i in range(count)], classes=[str(i) for i in range(10)])
vectors = torch.randn(count, 8) * torch.tensor([3.0, 3, 1, 1, 1, 1, 1, 1])
embedding = Embedding(vectors, images.ids, tuple(range(count)), "4", False, engine, images)
widget = nnviz.EmbeddingMap(engine, embedding, width=464)
widget
"""
PLAIN = """
%matplotlib inline
import io, ipywidgets
from matplotlib.figure import Figure
points, colours = widget.result.points, [f"C{i % 10}" for i in range(count)]
picture, slider = ipywidgets.Image(width=464), ipywidgets.IntSlider(max=1000)
def draw(change=None):
    figure = Figure(figsize=(4.64, 4.64))
    axes = figure.add_axes([0, 0, 1, 1])
    axes.scatter(*points.T, s=4, c=colours)
    axes.set_xlim(-8 + slider.value / 100, 8 + slider.value / 100)
    stream = io.BytesIO()
    figure.savefig(stream)
    picture.value = stream.getvalue()
slider.observe(draw, "value")
draw()
ipywidgets.VBox([slider, picture])
"""
# When the picture of a cell changed, in milliseconds, until it is told to stop.
FOLLOW = """
(selector) => {
  const element = document.querySelector(selector), seen = (window.benchSeen = []);
  const look = () => {
    if (element.src) return element.src;
    // Columns of single pixels: reading a whole canvas back would take longer than what is measured.
    const c = element.getContext("2d");
    return [0.2, 0.4, 0.6, 0.8].map((x) => c.getImageData(x * element.width, 0, 1, element.height).data.join()).join();
  };
  let last = look();
  const poll = () => {
    const now = look();
    if (now !== last) { last = now; seen.push(performance.now()); }
    if (window.benchSeen === seen) requestAnimationFrame(poll);
  };
  requestAnimationFrame(poll);
}
"""
STOP = "() => { const seen = window.benchSeen; window.benchSeen = null; return seen; }"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=6)
    options = parser.parse_args()
    chromium = find_chromium() or sys.exit(MISSING)
    with tempfile.TemporaryDirectory() as root, running_lab(Path(root)) as lab, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 1400})
        notebook = Notebook(page, lab.page(lab.notebook("map")))
        notebook.run(MAKE.format(count=options.points))
        notebook.run(PLAIN)
        notebook.await_picture("map")
        notebook.await_answer("widget.trust is not None and not widget._stage._coarse")
        print(f"{options.points} points, frames/s, longest wait in ms")
        for _ in range(2):
            show("EmbeddingMap, drag", drag(notebook, options.seconds))
            show("EmbeddingMap, wheel", wheel(notebook, options.seconds))
            show("scatter in a picture, slider", slide(notebook, options.seconds))
        browser.close()


def drag(notebook: Notebook, seconds: float) -> list[float]:
    """Around in a circle."""
    mouse, (x, y) = notebook.page.mouse, notebook.at("map", 0.5, 0.5)
    mouse.move(x, y)
    mouse.down()
    path = [(100 * ((i % 40) / 20 - 1), 60 * ((i % 56) / 28 - 1)) for i in range(280)]
    found = timed(
        notebook, "canvas.nnviz-pane-map", seconds, lambda i: mouse.move(x + path[i % 280][0], y + path[i % 280][1])
    )
    mouse.up()
    return found


def wheel(notebook: Notebook, seconds: float) -> list[float]:
    """Closer, and back."""
    page = notebook.page
    page.mouse.move(*notebook.at("map", 0.4, 0.45))
    page.keyboard.down("Control")
    turns = [-40] * 30 + [40] * 30
    found = timed(notebook, "canvas.nnviz-pane-map", seconds, lambda i: page.mouse.wheel(0, turns[i % 60]))
    page.keyboard.up("Control")
    return found


def slide(notebook: Notebook, seconds: float) -> list[float]:
    page = notebook.page
    page.locator(".noUi-handle").last.focus()
    return timed(notebook, ".widget-image", seconds, lambda _: page.keyboard.press("ArrowRight"))


def timed(notebook: Notebook, selector: str, seconds: float, move: Callable[[int], object]) -> list[float]:
    """When frames came while a hand moved, sixty times a second where the page keeps up."""
    notebook.page.evaluate(FOLLOW, selector)
    begin, i = time.monotonic(), 0
    while (now := time.monotonic() - begin) < seconds:
        move(i)
        i += 1
        time.sleep(max(0.0, i / 60 - now) if i / 60 > now else 0)
    stamps = notebook.page.evaluate(STOP)
    notebook.await_answer("widget._surface._pacer.deadline() is None")
    return [stamp / 1000 for stamp in stamps]


def show(name: str, stamps: list[float]) -> None:
    waits = [b - a for a, b in pairwise(stamps)] or [float("inf")]
    rate = len(waits) / sum(waits)
    print(f"{name:<30}{rate:7.1f}{1000 * max(waits):8.0f}   median wait {1000 * statistics.median(waits):.0f} ms")


if __name__ == "__main__":
    main()
