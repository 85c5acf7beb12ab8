"""Checks of the lab on Grad-CAM: the maps of all classes, two on one scale, guided Grad-CAM."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from nnviz_widgets.labs.checking import Guess, fail, judge, passed
from nnviz_widgets.labs.observed import call_on_tensors
from nnviz_widgets.methods.grad_cam import upsample
from nnviz_widgets.methods.own_method import name_of


def check_class_maps(f: Callable[..., Any], *, seed: int = 0) -> str:
    """f(activation, weight) -> (classes, h, w), the Grad-CAM of all classes of a network that ends in global average
    pooling and one linear layer with that weight (classes, K): relu(W . A) / (h w) (Zhou et al. 2016).

    Raises:
        LabError: says what is wrong.
    """
    draws = torch.Generator().manual_seed(seed)
    a, weight = torch.randn(1, 7, 4, 5, generator=draws), torch.randn(6, 7, generator=draws)
    given = call_on_tensors(f, a, weight)
    products, cells = torch.einsum("ck,khw->chw", weight, a[0]), 20
    judge(
        f,
        given,
        products.relu() / cells,
        {
            "lab_maps_no_relu": products / cells,
            "lab_maps_not_divided": products.relu(),
            "lab_maps_channels": products.relu() / 7,
            "lab_maps_softmax": products.softmax(0),
            "lab_maps_scrambled": lambda: (weight @ a.reshape(20, 7).T).view(6, 4, 5).relu() / cells,
            "lab_maps_relu_first": lambda: torch.einsum("ck,khw->chw", weight, a[0].relu()) / cells,
        },
    )
    return passed(f)


def check_one_scale(f: Callable[..., Any], *, seed: int = 0) -> str:
    """f(first, second, size) -> (first, second), two maps (1, 1, h, w) divided by the larger of their two maxima and
    upsampled bilinearly to (1, 1, *size); 0 all over stays so.

    Raises:
        LabError: says what is wrong.
    """
    name, draws, size = name_of(f), torch.Generator().manual_seed(seed), (12, 18)
    first, second = torch.rand(2, 1, 1, 4, 5, generator=draws)
    second = 0.3 * second + 0.05
    given = call_on_tensors(f, first, second, size)
    nothing = call_on_tensors(f, 0 * first, 0 * second, size)
    for pair in (given, nothing):
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            fail("lab_scale_pair", name=name)
    most = first.max()
    for maps, values in zip((first, second), given, strict=True):
        large = upsample(maps, size)
        least = maps - maps.min()
        judge(
            f,
            values,
            large / most,
            {
                "lab_scale_each": upsample(maps / maps.max(), size),
                "lab_scale_min_max": upsample(least / least.max(), size),
                "lab_scale_not": large,
                "lab_scale_after": large / upsample(first, size).max(),
                "lab_scale_sum": large / (first + second).max(),
                "lab_scale_small": maps / most,
                "lab_scale_nearest": F.interpolate(maps / most, size),
                "lab_scale_corners": F.interpolate(maps / most, size, mode="bilinear", align_corners=True),
                "lab_scale_size": upsample(maps / most, size[::-1]),
            },
        )
    if any(not isinstance(each, Tensor) or each.isnan().any() for each in nothing):
        fail("lab_scale_zero", name=name)
    return passed(f)


def check_guided_grad_cam(f: Callable[..., Any], *, seed: int = 0) -> str:
    """f(guided, cam) -> guided backpropagation (1, C, H, W) times the upsampled map (1, 1, h, w)
    (Selvaraju et al. 2017, section 3.2).

    Raises:
        LabError: says what is wrong.
    """
    draws = torch.Generator().manual_seed(seed)
    guided, cam = torch.randn(1, 3, 12, 18, generator=draws), torch.rand(1, 1, 4, 5, generator=draws)
    given = call_on_tensors(f, guided, cam)
    large = upsample(cam, (12, 18))
    mistakes: dict[str, Guess] = {
        "lab_guided_nearest": guided * F.interpolate(cam, (12, 18)),
        "lab_guided_corners": guided * F.interpolate(cam, (12, 18), mode="bilinear", align_corners=True),
        "lab_guided_sum": guided + large,
        "lab_guided_absolute": guided.abs() * large,
        "lab_guided_positive": (guided * large).relu(),
        "lab_guided_one_channel": (guided * large).sum(1, keepdim=True),
        "lab_guided_normalised": guided * large / cam.max(),
        "lab_guided_mask": guided * (large > 0),
    }
    judge(f, given, guided * large, mistakes)
    return passed(f)
