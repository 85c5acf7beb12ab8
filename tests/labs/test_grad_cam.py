"""Checks of the lab on Grad-CAM: right answers pass, every typical wrong one is named for what it is."""

import pytest
import torch
import torch.nn.functional as F

from nnviz_widgets import labs
from nnviz_widgets.lang import TEXT, set_language
from tests.labs.verdicts import said


def read(
    module, x, target, layer, *, score=lambda y, c: y[0, c], flip=False, keep=True, back=False, after=0, inputs=False
):
    kept = []
    names = [name for name, _ in module.named_children()]
    part = module.get_submodule(names[names.index(layer) + after])
    hook = part.register_forward_hook(lambda _, given, output: kept.append(given[0] if inputs else output))
    y = module(x)
    if keep:
        hook.remove()
    value = score(y, target)
    if back:
        kept[0].retain_grad()
        value.backward()
        gradient = kept[0].grad
    else:
        (gradient,) = torch.autograd.grad(value, kept[0])
    pair = kept[0].detach(), gradient
    return pair[::-1] if flip else pair


def other(**options):
    return lambda *arguments: read(*arguments, **options)


SCORES = {
    "softmax": lambda y, c: y.softmax(1)[0, c],
    "log_softmax": lambda y, c: y.log_softmax(1)[0, c],
    "top": lambda y, c: y.max(),
    "all": lambda y, c: y.sum(),
}


@pytest.mark.parametrize("seed", range(4))
def test_a_right_reading_passes(seed):
    assert "read" in labs.check_layer_reading(read, seed=seed)


READING_ANSWERS = [
    *((f"lab_cam_{key}", other(score=score)) for key, score in SCORES.items()),
    ("lab_cam_gradient_sign", other(score=lambda y, c: -y[0, c])),
    ("lab_cam_swapped", other(flip=True)),
    ("lab_cam_layer_input", other(inputs=True)),
    ("lab_cam_layer_after", other(after=1)),
    ("lab_hook_left", other(keep=False)),
    ("lab_weights_gradient", other(back=True)),
    ("lab_cam_pair", lambda *a: read(*a)[0]),
    ("lab_input_changed", lambda module, x, *a: read(module, x.mul_(2), *a)),
    ("lab_differs", lambda *a: (read(*a)[0], read(*a)[1] + 1)),
]


@pytest.mark.parametrize(("code", "f"), READING_ANSWERS)
def test_a_wrong_reading_is_named(code, f):
    assert said(labs.check_layer_reading, f) == code


def cam(module, x, target, layer, **options):
    activation, gradient = read(module, x, target, layer, **options)
    return (gradient.mean((2, 3), keepdim=True) * activation).sum(1, keepdim=True).relu()


def made(make):
    return lambda *arguments: make(*read(*arguments))


@pytest.mark.parametrize("seed", range(4))
def test_a_right_map_passes(seed):
    labs.check_grad_cam(cam, seed=seed)


MAP_ANSWERS = [
    ("lab_cam_no_relu", made(lambda a, g: (g.mean((2, 3), keepdim=True) * a).sum(1))),
    ("lab_cam_absolute", made(lambda a, g: (g.mean((2, 3), keepdim=True) * a).sum(1).abs())),
    ("lab_cam_sign", made(lambda a, g: (-g.mean((2, 3), keepdim=True) * a).sum(1).relu())),
    ("lab_cam_relu_weights", made(lambda a, g: (g.mean((2, 3), keepdim=True).relu() * a).sum(1))),
    ("lab_cam_channels", made(lambda a, g: (g.mean(1, keepdim=True) * a).sum(1).relu())),
    ("lab_cam_weights_swapped", made(lambda a, g: (a.mean((2, 3), keepdim=True) * g).sum(1).relu())),
    ("lab_cam_no_mean", made(lambda a, g: (a * g).sum(1).relu())),
    ("lab_cam_no_weights", made(lambda a, g: a.sum(1))),
    ("lab_cam_sum", made(lambda a, g: (g.sum((2, 3), keepdim=True) * a).sum(1).relu())),
    ("lab_cam_mean", made(lambda a, g: (g.mean((2, 3), keepdim=True) * a).mean(1).relu())),
    ("lab_cam_normalised", lambda *a: cam(*a) / cam(*a).max()),
    ("lab_cam_upsampled", lambda module, x, *a: F.interpolate(cam(module, x, *a), x.shape[2:], mode="bilinear")),
    *((f"lab_cam_{key}", lambda *a, s=score: cam(*a, score=s)) for key, score in SCORES.items()),
    ("lab_hook_left", lambda *a: cam(*a, keep=False)),
    ("lab_weights_gradient", lambda *a: cam(*a, back=True)),
    ("lab_scaled", lambda *a: 3 * cam(*a)),
    ("lab_nothing", lambda *a: None),
]


@pytest.mark.parametrize(("code", "f"), MAP_ANSWERS)
def test_a_wrong_map_is_named(code, f):
    assert said(labs.check_grad_cam, f) == code


def maps(activation, weight):
    return (weight @ activation[0].flatten(1)).relu().view(-1, *activation.shape[2:]) / activation[0, 0].numel()


MAPS_OF_ALL_CLASSES_ANSWERS = [
    (None, maps),
    ("lab_maps_no_relu", lambda a, w: torch.einsum("ck,khw->chw", w, a[0]) / 20),
    ("lab_maps_not_divided", lambda a, w: maps(a, w) * 20),
    ("lab_maps_channels", lambda a, w: maps(a, w) * 20 / 7),
    ("lab_maps_softmax", lambda a, w: torch.einsum("ck,khw->chw", w, a[0]).softmax(0)),
    ("lab_maps_scrambled", lambda a, w: (w @ a[0].reshape(20, 7).T).relu().view(6, 4, 5) / 20),
    ("lab_maps_relu_first", lambda a, w: torch.einsum("ck,khw->chw", w, a[0].relu()) / 20),
    ("lab_input_changed", lambda a, w: maps(a.relu_(), w)),
]


@pytest.mark.parametrize(("code", "f"), MAPS_OF_ALL_CLASSES_ANSWERS)
def test_maps_of_all_classes(code, f):
    assert said(labs.check_class_maps, f) == code


def scaled(first, second, size, most=None, mode="bilinear", **options):
    most = max(first.max(), second.max()) if most is None else most
    options = {"align_corners": False, **options} if mode == "bilinear" else {}
    return [F.interpolate(each / (most if most > 0 else 1), size, mode=mode, **options) for each in (first, second)]


TWO_MAPS_ON_ONE_SCALE_ANSWERS = [
    (None, scaled),
    ("lab_scale_each", lambda a, b, s: (scaled(a, a, s)[0], scaled(b, b, s)[0])),
    ("lab_scale_min_max", lambda a, b, s: [scaled(c - c.min(), c - c.min(), s)[0] for c in (a, b)]),
    ("lab_scale_not", lambda a, b, s: scaled(a, b, s, torch.ones(()))),
    ("lab_scale_after", lambda a, b, s: scaled(a, b, s, F.interpolate(a, s, mode="bilinear").max())),
    ("lab_scale_sum", lambda a, b, s: scaled(a, b, s, (a + b).max())),
    ("lab_scale_small", lambda a, b, s: (a / a.max(), b / a.max())),
    ("lab_scale_nearest", lambda a, b, s: scaled(a, b, s, mode="nearest")),
    ("lab_scale_corners", lambda a, b, s: scaled(a, b, s, align_corners=True)),
    ("lab_scale_size", lambda a, b, s: scaled(a, b, s[::-1])),
    ("lab_scale_zero", lambda a, b, s: [F.interpolate(c / a.max(), s, mode="bilinear") for c in (a, b)]),
    ("lab_scale_pair", lambda a, b, s: torch.stack(scaled(a, b, s))),
    ("lab_input_changed", lambda a, b, s: scaled(a, b.div_(2), s)),
]


@pytest.mark.parametrize(("code", "f"), TWO_MAPS_ON_ONE_SCALE_ANSWERS)
def test_two_maps_on_one_scale(code, f):
    assert said(labs.check_one_scale, f) == code


def product(guided, cam, mode="bilinear", **options):
    return guided * F.interpolate(cam, guided.shape[2:], mode=mode, **options)


GUIDED_GRAD_CAM_ANSWERS = [
    (None, product),
    ("lab_guided_nearest", lambda g, c: product(g, c, "nearest")),
    ("lab_guided_corners", lambda g, c: product(g, c, align_corners=True)),
    ("lab_guided_sum", lambda g, c: g + F.interpolate(c, g.shape[2:], mode="bilinear")),
    ("lab_guided_absolute", lambda g, c: product(g.abs(), c)),
    ("lab_guided_positive", lambda g, c: product(g, c).relu()),
    ("lab_guided_one_channel", lambda g, c: product(g, c).sum(1, keepdim=True)),
    ("lab_guided_normalised", lambda g, c: product(g, c / c.max())),
    ("lab_guided_mask", lambda g, c: g * (F.interpolate(c, g.shape[2:], mode="bilinear") > 0)),
    ("lab_input_changed", lambda g, c: product(g.mul_(1.5), c)),
]


@pytest.mark.parametrize(("code", "f"), GUIDED_GRAD_CAM_ANSWERS)
def test_guided_grad_cam(code, f):
    assert said(labs.check_guided_grad_cam, f) == code


def test_a_message_is_in_the_language_of_the_notebook(monkeypatch):
    monkeypatch.setattr("nnviz_widgets.lang._chosen", [])
    set_language("fr")
    with pytest.raises(labs.LabError, match="oublie la ReLU"):
        labs.check_grad_cam(made(lambda a, g: (g.mean((2, 3), keepdim=True) * a).sum(1)))


def test_every_message_is_earned_by_a_wrong_answer():
    answers = [
        *READING_ANSWERS,
        *MAP_ANSWERS,
        *MAPS_OF_ALL_CLASSES_ANSWERS,
        *TWO_MAPS_ON_ONE_SCALE_ANSWERS,
        *GUIDED_GRAD_CAM_ANSWERS,
    ]
    messages = {key for key in TEXT["en"] if key.startswith(("lab_cam_", "lab_maps_", "lab_scale_", "lab_guided_"))}
    assert messages
    assert messages <= {code for code, _ in answers}
