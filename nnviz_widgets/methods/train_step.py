"""One step of stochastic gradient descent on a module itself, and nothing else of it changed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor, nn

from nnviz_widgets.engine.device import own_randomness, plain_errors
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.methods.train_pictures import seed_of


@dataclass(frozen=True)
class Rates:
    """What steers a training.

    Attributes:
        learning_rate: how far a step goes. momentum: share of the last step that is taken again, below 1.
        weight_decay: how strongly weights are drawn to 0, as a multiple of them that is added to the gradient.
    """

    learning_rate: float
    momentum: float
    weight_decay: float

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            most = 1.0 if name == "momentum" else math.inf
            try:
                fits = 0 <= value < most
            except TypeError:
                fits = False
            if not fits:
                expected = "a number from 0, below 1" if name == "momentum" else "a number, 0 or more"
                raise NnvizError("contract_value", field=name, value=value, expected=expected)

    def steered(self, knobs: Mapping[str, float]) -> Rates:
        """The same with some values changed."""
        for name in knobs:
            if name not in KNOBS:
                raise NnvizError("contract_value", field="knobs", value=name, expected=", ".join(KNOBS))
        return replace(self, **knobs)


KNOBS = tuple(each.name for each in fields(Rates))


@dataclass(frozen=True, eq=False)
class Learnt:
    """Loss and share of right answers before the weights were changed, and the velocity that changed them."""

    loss: float
    accuracy: float
    velocity: tuple[Tensor, ...]


def learners(module: nn.Module) -> list[nn.Parameter]:
    """The parameters that learn.

    Raises:
        NnvizError: when there is none.
    """
    found = [p for p in module.parameters() if p.requires_grad and not p.is_inference()]
    if not found:
        raise NnvizError("train_frozen", name=type(module).__name__)
    return found


def learn(
    module: nn.Module,
    x: Tensor,
    y: Tensor,
    velocity: Sequence[Tensor],
    rates: Rates,
    parameters: Sequence[nn.Parameter],
    *,
    step: int,
    seed: int,
    outputs: str,
) -> Learnt:
    """Change the parameters by one step; when that gives no numbers, put back what the step has changed.

    Args:
        x: (N, C, H, W), normalised. y: (N,) classes. velocity: one a parameter.
    """
    device = parameters[0].device
    before = [buffer.clone() for buffer in module.buffers()]
    with torch.inference_mode(False), torch.enable_grad(), own_randomness(device), in_mode(module, training=True):
        _seed(device, seed_of(seed, step))
        logits = answers(module, x, y, outputs)
        y = y.to(logits.device)
        with plain_errors(tuple(x.shape)):
            loss = nn.functional.cross_entropy(logits, y)
            gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
    with torch.no_grad():
        pairs = [_moved(*each, rates) for each in zip(parameters, velocity, gradients, strict=True)]
        made = [loss, *module.buffers(), *(weights for weights, _ in pairs)]
        if not torch.stack([values.isfinite().all() for values in made]).all():
            for buffer, was in zip(module.buffers(), before, strict=True):
                buffer.copy_(was)
            raise NnvizError("train_diverged", step=step, rate=rates.learning_rate)
        for parameter, (weights, _) in zip(parameters, pairs, strict=True):
            parameter.copy_(weights)
        accuracy = (logits.argmax(1) == y).float().mean()
    return Learnt(float(loss.detach()), float(accuracy), tuple(speed for _, speed in pairs))


def answers(module: nn.Module, x: Tensor, y: Tensor, outputs: str) -> Tensor:
    """(N, classes) logits of the module as it is; an error where a class has no output."""
    like = next(module.parameters())
    with plain_errors(tuple(x.shape)):
        output = module(x.to(like.device, like.dtype))
    if not isinstance(output, Tensor) or output.ndim < 2 or len(output) != len(x):
        got = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
        raise NnvizError("output_shape", got=got)
    output = output.flatten(1)
    if int(y.max()) >= output.shape[1]:
        raise NnvizError("train_outputs", index=int(y.max()), outputs=output.shape[1])
    return output if outputs == "logits" else output.clamp_min(torch.finfo(output.dtype).tiny).log()


@contextmanager
def in_mode(module: nn.Module, *, training: bool) -> Iterator[None]:
    """A module in a mode, and then every part in its own; one in training mode already has chosen for its parts."""
    modes = [(part, part.training) for part in module.modules()]
    try:
        if not (training and module.training):
            module.train(training)
        yield
    finally:
        for part, was in modes:
            part.training = was


def _moved(parameter: Tensor, velocity: Tensor, gradient: Tensor | None, rates: Rates) -> tuple[Tensor, Tensor]:
    """New weights and velocity; those of a parameter that the loss does not depend on stay."""
    if gradient is None:
        return parameter, velocity
    if rates.weight_decay:
        gradient = gradient.add(parameter, alpha=rates.weight_decay)
    velocity = velocity.mul(rates.momentum).add_(gradient)
    return parameter.add(velocity, alpha=-rates.learning_rate), velocity


def _seed(device: torch.device, seed: int) -> None:
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        with torch.cuda.device(device):
            torch.cuda.manual_seed(seed)
    elif device.type == "mps":
        torch.mps.manual_seed(seed)
