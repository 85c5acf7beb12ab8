"""Checks of the lab on Grad-CAM: what a layer gives, and the map."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import torch
from torch import Tensor, nn

from nnviz_widgets.engine.cifar_net import build
from nnviz_widgets.engine.objectives import logit
from nnviz_widgets.labs.checking import Guess, fail, judge, passed
from nnviz_widgets.labs.networks import SIZE, engine_of, picture, small_network
from nnviz_widgets.labs.observed import call
from nnviz_widgets.methods.grad_cam import grad_cam
from nnviz_widgets.methods.own_method import name_of

Case = tuple[nn.Sequential, Tensor, int, str]
"""Network, picture, class, layer."""


def check_layer_reading(f: Callable[..., Any], *, seed: int = 0) -> str:
    """f(module, x, target, layer) -> (activation, gradient), both (1, K, h, w): what a layer gives, and the gradient of
    the logit of a class at it (Selvaraju et al. 2017).

    Raises:
        LabError: says what is wrong.
    """
    name = name_of(f)
    for module, x, target, layer in _cases(seed):
        given = call(f, module, x, target, layer)
        if not isinstance(given, tuple | list) or len(given) != 2:
            fail("lab_cam_pair", name=name)
        activation, gradient = _read(module, x, layer, _logit(target))
        names = [part for part, _ in module.named_children()]
        place = names.index(layer)
        mistakes: dict[str, Guess] = {
            "lab_cam_swapped": gradient,
            "lab_cam_layer_input": _through(module, x, 0, place),
            "lab_cam_layer_after": _through(module, x, 0, place + 2),
        }
        judge(f, given[0], activation, mistakes, layer=layer)
        judge(
            f,
            given[1],
            gradient,
            {"lab_cam_swapped": activation, **_gradients(module, x, target, layer)},
            target=target,
        )
    return passed(f)


def check_grad_cam(f: Callable[..., Any], *, seed: int = 0) -> str:
    """f(module, x, target, layer) -> Grad-CAM, (1, 1, h, w), as `methods.grad_cam` (Selvaraju et al. 2017).

    Raises:
        LabError: says what is wrong.
    """
    for module, x, target, layer in _cases(seed):
        given = call(f, module, x, target, layer)
        shape = (x.shape[2], x.shape[3])
        reference = grad_cam(engine_of(module, shape), x, logit(target), layer)
        if isinstance(given, Tensor) and tuple(given.shape[-2:]) == shape:
            fail("lab_cam_upsampled", name=name_of(f), height=reference.shape[2], width=reference.shape[3])
        a, g = _read(module, x, layer, _logit(target))
        judge(f, given, reference, _maps(a, g) | _of_other_scores(module, x, target, layer), target=target)
    return passed(f)


def _cases(seed: int) -> list[Case]:
    """A small network and the offline one, both with a picture and a class."""
    return [_asked(small_network(seed), "4", SIZE, seed), _asked(build(), "relu5", (32, 32), seed)]


def _asked(module: nn.Sequential, layer: str, size: tuple[int, int], seed: int) -> Case:
    """With a class that is not the most probable, and whose weighted sum has both signs, so that no mistake gives what
    is right."""
    for number in count(seed):
        x = picture(number, 3, size)
        for target in module(x)[0].argsort(descending=True)[1:].tolist():
            total = _weighted(*_read(module, x, layer, _logit(target)))
            if total.min() < -0.2 * total.max() < 0:
                return module, x, target, layer
    raise AssertionError  # never: there is no end of pictures


def _read(module: nn.Sequential, x: Tensor, layer: str, score: Callable[[Tensor], Tensor]) -> tuple[Tensor, Tensor]:
    """What a layer gives, and the gradient of a score at it, without hooks: the network is cut in two."""
    place = 1 + [part for part, _ in module.named_children()].index(layer)
    activation = _through(module, x, 0, place).detach().requires_grad_()
    (gradient,) = torch.autograd.grad(score(_through(module, activation, place, len(module))), activation)
    return activation.detach(), gradient


def _logit(target: int) -> Callable[[Tensor], Tensor]:
    return lambda y: y[0, target]


def _through(module: nn.Sequential, x: Tensor, start: int, end: int) -> Tensor:
    """Through some of its layers; a network of its own class cannot be sliced."""
    for part in list(module)[start:end]:
        x = part(x)
    return x


def _weighted(a: Tensor, g: Tensor) -> Tensor:
    return (g.mean((2, 3), keepdim=True) * a).sum(1, keepdim=True)


def _maps(a: Tensor, g: Tensor) -> dict[str, Guess]:
    """What mistakes after the backward would give, by the key of their messages."""
    weights = g.mean((2, 3), keepdim=True)
    total = _weighted(a, g)
    cam = total.relu()
    return {
        "lab_cam_no_relu": total,
        "lab_cam_absolute": total.abs(),
        "lab_cam_sign": (-total).relu(),
        "lab_cam_relu_weights": (weights.relu() * a).sum(1, keepdim=True),
        "lab_cam_channels": (g.mean(1, keepdim=True) * a).sum(1, keepdim=True).relu(),
        "lab_cam_weights_swapped": _weighted(g, a).relu(),
        "lab_cam_no_mean": (g * a).sum(1, keepdim=True).relu(),
        "lab_cam_no_weights": a.sum(1, keepdim=True),
        "lab_cam_sum": a[0, 0].numel() * cam,
        "lab_cam_mean": cam / a.shape[1],
        "lab_cam_normalised": cam / cam.max(),
    }


def _gradients(module: nn.Sequential, x: Tensor, target: int, layer: str) -> dict[str, Guess]:
    """The gradient at a layer of what is not the logit of the class."""
    scores: dict[str, Callable[[Tensor], Tensor]] = {
        "lab_cam_softmax": lambda y: y.softmax(1)[0, target],
        "lab_cam_log_softmax": lambda y: y.log_softmax(1)[0, target],
        "lab_cam_top": lambda y: y.max(),
        "lab_cam_all": lambda y: y.sum(),
        "lab_cam_gradient_sign": lambda y: -y[0, target],
    }
    return {key: _read(module, x, layer, score)[1] for key, score in scores.items()}


def _of_other_scores(module: nn.Sequential, x: Tensor, target: int, layer: str) -> dict[str, Guess]:
    a, _ = _read(module, x, layer, lambda y: y.sum())
    gradients = _gradients(module, x, target, layer)
    del gradients["lab_cam_gradient_sign"]  # the map says it as lab_cam_sign
    return {key: _weighted(a, g).relu() for key, g in gradients.items() if isinstance(g, Tensor)}
