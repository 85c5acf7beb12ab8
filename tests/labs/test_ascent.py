"""Checks of the lab on activation maximisation: right answers pass, every typical wrong one is named for what it is."""

import pytest
import torch
import torch.nn.functional as F

from nnviz_widgets import labs
from nnviz_widgets.lang import TEXT
from tests.labs.verdicts import said


def gradient(module, x, target, score=lambda y, c: y[0, c]):
    x = x.detach().clone().requires_grad_()
    return torch.autograd.grad(score(module(x), target), x)[0]


def step(module, x, target, step_size, l2, score=lambda y, c: y[0, c]):
    return x + step_size * (gradient(module, x, target, score) - 2 * l2 * x)


def with_backward(module, x, target, step_size, l2):
    x = x.clone().requires_grad_()
    module(x)[0, target].backward()
    return (x + step_size * (x.grad - 2 * l2 * x)).detach()


def in_place(module, x, target, step_size, l2):
    x += step_size * (gradient(module, x, target) - 2 * l2 * x)
    return x


def training(module, x, target, step_size, l2):
    module.train()
    return step(module, x, target, step_size, l2)


def moving_weights(module, x, target, step_size, l2):
    found = step(module, x, target, step_size, l2)
    with torch.no_grad():
        module[0].weight.mul_(1.01)
    return found


def freezing(module, x, target, step_size, l2):
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    return step(module, x, target, step_size, l2)


def attached(module, x, target, step_size, l2):
    x = x.clone().requires_grad_()
    (g,) = torch.autograd.grad(module(x)[0, target], x)
    return x + step_size * (g - 2 * l2 * x)


@pytest.mark.parametrize("seed", range(4))
def test_a_right_step_passes(seed):
    labs.check_ascent_step(step, seed=seed)


STEP_ANSWERS = [
    ("lab_step_descent", lambda m, x, c, s, l2: step(m, x, c, -s, l2)),
    ("lab_step_descent_gradient", lambda m, x, c, s, l2: x + s * (-gradient(m, x, c) - 2 * l2 * x)),
    ("lab_step_added_penalty", lambda m, x, c, s, l2: step(m, x, c, s, -l2)),
    ("lab_step_factor_2", lambda m, x, c, s, l2: step(m, x, c, s, l2 / 2)),
    ("lab_step_no_penalty", lambda m, x, c, s, l2: step(m, x, c, s, 0)),
    ("lab_step_penalty_outside", lambda m, x, c, s, l2: step(m, x, c, s, 0) - 2 * l2 * x),
    ("lab_step_norm", lambda m, x, c, s, l2: x + s * (gradient(m, x, c) - l2 * x / x.norm())),
    ("lab_step_change", lambda m, x, c, s, l2: step(m, x, c, s, l2) - x),
    ("lab_step_gradient", lambda m, x, c, s, l2: gradient(m, x, c)),
    (
        "lab_step_normalised",
        lambda m, x, c, s, l2: x + s * (F.normalize(gradient(m, x, c).flatten(), dim=0).view_as(x) - 2 * l2 * x),
    ),
    ("lab_step_softmax", lambda *a: step(*a, score=lambda y, c: y.softmax(1)[0, c])),
    ("lab_step_log_softmax", lambda *a: step(*a, score=lambda y, c: -F.cross_entropy(y, torch.tensor([c])))),
    ("lab_step_top", lambda *a: step(*a, score=lambda y, c: y.max())),
    ("lab_step_all", lambda *a: step(*a, score=lambda y, c: y.sum())),
    ("lab_step_graph", attached),
    ("lab_weights_gradient", with_backward),
    ("lab_input_changed", in_place),
    ("lab_mode_changed", training),
    ("lab_weights_changed", moving_weights),
    ("lab_weights_frozen", freezing),
    ("lab_nothing", lambda *a: None),
]


@pytest.mark.parametrize(("code", "f"), STEP_ANSWERS)
def test_a_wrong_step_is_named(code, f):
    assert said(labs.check_ascent_step, f) == code


def climb(module, x, target, steps, step_size, l2, *, of=None, score=None, skip=0, same=False):
    of = of or step
    score = score or (lambda x: module(x)[0, target].item())
    first, scores = x, [score(x)]
    for _ in range(steps + skip):
        x = x + (of(module, first, target, step_size, l2) - first) if same else of(module, x, target, step_size, l2)
        scores.append(score(x))
    return x, scores[: steps + 1]


def accumulating(module, x, target, steps, step_size, l2):
    total, scores = 0, [module(x)[0, target].item()]
    for _ in range(steps):
        total = total + gradient(module, x, target)
        x = x + step_size * (total - 2 * l2 * x)
        scores.append(module(x)[0, target].item())
    return x, scores


@pytest.mark.parametrize("seed", range(4))
def test_a_right_loop_passes(seed):
    labs.check_climb(climb, seed=seed)
    labs.check_climb(lambda *a: (climb(*a)[0], torch.tensor(climb(*a)[1])), seed=seed)


LOOP_ANSWERS = [
    ("lab_climb_pair", lambda *a: climb(*a)[0]),
    ("lab_climb_start", lambda m, x, *a: (x, climb(m, x, *a)[1])),
    ("lab_climb_one_step", lambda m, x, c, n, *a: (climb(m, x, c, 1, *a)[0], climb(m, x, c, n, *a)[1])),
    ("lab_climb_fewer", lambda *a: climb(*a, skip=-1)),
    ("lab_climb_more", lambda *a: climb(*a, skip=1)),
    ("lab_climb_same_gradient", lambda *a: climb(*a, same=True)),
    ("lab_climb_accumulated", accumulating),
    ("lab_step_descent", lambda m, x, c, n, s, l2: climb(m, x, c, n, -s, l2)),
    ("lab_step_no_penalty", lambda m, x, c, n, s, l2: climb(m, x, c, n, s, 0)),
    ("lab_climb_numbers", lambda *a: (climb(*a)[0], 3.0)),
    ("lab_climb_scores_start", lambda *a: (climb(*a)[0], climb(*a)[1][1:])),
    ("lab_climb_scores_end", lambda *a: (climb(*a)[0], climb(*a)[1][:-1])),
    ("lab_climb_scores_late", lambda m, x, c, n, *a: (climb(m, x, c, n, *a)[0], climb(m, x, c, n + 1, *a)[1][1:])),
    (
        "lab_climb_scores_softmax",
        lambda m, x, c, *a: climb(m, x, c, *a, score=lambda x: m(x).softmax(1)[0, c].item()),
    ),
    (
        "lab_climb_scores_penalty",
        lambda m, x, c, n, s, l2: climb(m, x, c, n, s, l2, score=lambda x: (m(x)[0, c] - l2 * x.square().sum()).item()),
    ),
    ("lab_weights_gradient", lambda *a: climb(*a, of=with_backward)),
    ("lab_input_changed", lambda *a: climb(*a, of=in_place)),
    ("lab_mode_changed", lambda *a: climb(*a, of=training)),
    ("lab_step_graph", lambda *a: climb(*a, of=attached)),
]


@pytest.mark.parametrize(("code", "f"), LOOP_ANSWERS)
def test_a_wrong_loop_is_named(code, f):
    assert said(labs.check_climb, f) == code


def blur(x, sigma, *, mode="replicate", exponent=None, line=None, axes=(2, 3), pad=True):
    radius = int(4 * sigma + 0.5)
    d = torch.arange(-radius, radius + 1.0)
    kernel = (-(d**2) / (2 * sigma**2) if exponent is None else exponent(d, sigma)).exp()
    kernel = kernel / kernel.sum() if line is None else line(kernel)
    y = x.transpose(0, 1)  # the channels as a batch
    for axis in axes:
        margin = [0, 0, radius, radius] if axis == 2 else [radius, radius, 0, 0]
        y = F.pad(y, margin, mode) if pad else y
        y = F.conv2d(y, kernel.view(1, 1, -1, 1) if axis == 2 else kernel.view(1, 1, 1, -1))
    return y.transpose(0, 1)


BLURS_ANSWERS = [
    (None, blur),
    ("lab_blur_smaller", lambda x, s: blur(x, s, pad=False)),
    ("lab_blur_sum", lambda x, s: blur(x, s, line=lambda k: k)),
    ("lab_blur_sum_once", lambda x, s: blur(x, s, line=lambda k: k / k.sum().sqrt())),
    ("lab_blur_zeros", lambda x, s: blur(x, s, mode="constant")),
    ("lab_blur_reflected", lambda x, s: blur(x, s, mode="reflect")),
    ("lab_blur_no_half", lambda x, s: blur(x, s, exponent=lambda d, s: -(d**2) / s**2)),
    ("lab_blur_sigma", lambda x, s: blur(x, s, exponent=lambda d, s: -(d**2) / (2 * s))),
    ("lab_blur_box", lambda x, s: blur(x, s, line=lambda k: torch.ones(len(k)) / len(k))),
    ("lab_blur_rows", lambda x, s: blur(x, s, axes=(3,))),
    ("lab_blur_columns", lambda x, s: blur(x, s, axes=(2,))),
    ("lab_blur_mixed", lambda x, s: blur(x, s).sum(1, keepdim=True).expand_as(x)),
    ("lab_blur_mixed_mean", lambda x, s: blur(x, s).mean(1, keepdim=True).expand_as(x)),
    ("lab_blur_not", lambda x, s: x.clone()),
    ("lab_input_changed", lambda x, s: x.copy_(blur(x, s))),
]


@pytest.mark.parametrize(("code", "f"), BLURS_ANSWERS)
def test_blurs(code, f):
    assert said(labs.check_blur, f) == code


def clip(x, percentile, size=None, share=None, dim=None):
    size = x.norm(dim=1, keepdim=True) if size is None else size(x)
    share = percentile / 100 if share is None else share(percentile)
    limit = size.flatten().quantile(share) if dim is None else size.quantile(share, dim=dim, keepdim=True)
    return x * (size >= limit)


SMALL_NORMS_ANSWERS = [
    (None, clip),
    ("lab_clip_reversed", lambda x, p: x - clip(x, p)),
    ("lab_clip_share", lambda x, p: clip(x, p, share=lambda p: 1 - p / 100)),
    ("lab_clip_values", lambda x, p: clip(x, p, size=torch.abs)),
    ("lab_clip_signed", lambda x, p: clip(x, p, size=lambda x: x)),
    ("lab_clip_space", lambda x, p: clip(x, p, size=lambda x: x.norm(dim=(2, 3), keepdim=True))),
    ("lab_clip_rows", lambda x, p: clip(x, p, dim=3)),
    ("lab_clip_columns", lambda x, p: clip(x, p, dim=2)),
    ("lab_clip_l1", lambda x, p: clip(x, p, size=lambda x: x.abs().sum(1, keepdim=True))),
    ("lab_clip_sum", lambda x, p: clip(x, p, size=lambda x: x.sum(1, keepdim=True).abs())),
    ("lab_clip_maximum", lambda x, p: x * (x.norm(dim=1, keepdim=True) >= x.norm(dim=1).max() * p / 100)),
    ("lab_clip_mask", lambda x, p: (clip(x, p) != 0).float()),
    ("lab_clip_fraction", lambda x, p: clip(x, p, share=lambda p: p / 1e4)),
    ("lab_clip_not", lambda x, p: x.clone()),
    ("lab_input_changed", lambda x, p: x.mul_(clip(x, p) != 0)),
]


@pytest.mark.parametrize(("code", "f"), SMALL_NORMS_ANSWERS)
def test_small_norms(code, f):
    assert said(labs.check_small_norms, f) == code


def jitter(module, x, target, down, right, *, back=-1, way=1):
    g = gradient(module, x.roll((way * down, way * right), (2, 3)), target)
    return g.roll((way * back * down, way * back * right), (2, 3))


JITTER_ANSWERS = [
    (None, jitter),
    ("lab_jitter_not_back", lambda *a: jitter(*a, back=0)),
    ("lab_jitter_twice", lambda *a: jitter(*a, back=1)),
    ("lab_jitter_none", lambda m, x, c, *a: gradient(m, x, c)),
    ("lab_jitter_axes", lambda m, x, c, down, right: jitter(m, x, c, right, down)),
    ("lab_jitter_reversed", lambda *a: jitter(*a, way=-1)),
    ("lab_step_descent_gradient", lambda *a: -jitter(*a)),
    ("lab_input_changed", lambda m, x, *a: jitter(m, x.mul_(2), *a)),
]


@pytest.mark.parametrize(("code", "f"), JITTER_ANSWERS)
def test_jitter(code, f):
    assert said(labs.check_jitter, f) == code


def recipe(m, x, c, number, size, l2, sigma, every, small, *, when=None, order=("step", "blur", "clip")):
    now = number % every == 0 if when is None else when(number, every)
    parts = {
        "step": lambda x: step(m, x, c, size, l2),
        "blur": lambda x: blur(x, sigma) if now else x,
        "clip": lambda x: clip(x, small),
    }
    for part in order:
        x = parts[part](x)
    return x


@pytest.mark.parametrize("seed", range(4))
def test_a_right_recipe_passes(seed):
    labs.check_prior_step(recipe, seed=seed)


RECIPE_ANSWERS = [
    ("lab_prior_nothing", lambda *a: recipe(*a, order=("step",))),
    ("lab_prior_no_clip", lambda *a: recipe(*a, order=("step", "blur"), when=lambda n, k: True)),
    ("lab_prior_not_at_0", lambda *a: recipe(*a, order=("step", "clip"))),
    ("lab_prior_no_blur", lambda *a: recipe(*a, when=lambda n, k: n == 0)),
    ("lab_prior_not_at_0", lambda *a: recipe(*a, when=lambda n, k: n > 0 and n % k == 0)),
    ("lab_prior_every", lambda *a: recipe(*a, when=lambda n, k: True)),
    ("lab_prior_not_at_0", lambda *a: recipe(*a, when=lambda n, k: (n + 1) % k == 0)),
    ("lab_prior_off_by_one", lambda *a: recipe(*a, when=lambda n, k: n == 0 or (n + 1) % k == 0)),
    ("lab_prior_clip_first", lambda *a: recipe(*a, order=("step", "clip", "blur"))),
    ("lab_prior_blur_first", lambda *a: recipe(*a, order=("blur", "step", "clip"))),
    ("lab_step_descent", lambda m, x, c, n, s, *a: recipe(m, x, c, n, -s, *a)),
    ("lab_weights_gradient", lambda m, x, c, n, s, l2, *a: clip(with_backward(m, x, c, s, l2), a[-1])),
]


@pytest.mark.parametrize(("code", "f"), RECIPE_ANSWERS)
def test_a_wrong_recipe_is_named(code, f):
    assert said(labs.check_prior_step, f) == code


def test_every_message_is_earned_by_a_wrong_answer():
    answers = [*STEP_ANSWERS, *LOOP_ANSWERS, *BLURS_ANSWERS, *SMALL_NORMS_ANSWERS, *JITTER_ANSWERS, *RECIPE_ANSWERS]
    messages = {
        key
        for key in TEXT["en"]
        if key.startswith(("lab_step_", "lab_climb_", "lab_blur_", "lab_clip_", "lab_jitter_", "lab_prior_"))
    }
    assert messages
    assert messages <= {code for code, _ in answers}
