"""Random transforms: the objective is to hold for the picture shifted, scaled and turned a little.

Mordvintsev et al. 2015 (jitter); Olah et al., Feature Visualization, Distill 2017. The picture keeps its size; what
comes in from outside is the mean colour.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from nnviz_widgets.engine.receptive_field import Rect
from nnviz_widgets.methods.prior_values import Checked
from nnviz_widgets.methods.resample import resample


@dataclass(frozen=True)
class Jitter(Checked):
    """A shift of at most `jitter` whole pixels along each axis, anew at each step."""

    jitter: int


@dataclass(frozen=True)
class Scale(Checked):
    """A factor between 1 - scale and 1 + scale, anew at each step."""

    scale: float


@dataclass(frozen=True)
class Rotate(Checked):
    """A turn of at most `rotate` degrees to either side, anew at each step."""

    rotate: float


Transform = Jitter | Scale | Rotate


@dataclass(frozen=True)
class Drawn:
    """A transform drawn for one step: first scaled, then turned about the centre, then shifted.

    Attributes:
        down, right: pixels. factor: 1 for none. angle: degrees, anticlockwise.
    """

    down: int = 0
    right: int = 0
    factor: float = 1.0
    angle: float = 0.0


def draw(transforms: Sequence[Transform], generator: torch.Generator) -> Drawn:
    """One transform; each kind has random numbers of its own, so that steering one leaves the others."""
    down, right, factor, angle = (2 * torch.rand(4, generator=generator, dtype=torch.float64) - 1).tolist()
    drawn = Drawn()
    for each in transforms:
        match each:
            case Jitter(jitter):
                reach = jitter + 0.5  # so that each whole number is as likely
                drawn = replace(drawn, down=_whole(down * reach, jitter), right=_whole(right * reach, jitter))
            case Scale(scale):
                drawn = replace(drawn, factor=1 + factor * scale)
            case Rotate(rotate):
                drawn = replace(drawn, angle=angle * rotate)
    return drawn


def _whole(value: float, most: float) -> int:
    return int(max(-most, min(most, round(value))))


def apply(drawn: Drawn, x: Tensor, part: Rect | None = None) -> Tensor:
    """x (N, C, h, w) transformed, all pictures alike; whole shifts are exact, all else is one bilinear resample.

    Args:
        part: of what comes out, to be made alone; the whole when left out.
    """
    height, width = x.shape[2:]
    part = part or Rect(0, 0, height, width)
    rows, cols = slice(part.top, part.top + part.height), slice(part.left, part.left + part.width)
    # Some of the picture stays in sight, however small it is.
    down, right = _whole(drawn.down, height // 2), _whole(drawn.right, width // 2)
    if drawn.factor == 1 and drawn.angle == 0:
        shifted = F.pad(x, (right, -right, down, -down)) if down or right else x
        return shifted[..., rows, cols]
    # From where in the picture each pixel comes: the inverse, in units of half a side.
    turn = math.radians(drawn.angle)
    cos, sin = math.cos(turn) / drawn.factor, math.sin(turn) / drawn.factor
    across, along = 2 * right / width, 2 * down / height
    col, row = _places(cols, width, x) - across, (_places(rows, height, x) - along)[:, None]
    x_from = cos * col - sin * height / width * row
    y_from = sin * width / height * col + cos * row
    grid = torch.stack([x_from, y_from], -1)[None]
    maps = x.reshape(1, -1, height, width)  # one grid for all pictures
    return resample(maps, grid).view(*x.shape[:2], part.height, part.width)


def _places(pixels: slice, side: int, like: Tensor) -> Tensor:
    """The centres of some pixels along a side, from -1 to 1."""
    return (2 * torch.arange(pixels.start, pixels.stop, dtype=like.dtype, device=like.device) + 1) / side - 1
