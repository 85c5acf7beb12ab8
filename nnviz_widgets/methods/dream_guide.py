"""A dream guided by a second picture: each position strives for what resembles it most over there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.engine.objectives import LOGITS, Measure
from nnviz_widgets.engine.terms import Reader
from nnviz_widgets.errors import NnvizError

PRODUCTS = 2**24  # dot products held at a time


@dataclass(frozen=True, eq=False)
class Guided:
    """Mean over positions of the dot product of each activation with its best match in the guide, a sum over layers.

    Mordvintsev, Olah & Tyka 2015. The match is chosen without a gradient, as is usual.

    Attributes:
        guides: what each layer gave for the guide, (positions, channels), by name.
    """

    guides: Mapping[str, Tensor]

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers it reads."""
        return tuple(self.guides)

    def value(self, read: Reader) -> Tensor:
        """(N,) values, given what reads a layer's canonical activations by name."""
        return torch.stack([_agreement(read(name), guide) for name, guide in self.guides.items()]).sum(0)

    def __repr__(self) -> str:
        return f"Guided({', '.join(map(repr, self.guides))})"


def guided_by(engine: Engine, guide: Tensor, objective: Measure) -> Guided:
    """The objective's layers, guided by a picture (1, C, h, w) in the network's units.

    Raises:
        NnvizError: for an objective that reads no layer, but the output.
    """
    if LOGITS in objective.layers:
        raise NnvizError("dream_guide", objective=repr(objective))
    found = {name: engine.activations(guide, name) for name in objective.layers}
    return Guided({name: positions(activation)[0].clone() for name, activation in found.items()})


def positions(activation: Tensor) -> Tensor:
    """(N, channels, h, w) or (N, units) -> (N, positions, channels)."""
    return activation.flatten(2).transpose(1, 2) if activation.ndim == 4 else activation[:, None]


def _agreement(activation: Tensor, guide: Tensor) -> Tensor:
    own = positions(activation)
    guide = guide.to(own.dtype)
    rows = max(1, PRODUCTS // len(guide))
    with torch.no_grad():
        best = [(part @ guide.T).argmax(1) for picture in own for part in picture.split(rows)]
    matched = guide[torch.cat(best)].reshape(own.shape)
    return (own * matched).sum(2).mean(1)
