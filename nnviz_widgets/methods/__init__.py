"""The visualisations, one a file: pure functions, or generators of better and better results."""

from nnviz_widgets.methods.activation_maps import activation_maps
from nnviz_widgets.methods.ascent import ascent
from nnviz_widgets.methods.deepdream import deepdream
from nnviz_widgets.methods.embeddings import embed
from nnviz_widgets.methods.filters import filters
from nnviz_widgets.methods.grad_cam import grad_cam
from nnviz_widgets.methods.occlusion import occlusion
from nnviz_widgets.methods.saliency import saliency
from nnviz_widgets.methods.scan import scan
from nnviz_widgets.methods.train import train

__all__ = [
    "activation_maps",
    "ascent",
    "deepdream",
    "embed",
    "filters",
    "grad_cam",
    "occlusion",
    "saliency",
    "scan",
    "train",
]
