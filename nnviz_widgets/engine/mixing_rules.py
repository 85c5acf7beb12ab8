"""For ATen operations that mix neighbours: which cells of the source the masked cells of the result depend on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from nnviz_widgets.engine.axis_masks import Masks, adaptive_windows, full, replaced, transposed_windows, windows
from nnviz_widgets.engine.graph import Step

Shape = tuple[int, ...]
Rule = Callable[[Step, Shape, Masks], Masks | None]
"""(result, shape of its source, cells of the result) -> cells of the source; None where no bound is known."""


def _convolution(step: Step, shape: Shape, masks: Masks) -> Masks:
    values, count = step.arguments, len(shape) - 2
    kernel = values["weight"].shape[2:]
    strides, paddings, dilations = (_each(values[key], count) for key in ("stride", "padding", "dilation"))
    over = transposed_windows if values["transposed"] else windows
    each = zip(masks[2:], shape[2:], kernel, strides, paddings, dilations, strict=True)
    return (masks[0], *full(shape[1:2]), *(over(*arguments) for arguments in each))


def _pool(step: Step, shape: Shape, masks: Masks) -> Masks:
    values = step.arguments
    count = int(next(letter for letter in step.operation if letter.isdigit()))
    kept = len(shape) - count
    kernel, paddings = _each(values["kernel_size"], count), _each(values["padding"], count)
    strides, dilations = _each(values["stride"] or kernel, count), _each(values.get("dilation", 1), count)
    each = zip(masks[kept:], shape[kept:], kernel, strides, paddings, dilations, strict=True)
    return (*masks[:kept], *(windows(*arguments) for arguments in each))


def _adaptive_pool(step: Step, shape: Shape, masks: Masks) -> Masks:
    kept = len(shape) - len(step.arguments["output_size"])
    return (*masks[:kept], *(adaptive_windows(m, n) for m, n in zip(masks[kept:], shape[kept:], strict=True)))


def _batch_norm(step: Step, shape: Shape, masks: Masks) -> Masks | None:
    if step.index not in (None, 0):
        return None
    own_statistics = step.arguments.get("training", False)  # of this very batch: instance norm is made of it
    return replaced(full(shape), 1, masks[1]) if own_statistics else masks


def _group_norm(_: Step, shape: Shape, masks: Masks) -> Masks:
    return (masks[0], *full(shape[1:]))


def _layer_norm(step: Step, shape: Shape, masks: Masks) -> Masks:
    kept = len(shape) - len(step.arguments["normalized_shape"])
    return (*masks[:kept], *full(shape[kept:]))


def _reduce(step: Step, shape: Shape, masks: Masks) -> Masks:
    dims = step.arguments.get("dim")
    dims = [dims] if isinstance(dims, int) else dims or range(len(shape))
    gone = {dim % len(shape) for dim in dims} if shape else set()
    rest = iter(masks if len(masks) < len(shape) else [m for axis, m in enumerate(masks) if axis not in gone])
    return tuple(np.ones(size, bool) if axis in gone else next(rest) for axis, size in enumerate(shape))


def _along(step: Step, shape: Shape, masks: Masks) -> Masks:
    axis = step.arguments.get("dim", -1) % len(shape)
    return replaced(masks, axis, np.ones(shape[axis], bool))


def _each(value: int | Sequence[int], count: int) -> list[int]:
    values = [value] if isinstance(value, int) else list(value)
    return values * count if len(values) == 1 else values


MIXING: dict[str, Rule] = {
    "convolution": _convolution,
    "native_group_norm": _group_norm,
    "native_layer_norm": _layer_norm,
    **dict.fromkeys(["avg_pool1d", "avg_pool2d", "avg_pool3d", "max_pool2d", "mkldnn_max_pool2d"], _pool),
    **dict.fromkeys(["max_pool2d_with_indices", "max_pool3d_with_indices"], _pool),
    **dict.fromkeys(["_adaptive_avg_pool2d", "_adaptive_avg_pool3d", "adaptive_max_pool2d"], _adaptive_pool),
    **dict.fromkeys(["native_batch_norm", "cudnn_batch_norm", "miopen_batch_norm"], _batch_norm),
    **dict.fromkeys(["_native_batch_norm_legit", "_native_batch_norm_legit_no_training"], _batch_norm),
    **dict.fromkeys(["mean", "sum", "prod", "amax", "amin", "max", "min", "argmax", "argmin", "all", "any"], _reduce),
    **dict.fromkeys(["var", "var_mean", "std", "std_mean", "norm", "linalg_vector_norm", "logsumexp"], _reduce),
    **dict.fromkeys(["_softmax", "_log_softmax", "cumsum", "cumprod", "sort", "topk", "glu"], _along),
}
