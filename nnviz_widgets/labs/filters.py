"""Checks of the lab on filters and activation maps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from nnviz_widgets.labs.checking import fail, judge, judge_exactly, passed
from nnviz_widgets.labs.convolution import Convolutions
from nnviz_widgets.labs.networks import engine_of, picture, small_network
from nnviz_widgets.labs.observed import call, call_on_tensors, hooks_of
from nnviz_widgets.methods.activation_maps import activation_maps
from nnviz_widgets.methods.filters import filters
from nnviz_widgets.methods.own_method import name_of


def check_filters(f: Callable[..., Any], *, seed: int = 0) -> str:
    """f(module, layer) -> a copy of a convolution's weights, without gradient, (out, in, kh, kw).

    Krizhevsky et al. 2012, figure 3.

    Raises:
        LabError: says what is wrong.
    """
    module, name = small_network(seed), name_of(f)
    for layer in ("0", "3"):
        weight = module.get_submodule(layer).weight
        assert isinstance(weight, Tensor)
        given = f(module, layer)
        if isinstance(given, Tensor):
            if given.requires_grad:
                fail("lab_filters_attached", name=name)
            if given.untyped_storage().data_ptr() == weight.untyped_storage().data_ptr():
                fail("lab_filters_shared", name=name)
        mistakes = {
            "lab_filters_layer": filters(engine_of(module), "0"),
            "lab_filters_axes": weight.detach().transpose(0, 1),
            "lab_filters_last": weight.detach().permute(0, 2, 3, 1),
        }
        judge(f, given, filters(engine_of(module), layer), mistakes, layer=layer)
    return passed(f)


def check_picture(f: Callable[..., Any], *, seed: int = 0) -> str:
    """f(weight) -> one filter (C, kh, kw) as a picture (kh, kw, C) in 0..1: 0.5 + w / (2 max |w|), 0.5 for no weights.

    Raises:
        LabError: says what is wrong.
    """
    w = torch.randn(3, 5, 7, generator=torch.Generator().manual_seed(seed)).clamp(max=0.9)
    largest, centred = w.abs().max(), w.permute(1, 2, 0)
    mistakes = {
        "lab_picture_minmax": (centred - w.min()) / (w.max() - w.min()),
        "lab_picture_axes": 0.5 + w / (2 * largest),
        "lab_picture_transposed": 0.5 + w.permute(2, 1, 0) / (2 * largest),
        "lab_picture_range": centred / largest,
        "lab_picture_signless": 0.5 + centred / (2 * w.max()),
        "lab_picture_clamped": centred.clamp(0, 1),
        "lab_picture_magnitude": centred.abs() / largest,
    }
    judge(f, call_on_tensors(f, w), 0.5 + centred / (2 * largest), mistakes)
    empty = call_on_tensors(f, torch.zeros(3, 5, 7))
    if not torch.equal(empty, torch.full((5, 7, 3), 0.5)):
        fail("lab_picture_empty", name=name_of(f))
    return passed(f)


def check_convolution(f: Callable[..., Any], *, seed: int = 0) -> str:
    """f(x, weight, bias, stride, padding) -> what a convolution gives, (N, out, h, w), without calling one.

    Raises:
        LabError: says what is wrong.
    """
    draw = torch.Generator().manual_seed(seed)
    x, weight = torch.randn(2, 3, 9, 12, generator=draw), torch.randn(4, 3, 3, 3, generator=draw)
    bias = torch.randn(4, generator=draw)
    for stride, padding in ((1, 0), (1, 1), (2, 1)):
        given, called = _without_convolutions(f, x, weight, bias, stride, padding)
        if called:
            fail("lab_convolution_called", name=name_of(f), function=called)
        options = {"stride": stride, "padding": padding}
        right = F.conv2d(x, weight, bias, **options)
        mistakes = {
            "lab_convolution_flipped": F.conv2d(x, weight.flip(2, 3), bias, **options),
            "lab_convolution_kernel": F.conv2d(x, weight.transpose(2, 3), bias, **options),
            "lab_convolution_bias": F.conv2d(x, weight, None, **options),
            "lab_convolution_padding": F.conv2d(x, weight, bias, stride=stride),
            "lab_convolution_stride": F.conv2d(x, weight, bias, padding=padding),
            "lab_convolution_mean": F.conv2d(x, weight / weight[0].numel(), bias, **options),
            "lab_convolution_channels": F.conv2d(x[:, :1], weight[:, :1], bias, **options),
            "lab_convolution_transposed": right.transpose(2, 3),
            "lab_convolution_relu": right.relu(),
        }
        judge(f, given, right, mistakes, stride=stride, padding=padding)
    return passed(f)


def check_activation_map(f: Callable[..., Any], *, seed: int = 0) -> str:
    """f(module, x, layer) -> all maps that a layer gave, (channels, h, w), read by a hook that goes away again.

    Raises:
        LabError: says what is wrong.
    """
    x, name = picture(seed), name_of(f)
    for layer, inplace in (("3", False), ("1", False), ("3", True)):  # in place, the next ReLU overwrites the maps
        module = small_network(seed, inplace=inplace)
        given = call(f, module, x, layer)
        if isinstance(given, Tensor) and given.requires_grad:
            fail("lab_map_attached", name=name)
        right = activation_maps(engine_of(module), x, layer)
        plain = small_network(seed)
        with torch.no_grad():
            before, logits = plain[: int(layer)](x)[0], plain(x)
            after = plain[: int(layer) + 2](x)[0]
        overwritten = "lab_map_overwritten" if inplace else "lab_map_late"
        mistakes = {overwritten: after, "lab_map_input": before, "lab_map_logits": logits}
        mistakes |= {"lab_map_mean": right.mean(0), "lab_map_one": right[0]}
        judge(f, given, right, mistakes, layer=layer)
    module = small_network(seed)
    try:
        f(module, torch.zeros(1, 3, 8, 8), "3")  # the linear layer refuses it
    except Exception:
        if hooks_of(module):
            fail("lab_hook_left_after_error", name=name)
    return passed(f)


def check_receptive_field(f: Callable[..., Any], *, seed: int = 0) -> str:
    """f(steps, index) -> first and last input pixel that a unit sees along a side, uncut (Dumoulin & Visin 2016).

    steps: (kernel, stride, padding) of each layer from the input on; index: the unit's.

    Raises:
        LabError: says what is wrong.
    """
    for steps, index in (
        ([(3, 1, 0)], 4 + seed),
        ([(7, 1, 3), (2, 2, 0)], seed),
        ([(5, 2, 2), (3, 1, 1), (2, 2, 0)], 1 + seed),
    ):
        given = f(list(steps), index)
        if not isinstance(given, tuple | list) or len(given) != 2:
            fail("lab_field_pair", name=name_of(f))
        first, last = right = _field(steps[::-1], index)
        flat, unpadded = [(k, 1, p) for k, _, p in steps], [(k, s, 0) for k, s, _ in steps]
        mistakes = {
            "lab_field_order": _field(steps, index),
            "lab_field_stride": _field(flat[::-1], index),
            "lab_field_padding": _field(unpadded[::-1], index),
            "lab_field_end": (first, last + 1),
            "lab_field_size": (first, last - first + 1),
            "lab_field_clipped": (max(first, 0), last),
        }
        found, wrong = [int(pixel) for pixel in given], {code: list(guess) for code, guess in mistakes.items()}
        judge_exactly(f, found, list(right), wrong, "lab_field_differs", steps=steps, index=index)
    return passed(f)


def _field(steps: list[tuple[int, int, int]], index: int) -> tuple[int, int]:
    """Counted through steps in the order in which they are given: from the unit back to the input."""
    first = last = index
    for kernel, stride, padding in steps:
        first, last = first * stride - padding, last * stride - padding + kernel - 1
    return first, last


def _without_convolutions(f: Callable[..., Any], *given: Any) -> tuple[Any, str]:
    with Convolutions() as seen:
        return call_on_tensors(f, *given), seen.called
