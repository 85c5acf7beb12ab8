"""The priors of activation maximisation, each one piece, and what a list of them may be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar, get_args

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.methods.parametrisations import Decorrelated, Fourier
from nnviz_widgets.methods.penalties import L2, Penalty, TotalVariation
from nnviz_widgets.methods.pixel_priors import Blur, Decay, PixelPrior, SmallContribution, SmallNorm, SmallValue
from nnviz_widgets.methods.prior_values import LIMITS, Checked, checked
from nnviz_widgets.methods.step_rules import Adam, Normalised, Plain, Progress, StepRule
from nnviz_widgets.methods.transforms import Jitter, Rotate, Scale, Transform

__all__ = [
    "KINDS",
    "KNOBS",
    "L2",
    "LIMITS",
    "Adam",
    "Blur",
    "Decay",
    "Decorrelated",
    "Diversity",
    "Fourier",
    "Jitter",
    "Normalised",
    "Plain",
    "Prior",
    "Progress",
    "Redirected",
    "Rotate",
    "Scale",
    "Settings",
    "SmallContribution",
    "SmallNorm",
    "SmallValue",
    "TotalVariation",
]


@dataclass(frozen=True)
class Redirected(Checked):
    """For the first steps, gradients pass through ReLUs that would block them (Lucid), so that dead units wake."""

    redirected: int = 16


@dataclass(frozen=True)
class Diversity(Checked):
    """diversity * the mean cosine similarity of each picture's Gram matrix with the others' is taken from each value.

    Olah et al., Feature Visualization, Distill 2017. With it the noise that pictures begin with differs.

    Args:
        layer: whose Gram matrices; the objective's own, or the last with maps before it, when left out.
    """

    diversity: float
    layer: str | None = None


Prior = StepRule | Penalty | PixelPrior | Transform | Fourier | Decorrelated | Redirected | Diversity
KINDS: dict[str, type[Prior]] = {kind.__name__: kind for kind in get_args(Prior)}
"""The priors by name."""
KNOBS: dict[str, type[Prior]] = {f.name: kind for kind in KINDS.values() for f in fields(kind) if f.name in LIMITS}
"""The prior to which each knob belongs; the knob "step_size" belongs to none."""

Kind = TypeVar("Kind")


@dataclass(frozen=True)
class Settings:
    """The priors and the step size in force; no two priors of one kind, and one step rule.

    Raises:
        NnvizError: prior_unknown for what is no prior, prior_conflict for two that exclude each other.
    """

    priors: tuple[Prior, ...]
    step_size: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "step_size", checked("step_size", self.step_size))
        for i, prior in enumerate(self.priors):
            for other in self.priors[:i]:
                if _exclude(other, prior) or _exclude(prior, other):
                    raise NnvizError("prior_conflict", first=type(other).__name__, second=type(prior).__name__)

    @classmethod
    def of(cls, priors: Iterable[Any], step_size: float | None = None) -> Settings:
        """Of a list; without a step rule `Normalised`, without a step size the rule's own."""
        found: list[Prior] = []
        for each in priors:
            if not isinstance(each, get_args(Prior)):
                raise NnvizError("prior_unknown", name=each, known=", ".join(KINDS))
            found.append(each)
        if not any(isinstance(prior, get_args(StepRule)) for prior in found):
            found.append(Normalised())
        rule = next(prior for prior in found if isinstance(prior, StepRule))
        return cls(tuple(found), rule.default_step_size if step_size is None else step_size)

    @property
    def rule(self) -> StepRule:
        return next(prior for prior in self.priors if isinstance(prior, StepRule))

    @property
    def penalties(self) -> list[Penalty]:
        return [p for p in self.priors if isinstance(p, Penalty) and not is_nothing(p)]

    @property
    def pixel_priors(self) -> list[PixelPrior]:
        """In the order in which they rework the picture."""
        found = [p for p in self.priors if isinstance(p, PixelPrior) and not is_nothing(p)]
        return sorted(found, key=lambda prior: prior.order)

    @property
    def transforms(self) -> list[Transform]:
        return [p for p in self.priors if isinstance(p, Transform) and not is_nothing(p)]

    def get(self, kind: type[Kind]) -> Kind | None:
        """The prior of a kind, unless it is nothing."""
        return next((p for p in self.priors if isinstance(p, kind) and not is_nothing(p)), None)

    def changed(self, knobs: Mapping[str, Any]) -> Settings:
        """With other values; a knob of a prior that is not there adds it, and the value 0 makes it nothing."""
        wanted: dict[type[Prior], dict[str, Any]] = {}
        for name, value in knobs.items():
            if name != "step_size":
                wanted.setdefault(prior_of(name), {})[name] = value
        priors = [replace(p, **wanted.pop(type(p), {})) for p in self.priors]
        priors += [kind(**{fields(kind)[0].name: 0, **values}) for kind, values in wanted.items()]
        return Settings(tuple(priors), knobs.get("step_size", self.step_size))

    def value(self, knob: str) -> float:
        """What a knob stands at; 0 where its prior is not there."""
        if knob == "step_size":
            return self.step_size
        kind = prior_of(knob)
        return next((getattr(p, knob) for p in self.priors if type(p) is kind), 0)


def prior_of(knob: str) -> type[Prior]:
    """The prior that a knob belongs to."""
    if knob not in KNOBS:
        raise NnvizError("prior_unknown", name=knob, known=", ".join(["step_size", *KNOBS]))
    return KNOBS[knob]


def is_nothing(prior: Prior) -> bool:
    """Whether a prior is there in name only: its first number is 0."""
    numbers = fields(prior)
    return bool(numbers) and not getattr(prior, numbers[0].name)


def _exclude(first: Prior, second: Prior) -> bool:
    if type(first) is type(second) or (isinstance(first, StepRule) and isinstance(second, StepRule)):
        return True
    made = isinstance(first, Fourier | Decorrelated)  # pixels are then a result, not what is moved
    return made and isinstance(second, PixelPrior) and not is_nothing(second)
