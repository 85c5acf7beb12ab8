"""Objectives: what to explain or to maximise, as frozen values that add, subtract and scale.

Saliency is an objective's gradient at the input, Grad-CAM its gradient at a layer, occlusion its drop, activation
maximisation its ascent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from nnviz_widgets.errors import NnvizError

LOGITS = ""
"""Name under which an objective reads the network's output."""

Reader = Callable[[str], Tensor]


@runtime_checkable
class Measure(Protocol):
    """What can be ascended: an `Objective`, or anything else that reads layers and gives a value a picture."""

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers it reads; "" is the output."""

    def value(self, read: Reader) -> Tensor:
        """(N,) values, given what reads a layer's canonical activations by name."""


@dataclass(frozen=True, order=True)
class Term:
    """One measurement: what kind, at which layer, of what."""

    kind: str
    layer: str
    numbers: tuple[float, ...]

    def __repr__(self) -> str:
        if self.kind == "direction":
            head = ", ".join(f"{v:g}" for v in self.numbers[:3])
            return f"direction({self.layer!r}, [{head}{', ...' if len(self.numbers) > 3 else ''}])"
        arguments = ([repr(self.layer)] if self.layer != LOGITS else []) + [str(int(n)) for n in self.numbers]
        return f"{self.kind}({', '.join(arguments)})"

    def value(self, read: Reader) -> Tensor:
        return _MEASURES[self.kind](read(self.layer), self)


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
            _logit(seed, term).add_(weight)
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


def direction(layer: str, v: Sequence[float] | Tensor) -> Objective:
    """Dot product of a layer's channels with v (channels,), mean over space."""
    numbers = tuple(float(n) for n in (v.detach().cpu().tolist() if isinstance(v, Tensor) else v))
    return Objective([(Term("direction", layer, numbers), 1.0)])


def layer_energy(layer: str) -> Objective:
    """Half the mean square of a layer's activations: what DeepDream ascends."""
    return Objective([(Term("layer_energy", layer, ()), 1.0)])


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


def _pick(activation: Tensor, index: float, axis: int, term: Term) -> Tensor:
    count = activation.shape[axis]
    if not -count <= index < count:
        raise NnvizError("index_range", term=repr(term), index=int(index), last=count - 1)
    return activation.select(axis, int(index))


def _logit(activation: Tensor, term: Term) -> Tensor:
    return _pick(activation, term.numbers[0], 1, term)


def _channel(activation: Tensor, term: Term) -> Tensor:
    return (
        _pick(activation, term.numbers[0], 1, term).flatten(1).mean(1)
        if activation.ndim == 4
        else _logit(activation, term)
    )


def _neuron(activation: Tensor, term: Term) -> Tensor:
    if len(term.numbers) != activation.ndim - 1:
        raise NnvizError("neuron_shape", term=repr(term), shape=tuple(activation.shape[1:]))
    for number in term.numbers:
        activation = _pick(activation, number, 1, term)
    return activation


def _direction(activation: Tensor, term: Term) -> Tensor:
    if len(term.numbers) != activation.shape[1]:
        raise NnvizError("direction_length", term=repr(term), length=len(term.numbers), channels=activation.shape[1])
    v = torch.tensor(term.numbers, dtype=activation.dtype, device=activation.device)
    return activation.flatten(2).mean(2) @ v if activation.ndim == 4 else activation @ v


def _layer_energy(activation: Tensor, term: Term) -> Tensor:
    return 0.5 * activation.flatten(1).square().mean(1)


_MEASURES: dict[str, Callable[[Tensor, Term], Tensor]] = {
    "logit": _logit,
    "channel": _channel,
    "neuron": _neuron,
    "direction": _direction,
    "layer_energy": _layer_energy,
}
