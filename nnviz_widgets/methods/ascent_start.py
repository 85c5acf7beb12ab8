"""Where an ascent begins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.engine.objectives import Measure
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.methods.ascent_step import AscentState
from nnviz_widgets.methods.parametrisations import Decorrelated, Fourier, Parametrisation
from nnviz_widgets.methods.priors import Diversity, Settings


def first_state(
    engine: Engine,
    objective: Measure | Sequence[Measure],
    size: int | tuple[int, int] | None,
    start: str | Tensor,
    settings: Settings,
    seed: int,
) -> AscentState:
    """The state before step 0.

    Raises:
        NnvizError: for a start that is none, or not as many pictures as objectives.
    """
    side = _size(size, engine)
    count = None if isinstance(objective, Measure) else len(objective)
    parametrisation = parametrisation_of(engine, side, settings)
    if isinstance(start, Tensor):
        numbers = parametrisation.numbers(_fitted(start, engine, side))
        if len(numbers) > 1 and count not in (None, len(numbers)):
            raise NnvizError("ascent_count", given=count, pictures=len(numbers))
        numbers = numbers.expand(count or len(numbers), *numbers.shape[1:])
    elif start == "zeros":
        zeros = torch.zeros(count or 1, engine.contract.channels, *side)
        numbers = parametrisation.numbers(zeros)
    elif start == "noise":
        # Pictures of a batch begin alike, as if each were alone, but where they are to differ.
        apart = settings.get(Diversity) is not None
        seeds = [seed + i * apart for i in range(count or 1)]
        numbers = torch.cat([parametrisation.noise(torch.Generator().manual_seed(each)) for each in seeds])
    else:
        raise NnvizError("ascent_start", value=start)
    return AscentState(0, seed, side, numbers.to(engine.device).contiguous().clone(), settings, settings)


def check_start(start: Any) -> None:
    """An error unless it is a beginning."""
    if not isinstance(start, Tensor | AscentState) and not (isinstance(start, str) and start in ("zeros", "noise")):
        raise NnvizError("ascent_start", value=start)


def parametrisation_of(engine: Engine, size: tuple[int, int], settings: Settings) -> Parametrisation:
    """What the priors say is moved."""
    fourier, decorrelated = settings.get(Fourier), settings.get(Decorrelated) is not None
    return Parametrisation(engine.contract, size, fourier.decay_power if fourier else 0.0, decorrelated)


def _size(size: Any, engine: Engine) -> tuple[int, int]:
    if size is None:
        return engine.contract.size
    sides = tuple(size) if isinstance(size, Sequence) else (size, size)
    if len(sides) != 2 or not all(isinstance(n, int) and not isinstance(n, bool) and n > 0 for n in sides):
        raise NnvizError("contract_value", field="size", value=size, expected="a side or (height, width) in pixels")
    return sides[0], sides[1]


def _fitted(start: Tensor, engine: Engine, size: tuple[int, int]) -> Tensor:
    """x at the size asked for, as plain numbers that are no part of any graph."""
    channels = engine.contract.channels
    if start.ndim != 4 or start.shape[1] != channels or not start.numel():
        raise NnvizError("input_shape", shape=tuple(start.shape), expected=f"(N, {channels}, height, width)")
    x = start.detach().clone()
    if x.dtype != torch.float64:
        x = x.float()
    if tuple(x.shape[2:]) != size:
        x = F.interpolate(x, size=size, mode="bilinear", align_corners=False, antialias=True)
    return x
