"""Objectives: what to explain or to maximise, as frozen values that add, subtract and scale.

Saliency is an objective's gradient at the input, Grad-CAM its gradient at a layer, occlusion its drop, activation
maximisation its ascent.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from nnviz_widgets.engine.terms import LOGITS as LOGITS
from nnviz_widgets.engine.terms import Reader, Term, pick_logit
from nnviz_widgets.errors import NnvizError


@runtime_checkable
class Measure(Protocol):
    """What can be ascended: an `Objective`, or anything else that reads layers and gives a value a picture."""

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers it reads; "" is the output."""

    def value(self, read: Reader) -> Tensor:
        """(N,) values, given what reads a layer's canonical activations by name."""


@dataclass(frozen=True, init=False, repr=False)
class Objective:
    """Weighted sum of measurements; maps activations to one scalar per image.

    `a + b`, `a - b`, `-a`, `2 * a` and `a / 2` are objectives again. Equal sums compare and hash equal in any order.
    """

    terms: tuple[tuple[Term, float], ...]

    def __init__(self, terms: Iterable[tuple[Term, float]]) -> None:
        weights: dict[Term, float] = {}
        for term, weight in terms:
            weights[term] = weights.get(term, 0.0) + float(weight)
        object.__setattr__(self, "terms", tuple(sorted((t, w) for t, w in weights.items() if w != 0)))

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers it reads; "" is the output."""
        return tuple(dict.fromkeys(term.layer for term, _ in self.terms))

    @property
    def compares(self) -> bool:
        """Whether the value of a picture depends on the others of its batch."""
        return any(term.kind == "similarity" for term, _ in self.terms)

    def value(self, read: Reader) -> Tensor:
        """(N,) values, given what reads a layer's canonical activations by name."""
        if not self.terms:
            raise NnvizError("objective_empty")
        return torch.stack([weight * term.value(read) for term, weight in self.terms]).sum(0)

    def seed(self, logits: Tensor) -> Tensor | None:
        """d value / d logits (N, classes) of an objective of logits alone, the same for every picture; else None."""
        if {term.kind for term, _ in self.terms} != {"logit"}:
            return None
        seed = torch.zeros_like(logits)
        for term, weight in self.terms:
            pick_logit(seed, term).add_(weight)
        return seed

    def __add__(self, other: Any) -> Objective:
        return Objective((*self.terms, *other.terms)) if isinstance(other, Objective) else NotImplemented

    def __sub__(self, other: Any) -> Objective:
        return self + -1 * other if isinstance(other, Objective) else NotImplemented

    def __mul__(self, factor: Any) -> Objective:
        if isinstance(factor, bool) or not isinstance(factor, Real):  # Real: NumPy's numbers too
            return NotImplemented
        return Objective((term, weight * float(factor)) for term, weight in self.terms)

    __rmul__ = __mul__

    def __truediv__(self, divisor: Any) -> Objective:
        if isinstance(divisor, bool) or not isinstance(divisor, Real):
            return NotImplemented
        return Objective((term, weight / float(divisor)) for term, weight in self.terms)

    def __neg__(self) -> Objective:
        return self * -1

    def __repr__(self) -> str:
        text = ""
        for term, weight in self.terms:
            sign = ("-" if weight < 0 else "") if not text else (" - " if weight < 0 else " + ")
            text += sign + ("" if abs(weight) == 1 else f"{abs(weight):g} * ") + repr(term)
        return text or "Objective(())"


def logit(c: int) -> Objective:
    """Value of output c, before any softmax."""
    return _one("logit", LOGITS, c)


def channel(layer: str, k: int) -> Objective:
    """Mean over space of channel k of a layer; the value of unit k where there is no space."""
    return _one("channel", layer, k)


def neuron(layer: str, k: int, row: int | None = None, col: int | None = None) -> Objective:
    """Value of one neuron: channel k of a spatial layer at (row, col), or unit k of another."""
    if (row is None) != (col is None):
        raise NnvizError("neuron_position")
    return _one("neuron", layer, k) if row is None or col is None else _one("neuron", layer, k, row, col)


def direction(layer: str, v: Sequence[float] | Tensor, cosine_power: float = 0) -> Objective:
    """Dot product of a layer's channels with v (channels,), mean over space.

    Args:
        cosine_power: p of dot * max(0.1, cosine)^p at each position (Olah et al. 2017): the larger, the more the
            direction counts and the less the length.
    """
    numbers = tuple(float(n) for n in (v.detach().cpu().tolist() if isinstance(v, Tensor) else v))
    power = float(cosine_power)
    if not (math.isfinite(power) and power >= 0):
        raise NnvizError("contract_value", field="cosine_power", value=cosine_power, expected="a number of 0 or more")
    if power == 0:
        return Objective([(Term("direction", layer, numbers), 1.0)])
    return Objective([(Term("cosine_direction", layer, (power, *numbers)), 1.0)])


def layer_energy(layer: str) -> Objective:
    """Half the mean square of a layer's activations: what DeepDream ascends."""
    return Objective([(Term("layer_energy", layer, ()), 1.0)])


def similarity(layer: str) -> Objective:
    """Mean cosine similarity of a picture's Gram matrix of channels with those of the others of its batch.

    0 for a batch of one. Subtracted, it makes the pictures of an ascent differ (Olah et al. 2017, diversity).
    """
    return Objective([(Term("similarity", layer, ()), 1.0)])


def _one(kind: str, layer: str, *numbers: int) -> Objective:
    for number in numbers:
        if isinstance(number, bool) or not _is_whole(number):
            raise NnvizError("index_type", value=number)
    return Objective([(Term(kind, layer, tuple(float(n) for n in numbers)), 1.0)])


def _is_whole(number: Any) -> bool:
    try:
        return bool(int(number) == number)
    except (TypeError, ValueError, OverflowError):
        return False
