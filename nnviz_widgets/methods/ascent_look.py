"""One look of a network at the picture of an ascent: values and gradient, through the transforms of that step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.engine.objectives import Measure
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.methods import transforms
from nnviz_widgets.methods.ascent_start import parametrisation_of
from nnviz_widgets.methods.ascent_step import AscentState
from nnviz_widgets.methods.diverse import diverse
from nnviz_widgets.methods.priors import L2, Diversity, Redirected


@dataclass(frozen=True, eq=False)
class Look:
    """What was seen.

    Attributes:
        numbers: the state's, as a leaf of the graph that made x; they are x itself where pixels are moved.
        x: (N, C, h, w). values: (N,). gradient: of the values by x, like x. norms: (N,), its length.
    """

    numbers: Tensor
    x: Tensor
    values: Tensor
    gradient: Tensor
    norms: Tensor


def look(engine: Engine, objective: Measure | Sequence[Measure], state: AscentState, half: bool) -> Look:
    """Look at the picture of a state.

    Raises:
        NnvizError: ascent_size for one too small at the start, ascent_diverged for one that is none any more.
    """
    settings = state.settings
    diversity, redirected = settings.get(Diversity), settings.get(Redirected)
    measure = objective if diversity is None else diverse(engine, objective, diversity)
    with torch.inference_mode(False), torch.enable_grad():
        numbers = state.numbers.detach().requires_grad_()
        x = parametrisation_of(engine, state.size, settings).picture(numbers)
        bare = x.detach().requires_grad_()
        seen, part = bare, None
        try:
            with engine.still():  # so that the part is still that one
                if settings.transforms:
                    part = engine.part(state.size, measure)
                    seen = transforms.apply(transforms.draw(settings.transforms, generator(state)), bare, part)
                values, gradient = engine.value_and_gradient(
                    seen.detach(),
                    measure,
                    redirected=redirected is not None and state.step < redirected.redirected,
                    half=half,
                    part=part,
                )
        except NnvizError as error:
            raise _explained(error, engine, objective, state) from error
        gradient = gradient.to(bare).contiguous()
        if seen is not bare:
            (gradient,) = torch.autograd.grad(seen, bare, gradient)
    return Look(numbers, x, values, gradient, gradient.flatten(1).norm(dim=1))


def generator(state: AscentState) -> torch.Generator:
    """The random numbers of a step, which depend on nothing that happened before."""
    return torch.Generator().manual_seed((state.seed * 1_000_003 + state.step + 1) % 2**63)


def diverged(state: AscentState) -> NnvizError:
    """That the picture's numbers are none any more, and which knob to lower."""
    if not state.step:
        return NnvizError("input_nan")
    penalty = state.settings.get(L2)
    steep = penalty is not None and 2 * penalty.l2 * state.settings.step_size > 1
    return NnvizError("ascent_diverged", step=state.step, knob="l2" if steep else "step_size")


def _explained(
    error: NnvizError, engine: Engine, objective: Measure | Sequence[Measure], state: AscentState
) -> NnvizError:
    """What a fault of a pass means for an ascent; the fault itself where it means nothing more."""
    if state.step:
        if error.code not in ("input_nan", "output_nan"):
            return error
        return diverged(state)
    if state.size == engine.contract.size or error.code == "out_of_memory":
        return error
    try:
        smallest = max(engine.smallest_side(o) for o in ([objective] if isinstance(objective, Measure) else objective))
    except NnvizError:
        return error  # not even the network's own size would do, so it is not the size
    if min(state.size) >= smallest:
        return error
    height, width = state.size
    return NnvizError("ascent_size", height=height, width=width, smallest=smallest)
