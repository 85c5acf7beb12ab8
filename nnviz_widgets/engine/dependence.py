"""Which cells of the picture a cell of a recorded network can depend on, operation by operation, backwards."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from nnviz_widgets.engine.axis_masks import Masks, empty, full, replaced, shifted
from nnviz_widgets.engine.graph import Graph, Step
from nnviz_widgets.engine.mixing_rules import MIXING
from nnviz_widgets.engine.moving_rules import MOVING, sliced

RULES = {**MIXING, **MOVING}

POINTWISE = frozenset(["_prelu_kernel", "_to_copy", "alias", "clone", "contiguous", "detach", "expand", "fill"]) | {
    "hardswish",
    "lift_fresh",
    "lift_fresh_copy",
}
"""Those that ATen does not tag so itself, and those that repeat values along new axes."""
SHAPE_ONLY = frozenset(["empty_like", "full_like", "ones_like", "zeros_like", "rand_like", "randn_like"]) | {
    "new_empty",
    "new_full",
    "new_ones",
    "new_zeros",
}
PRODUCTS = {
    "mm": ("self", "mat2"),
    "bmm": ("self", "mat2"),
    "addmm": ("mat1", "mat2"),
    "baddbmm": ("batch1", "batch2"),
}


def dependence(graph: Graph, step: Step, masks: Masks) -> Masks:
    """What of the picture (1, C, H, W) the cells `masks` of a step can depend on; all False where on nothing.

    A set of cells is kept as its projections on the axes, which is exact for all that works axis by axis, and an upper
    bound where an operation couples axes. Where an operation has no rule, everything may depend on everything.
    """
    pending = {step: masks}
    for current in reversed(graph.steps):
        wanted = pending.pop(current, None)
        if wanted is None:
            continue
        if current is graph.picture:
            return wanted
        told = set()
        for source, needed in _needs(current, wanted):
            told.add(source)
            if source.live and (needed is wanted or all(mask.any() for mask in needed)):
                _add(pending, source, needed)
        for source in current.inputs:
            if source.live and source not in told:
                _add(pending, source, full(source.shape))
    return empty(graph.picture.shape)


def _add(pending: dict[Step, Masks], step: Step, masks: Masks) -> None:
    known = pending.get(step)
    pending[step] = masks if known is None else tuple(a | b for a, b in zip(known, masks, strict=True))


def _needs(step: Step, masks: Masks) -> Iterator[tuple[Step, Masks]]:
    """What a step's cells need of its inputs, as far as that is known."""
    name, values = step.operation, step.arguments
    if name in POINTWISE or torch.Tag.pointwise in getattr(step.target, "tags", ()):
        for source in step.inputs:
            yield source, _broadcast(masks, source.shape)
    elif name in SHAPE_ONLY:
        for source in step.inputs:
            yield source, empty(source.shape)
    elif name in PRODUCTS:
        left, right = (values[key] for key in PRODUCTS[name])
        yield left, replaced(masks, len(masks) - 1, np.ones(left.shape[-1], bool))
        yield right, replaced(masks, len(masks) - 2, np.ones(right.shape[-2], bool))
        if "self" in values and left is not values["self"]:
            yield values["self"], _broadcast(masks, values["self"].shape)
    elif name == "linear":
        yield values["input"], (*masks[:-1], np.ones(values["input"].shape[-1], bool))
    elif name in ("cat", "stack"):
        yield from _joined(step, masks)
    elif name in ("copy", "slice_scatter", "select_scatter"):
        yield from _overwritten(step, masks)
    elif name in RULES:
        source = values.get("self", values.get("input"))
        needed = RULES[name](step, source.shape, masks)
        if needed is not None:
            yield source, needed


def _broadcast(masks: Masks, shape: tuple[int, ...]) -> Masks:
    last = masks[len(masks) - len(shape) :]
    if shape == tuple(mask.size for mask in masks):
        return masks
    return tuple(mask if mask.size == size else np.ones(size, bool) for mask, size in zip(last, shape, strict=True))


def _joined(step: Step, masks: Masks) -> Iterator[tuple[Step, Masks]]:
    axis, start = step.arguments.get("dim", 0) % len(masks), 0
    for source in step.arguments["tensors"]:
        if step.operation == "stack":
            here = (*masks[:axis], *masks[axis + 1 :])
            yield source, here if masks[axis][start] else empty(source.shape)
            start += 1
        elif len(source.shape) == len(masks):  # else an empty list of numbers, which cat lets pass
            size = source.shape[axis]
            yield source, replaced(masks, axis, shifted(masks[axis], size, start))
            start += size


def _overwritten(step: Step, masks: Masks) -> Iterator[tuple[Step, Masks]]:
    """What an assignment into a part left of the old values and took from the new ones."""
    values = step.arguments
    if step.operation == "copy":
        yield values["self"], empty(values["self"].shape)
        yield values["src"], _broadcast(masks, values["src"].shape)
        return
    axis = values["dim"] % len(masks)
    size = masks[axis].size
    written = np.zeros(size, bool)
    written[sliced(values, size) if step.operation == "slice_scatter" else values["index"]] = True
    yield values["self"], replaced(masks, axis, masks[axis] & ~written)
    if step.operation == "slice_scatter":
        yield values["src"], replaced(masks, axis, masks[axis][sliced(values, size)])
    else:
        rest = (*masks[:axis], *masks[axis + 1 :])
        yield values["src"], rest if masks[axis][values["index"]] else empty(values["src"].shape)
