"""For ATen operations that move cells about: which of the source the masked cells of the result come from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from nnviz_widgets.engine.axis_masks import Mask, Masks, any_along, picked, replaced, reshaped, shifted
from nnviz_widgets.engine.graph import Step
from nnviz_widgets.engine.mixing_rules import Rule, Shape


def _reshape(_: Step, shape: Shape, masks: Masks) -> Masks | None:
    return reshaped(masks, shape)


def _permute(step: Step, shape: Shape, masks: Masks) -> Masks:
    order = list(range(len(shape)))
    if step.operation == "permute":
        order = [dim % len(shape) for dim in step.arguments["dims"]]
    elif len(shape) > 1:
        i, j = (0, 1) if step.operation == "t" else (step.arguments["dim0"], step.arguments["dim1"])
        order[i], order[j] = order[j], order[i]
    return tuple(masks[order.index(axis)] for axis in range(len(shape)))


def _select(step: Step, shape: Shape, masks: Masks) -> Masks:
    axis = step.arguments["dim"] % len(shape)
    index = step.arguments["index"] if step.operation == "select" else step.index
    one = np.zeros(shape[axis], bool)
    one[index] = True
    return (*masks[:axis], one, *masks[axis:])


def _slice(step: Step, shape: Shape, masks: Masks) -> Masks:
    axis = step.arguments["dim"] % len(shape)
    return replaced(masks, axis, picked(masks[axis], shape[axis], sliced(step.arguments, shape[axis])))


def sliced(values: Mapping[str, Any], size: int) -> range:
    """The cells of an axis of `size` that slice(start, end, step) takes."""
    return range(size)[slice(values["start"], values["end"], values["step"])]


def _split(step: Step, shape: Shape, masks: Masks) -> Masks:
    values, index = step.arguments, step.index or 0
    axis = values["dim"] % len(shape)
    sizes = values.get("split_size", values.get("split_sizes"))
    start = sum(sizes[:index]) if isinstance(sizes, list) else sizes * index
    return replaced(masks, axis, shifted(masks[axis], shape[axis], -start))


def _pad(step: Step, shape: Shape, masks: Masks) -> Masks | None:
    # Pairs of widths before and after, the last axis first.
    widths = step.arguments.get("pad", step.arguments.get("padding"))
    mode = {"constant": None, "reflection": "reflect", "replication": "edge"}[step.operation.split("_")[0]]
    for axis, before, after in zip(range(len(shape) - 1, -1, -1), widths[::2], widths[1::2], strict=False):
        if mode is None:
            needed = shifted(masks[axis], shape[axis], before)
        elif min(before, after) < 0:
            return None
        else:
            source = np.pad(np.arange(shape[axis]), (before, after), mode)  # type: ignore[call-overload]
            needed = picked(masks[axis], shape[axis], source)
        masks = replaced(masks, axis, needed)
    return masks


def _roll(step: Step, shape: Shape, masks: Masks) -> Masks | None:
    dims = step.arguments["dims"]
    for shift, dim in zip(step.arguments["shifts"], dims, strict=False):
        masks = replaced(masks, dim % len(shape), np.roll(masks[dim], -shift))
    return masks if dims else None


def _flip(step: Step, shape: Shape, masks: Masks) -> Masks:
    flipped = {dim % len(shape) for dim in step.arguments["dims"]}
    return tuple(mask[::-1] if axis in flipped else mask for axis, mask in enumerate(masks))


def _repeat(_: Step, shape: Shape, masks: Masks) -> Masks:
    last = masks[len(masks) - len(shape) :]
    return tuple(any_along(mask.reshape(-1, size), 0) for mask, size in zip(last, shape, strict=True))


def _pixel_shuffle(step: Step, shape: Shape, masks: Masks) -> Masks:
    r = step.arguments.get("upscale_factor", step.arguments.get("downscale_factor"))
    rows, cols = (
        any_along(mask.reshape(-1, r), 1) if step.operation == "pixel_shuffle" else np.repeat(mask, r)
        for mask in masks[-2:]
    )
    return (*masks[:-3], np.ones(shape[-3], bool), rows, cols)


def _channel_shuffle(_: Step, shape: Shape, masks: Masks) -> Masks:
    return replaced(masks, 1, np.ones(shape[1], bool))


def _upsample(step: Step, shape: Shape, masks: Masks) -> Masks:
    return (*masks[:2], *(_resized(step, masks[axis], shape[axis], axis - 2) for axis in (2, 3)))


def _resized(step: Step, mask: Mask, size: int, axis: int) -> Mask:
    # The operation itself says what it reads: along one axis of the unit vectors, the other of one cell.
    values = {key: value for key, value in step.arguments.items() if key not in ("self", "input")}
    for key in ("output_size", "scale_factors"):
        if values.get(key) is not None:
            values[key] = [values[key][axis], 1]
    if "scales_h" in values:
        values |= {"scales_h": values["scales_h" if axis == 0 else "scales_w"], "scales_w": None}
    units = torch.eye(size, dtype=torch.float64).view(size, 1, size, 1)
    assert step.target is not None
    weights = step.target(units, **values)[:, 0, :, 0].numpy()
    return any_along(weights[:, mask] != 0, 1)


MOVING: dict[str, Rule] = {
    "select": _select,
    "unbind": _select,
    "slice": _slice,
    "roll": _roll,
    "flip": _flip,
    "repeat": _repeat,
    **dict.fromkeys(["view", "_unsafe_view", "_reshape_alias", "squeeze", "unsqueeze"], _reshape),
    **dict.fromkeys(["permute", "transpose", "t"], _permute),
    **dict.fromkeys(["split", "split_with_sizes"], _split),
    **dict.fromkeys(["constant_pad_nd", "reflection_pad1d", "reflection_pad2d"], _pad),
    **dict.fromkeys(["replication_pad1d", "replication_pad2d"], _pad),
    **dict.fromkeys(["channel_shuffle", "native_channel_shuffle"], _channel_shuffle),
    **dict.fromkeys(["pixel_shuffle", "pixel_unshuffle"], _pixel_shuffle),
    **dict.fromkeys(["upsample_nearest2d", "_upsample_nearest_exact2d", "upsample_bilinear2d"], _upsample),
    **dict.fromkeys(["upsample_bicubic2d", "_upsample_bilinear2d_aa", "_upsample_bicubic2d_aa"], _upsample),
}
