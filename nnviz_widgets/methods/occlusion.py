"""Occlusion: what the network says when a square hides a part of the picture."""

from __future__ import annotations

import operator
import time
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from nnviz_widgets.engine.changed_pictures import ChangedPictures, changed_pictures
from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.engine.windows import Found
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.methods.activation_maps import activation_maps
from nnviz_widgets.methods.occluders import Fill, occluder
from nnviz_widgets.methods.occlusion_map import OcclusionMap
from nnviz_widgets.methods.positions import Indices, Stage, nearest, nearest_known, stages, starts

EVERY = 0.2
"""Seconds between two maps, about."""


def occlusion(
    engine: Engine,
    x: Tensor,
    *,
    size: int,
    stride: int,
    fill: Fill = "grey",
    layer: str | None = None,
    half: bool = False,
) -> Generator[OcclusionMap, None, None]:
    """The network's output at every position of a square over the first picture of x (Zeiler & Fergus 2014, figure 7).

    Yields maps from coarse to fine, each with all that the ones before it knew; the last is complete, and the same as
    from running each occluded picture whole. Along a side stand ceil((side - size) / stride) + 1 squares, the last one
    moved back to the border.

    Args:
        size, stride: in pixels.
        fill: "grey" (the mean), "black", "white", "blur", "noise", a number in the network's input units, or pixel
            values in 0..1, one a channel.
        layer: whose strongest map on the clean picture is added up at each position.
        half: compute in half precision (float16, on a CPU bfloat16); the maps' `half_cost` says what that changes.

    Raises:
        NnvizError: for a size, stride, fill or layer that does not fit, or when the memory does not hold one picture.
    """
    return _only_maps(occlusion_batches(engine, x, size=size, stride=stride, fill=fill, layer=layer, half=half))


def occlusion_batches(
    engine: Engine,
    x: Tensor,
    *,
    size: int,
    stride: int,
    fill: Fill = "grey",
    layer: str | None = None,
    half: bool = False,
) -> Generator[OcclusionMap | float, None, None]:
    """As `occlusion`, and between its maps the fraction done after every batch: for who must be able to stop there."""
    # Not a generator itself: what does not fit is said at once.
    size, stride = _pixels("size", size), _pixels("stride", stride)
    x = _first(engine, x)
    height, width = x.shape[2:]
    if size > min(height, width):
        raise NnvizError("occluder_size", size=size, height=height, width=width, most=min(height, width))
    hidden = occluder(engine.contract, x, fill)
    channel = None
    if layer is not None:
        channel = int(activation_maps(engine, x, layer).double().sum((1, 2)).argmax())
    tops, lefts = starts(height, size, stride), starts(width, size, stride)
    boxes = np.array([[(top, left, size, size) for left in lefts] for top in tops], np.int64)
    pictures = changed_pictures(engine, x, boxes.reshape(-1, 4), layer=layer, channel=channel or 0, half=half)
    return _maps(pictures, boxes, hidden, stride, channel)


def _only_maps(steps: Generator[OcclusionMap | float, None, None]) -> Generator[OcclusionMap, None, None]:
    with closing(steps):
        yield from (step for step in steps if isinstance(step, OcclusionMap))


def _maps(
    pictures: ChangedPictures, boxes: Indices, hidden: Tensor, stride: int, channel: int | None
) -> Generator[OcclusionMap | float, None, None]:
    rows, cols = boxes.shape[:2]
    flat = boxes.reshape(-1, 4)
    board = _Board(pictures, boxes, channel, pictures.cost(flat, hidden))
    before: Stage | None = None
    last = time.monotonic()
    pause = EVERY
    for stage in stages(rows, cols, stride, max(pictures.x.shape[2:])):
        if not stage.fresh.size:
            continue
        for found in pictures.run(flat[stage.fresh], hidden):
            board.take(stage.fresh, found)
            if time.monotonic() - last >= pause and board.known.any() and not board.known.all():
                start = time.monotonic()
                yield board.map(before)
                last = time.monotonic()
                pause = max(EVERY, 5 * (last - start))
            else:
                yield board.done
        before = stage
        yield board.map(before)
        last = time.monotonic()


@dataclass
class _Board:
    """What is known so far; a map is a copy of it."""

    pictures: ChangedPictures
    boxes: Indices
    channel: int | None
    half_cost: float
    known: np.ndarray = field(init=False)
    logits: Tensor | None = None
    sums: Tensor | None = None

    def __post_init__(self) -> None:
        self.known = np.zeros(self.boxes.shape[:2], bool)

    def take(self, fresh: Indices, found: Found) -> None:
        at = fresh[found.positions]
        if self.logits is None:
            dtype = torch.promote_types(found.outputs.dtype, torch.float32)
            self.logits = torch.zeros(self.known.size, found.outputs.shape[1], dtype=dtype)
        if found.sums is not None:
            if self.sums is None:
                self.sums = torch.zeros(self.known.size, dtype=torch.float64)
            self.sums[torch.from_numpy(at)] = found.sums.cpu()
        self.logits[torch.from_numpy(at)] = found.outputs.cpu().to(self.logits.dtype)
        self.known.flat[at] = True

    @property
    def done(self) -> float:
        return float(self.known.mean())

    def map(self, before: Stage | None) -> OcclusionMap:
        assert self.logits is not None
        rows, cols = self.known.shape
        near = nearest_known(self.known) if before is None else nearest(before, rows, cols)
        source = torch.from_numpy(np.where(self.known, np.arange(self.known.size).reshape(rows, cols), near))
        return OcclusionMap(
            logits=self.logits[source],
            boxes=torch.from_numpy(self.boxes.copy()),
            known=torch.from_numpy(self.known.copy()),
            done=self.done,
            activation=None if self.sums is None else self.sums[source].to(self.logits.dtype),
            channel=self.channel,
            exact_by=self.pictures.exact_by,
            gain=self.pictures.gain,
            half_cost=self.half_cost,
        )


def _first(engine: Engine, x: Tensor) -> Tensor:
    x = engine._to_network(x)
    if not len(x):
        expected = f"(1, {engine.contract.channels}, height, width)"
        raise NnvizError("input_shape", shape=tuple(x.shape), expected=expected)
    with torch.inference_mode(False), torch.no_grad():
        return x[:1].detach().clone()


def _pixels(name: str, value: int) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        number = 0
    if number < 1 or isinstance(value, bool):
        raise NnvizError("occluder_number", name=name, value=value)
    return number
