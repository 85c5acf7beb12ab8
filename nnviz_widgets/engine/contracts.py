"""From what a person says about her network's input to the contract that the engine obeys."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from numbers import Real
from typing import Any

from torch import nn

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.images.contract import InputContract

EXAMPLES = {
    "mean": "mean=0.5 (what training subtracted from pixels in 0..1, one number or one a channel; 0 for nothing)",
    "std": "std=0.5 (what training then divided by; 1 for nothing)",
    "size": "size=32 (side in pixels, or (height, width))",
}


def make_contract(
    module: nn.Module,
    *,
    mean: float | Sequence[float] | None,
    std: float | Sequence[float] | None,
    size: int | tuple[int, int] | None,
    resize: int | None,
    interpolation: str,
) -> InputContract:
    """The contract, or one error that asks for everything that cannot be inferred."""
    given = {"mean": mean, "std": std, "size": size}
    missing = [name for name, value in given.items() if value is None]
    if missing:
        raise NnvizError(
            "contract_missing", missing=", ".join(missing), example=", ".join(EXAMPLES[name] for name in missing)
        )
    channels = _channels(module, mean, std)
    sides = _sides(size)
    if len(sides) != 2 or min(sides) <= 0:
        raise NnvizError("contract_value", field="size", value=size, expected="a side in pixels, or (height, width)")
    if interpolation not in ("bilinear", "bicubic", "nearest"):
        raise NnvizError("contract_value", field="interpolation", value=interpolation, expected="bilinear or bicubic")
    if resize is not None and resize < max(sides):
        raise NnvizError("contract_value", field="resize", value=resize, expected=f"at least size, {max(sides)}")
    means = _numbers("mean", mean, channels)
    if not all(math.isfinite(value) for value in means):
        raise NnvizError("contract_value", field="mean", value=mean, expected="finite numbers")
    stds = _numbers("std", std, channels)
    if not all(0 < value < math.inf for value in stds):
        raise NnvizError("contract_value", field="std", value=std, expected="positive numbers")
    return InputContract((sides[0], sides[1]), means, stds, resize, interpolation)


def _channels(module: nn.Module, mean: Any, std: Any) -> int:
    for value in (mean, std):
        if not isinstance(value, Real):
            return len(value)
    kinds = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
    first = next((part.in_channels for part in module.modules() if isinstance(part, kinds)), None)
    if first not in (1, 3):
        raise NnvizError(
            "contract_value", field="mean", value=mean, expected="one number a channel: mean=(0.5, 0.5, 0.5)"
        )
    return int(first)


def _sides(size: Any) -> tuple[int, ...]:
    try:
        return (operator.index(size),) * 2  # NumPy's whole numbers too
    except TypeError:
        pass
    try:
        return tuple(operator.index(side) for side in size)
    except TypeError:
        return ()


def _numbers(field: str, value: Any, channels: int) -> tuple[float, ...]:
    numbers = (float(value),) * channels if isinstance(value, Real) else tuple(float(v) for v in value)
    if len(numbers) != channels or channels not in (1, 3):
        raise NnvizError(
            "contract_value", field=field, value=value, expected="1 or 3 numbers, as many for mean as for std"
        )
    return numbers
