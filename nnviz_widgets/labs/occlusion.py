"""Checks of the lab on occlusion by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from nnviz_widgets.labs.checking import fail, judge, judge_exactly, passed
from nnviz_widgets.labs.networks import engine_of, picture, small_network
from nnviz_widgets.labs.observed import call, call_on_tensors
from nnviz_widgets.methods.occlusion import occlusion
from nnviz_widgets.methods.own_method import name_of
from nnviz_widgets.methods.positions import starts


def check_positions(f: Callable[..., Any], *, seed: int = 0) -> str:
    """f(side, size, stride) -> where squares begin along a side; the last one is moved back to the border.

    Raises:
        LabError: says what is wrong.
    """
    for side, size, stride in ((11 + 2 * seed, 5, 2), (10 + 2 * seed, 5, 2), (8, 8, 2)):
        given = f(side, size, stride)
        if not isinstance(given, Iterable):
            fail("lab_positions_list", name=name_of(f), type=type(given).__name__)
        found, right = [int(start) for start in given], [int(start) for start in starts(side, size, stride)]
        inside = list(range(0, side - size + 1, stride))
        mistakes = {
            "lab_positions_border": inside,
            "lab_positions_last": list(range(0, side - size, stride)),
            "lab_positions_beyond": [*inside, inside[-1] + stride],
            "lab_positions_side": list(range(0, side, stride)),
            "lab_positions_twice": [*inside, side - size],
        }
        judge_exactly(f, found, right, mistakes, "lab_positions_differ", side=side, size=size, stride=stride)
    return passed(f)


def check_occlude(f: Callable[..., Any], *, seed: int = 0) -> str:
    """f(x, top, left, size, value) -> a copy of x (N, C, H, W) with a square of one value in all its channels.

    Raises:
        LabError: says what is wrong.
    """
    x = picture(seed)
    for value in (0.0, 1.5):
        top, left, size = 2 + seed, 7, 5
        given = call_on_tensors(f, x, top, left, size, value)

        def covered(rows: int, columns: int, side: int, filled: float = value, channels: int = 3) -> Tensor:
            other = x.clone()
            other[:, :channels, rows : rows + side, columns : columns + side] = filled
            return other

        right = covered(top, left, size)
        mistakes = {
            "lab_occlude_swapped": covered(left, top, size),
            "lab_occlude_larger": covered(top, left, size + 1),
            "lab_occlude_smaller": covered(top, left, size - 1),
            "lab_occlude_one_channel": covered(top, left, size, channels=1),
            "lab_occlude_value": covered(top, left, size, filled=0.0),
            "lab_occlude_inverse": torch.where(right == x, torch.full_like(x, value), x),
            "lab_occlude_crop": x[:, :, top : top + size, left : left + size],
            "lab_occlude_nothing": x,
        }
        judge(f, given, right, mistakes, top=top, left=left, size=size, value=value)
    return passed(f)


def check_logit_map(f: Callable[..., Any], *, seed: int = 0) -> str:
    """f(module, x, size, stride) -> logits for every position of a square of zeros, (rows, cols, classes).

    Zeiler & Fergus 2014, figure 7; a 0 of the network's input is the mean pixel.

    Raises:
        LabError: says what is wrong.
    """
    module, x = small_network(seed), picture(seed)
    size, stride = 6, 4
    given = call(f, module, x, size, stride)
    if isinstance(given, Tensor) and given.requires_grad:
        fail("lab_no_grad", name=name_of(f))
    *_, found = occlusion(engine_of(module), x, size=size, stride=stride)
    right = found.logits
    mistakes = {
        "lab_logit_map_softmax": right.softmax(-1),
        "lab_logit_map_rows": right.transpose(0, 1),
        "lab_logit_map_classes": right.permute(2, 0, 1),
        "lab_logit_map_accumulated": _accumulated(module, x, size, stride),
        "lab_logit_map_border": _inner(module, x, size, stride),
    }
    judge(f, given, right, mistakes)
    return passed(f)


def check_probability_map(f: Callable[..., Any], *, seed: int = 0) -> str:
    """f(logits, target) -> probability of a class at every position, from logits (rows, cols, classes).

    Raises:
        LabError: says what is wrong.
    """
    logits, target = _logits(seed), 2
    right = logits.softmax(-1)[..., target]
    mistakes = {
        "lab_probability_logit": logits[..., target],
        "lab_probability_sigmoid": logits[..., target].sigmoid(),
        "lab_probability_log": logits.log_softmax(-1)[..., target],
        "lab_probability_rows": logits.softmax(0)[..., target],
        "lab_probability_cols": logits.softmax(1)[..., target],
        "lab_probability_top": logits.softmax(-1).amax(-1),
        "lab_probability_place": logits.softmax(-1)[:, target],
    }
    judge(f, call_on_tensors(f, logits, target), right, mistakes, target=target)
    return passed(f)


def check_predicted_map(f: Callable[..., Any], *, seed: int = 0) -> str:
    """f(logits) -> index of the most probable class at every position, from logits (rows, cols, classes).

    Raises:
        LabError: says what is wrong.
    """
    logits = _logits(seed)
    mistakes = {
        "lab_predicted_value": logits.amax(-1),
        "lab_predicted_probability": logits.softmax(-1).amax(-1),
        "lab_predicted_rows": logits.argmax(0),
        "lab_predicted_cols": logits.argmax(1),
        "lab_predicted_one": logits.argmax(),
        "lab_predicted_least": logits.argmin(-1),
    }
    judge(f, call_on_tensors(f, logits), logits.argmax(-1), mistakes)
    return passed(f)


def check_drop(f: Callable[..., Any], *, seed: int = 0) -> str:
    """f(logits, clean, target) -> by how much a class's logit falls at every position.

    logits: (rows, cols, classes), with the square; clean: (classes,), without it. Positive where the square hurts.

    Raises:
        LabError: says what is wrong.
    """
    logits, target = _logits(seed), 1
    clean = logits.mean((0, 1)) + 1
    right = clean[target] - logits[..., target]
    mistakes = {
        "lab_drop_sign": -right,
        "lab_drop_probability": clean.softmax(-1)[target] - logits.softmax(-1)[..., target],
        "lab_drop_share": right / clean[target],
        "lab_drop_magnitude": right.abs(),
        "lab_drop_clamped": right.clamp(min=0),
        "lab_drop_map": logits[..., target],
        "lab_drop_top": clean.max() - logits.amax(-1),
    }
    judge(f, call_on_tensors(f, logits, clean, target), right, mistakes, target=target)
    return passed(f)


def _logits(seed: int) -> Tensor:
    return 2 * torch.randn(5, 6, 7, generator=torch.Generator().manual_seed(seed))


def _run(module: nn.Module, pictures: list[list[Tensor]]) -> Tensor:
    with torch.no_grad():
        return torch.stack([module(torch.cat(row)) for row in pictures])


def _accumulated(module: nn.Module, x: Tensor, size: int, stride: int) -> Tensor:
    """Every square stays where it was while the next ones come."""
    mine, pictures = x.clone(), []
    for top in starts(x.shape[2], size, stride):
        row = []
        for left in starts(x.shape[3], size, stride):
            mine[:, :, top : top + size, left : left + size] = 0
            row.append(mine.clone())
        pictures.append(row)
    return _run(module, pictures)


def _inner(module: nn.Module, x: Tensor, size: int, stride: int) -> Tensor:
    """Without the positions that are moved back to the border."""
    pictures = []
    for top in range(0, x.shape[2] - size + 1, stride):
        row = []
        for left in range(0, x.shape[3] - size + 1, stride):
            one = x.clone()
            one[:, :, top : top + size, left : left + size] = 0
            row.append(one)
        pictures.append(row)
    return _run(module, pictures)
