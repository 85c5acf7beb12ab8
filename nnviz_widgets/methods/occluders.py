"""What an occluder is made of: the picture that shows through the square."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torchvision.transforms.functional import gaussian_blur

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.images.contract import InputContract

FILLS = ("grey", "black", "white", "blur", "noise")
BLUR = 0.05
"""Sigma of the blur, as a share of the longer side."""


def occluder(contract: InputContract, x: Tensor, fill: str | float) -> Tensor:
    """A picture like x, (1, C, H, W), of which an occluder shows its part.

    Args:
        fill: "grey", the mean that the input contract subtracts; "black"; "white"; "blur", x out of focus; "noise",
            pixels drawn evenly, the same every time; or a number in the network's input units.

    Raises:
        NnvizError: for any other fill.
    """
    if isinstance(fill, int | float) and not isinstance(fill, bool) and math.isfinite(fill):
        return torch.full_like(x, fill)
    if fill == "grey":
        return torch.zeros_like(x)
    if fill in ("black", "white"):
        return contract.normalise(torch.full_like(x, float(fill == "white")))
    if fill == "blur":
        sigma = max(0.5, BLUR * max(x.shape[2:]))
        height, width = (2 * min(math.ceil(2 * sigma), side - 1) + 1 for side in x.shape[2:])
        blurred: Tensor = gaussian_blur(x.float(), [width, height], sigma)
        return blurred.to(x.dtype)
    if fill == "noise":
        pixels = torch.rand(x.shape, generator=torch.Generator().manual_seed(0))
        return contract.normalise(pixels).to(x)
    raise NnvizError("fill_unknown", fill=fill, known=", ".join(f'"{name}"' for name in FILLS))
