"""Grad-CAM of the camera in headless Chromium: frames a second, and how far behind the camera the picture is.

    python -m tests.benchmarks.bench_camera [--seconds 20] [--widgets GradCam] [--network efficientnet_lite0]

The camera plays a film whose frames carry their numbers. The page opens it a second time, as the truth, and at each
animation frame compares the number there with the one in the photo's pane; that costs time, too, and counts against us.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from tests.browser.chromium import FLAGS, MISSING, find_chromium
from tests.browser.fake_camera import SCRIPT, flags, write_film
from tests.browser.lab import running_lab
from tests.browser.notebook import Notebook

RATE = 30  # frames a second of the film
FRAMES = 120
OPEN = """
import os, psutil
import nnviz_widgets as nnviz
widget = nnviz.{widget}(nnviz.load({network!r}), nnviz.Camera())
widget
"""
# At each animation frame: [milliseconds, number of the camera, number in the pane].
FOLLOW = """
async (seconds) => {
  const video = Object.assign(document.createElement("video"), { muted: true });
  video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { width: 320, height: 240 } });
  await video.play();
  const pen = new OffscreenCanvas(320, 240).getContext("2d", { willReadFrequently: true });
  const seen = [], begin = performance.now();
  await new Promise((done) => {
    const look = () => {
      const now = performance.now() - begin;
      pen.drawImage(video, 0, 0, 320, 240);
      seen.push([now, nnvizCamera.read(pen, 320, 240)[0], nnvizCamera.pane("photo")[0]]);
      if (now < 1000 * seconds) requestAnimationFrame(look); else done();
    };
    look();
  });
  video.srcObject.getTracks().forEach((track) => track.stop());
  return seen;
}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--widgets", nargs="+", default=["GradCam"])
    parser.add_argument("--network", default="efficientnet_lite0")
    options = parser.parse_args()
    chromium = find_chromium() or sys.exit(MISSING)
    with tempfile.TemporaryDirectory() as root, running_lab(Path(root) / "lab") as lab, sync_playwright() as playwright:
        film = write_film(Path(root) / "film.y4m", frames=FRAMES, rate=RATE)
        browser = playwright.chromium.launch(executable_path=chromium, args=[*FLAGS, *flags(film)])
        print(f"{'':<16}{'frames/s':>9}{'lag ms':>8}{'p95':>7}{'max':>7}{'kernel MiB':>14}")
        for name in options.widgets:
            page = browser.new_page(viewport={"width": 1280, "height": 1200})
            page.add_init_script(SCRIPT)
            notebook = Notebook(page, lab.page(lab.notebook(name)))
            notebook.run(OPEN.format(widget=name, network=options.network))
            notebook.await_true("nnvizCamera.pane('photo')[0] >= 0")
            page.wait_for_timeout(2000)
            before = memory(notebook)
            show(name, page.evaluate(FOLLOW, options.seconds), before, memory(notebook))
            page.close()
        browser.close()


def memory(notebook: Notebook) -> float:
    """MiB of the kernel."""
    return float(notebook.ask("psutil.Process(os.getpid()).memory_info().rss / 2**20"))


def show(name: str, seen: list[Any], before: float, after: float) -> None:
    changes = sum(a[2] != b[2] for a, b in pairwise(seen))
    lags = sorted(1000 / RATE * ((camera - pane) % FRAMES) for _, camera, pane in seen if camera >= 0 and pane >= 0)
    rate = changes / (seen[-1][0] / 1000)
    slow = lags[int(0.95 * len(lags))]
    print(
        f"{name:<16}{rate:9.1f}{statistics.median(lags):8.0f}{slow:7.0f}{lags[-1]:7.0f}"
        f"{before:8.0f} -> {after:.0f}   ({len(seen)} animation frames)"
    )


if __name__ == "__main__":
    main()
