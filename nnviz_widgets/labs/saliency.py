"""Checks of the lab on saliency and the three ReLU rules."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from nnviz_widgets.engine.objectives import logit, neuron
from nnviz_widgets.engine.relu_rules import RULES, ReluRule, Rule
from nnviz_widgets.labs.checking import Guess, judge, passed
from nnviz_widgets.labs.networks import engine_of, picture, second_class, small_network
from nnviz_widgets.labs.observed import call, call_on_tensors
from nnviz_widgets.methods.saliency import saliency
from nnviz_widgets.methods.saliency_picture import magnitude


def check_saliency(f: Callable[..., Any], *, seed: int = 0) -> str:
    """f(module, x, target) -> gradient of the logit of a class at the input, (1, C, H, W) (Simonyan et al. 2014).

    Raises:
        LabError: says what is wrong.
    """
    module, x = small_network(seed), picture(seed)
    target = second_class(module, x)
    given = call(f, module, x, target)
    reference = saliency(engine_of(module), x, logit(target))
    judge(f, given, reference, _wrong_scores(module, x, target, reference), target=target)
    return passed(f)


def check_magnitude(f: Callable[..., Any], *, seed: int = 0) -> str:
    """f(gradient) -> largest absolute value over the colours, (H, W), from (1, C, H, W) (Simonyan et al. 2014).

    Raises:
        LabError: says what is wrong.
    """
    gradient = picture(seed)
    g = gradient[0]
    mistakes: dict[str, Guess] = {
        "lab_magnitude_signed": g.amax(0),
        "lab_magnitude_late": g.amax(0).abs(),
        "lab_magnitude_mean": g.abs().mean(0),
        "lab_magnitude_sum": g.abs().sum(0),
        "lab_magnitude_cancelled": g.sum(0).abs(),
        "lab_magnitude_all": g.abs(),
        "lab_magnitude_rows": g.abs().amax(1),
        "lab_magnitude_cols": g.abs().amax(2),
        "lab_magnitude_index": g.abs().argmax(0),
    }
    judge(f, call_on_tensors(f, gradient), magnitude(gradient), mistakes)
    return passed(f)


def check_neuron_gradient(f: Callable[..., Any], *, seed: int = 0) -> str:
    """f(module, x, layer, channel, row, col) -> gradient of one neuron's activation at the input, (1, C, H, W).

    Raises:
        LabError: says what is wrong.
    """
    module, x, layer, at = small_network(seed), picture(seed), "3", (2, 1, 4)
    given = call(f, module, x, layer, *at)
    reference = saliency(engine_of(module), x, neuron(layer, *at))
    channel, row, col = at
    mistakes: dict[str, Guess] = {
        "lab_neuron_swapped": lambda: _gradient(module[:4], x, lambda y: y[0, channel, col, row]),
        "lab_neuron_channel": lambda: _gradient(module[:4], x, lambda y: y[0, channel].sum()),
        "lab_neuron_layer": lambda: _gradient(module[:4], x, lambda y: y.sum()),
        "lab_neuron_position": lambda: _gradient(module[:4], x, lambda y: y[0, :, row, col].sum()),
        "lab_neuron_input": lambda: _gradient(module[:3], x, lambda y: y[0, channel, row, col]),
        "lab_neuron_activated": lambda: _gradient(module[:5], x, lambda y: y[0, channel, row, col]),
        "lab_saliency_sign": -reference,
        "lab_saliency_absolute": reference.abs(),
    }
    judge(f, given, reference, mistakes, layer=layer, channel=channel, row=row, col=col)
    return passed(f)


def check_relu_backward(f: Callable[..., Any], *, seed: int = 0) -> str:
    """f(a, g, rule) -> what a ReLU with input a passes down of the gradient g from above, by each of the three rules.

    Raises:
        LabError: says what is wrong.
    """
    draw = torch.Generator().manual_seed(seed)
    a, g = (torch.randint(-3, 4, (8, 10), generator=draw).float() for _ in range(2))
    active, positive = (a > 0).float(), g.clamp(min=0)
    right = {"vanilla": g * active, "deconvnet": positive, "guided": positive * active}
    for rule in RULES:
        mistakes: dict[str, Guess] = {
            "lab_rule_unmasked": g,
            "lab_rule_at_zero": (g if rule == "vanilla" else positive) * (a >= 0),
            "lab_rule_forward": a.clamp(min=0),
            "lab_rule_magnitude": g.abs() * active,
            **{f"lab_rule_is_{other}": right[other] for other in RULES if other != rule},
        }
        judge(f, call_on_tensors(f, a, g, rule), right[rule], mistakes, rule=rule)
    return passed(f)


def check_rule_gradient(f: Callable[..., Any], *, seed: int = 0) -> str:
    """f(module, x, target, rule) -> gradient of a class's logit at the input, by a rule at every ReLU, (1, C, H, W).

    Zeiler & Fergus 2014 (deconvnet); Springenberg et al. 2015 (guided).

    Raises:
        LabError: says what is wrong.
    """
    module, x = small_network(seed), picture(seed)
    target = second_class(module, x)
    right = {rule: _by_rule(module, x, target, rule) for rule in RULES}
    for rule in RULES:
        given = call(f, module, x, target, rule)
        mistakes: dict[str, Guess] = {
            **{f"lab_rule_is_{other}": right[other] for other in RULES if other != rule},
            "lab_rule_at_end": right["vanilla"].clamp(min=0),
            "lab_rule_clamped": right[rule].clamp(min=0),
            "lab_rule_last_only": partial(_by_hooks, module, x, target, rule, slice(-1, None)),
            "lab_rule_first_only": partial(_by_hooks, module, x, target, rule, slice(0, 1)),
            **_wrong_scores(module, x, target, right[rule], rule),
        }
        judge(f, given, right[rule], mistakes, target=target, rule=rule)
    return passed(f)


def _wrong_scores(
    module: nn.Module, x: Tensor, target: int, reference: Tensor, rule: Rule = "vanilla"
) -> dict[str, Guess]:
    def of(score: Callable[[Tensor], Tensor]) -> Callable[[], Tensor]:
        return lambda: _gradient(module, x, score, rule)

    return {
        "lab_saliency_softmax": of(lambda y: y.softmax(1)[0, target]),
        "lab_saliency_log_softmax": of(lambda y: y.log_softmax(1)[0, target]),
        "lab_saliency_loss": of(lambda y: -y.log_softmax(1)[0, target]),
        "lab_saliency_top": of(lambda y: y.max()),
        "lab_saliency_all": of(lambda y: y.sum()),
        "lab_saliency_sign": -reference,
        "lab_saliency_absolute": reference.abs(),
        "lab_saliency_times_input": reference * x,
    }


def _gradient(module: nn.Module, x: Tensor, score: Callable[[Tensor], Tensor], rule: Rule = "vanilla") -> Tensor:
    own = x.detach().clone().requires_grad_()
    with ReluRule(rule):
        value = score(module(own))
    return torch.autograd.grad(value, own)[0]


def _by_rule(module: nn.Module, x: Tensor, target: int, rule: Rule) -> Tensor:
    # Not by an engine: where all of a pooling's window is 0, the memory format decides which unit gets the gradient,
    # and deconvnet lets it through a unit that is not active.
    return _gradient(module, x, lambda y: y[0, target], rule)


def _by_hooks(module: nn.Module, x: Tensor, target: int, rule: Rule, some: slice) -> Tensor:
    """By a rule at some of the ReLUs only."""
    own = copy.deepcopy(module)

    def hook(relu: nn.Module, down: Any, up: Any) -> Any:
        if rule == "vanilla":
            return None
        return ((down[0] if rule == "guided" else up[0]).clamp(min=0),)

    for relu in [part for part in own.modules() if isinstance(part, nn.ReLU)][some]:
        relu.register_full_backward_hook(hook)
    return _gradient(own, x, lambda y: y[0, target])
