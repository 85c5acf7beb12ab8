"""Look inside a convolutional network, live, from a notebook."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from nnviz_widgets.engine.engine import Engine as Engine
    from nnviz_widgets.engine.load import load as load
    from nnviz_widgets.engine.objectives import Objective as Objective
    from nnviz_widgets.engine.objectives import channel as channel
    from nnviz_widgets.engine.objectives import direction as direction
    from nnviz_widgets.engine.objectives import layer_energy as layer_energy
    from nnviz_widgets.engine.objectives import logit as logit
    from nnviz_widgets.engine.objectives import neuron as neuron
    from nnviz_widgets.errors import NnvizError as NnvizError
    from nnviz_widgets.images.image_set import ImageSet as ImageSet
    from nnviz_widgets.images.samples import sample as sample
    from nnviz_widgets.lang import set_language as set_language
    from nnviz_widgets.widgets.activation_maps import ActivationMaps as ActivationMaps
    from nnviz_widgets.widgets.ascent import Ascent as Ascent
    from nnviz_widgets.widgets.ascent_columns import AscentColumns as AscentColumns
    from nnviz_widgets.widgets.ascent_sheet import AscentSheet as AscentSheet
    from nnviz_widgets.widgets.camera import Camera as Camera
    from nnviz_widgets.widgets.deepdream import DeepDream as DeepDream
    from nnviz_widgets.widgets.embedding_map import EmbeddingMap as EmbeddingMap
    from nnviz_widgets.widgets.filters import Filters as Filters
    from nnviz_widgets.widgets.grad_cam import GradCam as GradCam
    from nnviz_widgets.widgets.neighbours import Neighbours as Neighbours
    from nnviz_widgets.widgets.occlusion import Occlusion as Occlusion
    from nnviz_widgets.widgets.saliency import Saliency as Saliency
    from nnviz_widgets.widgets.top_patches import TopPatches as TopPatches
    from nnviz_widgets.widgets.training import Training as Training

_HOMES = {
    "ActivationMaps": "widgets.activation_maps",
    "Ascent": "widgets.ascent",
    "AscentColumns": "widgets.ascent_columns",
    "AscentSheet": "widgets.ascent_sheet",
    "Camera": "widgets.camera",
    "DeepDream": "widgets.deepdream",
    "EmbeddingMap": "widgets.embedding_map",
    "Engine": "engine.engine",
    "Filters": "widgets.filters",
    "GradCam": "widgets.grad_cam",
    "ImageSet": "images.image_set",
    "Neighbours": "widgets.neighbours",
    "NnvizError": "errors",
    "Objective": "engine.objectives",
    "Occlusion": "widgets.occlusion",
    "Saliency": "widgets.saliency",
    "TopPatches": "widgets.top_patches",
    "Training": "widgets.training",
    "channel": "engine.objectives",
    "direction": "engine.objectives",
    "layer_energy": "engine.objectives",
    "load": "engine.load",
    "logit": "engine.objectives",
    "neuron": "engine.objectives",
    "sample": "images.samples",
    "set_language": "lang",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
