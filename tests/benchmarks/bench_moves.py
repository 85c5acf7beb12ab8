"""How long after a move each widget shows something new, on a warm picture, with the default network.

    python -m tests.benchmarks.bench_moves [--moves 8] [--only Occlusion ...]

From the trait that a control sets to the first new frame, its bitmaps encoded, as it leaves for the browser; what the
browser adds is measured by `bench_latency.py`. Moves that are made for the first time (another layer) say so.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn

import nnviz_widgets as nnviz
from nnviz_widgets import methods
from nnviz_widgets.widgets.pointer import Event

WANTED = 200  # milliseconds
PATIENCE = 20  # seconds


class Watch:
    """Tells when a surface is given its next frame."""

    def __init__(self, widget: Any) -> None:
        self._show = widget._surface.show
        self._came = threading.Event()
        widget._surface.show = self._shown

    def time(self, move: Callable[[], object]) -> float:
        """Milliseconds from a move to the frame that follows."""
        self._came.clear()
        begun = time.monotonic()
        move()
        assert self._came.wait(PATIENCE), "nothing new was shown"
        return 1000 * (time.monotonic() - begun)

    def _shown(self, scenes: Any) -> None:
        for scene in scenes.values():
            for sprite in (*((scene.base,) if scene.base else ()), *scene.sprites):
                _ = sprite.bitmap.encoded
        self._show(scenes)
        self._came.set()


def set_to(widget: Any, trait: str, values: Any) -> Iterator[Callable[[], object]]:
    return (lambda value=value: setattr(widget, trait, value) for value in values)


def cases() -> Iterator[tuple[str, str, Any, Iterator[Callable[[], object]]]]:
    """(widget's name, move, widget, the moves)."""
    engine = nnviz.load()
    layers = [layer.name for layer in engine.layers.distinct() if (layer.height or 0) > 1]
    digits = nnviz.ImageSet("digits")
    small = nnviz.load("cifar_net")
    samples = nnviz.ImageSet("samples")

    w: Any = nnviz.Filters(engine)
    yield "Filters", "filter", w, set_to(w, "filter", itertools.cycle(range(1, 32)))
    w = nnviz.ActivationMaps(engine, "cat")
    yield "ActivationMaps", "channel", w, set_to(w, "channel", itertools.cycle(range(1, 12)))
    yield "ActivationMaps", "layer", w, set_to(w, "layer", itertools.cycle(layers[::3]))
    yield "ActivationMaps", "overlay", w, set_to(w, "overlay", itertools.cycle([0.2, 0.4, 0.6]))
    w = nnviz.Occlusion(engine, "cat")
    places = ((0.1 + 0.07 * i, 0.5) for i in itertools.cycle(range(12)))
    yield "Occlusion", "point", w, (lambda p=p: w._happened(Event("move", "photo", *p)) for p in places)
    yield "Occlusion", "class", w, set_to(w, "target", itertools.cycle([281, 282, 285]))
    yield "Occlusion", "size", w, set_to(w, "size", itertools.cycle([40, 48, 56]))
    w = nnviz.Saliency(engine, "cat")
    yield "Saliency", "class", w, set_to(w, "target", itertools.cycle(range(281, 300)))
    yield "Saliency", "view", w, set_to(w, "view", itertools.cycle(["signed", "magnitude"]))
    w = nnviz.Saliency(engine, "cat", of="channel")
    yield "Saliency", "channel", w, set_to(w, "channel", itertools.cycle(range(1, 12)))
    w = nnviz.GradCam(engine, "cat")
    yield "GradCam", "class", w, set_to(w, "target", itertools.cycle(range(281, 300)))
    yield "GradCam", "layer", w, set_to(w, "layer", itertools.cycle(layers[::5]))
    w = nnviz.Ascent(engine)
    yield "Ascent", "class (begins anew)", w, set_to(w, "target", itertools.cycle(range(1, 99)))
    yield "Ascent", "step size (steers)", w, set_to(w, "step_size", itertools.cycle([0.03, 0.05]))
    w = nnviz.AscentColumns(engine)
    yield "AscentColumns", "class (begins anew)", w, set_to(w, "target", itertools.cycle(range(1, 99)))
    w = nnviz.AscentSheet(engine)
    yield "AscentSheet", "first (begins anew)", w, set_to(w, "first", itertools.cycle([8, 16, 24]))
    w = nnviz.DeepDream(engine, "cat", steps=1000)  # not to end meanwhile
    yield "DeepDream", "seed (begins anew)", w, set_to(w, "seed", itertools.count(1))
    yield "DeepDream", "step size (steers)", w, set_to(w, "step_size", itertools.cycle([1.0, 1.5]))
    with tempfile.TemporaryDirectory() as folder:
        *_, last = methods.scan(engine, samples, n=9, path=folder)
        w = nnviz.TopPatches(engine, last.index)
        yield "TopPatches", "channel", w, set_to(w, "channel", itertools.cycle(range(1, 40)))
    embedding = methods.embed(small, digits)
    w = nnviz.Neighbours(small, embedding)
    yield "Neighbours", "other five", w, set_to(w, "seed", itertools.count(1))
    w = nnviz.EmbeddingMap(small, embedding)
    yield "EmbeddingMap", "zoom", w, (lambda f=f: w.zoom(f) for f in itertools.cycle([1.5, 1 / 1.5]))
    yield "EmbeddingMap", "colours", w, set_to(w, "show", itertools.cycle(["marks", "pictures"]))
    torch.manual_seed(0)
    head = nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(64, 10)
    net = nn.Sequential(nn.Conv2d(1, 16, 3), nn.ReLU(), nn.Conv2d(16, 16, 3), nn.ReLU(), *head)
    w = nnviz.Training(net, digits, mean=0.5, std=0.5, size=8, epochs=1000)
    yield "Training", "picture, while it learns", w, set_to(w, "example", itertools.count(1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moves", type=int, default=8)
    parser.add_argument("--only", nargs="*", default=())
    options = parser.parse_args()
    print(f"{'widget':<16}{'move':<28}{'median ms':>10}{'worst':>8}   wanted: {WANTED}")
    watches: dict[int, Watch] = {}
    before: Any = None
    for name, move, widget, moves in cases():
        if before is not None and before is not widget:
            before.close()
        before = widget
        if options.only and name not in options.only:
            continue
        if id(widget) not in watches:
            widget._await_picture()
            watches = {id(widget): Watch(widget)}
        taken = []
        for one in itertools.islice(moves, options.moves + 2):
            taken.append(watches[id(widget)].time(one))
            time.sleep(0.25)  # a hand that looks before it goes on
        taken = taken[2:]
        late = "" if statistics.median(taken) <= WANTED else "   late"
        print(f"{name:<16}{move:<28}{statistics.median(taken):10.0f}{max(taken):8.0f}{late}", flush=True)
    if before is not None:
        before.close()


if __name__ == "__main__":
    main()
