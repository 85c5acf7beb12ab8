"""Which axis of a tensor means what, followed through a pass from one operation to the next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

SPATIAL = frozenset(
    [
        "conv2d",
        "conv_transpose2d",
        "max_pool2d",
        "avg_pool2d",
        "adaptive_avg_pool2d",
        "adaptive_max_pool2d",
        "lp_pool2d",
        "interpolate",
        "batch_norm",
        "group_norm",
        "instance_norm",
        "pixel_shuffle",
        "pixel_unshuffle",
        "local_response_norm",
    ]
)


@dataclass(frozen=True)
class Meaning:
    """What a tensor's axes stand for, and the grid that its tokens were taken from."""

    axes: str | None = None
    grid: tuple[int, int] | None = None


UNKNOWN = Meaning()


def tensors_in(values: Any) -> Iterator[Tensor]:
    """The tensors of nested arguments, in order."""
    if isinstance(values, Tensor):
        yield values
    elif isinstance(values, list | tuple):
        for value in values:
            yield from tensors_in(value)
    elif isinstance(values, Mapping):
        yield from tensors_in(list(values.values()))


def meaning_of(tensor: Tensor) -> Meaning:
    return getattr(tensor, "_nnviz_meaning", UNKNOWN)


def remember(tensor: Tensor, meaning: Meaning) -> None:
    tensor._nnviz_meaning = meaning  # type: ignore[attr-defined]


def propagate(function: str, args: Any, kwargs: Mapping[str, Any], out: Tensor) -> Meaning:
    """What `out` means, given the function that made it and what its arguments meant."""
    if function in SPATIAL and out.ndim == 4:
        return Meaning("nchw", (out.shape[2], out.shape[3]))
    source = next((t for t in tensors_in((args, kwargs)) if meaning_of(t).axes), None)
    if source is None:
        return UNKNOWN
    meaning = meaning_of(source)
    axes = meaning.axes or ""
    if function == "permute":
        order = kwargs.get("dims", args[1] if len(args) == 2 else args[1:])
        return replace(meaning, axes="".join(axes[i] for i in order))
    if function in ("transpose", "swapaxes", "swapdims"):
        i, j = args[1:] if len(args) == 3 else list(kwargs.values())[-2:]
        letters = list(axes)
        letters[i], letters[j] = letters[j], letters[i]
        return replace(meaning, axes="".join(letters))
    if function in ("flatten", "reshape", "view", "unflatten"):
        return _reshaped(meaning, source, out)
    if function in ("__get", "movedim", "moveaxis") and out.shape != source.shape:
        return UNKNOWN  # x.mT and the like: which property it was cannot be seen
    if out.ndim == len(axes):
        grid = meaning.grid
        if axes == "nhwc":
            grid = (out.shape[1], out.shape[2])
        elif axes == "nchw":
            grid = (out.shape[2], out.shape[3])
        return Meaning(axes, grid)
    return UNKNOWN


def _reshaped(meaning: Meaning, source: Tensor, out: Tensor) -> Meaning:
    if out.shape == source.shape:
        return meaning
    shape, grid = tuple(out.shape), meaning.grid
    if meaning.axes == "nchw" and shape == (*source.shape[:2], source.shape[2] * source.shape[3]):
        return replace(meaning, axes="nct")
    if meaning.axes == "nhwc" and shape == (source.shape[0], source.shape[1] * source.shape[2], source.shape[3]):
        return replace(meaning, axes="ntc")
    if grid and meaning.axes == "ntc" and shape == (source.shape[0], *grid, source.shape[2]):
        return replace(meaning, axes="nhwc")
    if grid and meaning.axes == "nct" and shape == (*source.shape[:2], *grid):
        return replace(meaning, axes="nchw")
    return UNKNOWN
