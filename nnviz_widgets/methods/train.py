"""Training: a network learns from pictures with labels, one step at a time, while others look on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import nan
from operator import index
from typing import Literal

import torch
from torch import Tensor, nn

from nnviz_widgets.engine.contracts import make_contract
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.images.contract import InputContract
from nnviz_widgets.images.image_set import Broken, ImageSet
from nnviz_widgets.methods.train_pictures import Pictures, generator, split
from nnviz_widgets.methods.train_score import Wrong, score
from nnviz_widgets.methods.train_step import Rates, learn, learners

Outputs = Literal["logits", "probabilities"]


@dataclass(frozen=True, eq=False)
class TrainingState:
    """From which a training goes on exactly, given a module whose weights are as that step left them.

    Attributes:
        step: how many steps led to it. velocity: running sums of the gradients, one a parameter that learns.
        pictures: those that are decoded already.
    """

    step: int
    velocity: tuple[Tensor, ...] = field(repr=False)
    pictures: Pictures = field(repr=False)


@dataclass(frozen=True, eq=False)
class TrainingStep:
    """A network after a step of its training.

    Attributes:
        step: 0 is the beginning. epoch: how often each picture has been seen, a fraction within an epoch.
        loss, accuracy: cross-entropy in nats and share of right answers, of the step's own pictures and before it
            changed the weights; NaN at step 0.
        test_accuracy: share of right answers among the pictures held out; None where it was not measured.
        wrong: of those the one about which the network is most sure and wrong; None where there is none.
        broken: pictures that this step should have had, but that cannot be read.
        state: pass it as `start` to go on.
    """

    step: int
    epoch: float
    loss: float
    accuracy: float
    test_accuracy: float | None
    wrong: Wrong | None
    rates: Rates
    broken: tuple[Broken, ...]
    state: TrainingState = field(repr=False)


def train(
    module: nn.Module,
    image_set: ImageSet,
    *,
    mean: float | Sequence[float] | None = None,
    std: float | Sequence[float] | None = None,
    size: int | tuple[int, int] | None = None,
    contract: InputContract | None = None,
    epochs: int = 10,
    batch: int = 32,
    learning_rate: float = 0.05,
    momentum: float = 0.9,
    weight_decay: float = 0.0,
    test_share: float = 0.2,
    seed: int = 0,
    knobs: Callable[[], Mapping[str, float]] | None = None,
    outputs: Outputs = "logits",
    start: TrainingState | None = None,
) -> Iterator[TrainingStep]:
    """Train the module itself by stochastic gradient descent with momentum, as `torch.optim.SGD` does.

    LeCun et al. 1998, Gradient-based learning applied to document recognition; Karpathy's ConvNetJS 2014.

    Yields the beginning and then each step. Between two yields the module is in its own mode; it is in training mode
    during a step only, unless it was before. Parameters that require no gradient stay, gradients and hooks of the
    module are left alone, and so is the random state: what a step draws (dropout) depends on seed and step only.
    A generator that is not advanced is a training that pauses.

    Args:
        mean, std, size: the network's input as of `Engine`; or `contract`, an engine's own.
        batch: pictures a step; those left over at the end of an epoch have their turn in another.
        test_share: of the pictures, held out by chance, 1000 at most; measured at the beginning and after each epoch.
        knobs: called before each step, returns changed values of learning_rate, weight_decay or momentum.
        start: the state of the last step of this module, with the same other arguments.

    Raises:
        NnvizError: when the labels do not fit, nothing can learn, or the values are no longer numbers; the weights
            are then those of the last step.
    """
    contract = contract or make_contract(module, mean=mean, std=std, size=size, resize=None, interpolation="bilinear")
    _check_counts(epochs=epochs, batch=batch)
    rates = Rates(learning_rate, momentum, weight_decay)
    parts = split(image_set, test_share, seed)
    parameters = learners(module)
    zeros = tuple(torch.zeros_like(p, requires_grad=False) for p in parameters)
    state = start or TrainingState(0, zeros, Pictures(image_set, contract))
    pictures, labels = state.pictures, image_set.labels
    size_of_batch = min(batch, len(parts.train))
    each = len(parts.train) // size_of_batch
    if state.step == 0:
        measured = score(module, pictures, parts.test, labels, outputs)
        yield TrainingStep(0, 0.0, nan, nan, measured.accuracy, measured.wrong, rates, measured.broken, state)
    for epoch in range(state.step // each, epochs):
        order = torch.randperm(len(parts.train), generator=generator(seed, epoch + 1)).tolist()
        begin = state.step % each
        numbers = [parts.train[i] for i in order[begin * size_of_batch : each * size_of_batch]]
        for at, found in enumerate(pictures.batches(numbers, size_of_batch), epoch * each + begin + 1):
            if knobs is not None:
                rates = rates.steered(knobs())
            if not found.indices:
                continue  # none of them can be read
            y = torch.tensor([labels[i] for i in found.indices])
            learnt = learn(module, found.x, y, state.velocity, rates, parameters, step=at, seed=seed, outputs=outputs)
            state = TrainingState(at, learnt.velocity, pictures)
            accuracy, wrong, broken = None, None, found.broken
            if at % each == 0:
                measured = score(module, pictures, parts.test, labels, outputs)
                accuracy, wrong, broken = measured.accuracy, measured.wrong, (*broken, *measured.broken)
            yield TrainingStep(at, at / each, learnt.loss, learnt.accuracy, accuracy, wrong, rates, broken, state)
        pictures.check(parts.train)


def steps_of_epoch(image_set: ImageSet, *, batch: int, test_share: float, seed: int = 0) -> int:
    """How many steps it takes until each picture was seen once."""
    count = len(split(image_set, test_share, seed).train)
    return count // min(batch, count)


def _check_counts(**counts: int) -> None:
    for name, count in counts.items():
        try:
            fits = index(count) >= 1
        except TypeError:
            fits = False
        if not fits:
            raise NnvizError("contract_value", field=name, value=count, expected="a whole number, 1 or more")
