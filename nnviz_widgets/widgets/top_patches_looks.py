"""What a widget of patches shows, worked out one patch after the other; what was seen of late is kept."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any, TypeVar

import numpy as np
from torch import Tensor

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.engine.relu_rules import Rule
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.images.image_set import ImageSet
from nnviz_widgets.methods.patch_index import PatchIndex
from nnviz_widgets.methods.patches import Patch, look, rebuild, strongest
from nnviz_widgets.methods.winners import Winner, best_of_all, winners

Value = TypeVar("Value")
PICTURES, PATCHES, GRADIENTS = 64, 400, 64  # kept of late: of 224 px, about 50 + 60 + 40 MB at most
OFTEN = 0.15  # seconds between two looks at a page that fills


@dataclass(frozen=True, eq=False)
class Look:
    """One patch of a page: found, then cut out, then rebuilt.

    Attributes:
        winner: None where no picture has one. patch: None before it is cut out, or where `error` says why not.
        refused: why there is no reconstruction.
    """

    channel: int
    winner: Winner | None = None
    patch: Patch | None = None
    error: NnvizError | None = None
    refused: NnvizError | None = None


@dataclass(frozen=True, eq=False)
class Shown:
    """A page: the winners of one channel, or the first of each channel of a layer."""

    index: PatchIndex
    looks: tuple[Look, ...]


class Kept(OrderedDict[Any, Value]):
    """The values of the last `most` keys asked for."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most

    def get_or(self, key: Any, make: Callable[[], Value]) -> Value:
        if key not in self:
            self[key] = make()
            if len(self) > self.most:
                self.popitem(last=False)
        self.move_to_end(key)
        return self[key]


class PatchBook:
    """Opens pictures, cuts out and rebuilds patches; on the worker's thread."""

    def __init__(self, engine: Engine, images: ImageSet) -> None:
        self.engine = engine
        self.images = images
        self._pictures: Kept[tuple[Tensor, np.ndarray]] = Kept(PICTURES)
        self._patches: Kept[Patch] = Kept(PATCHES)
        self._gradients: Kept[Tensor] = Kept(GRADIENTS)

    def page(self, index: PatchIndex, state: SimpleNamespace, *, whole: bool) -> Iterator[tuple[Shown, float]]:
        """A page as it fills, and the fraction that is done.

        Args:
            state: the widget's. whole: whether to rebuild patches too.
        """
        looks = self._found(index, state)
        most = strongest(index, state.layer)
        order = list(range(len(looks)))
        if state.page == "all":  # each picture once
            order.sort(key=lambda i: "" if (winner := looks[i].winner) is None else winner.id)
        rebuilding = whole and state.page == "channel" and state.rule != "none"
        steps: list[tuple[int, Callable[[Look], Look]]] = [
            (i, lambda x: self._cut(state.layer, x, most)) for i in order
        ]
        if rebuilding:
            steps += [(i, lambda x: self._rebuilt(x, state.rule)) for i in order]
        told = time.monotonic()
        yield Shown(index, tuple(looks)), 0.0
        for count, (i, step) in enumerate(steps, 1):
            looks[i] = step(looks[i])
            if count == len(steps) or time.monotonic() - told > OFTEN:
                yield Shown(index, tuple(looks)), count / len(steps)
                told = time.monotonic()

    def _found(self, index: PatchIndex, state: SimpleNamespace) -> list[Look]:
        how = {"kind": state.kind, "seed": state.seed}
        if state.page == "all":
            first = best_of_all(self.engine, index, self.images, state.layer, **how)
            return [Look(channel, winner) for channel, winner in enumerate(first)]
        found = winners(self.engine, index, self.images, state.layer, state.channel, **how)
        return [Look(state.channel, winner) for winner in found]

    def _picture(self, id: str) -> tuple[Tensor, np.ndarray]:
        def open_() -> tuple[Tensor, np.ndarray]:
            x = self.engine.prepare(self.images[self.images.index(id)])
            return x, self.engine.contract.picture(x)

        return self._pictures.get_or(id, open_)

    def _cut(self, layer: str, found: Look, most: float) -> Look:
        winner = found.winner
        if winner is None:
            return found
        try:
            x, picture = self._picture(winner.id)
            again = float(self.engine.activations(x, layer)[0, found.channel, winner.row, winner.col])
            key = layer, found.channel, winner, again  # other weights, another patch

            def cut() -> Patch:
                patch = look(self.engine, x, layer, found.channel, winner, strongest=most)
                return replace(patch, picture=picture)

            return replace(found, patch=self._patches.get_or(key, cut))
        except NnvizError as error:
            return replace(found, error=error)

    def _rebuilt(self, found: Look, rule: Rule) -> Look:
        patch = found.patch
        if patch is None:
            return found
        try:
            x, _ = self._picture(patch.winner.id)
            key = patch.layer, patch.channel, patch.winner, patch.again, rule
            gradient = self._gradients.get_or(key, lambda: rebuild(self.engine, x, patch, rule).cpu())
            return replace(found, patch=replace(patch, gradient=gradient))
        except NnvizError as error:
            return replace(found, refused=error)
