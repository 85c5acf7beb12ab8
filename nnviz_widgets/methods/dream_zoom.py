"""A flight into a dream: dream a little, go a little nearer, and again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from torch import Tensor

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.engine.objectives import Measure
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.methods.deepdream import run_dream
from nnviz_widgets.methods.dream_octaves import resize
from nnviz_widgets.methods.dream_options import Knobs, check_number
from nnviz_widgets.methods.dream_plan import DreamPlan, plan_dream


def zoom(
    engine: Engine,
    photo: Any,
    objective: Measure,
    *,
    frames: int = 60,
    crop: float = 0.05,
    octaves: int = 2,
    steps: int = 3,
    step_size: float = 1.5,
    jitter: int = 32,
    seed: int = 0,
    **options: Any,
) -> Iterator[np.ndarray]:
    """Frames of a flight into a dream (Mordvintsev, Olah & Tyka 2015): uint8 (H, W, 3), the first the photo itself.

    Args:
        photo: as of `deepdream`; a dream that is there already is a good beginning.
        crop: share of the height and of the width that is cut off from one frame to the next.
        octaves, steps: of the dream from one frame to the next.
        options: `octave_scale`, `guide`, `tile` and `max_side` of `deepdream`.
    """
    check_number("frames", frames)
    if not 0 <= crop < 0.9:
        raise NnvizError("prior_value", name="crop", value=crop, expected="a number from 0 to 0.9")
    plan = plan_dream(engine, photo, objective, octaves=octaves, steps=steps, seed=seed, **options)
    return _frames(plan, Knobs(step_size, jitter, None), frames, crop)


def _frames(plan: DreamPlan, knobs: Knobs, frames: int, crop: float) -> Iterator[np.ndarray]:
    x = plan.photo
    for number in range(frames):
        if number:
            for step in run_dream(replace(plan, photo=nearer(x, crop), seed=plan.seed + number), knobs):
                last = step
            x = last.state.x
        yield plan.engine.contract.picture(x)


def nearer(x: Tensor, crop: float) -> Tensor:
    """The middle of x (1, C, h, w), enlarged to its size."""
    height, width = x.shape[2:]
    top, left = round(height * crop / 2), round(width * crop / 2)
    return resize(x[..., top : height - top, left : width - left], (height, width))
