"""What an ascent raises: a class, a channel, one neuron, a direction, or an expression from code; and its name."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

import torch

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.engine.objectives import Objective, channel, direction, logit, neuron
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.lang import say
from nnviz_widgets.lang.classes import class_names
from nnviz_widgets.render.numbers import MINUS
from nnviz_widgets.widgets.saliency_question import NAMES

OF = ("class", "channel", "neuron", "direction", "expression")
FAVOURITE = "flamingo"  # an animal that everybody knows, and whose picture comes soon


@dataclass(frozen=True)
class Question:
    """The objective, what it is called, and of which value it is.

    Attributes:
        read: as it is ascended, before activations that rectify or bound.
        unit: (row, column) of a neuron.
    """

    objective: Objective
    read: Objective
    title: str
    value: str
    unit: tuple[int, int] | None = None


def question_of(engine: Engine, state: SimpleNamespace, language: str) -> Question:
    """The question that a state asks; where a neuron's place depends on the size, that is found by a pass."""
    unit = _unit(engine, state) if state.of == "neuron" else None
    objective = _objective(engine, state, unit)
    read = engine.before_activation(objective)
    return Question(
        objective, read, _title(engine, state, unit, language), _value(engine, objective, read, language), unit
    )


def favourite(engine: Engine) -> int:
    """The class to begin with."""
    return engine.labels.index(FAVOURITE) if FAVOURITE in engine.labels else 0


def _objective(engine: Engine, state: SimpleNamespace, unit: tuple[int, int] | None) -> Objective:
    match state.of:
        case "class":
            return logit(state.target)
        case "channel":
            return channel(state.layer, state.channel)
        case "neuron":
            return neuron(state.layer, state.channel, *(unit or ()))
        case "direction":
            weights = [0.0] * engine.layers[state.layer].channels
            for index, weight in state.direction.items():
                weights[index] = weight
            return direction(state.layer, weights)
    assert isinstance(state.objective, Objective)
    return state.objective


def _unit(engine: Engine, state: SimpleNamespace) -> tuple[int, int] | None:
    """Where the neuron is, in the middle if it is not said; None where the layer has no maps."""
    layer = engine.layers[state.layer]
    if not layer.spatial:
        return None
    height, width = layer.shape[1:]
    if state.size != engine.contract.size:
        x = torch.zeros(1, engine.contract.channels, *state.size)
        height, width = engine.activations(x, layer).shape[2:]
        engine.forget(x)
    row, col = state.unit or (height // 2, width // 2)
    if row >= height or col >= width:
        raise NnvizError("unit_range", name=layer.name, row=row, col=col, last_row=height - 1, last_col=width - 1)
    return row, col


def _title(engine: Engine, state: SimpleNamespace, unit: tuple[int, int] | None, language: str) -> str:
    fields = {"layer": state.layer, "channel": state.channel}
    match state.of:
        case "class":
            return say(language, "ascent_of_class", name=class_names(language, engine.labels)[state.target])
        case "channel":
            return say(language, "ascent_of_channel", **fields)
        case "neuron" if unit is not None:
            return say(language, "ascent_of_neuron", row=unit[0], col=unit[1], **fields)
        case "neuron":
            return say(language, "ascent_of_unit", **fields)
        case "direction":
            return say(language, "ascent_of_direction", layer=state.layer, weights=spell(state.direction))
    return repr(state.objective)


def _value(engine: Engine, asked: Objective, read: Objective, language: str) -> str:
    """Which value the curve shows: a logit, an activation, or what comes before an activation's rectifying."""
    if asked != read:
        kinds = {engine.layers[name].kind for name in asked.layers if name not in read.layers}
        named = ", ".join(sorted(NAMES.get(kind.lower(), kind) for kind in kinds))
        return say(language, "ascent_value_before", activation=named, layer=", ".join(read.layers))
    kinds = {term.kind for term, _ in asked.terms}
    return say(language, "ascent_value_logit" if kinds == {"logit"} else "ascent_value_activation")


def spell(weights: dict[int, float]) -> str:
    """Channels with their weights, as they are typed: "12: 1, 40: −0.5"."""
    return ", ".join(f"{index}: {weight:g}" for index, weight in weights.items()).replace("-", MINUS)


def parse(text: str) -> dict[int, float]:
    """The reverse of `spell`; a comma or a semicolon between channels, and a channel alone weighs 1."""
    found = {}
    for part in text.replace(";", ",").split(","):
        if not part.strip():
            continue
        index, _, weight = part.replace("\N{MINUS SIGN}", "-").partition(":")
        try:
            found[int(index)] = float(weight) if weight.strip() else 1.0
        except ValueError as error:
            raise NnvizError("direction_value", value=text) from error
    return found
