"""Windows of pooling: averages and maxima over neighbours, and means over whole maps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from nnviz_widgets.engine.graph import Step
from nnviz_widgets.engine.layouts import Indices, Place, is_nchw, nchw, units
from nnviz_widgets.engine.nodes import Node, Slide
from nnviz_widgets.engine.window_rules import Known, Rule, only, over_whole_maps


def _max_pool(step: Step, known: Known) -> Node | None:
    source, values = only(step, known), step.arguments
    if source is None or not is_nchw(source.layout) or step.index not in (None, 0):
        return None
    kernel = _pair(values["kernel_size"])
    stride, before, dilation = _pair(values["stride"] or kernel), _pair(values["padding"]), _pair(values["dilation"])
    ceil_mode = values["ceil_mode"]

    def run(found: Sequence[Tensor], _: Place) -> Tensor:
        return F.max_pool2d(found[0], kernel, stride, 0, dilation)

    def run_whole(found: Sequence[Tensor], _: Place) -> Tensor:
        return F.max_pool2d(found[0], kernel, stride, before, dilation, ceil_mode)

    slides = _slides(kernel, stride, before, dilation)
    return _pool(step, source, run, run_whole, slides, -torch.inf)


def _avg_pool(step: Step, known: Known) -> Node | None:
    source, values = only(step, known), step.arguments
    if source is None or not is_nchw(source.layout):
        return None
    kernel = _pair(values["kernel_size"])
    stride, before = _pair(values["stride"] or kernel), _pair(values["padding"])
    ceil_mode, padded, divisor = values["ceil_mode"], values["count_include_pad"], values["divisor_override"]
    slides = _slides(kernel, stride, before, (1, 1))
    counts = [
        _counted(slide, size, out, padded) for slide, size, out in zip(slides, source.size, step.shape[2:], strict=True)
    ]
    plain = divisor is not None or all((count == k).all() for count, k in zip(counts, kernel, strict=True))

    def run(found: Sequence[Tensor], place: Place) -> Tensor:
        pooled = F.avg_pool2d(found[0], kernel, stride, 0, divisor_override=divisor)
        if plain:
            return pooled
        # Where a window holds fewer cells that count, its sum is divided by their number.
        rows = kernel[0] / counts[0][place.tops[:, None] + np.arange(place.h)]
        cols = kernel[1] / counts[1][place.lefts[:, None] + np.arange(place.w)]
        factor = torch.from_numpy(rows[:, :, None] * cols[:, None, :]).to(pooled)
        return pooled * factor[:, None]

    def run_whole(found: Sequence[Tensor], _: Place) -> Tensor:
        return F.avg_pool2d(found[0], kernel, stride, before, ceil_mode, padded, divisor)

    return _pool(step, source, run, run_whole, slides, 0.0)


def _adaptive_avg_pool(step: Step, known: Known) -> Node | None:
    source = only(step, known)
    if source is None or not is_nchw(source.layout):
        return None
    if step.shape[2:] == (1, 1):
        mean = over_whole_maps(step, known, source, (("n",), units(step.shape[1]), (), ()))
        return replace(mean, kind="mean")
    if step.shape[2:] == source.size:
        return Node(step, "aligned", source.layout, source.size, (source,))
    if any(size % out for size, out in zip(source.size, step.shape[2:], strict=True)):
        return over_whole_maps(step, known, source, nchw(step.shape[1]))
    kernel = (source.size[0] // step.shape[2], source.size[1] // step.shape[3])

    def run(found: Sequence[Tensor], _: Place) -> Tensor:
        return F.avg_pool2d(found[0], kernel)

    return _pool(step, source, run, run, _slides(kernel, kernel, (0, 0), (1, 1)), 0.0)


def _pool(step: Step, source: Node, run: object, run_whole: object, slides: tuple[Slide, Slide], pad: float) -> Node:
    size = (step.shape[2], step.shape[3])
    return Node(step, "sliding", source.layout, size, (source,), run, run_whole, slides, pad)  # type: ignore[arg-type]


def _slides(*each: tuple[int, int]) -> tuple[Slide, Slide]:
    return tuple(Slide(*values) for values in zip(*each, strict=True))  # type: ignore[return-value]


def _counted(slide: Slide, size: int, out: int, padded: bool) -> Indices:
    """By how many cells of an axis each window of an average is divided: torch counts no cell beyond the padding."""
    starts = np.arange(out) * slide.stride - slide.before
    ends = np.minimum(starts + slide.kernel, size + slide.before)
    inside: Indices = np.minimum(ends, size) - np.maximum(starts, 0)
    return ends - starts if padded else inside


def _pair(value: int | Sequence[int]) -> tuple[int, int]:
    values = [value] if isinstance(value, int) else list(value)
    return values[0], values[-1]


POOLING_RULES: dict[str, Rule] = {
    **dict.fromkeys(["max_pool2d", "mkldnn_max_pool2d", "max_pool2d_with_indices"], _max_pool),
    "avg_pool2d": _avg_pool,
    "_adaptive_avg_pool2d": _adaptive_avg_pool,
    "adaptive_max_pool2d": lambda step, known: (
        None
        if (source := only(step, known)) is None or not is_nchw(source.layout) or step.index not in (None, 0)
        else over_whole_maps(step, known, source, nchw(step.shape[1]))
    ),
}
