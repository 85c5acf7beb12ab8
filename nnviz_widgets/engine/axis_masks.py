"""Sets of cells of a tensor, one boolean mask an axis, and what windows, resizing and reshaping make of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]
Masks = tuple[Mask, ...]


def full(shape: Sequence[int]) -> Masks:
    return tuple(np.ones(size, bool) for size in shape)


def empty(shape: Sequence[int]) -> Masks:
    return tuple(np.zeros(size, bool) for size in shape)


def replaced(masks: Masks, axis: int, mask: Mask) -> Masks:
    return (*masks[:axis], mask, *masks[axis + 1 :])


def any_along(cells: Mask, axes: int | tuple[int, ...]) -> Mask:
    found: Mask = np.logical_or.reduce(cells, axis=axes)
    return found


def windows(mask: Mask, size: int, kernel: int, stride: int, padding: int, dilation: int) -> Mask:
    """The cells of an axis of `size` that the windows of the masked outputs hold."""
    starts = np.flatnonzero(mask) * stride - padding
    cells = (starts[:, None] + np.arange(kernel) * dilation).ravel()
    needed = np.zeros(size, bool)
    needed[cells[(cells >= 0) & (cells < size)]] = True
    return needed


def transposed_windows(mask: Mask, size: int, kernel: int, stride: int, padding: int, dilation: int) -> Mask:
    """The same for a transposed convolution, where each input cell spreads over a window of outputs."""
    cells = (np.arange(size) * stride - padding)[:, None] + np.arange(kernel) * dilation
    inside = (cells >= 0) & (cells < mask.size)
    return any_along(inside & mask[np.where(inside, cells, 0)], 1)


def adaptive_windows(mask: Mask, size: int) -> Mask:
    """The same for adaptive pooling: output i covers floor(i n / m) up to ceil((i + 1) n / m)."""
    needed = np.zeros(size, bool)
    for i in np.flatnonzero(mask).tolist():
        needed[i * size // mask.size : -(-(i + 1) * size // mask.size)] = True
    return needed


def shifted(mask: Mask, size: int, start: int) -> Mask:
    """Input cell i is output cell i + start; outputs outside the input are padding, inputs outside are cut off."""
    needed = np.zeros(size, bool)
    first, last = max(0, -start), min(size, mask.size - start)
    if first < last:
        needed[first:last] = mask[first + start : last + start]
    return needed


def picked(mask: Mask, size: int, source: Sequence[int] | npt.NDArray[np.intp] | range) -> Mask:
    """Output cell i is a copy of input cell source[i]."""
    needed = np.zeros(size, bool)
    needed[np.asarray(source, np.intp)[mask]] = True
    return needed


def reshaped(masks: Masks, shape: tuple[int, ...]) -> Masks | None:
    """What a reshape to the masks' sizes needs of a tensor of `shape`; None where the numbers of cells differ.

    Axes that merge or split keep to themselves: rows cut into windows stay rows.
    """
    if math.prod(shape) != math.prod(mask.size for mask in masks):
        return None
    if not math.prod(shape):
        return full(shape)
    needed: list[Mask] = []
    ours, theirs = 0, 0  # the axes before these are done
    while ours < len(masks) or theirs < len(shape):
        first, last = ours, theirs
        have = want = 1
        if ours < len(masks):
            have, ours = masks[ours].size, ours + 1
        if theirs < len(shape):
            want, theirs = shape[theirs], theirs + 1
        while have != want:
            if have < want:
                have, ours = have * masks[ours].size, ours + 1
            else:
                want, theirs = want * shape[theirs], theirs + 1
        needed += _projected(masks[first:ours], shape[last:theirs])
    return tuple(needed)


def _projected(masks: Masks, shape: tuple[int, ...]) -> Masks:
    if len(masks) == 1 and len(shape) == 1:
        return masks
    if all(mask.all() for mask in masks):
        return full(shape)
    cells = reduce(np.logical_and.outer, masks).reshape(shape)
    axes = range(len(shape))
    return tuple(any_along(cells, tuple(other for other in axes if other != axis)) for axis in axes)
