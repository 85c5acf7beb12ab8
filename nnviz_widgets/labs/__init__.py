"""Checks of course work: pure functions that say in words what is wrong with a student's function, no widget."""

from nnviz_widgets.labs.checking import LabError, fail
from nnviz_widgets.labs.filters import (
    check_activation_map,
    check_convolution,
    check_filters,
    check_picture,
    check_receptive_field,
)
from nnviz_widgets.labs.occlusion import (
    check_drop,
    check_logit_map,
    check_occlude,
    check_positions,
    check_predicted_map,
    check_probability_map,
)
from nnviz_widgets.labs.saliency import (
    check_magnitude,
    check_neuron_gradient,
    check_relu_backward,
    check_rule_gradient,
    check_saliency,
)

__all__ = [
    "LabError",
    "check_activation_map",
    "check_convolution",
    "check_drop",
    "check_filters",
    "check_logit_map",
    "check_magnitude",
    "check_neuron_gradient",
    "check_occlude",
    "check_picture",
    "check_positions",
    "check_predicted_map",
    "check_probability_map",
    "check_receptive_field",
    "check_relu_backward",
    "check_rule_gradient",
    "check_saliency",
    "fail",
]
