"""The part of a picture that some neurons depend on, run alone where that is exact."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from nnviz_widgets.engine.objectives import Measure, Objective
from nnviz_widgets.engine.passes import AsLogits, Passes
from nnviz_widgets.engine.receptive_field import Rect
from nnviz_widgets.engine.terms import Term
from nnviz_widgets.errors import NnvizError

Field = Callable[[str, int, int], Rect]
Place = tuple[int, int]
Asked = Measure | Sequence[Measure]

ALIGNMENTS = (1, 2, 4, 8, 16, 32, 64)
MOST = 0.8
"""A crop of more than this share of the picture is not worth it."""
TOLERANCE = 1e-5
REMEMBERED = 1000


@dataclass(frozen=True)
class Cone:
    """A crop of the picture, and the objectives with each neuron's place in the crop."""

    rect: Rect
    objectives: tuple[Objective, ...]

    def crop(self, x: Tensor) -> Tensor:
        rect = self.rect
        return x[:, :, rect.top : rect.top + rect.height, rect.left : rect.left + rect.width]

    def paste(self, gradient: Tensor, x: Tensor) -> Tensor:
        """The crop's gradient as that of the whole x: no other pixel has any."""
        whole = torch.zeros_like(x, dtype=gradient.dtype, device=gradient.device, requires_grad=False)
        self.crop(whole).copy_(gradient)
        return whole


class Cones:
    """Which neurons can be computed on a crop, tried once each and remembered; used under the engine's lock.

    A crop moves the grid of each strided layer on the way, so it must begin at a multiple of all their strides. The
    smallest alignment is taken with which noise gives the same values and gradients as the whole; there is none for a
    network that does something else to another size, and the whole is run.

    Args:
        field: the receptive field of a layer's unit.
    """

    def __init__(self, passes: Passes, field: Field, as_logits: AsLogits) -> None:
        self._passes = passes
        self._field = field
        self._as_logits = as_logits
        self._known: dict[tuple[Objective, ...], Cone | None] = {}

    def clear(self) -> None:
        """Forget all: the network is another."""
        self._known.clear()

    def find(self, size: tuple[int, ...], asked: Asked) -> Cone | None:
        """The cone of one objective, or of one a picture, in pictures of a size; None where all has to be run."""
        if size != self._passes.contract.size:
            return None
        objectives: list[Objective] = []
        for each in [asked] if isinstance(asked, Measure) else asked:
            if not isinstance(each, Objective) or not all(_has_place(term) for term, _ in each.terms):
                return None
            objectives.append(each)
        key = tuple(objectives)
        if key not in self._known:
            if len(self._known) >= REMEMBERED:
                self.clear()
            self._known[key] = self._try(key)
        return self._known[key]

    def _try(self, objectives: tuple[Objective, ...]) -> Cone | None:
        places = {term: self._place(term) for objective in objectives for term, _ in objective.terms}
        known = {term: place for term, place in places.items() if place is not None}
        if not known or len(known) < len(places):
            return None
        rect = _around([self._field(term.layer, *place) for term, place in known.items()])
        crops = [_aligned(rect, alignment, self._passes.contract.size) for alignment in ALIGNMENTS]
        strides = {term: self._stride(term, *place) for term, place in known.items()}
        cones = [_moved(objectives, known, strides, crop) for crop in dict.fromkeys(crops) if crop is not None]
        candidates = [cone for cone in cones if cone is not None]
        if not candidates:
            return None
        x = self._noise(len(objectives))
        whole = self._passes.ascend(x, objectives * 2, "vanilla", self._as_logits)
        if not whole[1].reshape(2, len(objectives), -1).any(2).any(0).all():
            return None  # of a unit that noise leaves dead nothing is seen
        return next((cone for cone in candidates if self._same(cone, x, *whole)), None)

    def _place(self, term: Term) -> Place | None:
        """Row and column of a neuron; None where its layer has none, or not these."""
        layer = self._passes.layers[term.layer]
        if layer.height is None or layer.width is None or layer.axes not in ("nchw", "nhwc"):
            return None
        row, col = int(term.numbers[1]), int(term.numbers[2])
        if not (-layer.height <= row < layer.height and -layer.width <= col < layer.width):
            return None
        return row % layer.height, col % layer.width

    def _stride(self, term: Term, row: int, col: int) -> tuple[int, int]:
        """Pixels from one field of the layer to the next, down and to the right, where this one touches no border.

        Over several cells: below a map that was made larger, neighbours may have the same field.
        """
        _, height, width = self._passes.layers[term.layer].shape
        down, right = (min(8, after) if after > 1 else -2 for after in (height - 1 - row, width - 1 - col))
        here = self._field(term.layer, row, col)
        there = self._field(term.layer, max(row + down, 0), max(col + right, 0))
        return round((there.top - here.top) / down), round((there.left - here.left) / right)

    def _same(self, cone: Cone, x: Tensor, values: Tensor, gradient: Tensor) -> bool:
        """Whether the crop gives what the whole gives, but for rounding."""
        try:
            ours = self._passes.ascend(cone.crop(x), cone.objectives * 2, "vanilla", self._as_logits)
        except NnvizError as error:
            if error.code == "out_of_memory":
                raise
            return False  # a network that takes no such size
        scale = values.abs() + (gradient * x).abs().sum((1, 2, 3))
        largest = gradient.abs().amax((1, 2, 3), keepdim=True)
        near = (ours[0] - values).abs() <= TOLERANCE * scale
        return bool(near.all() and ((cone.paste(ours[1], x) - gradient).abs() <= TOLERANCE * largest).all())

    def _noise(self, count: int) -> Tensor:
        """Two pictures for each of some objectives, the second of more contrast."""
        shape = (2, count, self._passes.contract.channels, *self._passes.contract.size)
        x = torch.randn(shape, generator=torch.Generator().manual_seed(0))
        x[1] *= 3
        return x.flatten(0, 1).to(self._passes.device, self._passes.dtype)


def _has_place(term: Term) -> bool:
    return term.kind == "neuron" and len(term.numbers) == 3


def _moved(
    objectives: tuple[Objective, ...], places: Mapping[Term, Place], strides: Mapping[Term, tuple[int, int]], crop: Rect
) -> Cone | None:
    """The objectives with each neuron where it is in the crop; None where that is off its layer's grid."""
    moved: dict[Term, Term] = {}
    for term, (row, col) in places.items():
        down, right = _cells(crop.top, strides[term][0]), _cells(crop.left, strides[term][1])
        if down is None or right is None:
            return None
        moved[term] = replace(term, numbers=(term.numbers[0], float(row - down), float(col - right)))
    return Cone(crop, tuple(Objective((moved[t], weight) for t, weight in o.terms) for o in objectives))


def _cells(pixels: int, stride: int) -> int | None:
    """How many cells of a layer so many pixels are, if a whole number."""
    if pixels == 0:
        return 0
    return pixels // stride if stride and pixels % stride == 0 else None


def _around(rects: Sequence[Rect]) -> Rect:
    top, left = min(rect.top for rect in rects), min(rect.left for rect in rects)
    bottom, right = max(rect.top + rect.height for rect in rects), max(rect.left + rect.width for rect in rects)
    return Rect(top, left, bottom - top, right - left)


def _aligned(rect: Rect, alignment: int, size: tuple[int, int]) -> Rect | None:
    """The rectangle enlarged to multiples of the alignment, or to the border; None where too little is left out."""
    top, left = rect.top // alignment * alignment, rect.left // alignment * alignment
    bottom = min(-(-(rect.top + rect.height) // alignment) * alignment, size[0])
    right = min(-(-(rect.left + rect.width) // alignment) * alignment, size[1])
    area = (bottom - top) * (right - left)
    return Rect(top, left, bottom - top, right - left) if 0 < area <= MOST * size[0] * size[1] else None
