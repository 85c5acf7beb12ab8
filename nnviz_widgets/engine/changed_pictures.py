"""The network's output for many pictures that differ from one in a box: by windows where that pays, else whole."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from nnviz_widgets.engine.chunks import Machine
from nnviz_widgets.engine.clean import Clean, clean_pass
from nnviz_widgets.engine.device import is_out_of_memory
from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.engine.graph import Graph
from nnviz_widgets.engine.layers import Layer
from nnviz_widgets.engine.layouts import Indices
from nnviz_widgets.engine.lowering import Program, lower, pictures_alike
from nnviz_widgets.engine.objectives import LOGITS
from nnviz_widgets.engine.plans import WORTH, plan
from nnviz_widgets.engine.windows import Found, run
from nnviz_widgets.errors import NnvizError

AT_ONCE = {"cpu": 16}
"""Whole pictures in a batch of the module itself, 64 on accelerators."""
TRIED = 8
"""Positions at which half precision is compared."""
CLOSE = {torch.float64: 1e-8, torch.float32: 1e-4}
"""By how much of the largest logit windows may differ from the module before they are not trusted."""


@dataclass(frozen=True)
class ChangedPictures:
    """How to run the pictures; made by `changed_pictures`.

    Attributes:
        gain: planned, multiply-accumulates of whole pictures by those of windows.
        exact_by: "windows", or "whole" where those do not pay or the network cannot be recorded.
        batch: whole pictures in a batch of the module.
        half: whether in half precision.
    """

    engine: Engine
    x: Tensor
    layer: Layer | None
    channel: int
    gain: float
    exact_by: Literal["windows", "whole"]
    clean: Clean | None
    batch: int
    half: bool

    def run(self, boxes: Indices, fill: Tensor) -> Iterator[Found]:
        """Logits, and the sum over the layer's channel, for boxes (k, 4) of one height and width.

        Raises:
            NnvizError: when the memory does not hold a single picture.
        """
        if self.clean is None:
            yield from self._run_module(boxes, fill)
            return
        machine, itemsize = Machine.of(self.x.device), self.x.element_size()
        chosen = plan(self.clean.program, boxes, machine, itemsize, whole=self.exact_by == "whole")
        for found in run(chosen, self.clean, fill, self.channel):
            yield Found(found.positions, self.engine._as_logits(found.outputs), found.sums)

    def cost(self, boxes: Indices, fill: Tensor) -> float:
        """The largest difference that half precision makes to a probability, at a few of the positions."""
        if not self.half:
            return 0.0
        few = boxes[np.linspace(0, len(boxes) - 1, min(len(boxes), TRIED)).astype(int)]
        exact = replace(self, half=False, clean=None)
        return float((self._probabilities(few, fill) - exact._probabilities(few, fill)).abs().max())

    def _probabilities(self, boxes: Indices, fill: Tensor) -> Tensor:
        found = [part for part in self.run(boxes, fill) if len(part.positions)]
        order = np.argsort(np.concatenate([part.positions for part in found]))
        return torch.cat([part.outputs for part in found])[torch.from_numpy(order)].double().softmax(1)

    def _run_module(self, boxes: Indices, fill: Tensor) -> Iterator[Found]:
        start, batch = 0, self.batch
        while start < len(boxes):
            positions = np.arange(start, min(start + batch, len(boxes)))
            try:
                yield self._run_batch(positions, boxes[positions], fill)
            except NnvizError as error:
                if error.code != "out_of_memory" or batch == 1:
                    raise
                batch //= 2
                continue
            start += batch

    def _run_batch(self, positions: Indices, boxes: Indices, fill: Tensor) -> Found:
        engine, names = self.engine, [LOGITS]
        if self.layer is not None:
            names.insert(0, engine.layers.origin(self.layer.name).name)
        with engine._lock:
            engine._follow()
            found = engine._passes.read(changed(self.x, boxes, fill), names, half=self.half)
        sums = None
        if self.layer is not None:
            sums = self.layer.canonical(found[names[0]])[:, self.channel].double().sum((1, 2))
        return Found(positions, engine._as_logits(found[LOGITS]), sums)


def changed(x: Tensor, boxes: Indices, fill: Tensor) -> Tensor:
    """The pictures themselves, (k, C, H, W)."""
    pictures = x.repeat(len(boxes), 1, 1, 1)
    for picture, (top, left, height, width) in zip(pictures, boxes.tolist(), strict=True):
        box = (slice(None), slice(top, top + height), slice(left, left + width))
        picture[box] = fill[0][box]
    return pictures


def changed_pictures(
    engine: Engine, x: Tensor, boxes: Indices, *, layer: str | None = None, channel: int = 0, half: bool = False
) -> ChangedPictures:
    """Choose how to run all of the boxes (k, 4) of one height and width; what was prepared once is kept.

    Args:
        x: (1, C, H, W), on the engine's device.
        layer, channel: whose sum over the map is wanted too.
        half: in half precision; see `ChangedPictures.cost`.
    """
    graph = engine.graph()
    record = None if layer is None else engine.layers[layer]
    alike = graph is None or pictures_alike(graph)
    batch = AT_ONCE.get(x.device.type, 64) if alike else 1
    clean = _prepared(engine, graph, x, record, half) if graph is not None and alike else None
    gain = 1.0
    if clean is not None:
        gain = plan(clean.program, boxes, Machine.of(x.device), x.element_size()).gain
        if gain < WORTH and not clean.program.understood:
            clean = None  # picture by picture is no faster than the module
    exact_by: Literal["windows", "whole"] = "windows" if clean is not None and gain >= WORTH else "whole"
    return ChangedPictures(engine, x, record, channel, gain, exact_by, clean, batch, half)


@dataclass
class _Kept:
    """What was made of a network's weights, and of a picture; `state` is replaced whenever the weights change."""

    graph: Graph
    state: object
    layer: str | None
    program: Program | None
    half: bool
    clean: Clean | None = None
    x: Tensor | None = None


_KEPT: weakref.WeakKeyDictionary[Engine, _Kept] = weakref.WeakKeyDictionary()
"""One an engine, and gone with it; whoever finds another's work unfit makes it anew."""


def _prepared(engine: Engine, graph: Graph, x: Tensor, record: Layer | None, half: bool) -> Clean | None:
    if tuple(x.shape) != graph.picture.shape:
        return None
    layer = None if record is None else engine.layers.origin(record.name).name
    kept, state = _KEPT.get(engine), engine._passes.shadow._versions
    fresh = (
        kept is None or kept.graph is not graph or kept.state is not state or (kept.layer, kept.half) != (layer, half)
    )
    if kept is None or fresh:
        kept = _Kept(graph, state, layer, _program(graph, layer), half)
    if kept.program is not None and (kept.x is None or not torch.equal(kept.x, x)):
        try:
            kept.clean, kept.x = clean_pass(kept.program, x, half=half), x.clone()
            trusted = not fresh or _trusted(engine, kept.clean, x)
        except RuntimeError as error:
            if is_out_of_memory(error):
                raise
            trusted = False  # an operation that takes no batches of pictures: the module itself is run
        if not trusted:
            kept.program, kept.clean = None, None
    _KEPT[engine] = kept
    return kept.clean


def _program(graph: Graph, layer: str | None) -> Program | None:
    return lower(graph, None if layer is None else graph.outputs[layer])


def _trusted(engine: Engine, clean: Clean, x: Tensor) -> bool:
    """Whether windows and the module agree on the picture and on one change of it."""
    height, width = x.shape[2:]
    box = np.array([[height // 3, width // 3, max(1, height // 4), max(1, width // 4)]])
    fill = torch.zeros_like(x)
    (found,) = run(plan(clean.program, box, Machine.of(x.device), x.element_size()), clean, fill)
    tolerance = CLOSE.get(x.dtype, 0.1) if x.device.type == "cpu" else 1e-2
    tolerance = 0.1 if clean.half else tolerance
    with engine._lock:
        wanted = engine._passes.read(torch.cat([x, changed(x, box, fill)]), [LOGITS])[LOGITS]
    difference = (torch.cat([clean.logits, found.outputs]) - wanted).abs().max()
    return bool(difference <= tolerance * wanted.abs().max())
