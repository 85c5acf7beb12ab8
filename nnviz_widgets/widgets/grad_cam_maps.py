"""What a Grad-CAM widget computes: the maps of one class or two, and those of the most probable classes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.engine.objectives import Objective, logit
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.methods.cam_variants import FROM_GRADIENTS
from nnviz_widgets.methods.class_maps import all_class_maps
from nnviz_widgets.methods.grad_cam import grad_cam
from nnviz_widgets.methods.head import find_head
from nnviz_widgets.methods.saliency import saliency
from nnviz_widgets.render.resize import resize_smooth
from nnviz_widgets.render.scale import Scale
from nnviz_widgets.widgets.own_method import Own

CLASSES = 6  # of the strip
Map = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class ClassMap:
    """The map of one class: as the method gave it (1, 1, h, w), and to be drawn (h, w)."""

    index: int
    probability: float
    cam: Tensor
    values: Map


@dataclass(frozen=True, eq=False)
class Strip:
    """The maps of the most probable classes.

    Attributes:
        key: what they are the maps of: as long as it stays, so do they.
        classes: (index, probability), the most probable first.
        values: (classes, h, w).
        at_once: whether the maps of all the network's classes came out of one matrix product.
    """

    key: tuple[object, ...]
    classes: tuple[tuple[int, float], ...]
    values: Map
    at_once: bool


@dataclass(frozen=True, eq=False)
class Shown:
    """What a widget shows.

    Attributes:
        maps: of the class, and of the second one where there is one.
        top: (index, probability) of the most probable classes.
        against: (index, probability) of the class that is taken away, or None.
        strip: None until it is computed, or where the variant has none.
        guided: guided Grad-CAM of the first class (H, W), where it was asked for; unguided: it is not defined here.
        own: how far the person's own function is.
    """

    maps: tuple[ClassMap, ...]
    top: tuple[tuple[int, float], ...]
    against: tuple[int, float] | None = None
    strip: Strip | None = None
    guided: Map | None = None
    unguided: bool = False
    own: Own | None = None

    @property
    def scale(self) -> Scale:
        """One for all maps that stand side by side."""
        return Scale(0.0, max(float(each.values.max()) for each in self.maps))


def class_maps(engine: Engine, state: SimpleNamespace, kept: Strip | None, *, calm: bool = False) -> Shown:
    """The maps that a state asks for, and the strip if that costs no pass: `kept`, or all classes at once.

    Args:
        calm: keep the strip of another picture too, if it is one of the same method.
    """
    with engine.still():
        probabilities = engine.probabilities(state.x)[0]
        values, indices = probabilities.topk(min(CLASSES, len(engine.labels)))
        top = tuple(zip(indices.tolist(), values.tolist(), strict=True))
        every = _all_at_once(engine, state)

        def class_map(index: int) -> ClassMap:
            objective = objective_of(engine, state, index)
            cam = (
                grad_cam(engine, state.x, objective, state.layer, variant=state.variant)
                if every is None
                else every[index][None, None]
            )
            return ClassMap(index, float(probabilities[index]), cam, _array(cam[0, 0]))

        asked = top[0][0] if state.target is None else int(state.target)
        maps = tuple(class_map(index) for index in (asked, state.second) if index is not None)
    key = strip_key(state, top)
    if kept is not None and (kept.key == key or (calm and kept.key[1:4] == key[1:4])):
        strip: Strip | None = kept
    else:
        chosen = [index for index, _ in top]
        strip = None if every is None else Strip(key, top, _array(every[chosen]), at_once=True)
    against = None if state.against is None else (int(state.against), float(probabilities[state.against]))
    return Shown(maps, top, against, strip)


def objective_of(engine: Engine, state: SimpleNamespace, index: int) -> Objective:
    """A class's logit, less that of the class to take away."""
    if state.against is None:
        return logit(index)
    if index == state.against:
        raise NnvizError("classes_equal", name=state.class_names[index])
    return logit(index) - logit(state.against)


def strip_by_passes(engine: Engine, state: SimpleNamespace, shown: Shown) -> Strip | None:
    """The strip by one backward a class on the kept graph; None for a variant that needs more, or sees no class."""
    if state.variant not in FROM_GRADIENTS:
        return None
    classes = tuple((index, p) for index, p in shown.top if index != state.against)
    known = {each.index: each.values for each in shown.maps}

    def values(index: int) -> Map:
        if index in known:
            return known[index]
        objective = objective_of(engine, state, index)
        return _array(
            _or_nothing(lambda: grad_cam(engine, state.x, objective, state.layer, variant=state.variant))[0, 0]
        )

    def _or_nothing(run: Callable[[], Tensor]) -> Tensor:
        try:
            return run()
        except NnvizError as error:  # one class of many that is not computed here: its map is empty
            if error.code != "gradient_zero":
                raise
            return torch.zeros_like(shown.maps[0].cam)

    with engine.still():
        maps = np.stack([values(index) for index, _ in classes])
    return Strip(strip_key(state, shown.top), classes, maps, at_once=False)


def strip_key(state: SimpleNamespace, top: tuple[tuple[int, float], ...]) -> tuple[object, ...]:
    """What a strip depends on; weights that changed change the probabilities."""
    return id(state.x), state.layer, state.variant, state.against, top


def guided_map(engine: Engine, state: SimpleNamespace, first: ClassMap) -> Map | None:
    """Guided backpropagation, summed over colours, times the map brought to its size (H, W); None without a ReLU."""
    objective = objective_of(engine, state, first.index)
    try:
        backward = saliency(engine, state.x, objective, rule="guided")
    except NnvizError as error:
        if error.code != "rule_no_relu":
            raise
        return None
    summed = _array(backward[0].sum(0))
    return np.asarray(summed * resize_smooth(first.values, *summed.shape), dtype=np.float32)


def _all_at_once(engine: Engine, state: SimpleNamespace) -> Tensor | None:
    """The maps of all classes, where one matrix product gives them."""
    if state.variant != "grad_cam" or state.against is not None:
        return None
    head = find_head(engine)
    if head is None or engine.layers.origin(head.layer) is not engine.layers.origin(state.layer):
        return None
    return all_class_maps(engine, state.x)


def _array(values: Tensor) -> Map:
    return np.asarray(values.float().cpu().numpy())
