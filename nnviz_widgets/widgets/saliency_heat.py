"""The colours of a saliency's maps: their scale, and how they lie over the photo."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from numpy.typing import NDArray

from nnviz_widgets.render.colormap import Pixels
from nnviz_widgets.render.scale import Scale, apply, colourise, scale_of
from nnviz_widgets.widgets.saliency_maps import RuleMap, Shown


def scale_for(found: RuleMap, state: SimpleNamespace, shown: Shown) -> Scale:
    """Colours for what can differ from 0: all pixels, or those of the neuron's receptive field."""
    values, seen = found.values, shown.seen
    if seen is not None:
        values = values[seen.top : seen.top + seen.height, seen.left : seen.left + seen.width]
    return scale_of(values, signed=state.view != "magnitude", clip_percentile=state.clip)


def heat(values: NDArray[np.float32], scale: Scale, overlay: float, *, dark: bool) -> Pixels:
    """A map in colours to lie over the photo: at 1 the map alone, at a half the photo where it is 0, at 0 the photo."""
    colours = colourise(values, scale, dark=dark)
    if overlay >= 1:
        return colours
    strength = np.abs(np.nan_to_num(apply(values, scale)))
    opacity = min(1.0, 2 * overlay) * strength + max(0.0, 2 * overlay - 1) * (1 - strength)
    return np.dstack([colours, np.rint(255 * opacity).astype(np.uint8)])
