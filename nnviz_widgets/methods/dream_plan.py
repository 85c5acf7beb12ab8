"""A dream before it begins: the photo, what is ascended, and the sizes in which it is dreamt."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.engine.objectives import Measure
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.methods.dream_guide import guided_by
from nnviz_widgets.methods.dream_octaves import octave_sizes, open_photo, resize
from nnviz_widgets.methods.dream_options import check_number

MAX_SIDE = 512  # pixels: of a photo's longer side, that a dream be quick
TILE = 512  # pixels: a tile's activations fit into the memory of a small machine


@dataclass(frozen=True, eq=False)
class DreamState:
    """What a dream goes on from as if it had never stopped: x (1, C, h, w) after a step of an octave."""

    octave: int
    step: int
    x: Tensor = field(repr=False)


@dataclass(frozen=True, eq=False)
class DreamPlan:
    """What is dreamt.

    Attributes:
        photo: (1, C, H, W) in the network's units. sizes: (height, width) of each octave, small to large.
    """

    engine: Engine
    photo: Tensor
    objective: Measure
    sizes: tuple[tuple[int, int], ...]
    steps: int
    tile: int
    seed: int

    @property
    def count(self) -> int:
        """Of all steps."""
        return len(self.sizes) * self.steps

    def base(self, octave: int) -> Tensor:
        """The photo at an octave's size."""
        return resize(self.photo, self.sizes[octave])

    def carried(self, state: DreamState, octave: int) -> Tensor:
        """The photo at an octave's size with the detail that a state has dreamt, enlarged."""
        detail = state.x - self.base(state.octave)
        return self.base(octave) + resize(detail, self.sizes[octave])

    def clipped(self, x: Tensor) -> Tensor:
        """Within what pixels can be."""
        contract = self.engine.contract
        black, white = (
            contract.normalise(torch.full((1, contract.channels, 1, 1), end)).to(x.device) for end in (0.0, 1.0)
        )
        return x.clamp(black, white)

    def image(self, x: Tensor) -> np.ndarray:
        """X (1, C, h, w) as float32 (h, w, 3) in 0..1."""
        contract = self.engine.contract
        mean, std = (torch.tensor(each, device=x.device).view(1, -1, 1, 1) for each in (contract.mean, contract.std))
        pixels = (x * std + mean).clamp(0, 1)[0].expand(3, -1, -1)
        return pixels.permute(1, 2, 0).cpu().numpy()

    def check_start(self, state: DreamState) -> None:
        """An error for a state of another dream."""
        fits = 0 <= state.octave < len(self.sizes) and 0 <= state.step <= self.steps
        if not fits or tuple(state.x.shape[2:]) != self.sizes[state.octave]:
            raise NnvizError("dream_start", octave=state.octave, step=state.step, size=tuple(state.x.shape[2:]))


def plan_dream(
    engine: Engine,
    photo: Any,
    objective: Measure,
    *,
    octaves: int = 4,
    octave_scale: float = 1.4,
    steps: int = 10,
    guide: Any = None,
    tile: int | None = TILE,
    max_side: int | None = MAX_SIDE,
    seed: int = 0,
) -> DreamPlan:
    """What `deepdream` runs; its arguments are described there."""
    given = {"octaves": octaves, "octave_scale": octave_scale, "steps": steps, "seed": seed}
    given |= {name: value for name, value in (("tile", tile), ("max_side", max_side)) if value is not None}
    for name, value in given.items():
        check_number(name, value)
    x = open_photo(engine, photo, max_side)
    if guide is not None:
        objective = guided_by(engine, open_photo(engine, guide, max(engine.contract.size)), objective)
    size = x.shape[2], x.shape[3]
    smallest = engine.smallest_side(objective)
    if tile is not None and tile < max(size) and tile < 2 * smallest:  # the least part is half a tile
        raise NnvizError("prior_value", name="tile", value=tile, expected=f"at least {2 * smallest} pixels")
    sizes = tuple(octave_sizes(size, octaves, octave_scale, smallest))
    return DreamPlan(engine, x, objective, sizes, steps, tile or max(size), seed)
