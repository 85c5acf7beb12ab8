"""The octaves of a dream: the photo at several sizes, and what was dreamt carried from one to the next."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.transforms.functional import pil_to_tensor

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.images.decode import open_picture

Size = tuple[int, int]
LEAST = 8  # pixels of an octave's side: in fewer there is nothing to be seen, though a network may take them


def open_photo(engine: Engine, photo: Any, max_side: int | None) -> Tensor:
    """Any picture, not cropped -> (1, C, height, width) in the network's units; a larger one reduced to `max_side`.

    A tensor of four axes is an x of engine.prepare, and taken as it is.
    """
    contract = engine.contract
    if isinstance(photo, Tensor) and photo.ndim == 4:
        if photo.shape[:2] != (1, contract.channels):
            expected = f"(1, {contract.channels}, height, width)"
            raise NnvizError("input_shape", shape=tuple(photo.shape), expected=expected)
        return photo.detach().to(engine.device, torch.float32)
    picture = open_picture(photo, channels=contract.channels)
    pixels = (picture if isinstance(picture, Tensor) else pil_to_tensor(picture).float() / 255)[None]
    return reduced(contract.normalise(pixels.clamp(0, 1)), max_side).to(engine.device)


def reduced(x: Tensor, max_side: int | None) -> Tensor:
    """(1, C, h, w) whose longer side is at most `max_side` pixels."""
    height, width = x.shape[2:]
    scale = 1 if max_side is None else min(1, max_side / max(height, width))
    return resize(x, (max(1, round(height * scale)), max(1, round(width * scale))))


def octave_sizes(size: Size, octaves: int, scale: float, smallest: int) -> list[Size]:
    """(height, width) of each octave, small to large; those with a side below `smallest` or 8 are left out.

    Raises:
        NnvizError: when the photo itself is too small.
    """
    sizes = [(round(size[0] / scale**i), round(size[1] / scale**i)) for i in reversed(range(octaves))]
    least = max(smallest, min(LEAST, *size))
    enough = [found for found in sizes if min(found) >= least]
    if not enough:
        raise NnvizError("ascent_size", height=size[0], width=size[1], smallest=smallest)
    return enough


def resize(x: Tensor, size: Size) -> Tensor:
    """(1, C, h, w) -> (1, C, *size), bilinear, averaging where it gets smaller."""
    return x if tuple(x.shape[2:]) == size else F.interpolate(x, size, mode="bilinear", antialias=True)
