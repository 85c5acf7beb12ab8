"""What a saliency is asked of: a class, the difference of two, a channel, or one neuron; and why it has no gradient."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.engine.layers import Layer
from nnviz_widgets.engine.objectives import Objective, channel, logit, neuron
from nnviz_widgets.errors import NnvizError

BOUNDED = {"relu6": 6.0, "hardtanh": 1.0, "hardsigmoid": 1.0}
"""Activations with an upper end where the gradient is 0, by the lower-case name of their kind."""
RECTIFIED = ("relu", "relu6", "threshold")
NAMES = {"relu": "ReLU", "relu6": "ReLU6", "silu": "SiLU", "gelu": "GELU", "hardswish": "Hardswish"}
"""Of the common activations, as people write them."""


@dataclass(frozen=True, eq=False)
class Question:
    """What is asked.

    Attributes:
        measure: what the objective measures, "logit", "difference", "mean" or "activation".
        classes: (index, probability) of the class, and of the one taken away.
        maps: of the layer, (channels, h, w), where it has maps and a channel or neuron is asked about.
        unit: (row, column) of the neuron.
        stage: whether these are the values "before" or "after" an activation, and which; None where there is none.
    """

    objective: Objective
    measure: str
    classes: tuple[tuple[int, float], ...] = ()
    maps: NDArray[np.float32] | None = None
    unit: tuple[int, int] | None = None
    stage: tuple[str, str] | None = None


def question_of(engine: Engine, state: SimpleNamespace) -> Question:
    """The question that a state asks: its `of`, `target`, `against`, `layer`, `channel`, `unit`, `x`, `class_names`."""
    if state.of == "class":
        return _of_classes(engine, state)
    layer = engine.layers[state.layer]
    if not layer.spatial:
        return Question(neuron(state.layer, state.channel), "activation")
    maps = engine.activations(state.x, state.layer)[0].float().cpu().numpy()
    if state.of == "channel":
        return Question(channel(state.layer, state.channel), "mean", maps=maps, stage=_stage(layer))
    unit = state.unit or strongest(maps[state.channel], bound_of(layer))
    objective = neuron(state.layer, state.channel, *unit)
    return Question(objective, "activation", maps=maps, unit=unit, stage=_stage(layer))


def _of_classes(engine: Engine, state: SimpleNamespace) -> Question:
    probabilities = engine.probabilities(state.x)[0]
    asked = int(probabilities.argmax()) if state.target is None else state.target
    if state.against is None:
        return Question(logit(asked), "logit", ((asked, float(probabilities[asked])),))
    if state.against == asked:
        raise NnvizError("classes_equal", name=state.class_names[asked])
    both = asked, state.against
    classes = tuple((index, float(probabilities[index])) for index in both)
    return Question(logit(asked) - logit(state.against), "difference", classes)


def _stage(layer: Layer) -> tuple[str, str] | None:
    if layer.activation is not None:
        return "before", NAMES.get(layer.activation, layer.activation)
    return ("after", NAMES[layer.kind.lower()]) if layer.kind.lower() in NAMES else None


def bound_of(layer: Layer) -> float | None:
    """The value at which a layer's own activation ends; None where it does not."""
    return BOUNDED.get(layer.kind.lower())


def strongest(values: NDArray[np.float32], bound: float | None = None) -> tuple[int, int]:
    """(row, column) of the largest value of a map, below a bound where the gradient is 0 if any value is."""
    free = values if bound is None or (values >= bound).all() else np.where(values < bound, values, -np.inf)
    row, col = divmod(int(free.argmax()), values.shape[1])
    return row, col


def first_layer(engine: Engine) -> str:
    """A layer to begin with, half-way: rectified maps, or those before an activation that is bounded above.

    Behind such an activation many neurons are at its end, where none differs from another and the gradient is 0.
    """
    layers = [layer for layer in engine.layers.distinct() if (layer.height or 0) * (layer.width or 0) > 1]
    if not layers:
        return engine.layers.distinct()[-1].name
    good = [x for x in layers if x.kind.lower() == "relu" or (x.activation or "").lower() in BOUNDED]
    good = good or layers
    return good[len(good) // 2].name


def telling_channel(values: Tensor) -> int:
    """A channel to begin with, of (channels, h, w) or (units,): where a neuron stands out, not at the very border."""
    if values.ndim == 1:
        return int(values.argmax())
    margin = [side // 8 for side in values.shape[1:]]
    inner = values[:, margin[0] : values.shape[1] - margin[0], margin[1] : values.shape[2] - margin[1]]
    return int((inner.amax((1, 2)) - values.mean((1, 2))).argmax())


def before_activation(engine: Engine, name: str) -> str | None:
    """The layer whose values the activation `name` takes, if they are a layer."""
    layers = engine.layers.distinct()
    names = [layer.name for layer in layers]
    place = names.index(engine.layers.origin(name).name)
    if place == 0 or layers[place - 1].activation is None or layers[place - 1].shape != layers[place].shape:
        return None
    return names[place - 1]


def why_no_gradient(engine: Engine, state: SimpleNamespace, question: Question, error: NnvizError) -> NnvizError:
    """The cause of a gradient that is 0 all over, and what to try, as far as the layer's values tell."""
    layer = engine.layers[state.layer]
    if question.measure not in ("mean", "activation") or question.maps is None:
        return error
    values = question.maps[state.channel]
    fields = {"layer": state.layer, "channel": state.channel}
    before = before_activation(engine, state.layer)
    bound = bound_of(layer)
    if question.unit is not None:
        row, col = question.unit
        fields |= {"row": row, "col": col}
        if bound is not None and values[row, col] >= bound:
            return NnvizError("unit_saturated", **fields, bound=f"{bound:g}", before=before or state.layer)
    if not values.any():
        best = int(question.maps.max((1, 2)).argmax())
        return NnvizError("channel_off", layer=state.layer, channel=state.channel, best=best)
    if question.unit is not None and layer.kind.lower() in RECTIFIED and values[question.unit] == 0:
        best_row, best_col = strongest(values, bound)
        fields |= {"best_row": best_row, "best_col": best_col}
        return NnvizError("unit_off_before" if before else "unit_off", **fields, before=before)
    return error
