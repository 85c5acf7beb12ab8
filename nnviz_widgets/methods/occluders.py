"""What an occluder is made of: the picture that shows through the square."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any

import torch
from torch import Tensor
from torchvision.transforms.functional import gaussian_blur

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.images.contract import InputContract

FILLS = ("grey", "black", "white", "blur", "noise")
Fill = str | float | Sequence[float]
BLUR = 0.05
"""Sigma of the blur, as a share of the longer side."""


def occluder(contract: InputContract, x: Tensor, fill: Fill) -> Tensor:
    """A picture like x, (1, C, H, W), of which an occluder shows its part.

    Args:
        fill: "grey", the mean that the input contract subtracts; "black"; "white"; "blur", x out of focus; "noise",
            pixels drawn evenly, the same every time; a number in the network's input units; or pixel values in 0..1,
            one a channel.

    Raises:
        NnvizError: for any other fill.
    """
    fill = check_fill(contract, fill)
    if isinstance(fill, float):
        return torch.full_like(x, fill)
    if isinstance(fill, tuple):
        return contract.normalise(x.new_tensor(fill).view(1, -1, 1, 1).expand_as(x))
    if fill == "grey":
        return torch.zeros_like(x)
    if fill in ("black", "white"):
        return contract.normalise(torch.full_like(x, float(fill == "white")))
    if fill == "blur":
        sigma = max(0.5, BLUR * max(x.shape[2:]))
        height, width = (2 * min(math.ceil(2 * sigma), side - 1) + 1 for side in x.shape[2:])
        blurred: Tensor = gaussian_blur(x.float(), [width, height], sigma)
        return blurred.to(x.dtype)
    pixels = torch.rand(x.shape, generator=torch.Generator().manual_seed(0))
    return contract.normalise(pixels).to(x)


def check_fill(contract: InputContract, fill: Any) -> str | float | tuple[float, ...]:
    """The fill itself: a name, a number, or a tuple of pixel values.

    Raises:
        NnvizError: when it is none of them.
    """
    if isinstance(fill, str) and fill in FILLS:
        return fill
    if _is_number(fill):
        return float(fill)
    if isinstance(fill, list | tuple) and len(fill) == contract.channels and all(map(_is_number, fill)):
        pixels = tuple(map(float, fill))
        if all(0 <= pixel <= 1 for pixel in pixels):
            return pixels
    known = ", ".join(f'"{name}"' for name in FILLS)
    raise NnvizError("fill_unknown", fill=fill, known=known, channels=contract.channels)


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
