"""Checks of the lab on saliency and the three ReLU rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from nnviz_widgets.engine.objectives import logit
from nnviz_widgets.labs.checking import judge, passed
from nnviz_widgets.labs.networks import engine_of, picture, small_network
from nnviz_widgets.labs.observed import call
from nnviz_widgets.methods.saliency import saliency


def check_saliency(f: Callable[..., Any], *, seed: int = 0) -> str:
    """f(module, x, target) -> gradient of the logit of a class at the input, (1, C, H, W) (Simonyan et al. 2014).

    Raises:
        LabError: says what is wrong.
    """
    module, x = small_network(seed), picture(seed)
    target = int(module(x)[0].argsort()[1])  # not the top class
    given = call(f, module, x, target)
    reference = saliency(engine_of(module), x, logit(target))
    mistakes = {
        "lab_saliency_softmax": lambda: _gradient(module, x, lambda y: y.softmax(1)[0, target]),
        "lab_saliency_log_softmax": lambda: _gradient(module, x, lambda y: y.log_softmax(1)[0, target]),
        "lab_saliency_top": lambda: _gradient(module, x, lambda y: y.max()),
        "lab_saliency_all": lambda: _gradient(module, x, lambda y: y.sum()),
        "lab_saliency_sign": lambda: -reference,
        "lab_saliency_absolute": lambda: reference.abs(),
        "lab_saliency_times_input": lambda: reference * x,
    }
    judge(f, given, reference, mistakes, target=target)
    return passed(f)


def _gradient(module: nn.Module, x: Tensor, score: Callable[[Tensor], Tensor]) -> Tensor:
    own = x.detach().clone().requires_grad_()
    return torch.autograd.grad(score(module(own)), own)[0]
