"""The state of a saliency: its traits, what they refuse, and what it begins with."""

from __future__ import annotations

from typing import Any

import traitlets

from nnviz_widgets.engine.relu_rules import RULES
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.methods.occluders import FILLS
from nnviz_widgets.widgets.map_layers import check_channel, check_neuron
from nnviz_widgets.widgets.own_method import OwnMethodWidget
from nnviz_widgets.widgets.saliency_question import first_layer, telling_channel
from nnviz_widgets.widgets.saliency_redrawn import Redrawn
from nnviz_widgets.widgets.target import TargetWidget
from nnviz_widgets.widgets.validated import validate

OF = ("class", "channel", "neuron")
VIEWS = ("magnitude", "signed", "times_input")
MOST = 256  # noisy copies, steps of a path


class SaliencyState(OwnMethodWidget, TargetWidget):
    """The traits of `Saliency`; what each means stands there."""

    of = traitlets.Enum(OF, "class", help="whose gradient").tag(live=True)
    against = traitlets.Any(None, help="class whose logit is taken away, or None").tag(live=True)
    layer = traitlets.Unicode(help="layer of the channel or neuron").tag(live=True)
    channel = traitlets.Int(0, help="of the layer").tag(live=True)
    unit = traitlets.Any(None, help="(row, column) of the neuron; None for the strongest of the channel").tag(live=True)
    rules = traitlets.Tuple(RULES, help="which are shown").tag(live=True)
    view = traitlets.Enum(VIEWS, "magnitude", help="what is drawn of the gradient").tag(live=True)
    overlay = traitlets.Float(1.0, min=0.0, max=1.0, help="of the map over the photo").tag(live=True)
    clip = traitlets.Float(99.0, min=50.0, max=100.0, help="percentile at the end of the colours").tag(live=True)
    smooth = traitlets.Int(0, min=0, max=MOST, help="noisy copies of SmoothGrad, 0 for none").tag(live=True)
    noise = traitlets.Float(0.15, min=0.0, max=1.0, help="their spread, as a share of the range").tag(live=True)
    integrated = traitlets.Int(0, min=0, max=MOST, help="steps of Integrated Gradients, 0 for none").tag(live=True)
    baseline = traitlets.Enum(FILLS, "black", help="where their path begins").tag(live=True)
    randomised = traitlets.Int(0, help="last layers with weights drawn anew").tag(live=True)

    def _start(self, state: dict[str, Any]) -> None:
        self._redrawn = Redrawn(self.engine)
        self._field_known = False
        self.layer = state.pop("layer", None) or first_layer(self.engine)
        super()._start(state)
        if "channel" not in state:
            self.channel = telling_channel(self.engine.activations(self._x_of(self.photo), self.layer)[0].float())

    @validate("against")
    def _validate_against(self, proposal: Any) -> int:
        return self._class_index(proposal["value"])

    @validate("layer")
    def _validate_layer(self, proposal: Any) -> str:
        return self.engine.layers.origin(proposal["value"]).name

    @validate("channel")
    def _validate_channel(self, proposal: Any) -> int:
        return check_channel(self.engine, self.layer, proposal["value"])

    @validate("unit")
    def _validate_unit(self, proposal: Any) -> tuple[int, int] | None:
        layer = self.engine.layers[self.layer]
        if proposal["value"] is not None and not layer.spatial:
            raise NnvizError("layer_not_spatial", name=layer.name, units=layer.channels)
        return check_neuron(self.engine, self.layer, proposal["value"])

    @validate("rules")
    def _validate_rules(self, proposal: Any) -> tuple[str, ...]:
        for rule in proposal["value"]:
            if rule not in RULES:
                raise NnvizError("rule_unknown", rule=rule)
        if not proposal["value"]:
            raise NnvizError("rules_none")
        return tuple(rule for rule in RULES if rule in proposal["value"])

    @validate("randomised")
    def _validate_randomised(self, proposal: Any) -> int:
        count, most = proposal["value"], len(self._redrawn.layers)
        if not 0 <= count <= most:
            raise NnvizError("redrawn_range", count=count, most=most)
        return int(count)
