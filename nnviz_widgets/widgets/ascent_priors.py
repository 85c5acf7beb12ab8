"""Priors as a widget holds them: a number a knob, a rule and two switches; and which of them can act."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any

import traitlets

from nnviz_widgets.methods.prior_values import check_value
from nnviz_widgets.methods.priors import (
    KNOBS,
    L2,
    Adam,
    Blur,
    Decay,
    Decorrelated,
    Diversity,
    Fourier,
    Jitter,
    Normalised,
    Plain,
    Prior,
    Progress,
    Redirected,
    Rotate,
    Scale,
    SmallContribution,
    SmallNorm,
    SmallValue,
    TotalVariation,
)
from nnviz_widgets.widgets.validated import validate

RULES: dict[str, type] = {"adam": Adam, "plain": Plain, "normalised": Normalised, "progress": Progress}
REWORK = (Decay, Blur, SmallValue, SmallNorm, SmallContribution)
OTHERS = (L2, TotalVariation, Jitter, Scale, Rotate, Redirected, Diversity)
PIXEL_KNOBS = [name for name, kind in KNOBS.items() if kind in REWORK]


class Knobs(traitlets.HasTraits):
    """What steers a running ascent; 0 is off."""

    step_size = traitlets.Float(0.05, help="how far a step goes").tag(knob=True)
    progress = traitlets.Float(2.0, help="by which a step raises the value").tag(knob=True)
    l2 = traitlets.Float(0.0, help="penalty on the squared norm").tag(knob=True)
    total_variation = traitlets.Float(0.0, help="penalty on differences of neighbours").tag(knob=True)
    decay = traitlets.Float(0.0, help="share of the picture that fades a step").tag(knob=True)
    sigma = traitlets.Float(0.0, help="of the blur, in pixels").tag(knob=True)
    every = traitlets.Int(4, help="steps from one blur to the next").tag(knob=True)
    small_value = traitlets.Float(0.0, help="percentile of values set to 0").tag(knob=True)
    small_norm = traitlets.Float(0.0, help="percentile of pixels set to the mean").tag(knob=True)
    small_contribution = traitlets.Float(0.0, help="percentile of pixels set to the mean").tag(knob=True)
    jitter = traitlets.Int(0, help="pixels of the random shift").tag(knob=True)
    scale = traitlets.Float(0.0, help="share of the random scaling").tag(knob=True)
    rotate = traitlets.Float(0.0, help="degrees of the random turn").tag(knob=True)
    redirected = traitlets.Int(0, help="first steps whose ReLUs let the gradient through").tag(knob=True)
    diversity = traitlets.Float(0.0, help="penalty on pictures that are alike").tag(knob=True)

    @validate("step_size", *KNOBS)
    def _validate_knob(self, proposal: Any) -> Any:
        check_value(proposal["trait"].name, proposal["value"])
        return proposal["value"]


def knobs_of(priors: Iterable[Prior]) -> dict[str, Any]:
    """The numbers of a list of priors, by name."""
    return {
        field.name: getattr(prior, field.name) for prior in priors for field in fields(prior) if field.name in KNOBS
    }


def kinds_of(priors: Sequence[Prior]) -> dict[str, Any]:
    """The rule, the two switches and the power of the waves, of a list of priors."""
    kinds = {type(prior) for prior in priors}
    rules = [name for name, rule in RULES.items() if rule in kinds]
    powers = [prior.decay_power for prior in priors if isinstance(prior, Fourier)]
    switches = {"fourier": bool(powers), "decorrelated": Decorrelated in kinds}
    return {"rule": rules[0], "decay_power": powers[0] if powers else 1.0, **switches}


def acting(state: Any) -> list[str]:
    """The knobs that `methods.ascent` is to be told; the others would be refused, or have nothing to act on."""
    kinds = {RULES[state.rule], *OTHERS, *(() if state.fourier or state.decorrelated else REWORK)}
    return ["step_size", *(name for name, kind in KNOBS.items() if kind in kinds)]


def steering(state: Any, knobs: Mapping[str, Any]) -> dict[str, Any]:
    """What a running ascent is told at each step."""
    return {name: knobs[name] for name in acting(state)}


def priors_of(state: Any, knobs: Mapping[str, Any]) -> list[Prior]:
    """The list that `methods.ascent` takes, of all that can act: what is 0 may be raised later."""
    found: dict[type, dict[str, Any]] = {RULES[state.rule]: {}}
    for name in acting(state)[1:]:
        found.setdefault(KNOBS[name], {})[name] = knobs[name]
    switches = [
        *([Fourier(state.decay_power)] if state.fourier else []),
        *([Decorrelated()] if state.decorrelated else []),
    ]
    return [*(kind(**numbers) for kind, numbers in found.items()), *switches]


def idle_knobs(state: Any) -> dict[str, str]:
    """The knobs that cannot act now, each with the key of the reason."""
    idle = {}
    if state.rule != "progress":
        idle["progress"] = "ascent_idle_progress"
    if state.fourier or state.decorrelated:
        idle |= dict.fromkeys(PIXEL_KNOBS, "ascent_idle_waves")
    elif not state.sigma:
        idle["every"] = "ascent_idle_every"
    if state.pictures == 1:
        idle["diversity"] = "ascent_idle_diversity"
    return idle
