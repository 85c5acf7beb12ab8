"""Right answers of lab 1 pass; each typical wrong one is told what is wrong with it."""

import pytest
import torch
import torch.nn.functional as F

from nnviz_widgets import labs
from tests.labs.caught import assert_caught, assert_right, codes_of


def filters(module, layer):
    return module.get_submodule(layer).weight.detach().clone()


def as_picture(weight):
    return 0.5 + weight.permute(1, 2, 0) / (2 * weight.abs().max()).clamp(min=1e-12)


def convolution(x, weight, bias, stride, padding, *, mean=False):
    height, width = ((side + 2 * padding - 3) // stride + 1 for side in x.shape[2:])
    patches = F.unfold(x, 3, stride=stride, padding=padding)
    flat = weight.flatten(1)
    return (flat @ patches + bias[:, None]).view(len(x), -1, height, width)


def maps(module, x, layer):
    kept = []
    handle = module.get_submodule(layer).register_forward_hook(lambda part, given, out: kept.append(out.clone()))
    try:
        with torch.no_grad():
            module(x)
    finally:
        handle.remove()
    return kept[0][0]


def field(steps, index):
    first = last = index
    for kernel, stride, padding in reversed(steps):
        first, last = first * stride - padding, last * stride - padding + kernel - 1
    return first, last


def kept(module, x, layer, keep, *, remove=True, grad=False):
    """By a hook that keeps keep(given, out)."""
    found = []
    handle = module.get_submodule(layer).register_forward_hook(lambda part, given, out: found.append(keep(given, out)))
    with torch.set_grad_enabled(grad):
        logits = module(x)
    if remove:
        handle.remove()
    return found[0], logits


def test_right_answers_pass():
    assert_right(labs.check_filters, filters)
    assert_right(labs.check_picture, as_picture)
    assert_right(labs.check_convolution, convolution)
    assert_right(labs.check_activation_map, maps)
    assert_right(labs.check_receptive_field, field)


def late(module, x, layer):
    return maps(module, x, str(int(layer) + 1))


def hook_left(module, x, layer):
    return kept(module, x, layer, lambda given, out: out.clone(), remove=False)[0][0]


def no_finally(module, x, layer):
    return kept(module, x, layer, lambda given, out: out.clone())[0][0]


def attached(module, x, layer):
    return kept(module, x, layer, lambda given, out: out.clone(), grad=True)[0][0]


def overwritten(module, x, layer):
    return kept(module, x, layer, lambda given, out: out)[0][0]


def of_the_input(module, x, layer):
    return kept(module, x, layer, lambda given, out: given[0].clone())[0][0]


def of_the_output(module, x, layer):
    return kept(module, x, layer, lambda given, out: out)[1]


def turned(weight):
    return 0.5 + weight.permute(2, 1, 0) / (2 * weight.abs().max())


def wrong(change):
    """The right convolution after a change of its arguments."""

    def changed(*given):
        return convolution(*change(*given))

    return changed


WRONG = [
    (labs.check_filters, lambda m, layer: m.get_submodule(layer).weight, "lab_filters_attached"),
    (labs.check_filters, lambda m, layer: m.get_submodule(layer).weight.detach(), "lab_filters_shared"),
    (labs.check_filters, lambda m, layer: filters(m, "0"), "lab_filters_layer"),
    (labs.check_filters, lambda m, layer: filters(m, layer).transpose(0, 1), "lab_filters_axes"),
    (labs.check_filters, lambda m, layer: filters(m, layer).permute(0, 2, 3, 1), "lab_filters_last"),
    (labs.check_picture, lambda w: (w - w.min()).permute(1, 2, 0) / (w.max() - w.min()), "lab_picture_minmax"),
    (labs.check_picture, lambda w: 0.5 + w / (2 * w.abs().max()), "lab_picture_axes"),
    (labs.check_picture, turned, "lab_picture_transposed"),
    (labs.check_picture, lambda w: w.permute(1, 2, 0) / w.abs().max(), "lab_picture_range"),
    (labs.check_picture, lambda w: 0.5 + w.permute(1, 2, 0) / (2 * w.max()), "lab_picture_signless"),
    (labs.check_picture, lambda w: w.permute(1, 2, 0).clamp(0, 1), "lab_picture_clamped"),
    (labs.check_picture, lambda w: w.permute(1, 2, 0).abs() / w.abs().max(), "lab_picture_magnitude"),
    (labs.check_picture, lambda w: 0.5 + w.permute(1, 2, 0) / (2 * w.abs().max()), "lab_picture_empty"),
    (labs.check_picture, lambda w: w.div_(2).permute(1, 2, 0), "lab_input_changed"),
    (labs.check_convolution, lambda *a: F.conv2d(*a), "lab_convolution_called"),
    (labs.check_convolution, wrong(lambda x, w, *a: (x, w.flip(2, 3), *a)), "lab_convolution_flipped"),
    (labs.check_convolution, wrong(lambda x, w, *a: (x, w.transpose(2, 3), *a)), "lab_convolution_kernel"),
    (labs.check_convolution, wrong(lambda x, w, b, *a: (x, w, 0 * b, *a)), "lab_convolution_bias"),
    (labs.check_convolution, wrong(lambda x, w, b, s, p: (x, w, b, s, 0)), "lab_convolution_padding"),
    (labs.check_convolution, wrong(lambda x, w, b, s, p: (x, w, b, 1, p)), "lab_convolution_stride"),
    (labs.check_convolution, wrong(lambda x, w, *a: (x, w / 27, *a)), "lab_convolution_mean"),
    (labs.check_convolution, wrong(lambda x, w, *a: (x[:, :1], w[:, :1], *a)), "lab_convolution_channels"),
    (labs.check_convolution, lambda *a: convolution(*a).transpose(2, 3), "lab_convolution_transposed"),
    (labs.check_convolution, lambda *a: convolution(*a).relu(), "lab_convolution_relu"),
    (labs.check_activation_map, attached, "lab_map_attached"),
    (labs.check_activation_map, overwritten, "lab_map_overwritten"),
    (labs.check_activation_map, late, "lab_map_late"),
    (labs.check_activation_map, of_the_input, "lab_map_input"),
    (labs.check_activation_map, of_the_output, "lab_map_logits"),
    (labs.check_activation_map, lambda *a: maps(*a).mean(0), "lab_map_mean"),
    (labs.check_activation_map, lambda *a: maps(*a)[0], "lab_map_one"),
    (labs.check_activation_map, hook_left, "lab_hook_left"),
    (labs.check_activation_map, no_finally, "lab_hook_left_after_error"),
    (labs.check_receptive_field, lambda steps, i: sum(field(steps, i)), "lab_field_pair"),
    (labs.check_receptive_field, lambda steps, i: field(steps[::-1], i), "lab_field_order"),
    (labs.check_receptive_field, lambda steps, i: field([(k, 1, p) for k, _, p in steps], i), "lab_field_stride"),
    (labs.check_receptive_field, lambda steps, i: field([(k, s, 0) for k, s, _ in steps], i), "lab_field_padding"),
    (labs.check_receptive_field, lambda steps, i: (field(steps, i)[0], field(steps, i)[1] + 1), "lab_field_end"),
    (labs.check_receptive_field, lambda s, i: (field(s, i)[0], 1 - field(s, i)[0] + field(s, i)[1]), "lab_field_size"),
    (
        labs.check_receptive_field,
        lambda steps, i: (max(0, field(steps, i)[0]), field(steps, i)[1]),
        "lab_field_clipped",
    ),
    (labs.check_receptive_field, lambda steps, i: (7, 9), "lab_field_differs"),
]


@pytest.mark.parametrize(("check", "answer", "code"), WRONG, ids=[f"{code}" for _, _, code in WRONG])
def test_a_wrong_answer_is_told_what_is_wrong_with_it(check, answer, code):
    assert_caught(check, answer, code)


def test_every_message_has_an_answer_that_earns_it():
    known = codes_of("lab_filters", "lab_picture", "lab_convolution", "lab_map_", "lab_field", "lab_hook_left_after")
    assert known <= {code for _, _, code in WRONG}
