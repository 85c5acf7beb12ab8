"""The measurements that objectives are made of: what is taken of one layer's activations, one value a picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional

from nnviz_widgets.errors import NnvizError

LOGITS = ""
"""Name under which an objective reads the network's output."""

Reader = Callable[[str], Tensor]


@dataclass(frozen=True, order=True)
class Term:
    """One measurement: what kind, at which layer, of what."""

    kind: str
    layer: str
    numbers: tuple[float, ...]

    def __repr__(self) -> str:
        if self.kind in ("direction", "cosine_direction"):
            power, v = (0.0, self.numbers) if self.kind == "direction" else (self.numbers[0], self.numbers[1:])
            head = ", ".join(f"{n:g}" for n in v[:3]) + (", ..." if len(v) > 3 else "")
            return f"direction({self.layer!r}, [{head}]{f', cosine_power={power:g}' if power else ''})"
        arguments = ([repr(self.layer)] if self.layer != LOGITS else []) + [str(int(n)) for n in self.numbers]
        return f"{self.kind}({', '.join(arguments)})"

    def value(self, read: Reader) -> Tensor:
        return _MEASURES[self.kind](read(self.layer), self)


def _pick(activation: Tensor, index: float, axis: int, term: Term) -> Tensor:
    count = activation.shape[axis]
    if not -count <= index < count:
        raise NnvizError("index_range", term=repr(term), index=int(index), last=count - 1)
    return activation.select(axis, int(index))


def pick_logit(activation: Tensor, term: Term) -> Tensor:
    return _pick(activation, term.numbers[0], 1, term)


def _channel(activation: Tensor, term: Term) -> Tensor:
    return (
        _pick(activation, term.numbers[0], 1, term).flatten(1).mean(1)
        if activation.ndim == 4
        else pick_logit(activation, term)
    )


def _neuron(activation: Tensor, term: Term) -> Tensor:
    if len(term.numbers) != activation.ndim - 1:
        raise NnvizError("neuron_shape", term=repr(term), shape=tuple(activation.shape[1:]))
    for number in term.numbers:
        activation = _pick(activation, number, 1, term)
    return activation


def _direction(activation: Tensor, term: Term) -> Tensor:
    v = _direction_of(activation, term.numbers, term)
    return activation.flatten(2).mean(2) @ v if activation.ndim == 4 else activation @ v


def _cosine_direction(activation: Tensor, term: Term) -> Tensor:
    power, *numbers = term.numbers
    v = _direction_of(activation, numbers, term)
    cells = activation.flatten(2) if activation.ndim == 4 else activation[..., None]  # (N, channels, positions)
    dot = v @ cells
    # Lucid's numbers: 1e-4 for vectors of length 0, and a floor so that what points elsewhere has a gradient too.
    cosine: Tensor = dot / (torch.linalg.vector_norm(cells, dim=1) + 1e-4) / (torch.linalg.vector_norm(v) + 1e-4)
    return (cosine.clamp_min(0.1) ** power * dot).mean(1)


def _direction_of(activation: Tensor, numbers: Sequence[float], term: Term) -> Tensor:
    if len(numbers) != activation.shape[1]:
        raise NnvizError("direction_length", term=repr(term), length=len(numbers), channels=activation.shape[1])
    return _on_device(tuple(numbers), activation.dtype, activation.device)


@lru_cache(maxsize=64)
def _on_device(numbers: tuple[float, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    """Asked for at each step of an ascent, which a copy from the host would hold up; nobody changes it."""
    with torch.inference_mode(False):
        return torch.tensor(numbers, dtype=dtype, device=device)


def _similarity(activation: Tensor, _term: Term) -> Tensor:
    count = activation.shape[0]
    if count == 1:
        return activation.new_zeros(1)
    units = functional.normalize(activation.flatten(1), dim=1)  # first: sums over a large map overflow half precision
    if activation.ndim == 4:
        cells = units.view(*activation.shape[:2], -1)
        units = functional.normalize((cells @ cells.mT).flatten(1), dim=1)
    cosines = units @ units.T
    if activation.ndim != 4:
        cosines = cosines.square()  # of two units' outer products with themselves, which need not be made
    return (cosines.sum(1) - cosines.diagonal()) / (count - 1)


def _layer_energy(activation: Tensor, term: Term) -> Tensor:
    return 0.5 * activation.flatten(1).square().mean(1)


_MEASURES: dict[str, Callable[[Tensor, Term], Tensor]] = {
    "logit": pick_logit,
    "channel": _channel,
    "neuron": _neuron,
    "direction": _direction,
    "cosine_direction": _cosine_direction,
    "similarity": _similarity,
    "layer_energy": _layer_energy,
}
