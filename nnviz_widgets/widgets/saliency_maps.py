"""The maps of a saliency, rule by rule, each better and better; also those of the network with weights drawn anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.engine.receptive_field import Rect
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.live import Partial
from nnviz_widgets.methods.map_similarity import rank_correlation
from nnviz_widgets.methods.occluders import occluder
from nnviz_widgets.methods.saliency import saliency_steps
from nnviz_widgets.methods.saliency_picture import magnitude, signed
from nnviz_widgets.widgets.own_method import Own
from nnviz_widgets.widgets.saliency_question import Question, why_no_gradient

REFUSALS = ("rule_no_relu", "gradient_zero")
"""What one rule may meet where another has a map."""


@dataclass(frozen=True, eq=False)
class RuleMap:
    """What one rule gives.

    Attributes:
        gradient: (1, C, H, W), as `methods.saliency` gives it.
        values: (H, W), what is drawn of it.
        relus: how many ReLUs the rule overrides, 0 for the vanilla one.
        similarity: rank correlation with the map of the trained network; None for that map itself.
    """

    gradient: Tensor
    values: NDArray[np.float32]
    relus: int
    similarity: float | None = None


@dataclass(frozen=True, eq=False)
class Shown:
    """What was asked, and what is known of it.

    Attributes:
        maps: by rule; refused: why a rule has none.
        seen: the receptive field of a neuron.
        own: what a person's own function gave.
    """

    question: Question
    maps: dict[str, RuleMap] = field(default_factory=dict)
    refused: dict[str, NnvizError] = field(default_factory=dict)
    seen: Rect | None = None
    own: Own | None = None


def rule_maps(
    engine: Engine, state: SimpleNamespace, shown: Shown, redrawn: Callable[[], Engine] | None, share: float
) -> Iterator[Partial]:
    """`shown` with more and better maps, by the state's `rules`, `view`, `smooth`, `noise`, `integrated`, `baseline`.

    Args:
        redrawn: gives the network with weights drawn anew, whose maps are then shown.
        share: of the whole work that this is.

    Raises:
        NnvizError: when no rule has a map; where one has, the reason of the others stands in `refused`.
    """
    other = None if redrawn is None else redrawn()
    for i, rule in enumerate(state.rules):
        try:
            for found, done in _of_rule(engine, other, state, shown.question, rule):
                shown = replace(shown, maps=shown.maps | {rule: found})
                yield Partial(shown, share * (i + done) / len(state.rules))
        except NnvizError as error:
            if error.code not in REFUSALS:
                raise
            if error.code == "gradient_zero" and other is None:
                error = why_no_gradient(engine, state, shown.question, error)
            shown = replace(shown, refused=shown.refused | {rule: error})
            if len(shown.refused) == len(state.rules):
                raise next(iter(shown.refused.values())) from None
            if shown.maps:  # else what was shown before stays, in case there is none at all
                yield Partial(shown, share * (i + 1) / len(state.rules))


def _of_rule(
    engine: Engine, other: Engine | None, state: SimpleNamespace, question: Question, rule: Any
) -> Iterator[tuple[RuleMap, float]]:
    """The map of a rule, better and better, with the share of the work done; of the `other` network if there is one."""
    trained = None if other is None else _steps(engine, state, question, rule)
    reference = relus = None
    for step in _steps(other or engine, state, question, rule):
        drawn = picture(step.gradient, state.view)
        if trained is not None:  # both grow side by side, so that a turn is never longer than two batches
            reference = next(trained, reference)
            if step.done == 1:
                *_, reference = reference, *trained
        if relus is None:  # counted when the gradient was taken, if its graph is kept
            relus = 0 if rule == "vanilla" else engine.relus(state.x, question.objective, rule=rule)
        alike = None if reference is None else rank_correlation(picture(reference.gradient, state.view), drawn)
        yield RuleMap(step.gradient, drawn.float().cpu().numpy(), relus, alike), step.done


def _steps(engine: Engine, state: SimpleNamespace, question: Question, rule: Any) -> Iterator[Any]:
    baseline = occluder(engine.contract, state.x, state.baseline) if state.integrated else None
    return saliency_steps(
        engine,
        state.x,
        question.objective,
        rule=rule,
        smooth=state.smooth,
        noise=state.noise,
        integrated=state.integrated,
        baseline=baseline,
        times_input=state.view == "times_input",
    )


def picture(gradient: Tensor, view: str) -> Tensor:
    """(1, C, H, W) -> (H, W): what a view draws of a gradient."""
    return (magnitude if view == "magnitude" else signed)(gradient)[0]
