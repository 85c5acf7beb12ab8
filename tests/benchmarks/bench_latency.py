"""From a key press to changed pixels in headless Chromium, beside the least that can be and beside what people do.

    python -m tests.benchmarks.bench_latency [--presses 60] [--networks resnet18 efficientnet_lite0]

Three notebooks' worth of widgets in one JupyterLab, pressed in turn: a bare slider whose observer fills a canvas with a
colour and computes nothing; `ActivationMaps` with a warm cache; and `interact` with `imshow` of the same map. A press
counts from its keydown in the page to the first animation frame in which the pixels differ.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.chromium import FLAGS, MISSING, find_chromium
from tests.browser.lab import running_lab
from tests.browser.notebook import Notebook

BARE = """
import ipywidgets, torch
from ipycanvas import Canvas, hold_canvas
canvas = Canvas(width=560, height=560, layout={"width": "280px"})
slider = ipywidgets.IntSlider(max=63)
def fill(change):
    with hold_canvas():
        canvas.fill_style = f"rgb({4 * change['new']}, 90, 160)"
        canvas.fill_rect(0, 0, 560, 560)
slider.observe(fill, "value")
ipywidgets.VBox([slider, canvas])
"""
OURS = """
import nnviz_widgets as nnviz
weights = "random" if NAME == "resnet18" else "default"
engine = nnviz.load(NAME) if weights == "default" else nnviz.load(NAME, weights=weights)
widget = nnviz.ActivationMaps(engine, "cat")
widget
"""
IMSHOW = """
%matplotlib inline
import matplotlib.pyplot as plt
maps = widget.result.cpu()
@ipywidgets.interact(channel=(0, len(maps) - 1))
def show(channel=0):
    plt.figure(figsize=(2.8, 2.8))
    plt.imshow(maps[channel])
    plt.show()
"""
CLOCK = """
([area, key]) => new Promise((answer) => {
  const cell = document.querySelectorAll(".jp-Notebook .jp-Cell")[area];
  const look = () => {
    const image = cell.querySelector(".jp-OutputArea img[src^=data]");
    const canvas = cell.querySelector("canvas.nnviz-pane-map") || cell.querySelector("canvas");
    if (!canvas) return image ? image.src : "";
    // Columns of single pixels: reading a whole canvas back would take longer than what is measured.
    const c = canvas.getContext("2d");
    return [0.2, 0.4, 0.6, 0.8].map((x) => c.getImageData(x * canvas.width, 0, 1, canvas.height).data.join()).join();
  };
  const handle = cell.querySelector(".noUi-handle");
  handle.focus({ preventScroll: true });
  const before = look(), start = performance.now();
  const poll = () => {
    const now = performance.now();
    if (look() !== before) answer(now - start);
    else if (now - start > 5000) answer(null);
    else requestAnimationFrame(poll);
  };
  handle.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
  requestAnimationFrame(poll);
})
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--presses", type=int, default=60)
    parser.add_argument("--networks", nargs="+", default=["resnet18", "efficientnet_lite0"])
    options = parser.parse_args()
    chromium = find_chromium() or sys.exit(MISSING)
    with (
        tempfile.TemporaryDirectory() as root,
        running_lab(Path(root)) as lab,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        for network in options.networks:
            page = browser.new_page(viewport={"width": 1280, "height": 2600})
            notebook = Notebook(page, lab.page(lab.notebook(network)))
            for source in (BARE, f"NAME = {network!r}\n{OURS}", IMSHOW):
                notebook.run(source)
            notebook.await_picture("map")
            show(network, measure(notebook, options.presses))
            page.close()
        browser.close()


def measure(notebook: Notebook, presses: int) -> list[list[float]]:
    """Milliseconds of each press, for the three outputs in turn."""
    times: list[list[float]] = [[], [], []]
    first = notebook.page.locator(".jp-Notebook .jp-Cell").count() - 3
    for press in range(presses + 5):
        for kind, taken in enumerate(times):
            key = "ArrowRight" if press % 40 < 20 else "ArrowLeft"
            notebook.await_true("nnvizTest.ready()")
            milliseconds = notebook.page.evaluate(CLOCK, [first + kind, key])
            if press >= 5 and milliseconds is not None:  # a map may be equal to its neighbour
                taken.append(milliseconds)
            notebook.await_answer("widget._surface._pacer.deadline() is None")
    return times


def show(network: str, times: list[list[float]]) -> None:
    bare = statistics.median(times[0])
    print(f"\n{network}: key press to pixels, ms\n{'':<38}{'median':>8}{'p95':>8}{'- bare':>8}{'n':>5}")
    for name, taken in zip(
        ("bare slider -> kernel -> canvas", "ActivationMaps", "interact + imshow"), times, strict=True
    ):
        median, slow = statistics.median(taken), statistics.quantiles(taken, n=20)[-1]
        print(f"{name:<38}{median:8.1f}{slow:8.1f}{median - bare:8.1f}{len(taken):5}")


if __name__ == "__main__":
    main()
