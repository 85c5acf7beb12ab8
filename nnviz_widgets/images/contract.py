"""What a network expects of its input, and the one way from a picture to it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torchvision.transforms.functional as tvf
from torch import Tensor
from torchvision.transforms import InterpolationMode

from nnviz_widgets.images.decode import open_picture

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
MAX_ASPECT = 50


@dataclass(frozen=True)
class InputContract:
    """How a picture becomes a network's input; picklable, so that workers can decode.

    Args:
        size: (height, width) in pixels.
        mean, std: one number a channel, in units of pixels 0..1; their length is the number of channels, 1 or 3.
        resize: length in pixels of the shorter side before the centre is cropped to `size`;
            None scales the picture until it just covers `size`.
        interpolation: "bilinear" or "bicubic", with antialiasing.
    """

    size: tuple[int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    resize: int | None = None
    interpolation: str = "bilinear"

    @property
    def channels(self) -> int:
        return len(self.mean)

    def prepare(self, source: Any) -> Tensor:
        """Picture -> (1, channels, height, width), float32, normalised, on the CPU.

        Raises:
            NnvizError: when the picture cannot be read, or its shape or values are not those of a picture.
        """
        picture = open_picture(source, channels=self.channels)
        pixels = picture if isinstance(picture, Tensor) else tvf.pil_to_tensor(self._fit(picture)).float() / 255
        if isinstance(picture, Tensor):
            pixels = self._fit(pixels).clamp(0, 1)
        return self.normalise(pixels[None].contiguous())

    def _fit(self, picture: Any) -> Any:
        height, width = self.size
        h, w = tvf.get_dimensions(picture)[1:]
        limit = math.ceil(MAX_ASPECT * max(self.size) / min(self.size)) * min(h, w)
        if max(h, w) > limit:  # a strip, which would grow beyond all memory before its centre is cropped
            h, w = min(h, limit), min(w, limit)
            picture = tvf.center_crop(picture, [h, w])
        if self.resize is None:
            scale = max(height / h, width / w)
            target = [max(height, round(h * scale)), max(width, round(w * scale))]
        else:
            short = self.resize
            target = [short, max(short, int(short * w / h))] if h <= w else [max(short, int(short * h / w)), short]
        if target != [h, w]:
            picture = tvf.resize(picture, target, InterpolationMode(self.interpolation), antialias=True)
        return tvf.center_crop(picture, [height, width])

    def normalise(self, pixels: Tensor) -> Tensor:
        """(N, channels, h, w) in 0..1 -> the network's units."""
        return (pixels - _column(self.mean, pixels)) / _column(self.std, pixels)

    def picture(self, x: Tensor) -> np.ndarray:
        """The first of x (N, channels, h, w) as pixels: uint8 (h, w, 3), what the network sees."""
        x = x[:1].detach().float()
        pixels = (x * _column(self.std, x) + _column(self.mean, x)).clamp(0, 1)
        rgb = pixels[0].expand(3, -1, -1) if self.channels == 1 else pixels[0]
        return (rgb * 255).round().byte().permute(1, 2, 0).cpu().numpy()


def _column(values: Sequence[float], like: Tensor) -> Tensor:
    return torch.tensor(values, dtype=like.dtype, device=like.device).view(1, -1, 1, 1)
