"""DeepDream: a photo, in which the network sees more and more of what a layer looks for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.engine.objectives import Measure
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.methods.dream_options import Knobs, Steering
from nnviz_widgets.methods.dream_plan import MAX_SIDE, TILE, DreamPlan, DreamState, plan_dream
from nnviz_widgets.methods.dream_tiles import tiled_gradient


@dataclass(frozen=True, eq=False)
class DreamStep:
    """A dream after one of its steps.

    Attributes:
        octave, step: the octave, from 0, and how many of its steps are done. number: of all steps done.
        done: their fraction. value: of the objective, before the step.
        state: `start` takes it, to go on from here. plan: what is dreamt.
    """

    octave: int
    step: int
    number: int
    done: float
    value: float
    state: DreamState
    plan: DreamPlan = field(repr=False)

    @property
    def image(self) -> np.ndarray:
        """Float32 (h, w, 3) in 0..1, of the octave's size."""
        return self.plan.image(self.state.x)


def deepdream(
    engine: Engine,
    photo: Any,
    objective: Measure,
    *,
    octaves: int = 4,
    octave_scale: float = 1.4,
    steps: int = 10,
    step_size: float = 1.5,
    jitter: int = 32,
    guide: Any = None,
    tile: int | None = TILE,
    max_side: int | None = MAX_SIDE,
    seed: int = 0,
    start: DreamState | None = None,
    knobs: Steering | None = None,
) -> Iterator[DreamStep]:
    """Ascend an objective from a photo, octave by octave (Mordvintsev, Olah & Tyka, Inceptionism, 2015).

    Each step moves x by step_size * gradient / mean |gradient|, on a picture rolled by chance, and stays within what
    pixels can be. From one octave to the next what was dreamt is enlarged and added to the photo.

    Args:
        photo: path, bytes, PIL image, array or tensor in 0..1, not cropped; or an x (1, C, h, w) as engine.prepare
            makes it, of any size.
        objective: the original is `layer_energy(layer)`; sums of channels, logits and all others will do.
        octaves, octave_scale: how many sizes, and how much larger each is. Too small ones are left out.
        steps: in each octave.
        step_size: mean change of a pixel in a step, in units of 0..255.
        jitter: pixels, the largest shift of the picture; it hides the grid of the network's strides.
        guide: a second picture: each position ascends the dot product with its best match there, at the layers of
            the objective.
        tile: pixels, the largest side that goes through the network at once; None for no limit.
        max_side: pixels to which a larger photo is reduced; None keeps its size.
        seed: of the shifts. Same seed, same images.
        start: the state of a step of the same dream.
        knobs: called before each step, gives what has changed of `step_size` and `jitter`; it holds from then on.

    Returns:
        A generator of a `DreamStep` after each step.

    Raises:
        NnvizError: for an option out of its range, a photo or a tile too small for the network, a gradient of 0, or
            values that are no longer numbers.
    """
    plan = plan_dream(
        engine,
        photo,
        objective,
        octaves=octaves,
        octave_scale=octave_scale,
        steps=steps,
        guide=guide,
        tile=tile,
        max_side=max_side,
        seed=seed,
    )
    return run_dream(plan, Knobs(step_size, jitter, knobs), start)


def run_dream(plan: DreamPlan, knobs: Knobs, start: DreamState | None = None) -> Iterator[DreamStep]:
    """The steps of a planned dream, from its beginning or from a state on."""
    if start is not None:
        plan.check_start(start)
    state = start or DreamState(0, 0, plan.base(0))
    return _steps(plan, knobs, state)


def _steps(plan: DreamPlan, knobs: Knobs, state: DreamState) -> Iterator[DreamStep]:
    while True:
        if state.step == plan.steps:
            if state.octave + 1 == len(plan.sizes):
                return
            state = DreamState(state.octave + 1, 0, plan.carried(state, state.octave + 1))
        value, x = _step(plan, knobs, state)
        state = DreamState(state.octave, state.step + 1, x)
        number = state.octave * plan.steps + state.step
        yield DreamStep(state.octave, state.step, number, number / plan.count, value, state, plan)


def _step(plan: DreamPlan, knobs: Knobs, state: DreamState) -> tuple[float, Tensor]:
    """The value of the objective, and x after one step."""
    step_size, jitter = knobs.read()
    height, width = plan.sizes[state.octave]
    # Seeded by step: a dream gone on with sees the shifts that it would have seen.
    chance = np.random.default_rng((plan.seed, state.octave, state.step))
    shift = tuple(chance.integers(-jitter, jitter + 1, 2).tolist())
    if max(height, width) > plan.tile:  # the tiles' edges, too, are never twice in the same place
        shift = shift[0] + int(chance.integers(height)), shift[1] + int(chance.integers(width))
    value, gradient = _gradient(plan, state, state.x.roll(shift, (2, 3)))
    gradient = gradient.roll((-shift[0], -shift[1]), (2, 3))
    mean = gradient.abs().mean()
    if not mean > 0:
        raise NnvizError("dream_flat", objective=repr(plan.objective))
    std = torch.tensor(plan.engine.contract.std, device=gradient.device).view(1, -1, 1, 1)
    x = plan.clipped(state.x + step_size / 255 / std * (gradient / mean))
    if not torch.isfinite(x).all():
        raise NnvizError("dream_diverged", octave=state.octave + 1, step=state.step + 1)
    return value, x


def _gradient(plan: DreamPlan, state: DreamState, x: Tensor) -> tuple[float, Tensor]:
    try:
        return tiled_gradient(plan.engine, x, plan.objective, plan.tile)
    except NnvizError as error:
        if error.code == "output_nan" and (state.octave, state.step) != (0, 0):
            raise NnvizError("dream_diverged", octave=state.octave + 1, step=state.step + 1) from error
        if error.code == "module_raised" and tuple(x.shape[2:]) != plan.engine.contract.size:
            own = plan.engine.contract.size
            raise NnvizError(
                "dream_size", name=plan.engine.name, height=x.shape[2], width=x.shape[3], own=f"{own[0]} x {own[1]}"
            ) from error
        raise
