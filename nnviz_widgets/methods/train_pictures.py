"""The pictures of a training: which are held out, and each as a network's input, decoded once while there is room."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.images.contract import InputContract
from nnviz_widgets.images.image_set import Broken, ImageSet
from nnviz_widgets.images.loading import Batch, batches

MEMORY = 2**30  # bytes of decoded pictures that are kept
TEST_MOST = 1000  # pictures held out: more would not tell the accuracy much better, and each is a pass


@dataclass(frozen=True)
class Split:
    """Numbers of the pictures to learn from, and of those held out."""

    train: tuple[int, ...]
    test: tuple[int, ...]


def split(image_set: ImageSet, test_share: float, seed: int) -> Split:
    """A share of the labelled pictures is held out by chance, the same for the same seed.

    Raises:
        NnvizError: when there are no labels, or only one class to learn.
    """
    if not 0 <= test_share < 1:
        raise NnvizError("contract_value", field="test_share", value=test_share, expected="a number from 0, below 1")
    labelled = [i for i, label in enumerate(image_set.labels) if label is not None]
    if not labelled:
        raise NnvizError("train_labels", name=image_set.name)
    classes = {image_set.labels[i] for i in labelled}
    if len(classes) == 1:
        raise NnvizError("train_one_class", name=image_set.name, label=image_set.label(labelled[0]))
    order = [labelled[i] for i in torch.randperm(len(labelled), generator=generator(seed, 0)).tolist()]
    held = min(round(test_share * len(order)), TEST_MOST, len(order) - 1)
    return Split(tuple(order[held:]), tuple(order[:held]))


def generator(seed: int, place: int) -> torch.Generator:
    """Random numbers of one place in a training, the same whatever was drawn before."""
    return torch.Generator().manual_seed(seed_of(seed, place))


def seed_of(seed: int, place: int) -> int:
    return (seed * 1_000_003 + place) % 2**63


class Pictures:
    """Pictures of a set as a network's input; kept once they are decoded, unless all together are too many."""

    def __init__(self, image_set: ImageSet, contract: InputContract) -> None:
        self._set, self._contract = image_set, contract
        shape = (len(image_set), contract.channels, *contract.size)
        fits = 4 * torch.Size(shape).numel() <= MEMORY
        self._kept: Tensor | None = torch.empty(shape) if fits else None
        self._known = torch.zeros(len(image_set), dtype=torch.bool)
        self._broken: dict[int, Broken] = {}

    def batches(self, numbers: Sequence[int], size: int) -> Iterator[Batch]:
        """These pictures in this order; what cannot be read is missing in its batch."""
        if self._kept is not None and bool(self._known[list(numbers)].all()):
            for start in range(0, len(numbers), size):
                chunk = numbers[start : start + size]
                good = [i for i in chunk if i not in self._broken]
                broken = tuple(self._broken[i] for i in chunk if i in self._broken)
                yield Batch(tuple(good), self._kept[good], broken)
            return
        places = {self._set.ids[i]: i for i in numbers}
        for found in batches(self._set, self._contract, numbers, size=size):
            self._keep(found, {places[each.id]: each for each in found.broken})
            yield found

    def check(self, numbers: Sequence[int]) -> None:
        """Raises NnvizError when all of these pictures were found to be broken."""
        if all(i in self._broken for i in numbers):
            raise NnvizError("set_unreadable", name=self._set.name, reason=self._broken[numbers[0]].reason)

    def _keep(self, found: Batch, broken: dict[int, Broken]) -> None:
        self._broken |= broken
        if self._kept is not None:
            if found.indices:
                self._kept[list(found.indices)] = found.x
            self._known[[*found.indices, *broken]] = True
