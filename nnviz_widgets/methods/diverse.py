"""Objectives of the pictures of a batch, minus what makes the pictures alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.engine.objectives import Measure, similarity
from nnviz_widgets.engine.terms import Reader
from nnviz_widgets.methods.priors import Diversity


@dataclass(frozen=True)
class Diverse:
    """value - weight * similarity at a layer; `objectives` holds one for all pictures, or one a picture."""

    objectives: tuple[Measure, ...]
    weight: float
    layer: str

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers it reads."""
        return tuple(dict.fromkeys([*(name for each in self.objectives for name in each.layers), self.layer]))

    def value(self, read: Reader) -> Tensor:
        """(N,) values."""
        likeness = similarity(self.layer).value(read)
        if len(self.objectives) == 1:
            values = self.objectives[0].value(read)
        else:
            values = torch.cat([each.value(_picture(read, i)) for i, each in enumerate(self.objectives)])
        return values - self.weight * likeness


def diverse(engine: Engine, objective: Measure | Sequence[Measure], prior: Diversity) -> Diverse:
    """Objectives with a prior for their batch."""
    objectives = (objective,) if isinstance(objective, Measure) else tuple(objective)
    layers = engine.layers
    read = [layers[name] for each in objectives for name in each.layers if name]
    spatial = [layer.name for layer in read if layer.spatial] or [layer.name for layer in layers if layer.spatial][-1:]
    return Diverse(objectives, prior.diversity, prior.layer or spatial[0])


def _picture(read: Reader, i: int) -> Reader:
    return lambda name: read(name)[i : i + 1]
