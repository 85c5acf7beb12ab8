"""Checks of course work: pure functions that say in words what is wrong with a student's function, no widget."""

from nnviz_widgets.labs.ascent import check_ascent_step, check_climb, check_prior_step
from nnviz_widgets.labs.ascent_priors import check_blur, check_jitter, check_small_norms
from nnviz_widgets.labs.checking import LabError, fail
from nnviz_widgets.labs.class_maps import check_class_maps, check_guided_grad_cam, check_one_scale
from nnviz_widgets.labs.distances import check_cosine, check_distances
from nnviz_widgets.labs.embeddings import check_neighbours, check_penultimate, check_plane, check_same_class
from nnviz_widgets.labs.filters import (
    check_activation_map,
    check_convolution,
    check_filters,
    check_picture,
    check_receptive_field,
)
from nnviz_widgets.labs.grad_cam import check_grad_cam, check_layer_reading
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
    "check_ascent_step",
    "check_blur",
    "check_class_maps",
    "check_climb",
    "check_convolution",
    "check_cosine",
    "check_distances",
    "check_drop",
    "check_filters",
    "check_grad_cam",
    "check_guided_grad_cam",
    "check_jitter",
    "check_layer_reading",
    "check_logit_map",
    "check_magnitude",
    "check_neighbours",
    "check_neuron_gradient",
    "check_occlude",
    "check_one_scale",
    "check_penultimate",
    "check_picture",
    "check_plane",
    "check_positions",
    "check_predicted_map",
    "check_prior_step",
    "check_probability_map",
    "check_receptive_field",
    "check_relu_backward",
    "check_rule_gradient",
    "check_saliency",
    "check_same_class",
    "check_small_norms",
    "fail",
]
