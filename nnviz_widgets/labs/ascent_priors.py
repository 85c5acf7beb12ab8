"""Checks of the lab on activation maximisation and its priors: each prior by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from nnviz_widgets.labs.checking import fail, judge, passed
from nnviz_widgets.labs.networks import picture, second_class, small_network
from nnviz_widgets.labs.observed import call, call_on_tensors
from nnviz_widgets.methods.own_method import name_of
from nnviz_widgets.methods.pixel_priors import gaussian_blur, percentiles


def check_blur(f: Callable[..., Any], *, seed: int = 0) -> str:
    """f(x, sigma) -> x (1, C, h, w), each channel blurred by a Gaussian that is cut off at int(4 sigma + 0.5) pixels
    and sums to 1; beyond the border stands the border's value.

    Raises:
        LabError: says what is wrong.
    """
    x = picture(seed, 3, (14, 17))
    for sigma in (0.8, 1.3):
        given = call_on_tensors(f, x, sigma)
        radius = int(4 * sigma + 0.5)
        if (
            isinstance(given, Tensor)
            and given.ndim == 4
            and tuple(given.shape[2:]) == (14 - 2 * radius, 17 - 2 * radius)
        ):
            fail("lab_blur_smaller", name=name_of(f), radius=radius)
        places = torch.arange(-radius, radius + 1.0)
        line = (-(places**2) / (2 * sigma**2)).exp()
        plain = line / line.sum()
        judge(
            f,
            given,
            gaussian_blur(x, sigma),
            {
                "lab_blur_sum": _spread(x, line),
                "lab_blur_sum_once": _spread(x, line / line.sum().sqrt()),
                "lab_blur_zeros": _spread(x, plain, mode="constant"),
                "lab_blur_reflected": _spread(x, plain, mode="reflect"),
                "lab_blur_no_half": _spread(x, _normalised(-(places**2) / sigma**2)),
                "lab_blur_sigma": _spread(x, _normalised(-(places**2) / (2 * sigma))),
                "lab_blur_box": _spread(x, torch.full_like(plain, 1 / len(plain))),
                "lab_blur_rows": _spread(x, plain, axes=(3,)),
                "lab_blur_columns": _spread(x, plain, axes=(2,)),
                "lab_blur_mixed": gaussian_blur(x, sigma).sum(1, keepdim=True).expand_as(x),
                "lab_blur_mixed_mean": gaussian_blur(x, sigma).mean(1, keepdim=True).expand_as(x),
                "lab_blur_not": x,
            },
        )
    return passed(f)


def check_small_norms(f: Callable[..., Any], *, seed: int = 0) -> str:
    """f(x, percentile) -> x (1, C, h, w), 0 in all channels of the pixels whose norm over the channels lies below this
    percentile (0 to 100) of all pixels' norms (Yosinski et al. 2015).

    Raises:
        LabError: says what is wrong.
    """
    x = picture(seed, 3, (11, 13))
    for percentile in (30.0, 75.0):
        given = call_on_tensors(f, x, percentile)
        norms = x.norm(dim=1, keepdim=True)
        limit = percentiles(norms.flatten(1), percentile)
        rows = norms.quantile(percentile / 100, dim=3, keepdim=True)
        l1 = x.abs().sum(1, keepdim=True)
        over_space = x.flatten(2).norm(dim=2)[..., None, None]
        judge(
            f,
            given,
            x * (norms >= limit),
            {
                "lab_clip_reversed": x * (norms < limit),
                "lab_clip_share": x * (norms >= norms.flatten().quantile(1 - percentile / 100)),
                "lab_clip_values": x * (x.abs() >= x.abs().flatten().quantile(percentile / 100)),
                "lab_clip_signed": x * (x >= x.flatten().quantile(percentile / 100)),
                "lab_clip_space": x * (over_space >= over_space.flatten().quantile(percentile / 100)),
                "lab_clip_rows": x * (norms >= rows),
                "lab_clip_columns": x * (norms >= norms.quantile(percentile / 100, dim=2, keepdim=True)),
                "lab_clip_l1": x * (l1 >= l1.flatten().quantile(percentile / 100)),
                "lab_clip_sum": _summed(x, percentile),
                "lab_clip_maximum": x * (norms >= norms.max() * percentile / 100),
                "lab_clip_mask": (norms >= limit).to(x).expand_as(x),
                "lab_clip_fraction": x * (norms >= norms.flatten().quantile(percentile / 1e4)),
                "lab_clip_not": x,
            },
        )
    return passed(f)


def check_jitter(f: Callable[..., Any], *, seed: int = 0) -> str:
    """f(module, x, target, down, right) -> gradient of the logit of a class at x, like x, as the network sees x rolled
    by so many pixels (Mordvintsev et al. 2015).

    Raises:
        LabError: says what is wrong.
    """
    module, x = small_network(seed), picture(seed)
    target = second_class(module, x)

    def gradient(down: int, right: int) -> Tensor:
        own = x.roll((down, right), (2, 3)).requires_grad_()
        return torch.autograd.grad(module(own)[0, target], own)[0]

    for down, right in ((3, -2), (-1, 5)):
        given = call(f, module, x, target, down, right)
        rolled = gradient(down, right)
        back = rolled.roll((-down, -right), (2, 3))
        judge(
            f,
            given,
            back,
            {
                "lab_jitter_not_back": rolled,
                "lab_jitter_twice": rolled.roll((down, right), (2, 3)),
                "lab_jitter_none": gradient(0, 0),
                "lab_jitter_axes": gradient(right, down).roll((-right, -down), (2, 3)),
                "lab_jitter_reversed": gradient(-down, -right).roll((down, right), (2, 3)),
                "lab_step_descent_gradient": -back,
            },
            target=target,
        )
    return passed(f)


def _spread(x: Tensor, line: Tensor, *, mode: str = "replicate", axes: tuple[int, ...] = (2, 3)) -> Tensor:
    """x with a kernel along each of the axes."""
    maps = x.reshape(-1, 1, *x.shape[2:])
    radius = len(line) // 2
    for axis in axes:
        down = axis == 2
        margin = [0, 0, radius, radius] if down else [radius, radius, 0, 0]
        maps = F.conv2d(F.pad(maps, margin, mode), line.view((1, 1, -1, 1) if down else (1, 1, 1, -1)))
    return maps.reshape(x.shape)


def _normalised(exponents: Tensor) -> Tensor:
    values = exponents.exp()
    return values / values.sum()


def _summed(x: Tensor, percentile: float) -> Tensor:
    """The values of a pixel added up with their signs, in place of its norm."""
    total = x.sum(1, keepdim=True).abs()
    return x * (total >= total.flatten().quantile(percentile / 100))
