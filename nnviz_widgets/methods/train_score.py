"""How well a network knows the pictures that it has not learned from, and where it is most sure and wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from nnviz_widgets.images.image_set import Broken
from nnviz_widgets.methods.train_pictures import Pictures
from nnviz_widgets.methods.train_step import answers, in_mode

AT_ONCE = 128  # pictures a pass


@dataclass(frozen=True)
class Wrong:
    """A picture that the network takes for another class.

    Attributes:
        index: its number in the set. predicted, true: indices of classes. probability: of the predicted one.
    """

    index: int
    predicted: int
    true: int
    probability: float


@dataclass(frozen=True)
class Score:
    """Share of right answers, None where there was no picture to ask about, and the surest wrong one."""

    accuracy: float | None
    wrong: Wrong | None
    broken: tuple[Broken, ...]


def score(
    module: nn.Module, pictures: Pictures, numbers: Sequence[int], labels: Sequence[int | None], outputs: str
) -> Score:
    """Ask about the pictures with these numbers, in evaluation mode, and put the module back in its own."""
    right = asked = 0
    wrong: Wrong | None = None
    broken: list[Broken] = []
    with in_mode(module, training=False), torch.no_grad():
        for found in pictures.batches(numbers, AT_ONCE):
            broken += found.broken
            if not found.indices:
                continue
            y = torch.tensor([labels[i] for i in found.indices])
            chances = answers(module, found.x, y, outputs).float().softmax(1)
            best, predicted = (values.cpu() for values in chances.max(1))
            asked, right = asked + len(y), right + int((predicted == y).sum())
            sure = torch.where(predicted == y, -1.0, best)
            at = int(sure.argmax())
            if sure[at] > (0 if wrong is None else wrong.probability):
                wrong = Wrong(found.indices[at], int(predicted[at]), int(y[at]), float(sure[at]))
    return Score(right / asked if asked else None, wrong, tuple(broken))
