"""Activation maximisation: a picture that grows until a logit, a channel or a neuron likes it.

One step, from the picture x of one yield to that of the next:

1. The knobs are asked; what they change is in force from here on.
2. gradient = that of the objective by x, taken through the transforms under which x was last looked at, minus the
   gradients of the penalties (`penalties.py`).
3. It goes back through the parametrisation (`parametrisations.py`), and the step rule (`step_rules.py`) moves by it.
4. The pixels are reworked: decay, blur, small values, small norms, small contributions (`pixel_priors.py`).
5. The new picture is transformed (`transforms.py`) and looked at: the next yield.

So with `Plain` and `L2` a step is x + step_size * (gradient - 2 l2 x), to the last digit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.engine.objectives import Measure
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.methods.ascent_look import Look, diverged, look
from nnviz_widgets.methods.ascent_start import check_start, first_state
from nnviz_widgets.methods.ascent_step import AscentState, AscentStep
from nnviz_widgets.methods.presets import preset
from nnviz_widgets.methods.priors import Prior, Settings

FLAT = 8
"""So many steps without a gradient are borne where random transforms may bring one back."""
Knobs = Callable[[], Mapping[str, Any]]


def ascent(
    engine: Engine,
    objective: Measure | Sequence[Measure],
    *,
    size: int | tuple[int, int] | None = None,
    steps: int = 256,
    step_size: float | None = None,
    start: str | Tensor | AscentState = "noise",
    priors: str | Sequence[Prior] = "Distill",
    seed: int = 0,
    knobs: Knobs | None = None,
    half: bool = False,
) -> Iterator[AscentStep]:
    """Pictures that raise an objective step by step (Simonyan et al. 2014; Yosinski et al. 2015; Olah et al. 2017).

    Yields steps + 1 times, first the start. The random numbers of a step follow from the seed and its number alone.

    Args:
        objective: one for all pictures, or a sequence of one a picture, which makes a batch. Rules, percentiles and
            values are of each picture by itself; random transforms are the same for all.
        size: side or (height, width) in pixels; the network's own when left out.
        steps: to the end, counted from the very start.
        step_size: in units of the step rule; the preset's or the rule's own when left out.
        start: "zeros" (the mean colour), "noise", an x as of `engine.prepare` (1 or N pictures, resized where the size
            differs), or a step's state: then its size, priors, step size and seed hold, and the pictures are those
            of a run that never stopped.
        priors: a list, or a preset's name.
        knobs: called before each step; what it returns holds until it is changed again. Knobs are called as the
            fields of the priors, and "step_size"; 0 makes a prior nothing.
        half: run the network in half precision where the device gains by it.

    Raises:
        NnvizError: ascent_flat where there is no gradient, ascent_diverged where values are no longer numbers,
            ascent_size, ascent_start, ascent_count, prior_value, prior_unknown, prior_conflict.
    """
    check_start(start)
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 0:
        raise NnvizError("contract_value", field="steps", value=steps, expected="a whole number from 0 up")
    if isinstance(start, AscentState):
        state = start
        count = None if isinstance(objective, Measure) else len(objective)
        if count not in (None, len(state.numbers)):
            raise NnvizError("ascent_count", given=count, pictures=len(state.numbers))
    else:
        if isinstance(priors, str):
            named = preset(priors, engine.contract)
            settings = Settings.of(named.priors, named.step_size if step_size is None else step_size)
        else:
            settings = Settings.of(priors, step_size)
        with torch.inference_mode(False), torch.no_grad():
            state = first_state(engine, objective, size, start, settings, seed)
    return _climb(engine, objective, state, steps, knobs or dict, half)


def _climb(
    engine: Engine, objective: Measure | Sequence[Measure], state: AscentState, steps: int, knobs: Knobs, half: bool
) -> Iterator[AscentStep]:
    alone = isinstance(objective, Measure) and len(state.numbers) == 1
    while True:
        seen = look(engine, objective, state, half)
        told = [seen.values.to(seen.norms), seen.norms, seen.x.detach().flatten(1).sum(1)]
        values, norms, sums = torch.stack(told).cpu().numpy()  # one wait for the device
        if not np.isfinite(sums).all():
            raise diverged(state)  # a bounded activation may have hidden it
        total = float(values.sum())
        yield AscentStep(
            step=state.step,
            value=total if alone else values,
            x=seen.x.detach(),
            best=total > state.best,
            gradient_norm=float(norms[0]) if alone else norms,
            state=state,
            contract=engine.contract,
        )
        if state.step >= steps:
            return
        flat = 0 if norms.any() else state.flat + 1
        if flat >= (FLAT if state.settings.transforms else 1):
            raise NnvizError("ascent_flat", objective=repr(objective), step=state.step)
        state = replace(_steered(state, knobs()), best=max(state.best, total), flat=flat)
        state = _moved(state, seen)


def _steered(state: AscentState, knobs: Mapping[str, Any]) -> AscentState:
    """With what the knobs change, if anything."""
    changes = {name: value for name, value in knobs.items() if state.settings.value(name) != value}
    if not changes:
        return state
    settings = state.settings.changed(changes)
    return replace(state, settings=settings, steered=(*state.steered, (state.step, changes)))


def _moved(state: AscentState, seen: Look) -> AscentState:
    """The state after one step."""
    settings = state.settings
    with torch.inference_mode(False), torch.no_grad():
        gradient = seen.gradient
        for penalty in settings.penalties:
            gradient = gradient - penalty.gradient(seen.x.detach())
        if seen.x is not seen.numbers:
            (gradient,) = torch.autograd.grad(seen.x, seen.numbers, gradient)
        change, memory = settings.rule.move(gradient, settings.step_size, state.step, state.memory)
        numbers = state.numbers + change
        for prior in settings.pixel_priors:
            numbers = prior.rework(numbers, seen.gradient, state.step)
    return replace(state, step=state.step + 1, numbers=numbers, memory=memory)
