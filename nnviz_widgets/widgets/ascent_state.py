"""The state of an ascent: its traits, what they refuse, and what a preset sets."""

from __future__ import annotations

from operator import index
from types import SimpleNamespace
from typing import Any

import traitlets
from torch import Tensor

from nnviz_widgets.engine.objectives import Objective
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.methods.presets import PRESETS, preset
from nnviz_widgets.methods.priors import KNOBS
from nnviz_widgets.widgets.ascent_priors import RULES, Knobs, kinds_of, knobs_of
from nnviz_widgets.widgets.ascent_question import OF, favourite
from nnviz_widgets.widgets.class_choice import ClassChoice
from nnviz_widgets.widgets.map_layers import check_channel
from nnviz_widgets.widgets.own_method import OwnMethodWidget
from nnviz_widgets.widgets.run_widget import RunWidget
from nnviz_widgets.widgets.saliency_question import first_layer
from nnviz_widgets.widgets.still import StillWidget
from nnviz_widgets.widgets.validated import validate

STARTS = ("noise", "zeros", "photo", "last")
PICTURES = (1, 4, 9)
# To begin with, as long as no preset is asked for: Distill's, moved more and of longer waves, which soon looks like
# something.
FIRST = {"steps": 192, "scale": 0.2, "rotate": 15.0, "decay_power": 1.5}
FIRST_JITTER = 14  # a shift by one so manieth of the side
LONGEST = 10_000  # steps
DIVERSITY = 100.0  # of several pictures, as Lucid's; without it they would all be the same


class AscentState(Knobs, OwnMethodWidget, RunWidget, ClassChoice, StillWidget):
    """The traits of `Ascent`; what each means stands there."""

    of = traitlets.Enum(OF, "class", help="what is raised").tag(live=True)
    layer = traitlets.Unicode(help="layer of the channel, neuron or direction").tag(live=True)
    channel = traitlets.Int(0, help="of the layer").tag(live=True)
    unit = traitlets.Any(None, help="(row, column) of the neuron; None for the middle").tag(live=True)
    direction: Any = traitlets.Dict(help="channels with their weights").tag(live=True)
    objective = traitlets.Any(None, help="an Objective, or None").tag(live=True)
    start_from = traitlets.Enum(STARTS, "noise", help="the first picture").tag(live=True)
    preset = traitlets.Enum([*PRESETS], "Distill", help="whose priors").tag(live=True)
    rule = traitlets.Enum([*RULES], "adam", help="of the step").tag(live=True)
    fourier = traitlets.Bool(True, help="the picture is made of waves").tag(live=True)
    decay_power = traitlets.Float(1.0, min=0.5, max=2.5, help="of the waves' weights").tag(live=True)
    decorrelated = traitlets.Bool(True, help="colours vary independently").tag(live=True)
    seed = traitlets.Int(0, min=0, help="of all that is random").tag(live=True)
    size = traitlets.Any(None, help="side in pixels, or (height, width)").tag(live=True)
    pictures = traitlets.Enum(PICTURES, 1, help="made at once").tag(live=True)
    steps = traitlets.Int(256, min=1, max=LONGEST, help="after which it ends").tag(knob=True)

    def _start(self, state: dict[str, Any]) -> None:
        self.layer = self.engine.layers.origin(state.pop("layer", None) or first_layer(self.engine)).name
        self.size = self.engine.contract.size
        self.target = favourite(self.engine)
        self.direction = {0: 1.0}
        self._last_x: Tensor | None = None
        default = "preset" not in state
        self.preset = state.pop("preset", "Distill")
        self._apply_preset()
        if default:
            first = FIRST | {"jitter": max(self.engine.contract.size) // FIRST_JITTER}
            state = first | state
        self.pictures = state.pop("pictures", 1)
        self._on_pictures()
        super()._start(state)
        if self.objective is not None and "of" not in state:
            self.of = "expression"

    def _apply_preset(self) -> None:
        """Take over all that a preset says; what it does not say is off."""
        chosen = preset(self.preset, self.engine.contract)
        off: dict[str, Any] = dict.fromkeys(KNOBS, 0) | {"every": 4, "progress": 2.0}
        found = off | knobs_of(chosen.priors) | kinds_of(chosen.priors)
        found |= {"step_size": chosen.step_size, "steps": chosen.steps, "start_from": chosen.start}
        for name, value in found.items():
            setattr(self, name, value)

    def _on_pictures(self, _change: Any = None) -> None:
        if self.pictures > 1 and not self.diversity:
            self.diversity = DIVERSITY

    def _snapshot(self) -> SimpleNamespace:
        state = super()._snapshot()
        state.target = favourite(self.engine) if state.target is None else state.target
        state.size = state.size or self.engine.contract.size
        state.last = self._last_x
        return state

    def _changed(self, change: Any) -> None:
        if self._acts(change["name"]):
            if self.result is not None:
                self._last_x = self.result.x
            super()._changed(change)

    @validate("layer")
    def _validate_layer(self, proposal: Any) -> str:
        return self.engine.layers.origin(proposal["value"]).name

    @validate("channel")
    def _validate_channel(self, proposal: Any) -> int:
        return check_channel(self.engine, self.layer, proposal["value"])

    @validate("unit")
    def _validate_unit(self, proposal: Any) -> tuple[int, int]:
        try:
            row, col = map(index, proposal["value"])  # None, the default, comes past without a check
        except (TypeError, ValueError) as error:
            raise NnvizError("unit_value", value=proposal["value"]) from error
        if row < 0 or col < 0:
            raise NnvizError("unit_value", value=proposal["value"])
        return row, col

    @validate("direction")
    def _validate_direction(self, proposal: Any) -> dict[int, float]:
        weights = proposal["value"]
        try:
            found = {index(channel): float(weight) for channel, weight in weights.items()}
        except (TypeError, ValueError) as error:
            raise NnvizError("direction_value", value=weights) from error
        for channel in found:
            check_channel(self.engine, self.layer, channel)
        if not any(found.values()):
            raise NnvizError("direction_value", value=weights)
        return found

    @validate("objective")
    def _validate_objective(self, proposal: Any) -> Objective:
        if not isinstance(proposal["value"], Objective):
            raise NnvizError("objective_type", type=type(proposal["value"]).__name__)
        return proposal["value"]

    @validate("of")
    def _validate_of(self, proposal: Any) -> str:
        if proposal["value"] == "expression" and self.objective is None:
            raise NnvizError("objective_none")
        return str(proposal["value"])

    @validate("size")
    def _validate_size(self, proposal: Any) -> tuple[int, int]:
        value = proposal["value"]
        try:
            height, width = map(index, value if isinstance(value, (tuple, list)) else (value, value))
        except (TypeError, ValueError) as error:
            raise NnvizError("size_value", value=value) from error
        if min(height, width) < 1:
            raise NnvizError("size_value", value=value)
        return height, width

    def _acts(self, name: str) -> bool:
        """Whether a trait has a say in what is raised now."""
        by = {"target": ("class",), "channel": ("channel", "neuron"), "unit": ("neuron",), "direction": ("direction",)}
        if name == "layer":
            return self.of not in ("class", "expression")
        if name == "photo":
            return self.start_from == "photo"
        return self.of in by.get(name, OF) if name != "objective" else self.of == "expression"
