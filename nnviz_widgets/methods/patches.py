"""The part of a picture that excites a channel most, and what of it does so: top patches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from torch import Tensor

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.engine.objectives import neuron
from nnviz_widgets.engine.receptive_field import Rect
from nnviz_widgets.engine.relu_rules import Rule
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.images.image_set import ImageSet
from nnviz_widgets.methods.patch_index import PatchIndex
from nnviz_widgets.methods.patches_field import field_of
from nnviz_widgets.methods.saliency import saliency
from nnviz_widgets.methods.winners import Kind, Winner, winners

TOLERANCE = 1e-3
"""How far re-running a winner may lead from its value, as a share of it."""


@dataclass(frozen=True, eq=False)
class Patch:
    """What a winner looks at.

    Attributes:
        layer, channel, winner: the neuron, and the value that the index has.
        again: the value that the network gives now.
        reproduced: whether that is the same within 0.1 %.
        rect: the part of the picture, in input pixels.
        effective: whether it is the effective field; else the receptive field, clipped to the picture.
        picture: (h, w, 3), uint8, the whole of it, as the network sees it.
        gradient: (C, h, w) of the neuron by the whole picture; None where it was not asked for.
    """

    layer: str
    channel: int
    winner: Winner
    again: float
    reproduced: bool
    rect: Rect
    effective: bool
    picture: np.ndarray = field(repr=False)
    gradient: Tensor | None = field(default=None, repr=False)

    @property
    def crop(self) -> np.ndarray:
        """(height, width, 3), uint8: the patch itself."""
        rows, cols = _spans(self.rect)
        return self.picture[rows, cols]

    @property
    def reconstruction(self) -> Tensor | None:
        """(C, height, width): the gradient in the patch."""
        rows, cols = _spans(self.rect)
        return None if self.gradient is None else self.gradient[:, rows, cols]


def patches(
    engine: Engine,
    index: PatchIndex,
    layer: str,
    channel: int,
    *,
    images: ImageSet | None = None,
    kind: Kind = "largest",
    rule: Rule | None = None,
    seed: int = 0,
) -> Iterator[Patch]:
    """The patches that excite a channel most, best first (Zeiler & Fergus 2014; Springenberg et al. 2015, figure 3).

    Args:
        images: the pictures that were scanned; the index's own when left out.
        kind: "largest", "smallest" (of a scan that kept them), or "random" pictures, each at its own largest value.
        rule: of the reconstruction, "vanilla", "deconvnet" or "guided"; None for none.

    Raises:
        NnvizError: without pictures, or for a layer that was not scanned or belongs to another network.
    """
    known = images_of(index, images)
    for winner in winners(engine, index, known, layer, channel, kind=kind, seed=seed):
        x = engine.prepare(known[known.index(winner.id)])
        found = look(engine, x, layer, channel, winner, strongest=strongest(index, layer))
        yield found if rule is None else replace(found, gradient=rebuild(engine, x, found, rule))


def look(engine: Engine, x: Tensor, layer: str, channel: int, winner: Winner, *, strongest: float = 0.0) -> Patch:
    """The patch of a winner in its prepared picture x.

    Args:
        strongest: the layer's largest activation: values that are next to nothing beside it round otherwise.
    """
    again = float(engine.activations(x, layer)[0, channel, winner.row, winner.col])
    allowed = TOLERANCE * max(abs(winner.value), TOLERANCE * strongest)
    rect, effective = field_of(engine, x, layer, channel, winner.row, winner.col)
    same = abs(again - winner.value) <= allowed
    return Patch(layer, channel, winner, again, same, rect, effective, engine.contract.picture(x))


def rebuild(engine: Engine, x: Tensor, patch: Patch, rule: Rule) -> Tensor:
    """(C, h, w): the winner's gradient by the whole picture; of its value before an activation that bounds it.

    Raises:
        NnvizError: where no ReLU is on the way, for another rule than vanilla, or where the gradient is 0.
    """
    asked = neuron(patch.layer, patch.channel, patch.winner.row, patch.winner.col)
    return saliency(engine, x, engine.before_activation(asked), rule=rule)[0]


def images_of(index: PatchIndex, images: ImageSet | None) -> ImageSet:
    """The pictures of an index."""
    found = index.images if images is None else images
    if found is None:
        raise NnvizError("patches_images")
    return found


def strongest(index: PatchIndex, layer: str) -> float:
    """The largest activation of a layer in any picture; 0 where there is none above."""
    return max(0.0, float(index.statistics(layer).greatest.max()))


def _spans(rect: Rect) -> tuple[slice, slice]:
    """At least one pixel: a neuron that reads nothing but padding has an empty field."""
    return (
        slice(rect.top, rect.top + max(1, rect.height)),
        slice(rect.left, rect.left + max(1, rect.width)),
    )
