"""Right answers of lab 3 pass; each typical wrong one is told what is wrong with it."""

import pytest
import torch
from torch import nn

from nnviz_widgets import labs
from tests.labs.caught import assert_caught, assert_right, codes_of


def saliency(module, x, target, *, score=lambda y, target: y[0, target]):
    x = x.detach().clone().requires_grad_()
    return torch.autograd.grad(score(module(x), target), x)[0]


def scored(score):
    def mine(module, x, target):
        return saliency(module, x, target, score=score)

    return mine


def magnitude(gradient):
    return gradient.abs().amax(1)[0]


def neuron(module, x, layer, channel, row, col, *, of=lambda given, out: out, choose=None):
    kept = []
    handle = module.get_submodule(layer).register_forward_hook(lambda part, given, out: kept.append(of(given, out)))
    x = x.detach().clone().requires_grad_()
    try:
        module(x)
    finally:
        handle.remove()
    choose = choose or (lambda maps: maps[0, channel, row, col])
    return torch.autograd.grad(choose(kept[0]), x)[0]


def relu_backward(a, g, rule):
    if rule != "vanilla":
        g = g.clamp(min=0)
    return g if rule == "deconvnet" else g * (a > 0)


def rule_gradient(module, x, target, rule, *, some=slice(None), score=lambda y, target: y[0, target]):
    def hook(relu, down, up):
        if rule == "deconvnet":
            return (up[0].clamp(min=0),)
        return (down[0].clamp(min=0),) if rule == "guided" else None

    relus = [part for part in module.modules() if isinstance(part, nn.ReLU)][some]
    handles = [relu.register_full_backward_hook(hook) for relu in relus]
    try:
        return saliency(module, x, target, score=score)
    finally:
        for handle in handles:
            handle.remove()


class Guided(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a):
        ctx.save_for_backward(a)
        return a.clamp(min=0)

    @staticmethod
    def backward(ctx, g):
        (a,) = ctx.saved_tensors
        return g.clamp(min=0) * (a > 0)


def by_function(module, x, target, rule):
    """Guided by an own function in the place of the modules' forward; the others as above."""
    if rule != "guided":
        return rule_gradient(module, x, target, rule)
    relus = [part for part in module.modules() if isinstance(part, nn.ReLU)]
    for relu in relus:
        relu.forward = Guided.apply
    try:
        return saliency(module, x, target)
    finally:
        for relu in relus:
            del relu.forward


def test_right_answers_pass():
    assert_right(labs.check_saliency, saliency)
    assert_right(labs.check_magnitude, magnitude)
    assert_right(labs.check_neuron_gradient, neuron)
    assert_right(labs.check_relu_backward, relu_backward)
    assert_right(labs.check_rule_gradient, rule_gradient)
    assert_right(labs.check_rule_gradient, by_function)


def backward(module, x, target):
    x = x.detach().clone().requires_grad_()
    module(x)[0, target].backward()
    return x.grad


def accumulates(module, x, target):
    x.requires_grad_()
    weights = [parameter.requires_grad_(False) for parameter in module.parameters()]
    module(x)[0, target].backward()
    for weight in weights:
        weight.requires_grad_()
    return x.grad


def rows(module, x, layer, channel, row, col):
    return neuron(module, x, layer, channel, col, row)


def after(module, x, layer, *at):
    return neuron(module, x, str(int(layer) + 1), *at)


def chosen(choose):
    def mine(module, x, layer, channel, row, col):
        return neuron(module, x, layer, channel, row, col, choose=lambda maps: choose(maps, channel, row, col))

    return mine


def wrong_rule(*, become, where="guided"):
    """Another rule in the place of one."""

    def mine(*given):
        *given, rule = given
        right = relu_backward if len(given) == 2 else rule_gradient
        return right(*given, become if rule == where else rule)

    return mine


def hooks_left(module, x, target, rule):
    for part in module.modules():
        if isinstance(part, nn.ReLU):
            part.register_full_backward_hook(lambda relu, down, up: None)
    return saliency(module, x, target)


def replaced(module, x, target, rule):
    module[1] = nn.ReLU()
    return saliency(module, x, target)


def at_the_end(module, x, target, rule):
    return saliency(module, x, target).clamp(min=0) if rule == "guided" else rule_gradient(module, x, target, rule)


def some(which):
    def mine(module, x, target, rule):
        return rule_gradient(module, x, target, rule, some=which)

    return mine


SCORES = [
    (lambda y, c: y.softmax(1)[0, c], "lab_saliency_softmax"),
    (lambda y, c: y.log_softmax(1)[0, c], "lab_saliency_log_softmax"),
    (lambda y, c: nn.functional.cross_entropy(y, torch.tensor([c])), "lab_saliency_loss"),
    (lambda y, c: y.max(), "lab_saliency_top"),
    (lambda y, c: y.sum(), "lab_saliency_all"),
    (lambda y, c: -y[0, c], "lab_saliency_sign"),
]
WRONG = [
    *[(labs.check_saliency, scored(score), code) for score, code in SCORES],
    *[
        (labs.check_rule_gradient, lambda m, x, c, rule, s=s: rule_gradient(m, x, c, rule, score=s), k)
        for s, k in SCORES
    ],
    (labs.check_saliency, lambda *a: saliency(*a).abs(), "lab_saliency_absolute"),
    (labs.check_saliency, lambda m, x, c: x * saliency(m, x, c), "lab_saliency_times_input"),
    (labs.check_saliency, backward, "lab_weights_gradient"),
    (labs.check_saliency, accumulates, "lab_second_call"),
    (labs.check_magnitude, lambda g: g[0].amax(0), "lab_magnitude_signed"),
    (labs.check_magnitude, lambda g: g[0].amax(0).abs(), "lab_magnitude_late"),
    (labs.check_magnitude, lambda g: g[0].abs().mean(0), "lab_magnitude_mean"),
    (labs.check_magnitude, lambda g: g[0].abs().sum(0), "lab_magnitude_sum"),
    (labs.check_magnitude, lambda g: g[0].sum(0).abs(), "lab_magnitude_cancelled"),
    (labs.check_magnitude, lambda g: g.abs(), "lab_magnitude_all"),
    (labs.check_magnitude, lambda g: g[0].abs().amax(1), "lab_magnitude_rows"),
    (labs.check_magnitude, lambda g: g[0].abs().amax(2), "lab_magnitude_cols"),
    (labs.check_magnitude, lambda g: g[0].abs().max(0)[1], "lab_magnitude_index"),
    (labs.check_magnitude, lambda g: g.abs_().amax(1)[0], "lab_input_changed"),
    (labs.check_neuron_gradient, rows, "lab_neuron_swapped"),
    (labs.check_neuron_gradient, chosen(lambda maps, k, r, c: maps[0, k].sum()), "lab_neuron_channel"),
    (labs.check_neuron_gradient, chosen(lambda maps, k, r, c: maps.sum()), "lab_neuron_layer"),
    (labs.check_neuron_gradient, chosen(lambda maps, k, r, c: maps[0, :, r, c].sum()), "lab_neuron_position"),
    (labs.check_neuron_gradient, lambda *a: neuron(*a, of=lambda given, out: given[0]), "lab_neuron_input"),
    (labs.check_neuron_gradient, after, "lab_neuron_activated"),
    (labs.check_neuron_gradient, lambda *a: -neuron(*a), "lab_saliency_sign"),
    (labs.check_relu_backward, lambda a, g, rule: g, "lab_rule_unmasked"),
    (labs.check_relu_backward, lambda a, g, rule: relu_backward(a + (a == 0).float(), g, rule), "lab_rule_at_zero"),
    (labs.check_relu_backward, lambda a, g, rule: a.clamp(min=0), "lab_rule_forward"),
    (labs.check_relu_backward, lambda a, g, rule: g.abs() * (a > 0), "lab_rule_magnitude"),
    *[
        (check, wrong_rule(become=become, where=where), f"lab_rule_is_{become}")
        for check in (labs.check_relu_backward, labs.check_rule_gradient)
        for become, where in (("vanilla", "guided"), ("deconvnet", "guided"), ("guided", "deconvnet"))
    ],
    (labs.check_rule_gradient, at_the_end, "lab_rule_at_end"),
    (
        labs.check_rule_gradient,
        lambda *a: rule_gradient(*a).clamp(min=0) if a[3] != "vanilla" else rule_gradient(*a),
        "lab_rule_clamped",
    ),
    (labs.check_rule_gradient, some(slice(-1, None)), "lab_rule_last_only"),
    (labs.check_rule_gradient, some(slice(0, 1)), "lab_rule_first_only"),
    (labs.check_rule_gradient, hooks_left, "lab_hook_left"),
    (labs.check_rule_gradient, replaced, "lab_parts_changed"),
]


@pytest.mark.parametrize(("check", "answer", "code"), WRONG, ids=[f"{code}" for _, _, code in WRONG])
def test_a_wrong_answer_is_told_what_is_wrong_with_it(check, answer, code):
    assert_caught(check, answer, code)


def test_every_message_has_an_answer_that_earns_it():
    known = codes_of("lab_saliency", "lab_magnitude", "lab_neuron", "lab_rule")
    assert known <= {code for _, _, code in WRONG}
