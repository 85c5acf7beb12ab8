"""Right answers of lab 2 pass; each typical wrong one is told what is wrong with it."""

import pytest
import torch

from nnviz_widgets import labs
from tests.labs.caught import assert_caught, assert_right, codes_of


def positions(side, size, stride):
    found = list(range(0, side - size + 1, stride))
    return found if found[-1] == side - size else [*found, side - size]


def occlude(x, top, left, size, value):
    hidden = x.clone()
    hidden[:, :, top : top + size, left : left + size] = value
    return hidden


def logit_map(module, x, size, stride, *, places=positions):
    tops, lefts = places(x.shape[2], size, stride), places(x.shape[3], size, stride)
    with torch.no_grad():
        rows = [module(torch.cat([occlude(x, top, left, size, 0.0) for left in lefts])) for top in tops]
    return torch.stack(rows)


def probability(logits, target):
    return logits.softmax(-1)[..., target]


def predicted(logits):
    return logits.argmax(-1)


def drop(logits, clean, target):
    return clean[target] - logits[..., target]


def test_right_answers_pass():
    assert_right(labs.check_positions, positions)
    assert_right(labs.check_occlude, occlude)
    assert_right(labs.check_logit_map, logit_map)
    assert_right(labs.check_probability_map, probability)
    assert_right(labs.check_predicted_map, predicted)
    assert_right(labs.check_drop, drop)


def inner(side, size, stride):
    return list(range(0, side - size + 1, stride))


def beyond(side, size, stride):
    return [*inner(side, size, stride), inner(side, size, stride)[-1] + stride]


def in_place(x, top, left, size, value):
    x[:, :, top : top + size, left : left + size] = value
    return x


def one_channel(x, top, left, size, value):
    hidden = x.clone()
    hidden[:, 0, top : top + size, left : left + size] = value
    return hidden


def inverse(x, top, left, size, value):
    hidden = torch.full_like(x, value)
    hidden[:, :, top : top + size, left : left + size] = x[:, :, top : top + size, left : left + size]
    return hidden


def original(x, top, left, size, value):
    occlude(x, top, left, size, value)
    return x


def attached(module, x, size, stride):
    tops, lefts = positions(x.shape[2], size, stride), positions(x.shape[3], size, stride)
    return torch.stack([torch.cat([module(occlude(x, t, left, size, 0.0)) for left in lefts]) for t in tops])


def accumulated(module, x, size, stride):
    x = x.clone()
    rows = []
    with torch.no_grad():
        for top in positions(x.shape[2], size, stride):
            lefts = positions(x.shape[3], size, stride)
            rows.append(torch.cat([module(in_place(x, top, left, size, 0.0)) for left in lefts]))
    return torch.stack(rows)


WRONG = [
    (labs.check_positions, lambda *a: 3, "lab_positions_list"),
    (labs.check_positions, inner, "lab_positions_border"),
    (labs.check_positions, lambda side, size, stride: range(0, side - size, stride), "lab_positions_last"),
    (labs.check_positions, beyond, "lab_positions_beyond"),
    (labs.check_positions, lambda side, size, stride: range(0, side, stride), "lab_positions_side"),
    (labs.check_positions, lambda side, size, stride: [*inner(side, size, stride), side - size], "lab_positions_twice"),
    (labs.check_positions, lambda *a: [0, 1], "lab_positions_differ"),
    (labs.check_occlude, in_place, "lab_input_changed"),
    (labs.check_occlude, lambda x, t, left, s, v: occlude(x, left, t, s, v), "lab_occlude_swapped"),
    (labs.check_occlude, lambda x, t, left, s, v: occlude(x, t, left, s + 1, v), "lab_occlude_larger"),
    (labs.check_occlude, lambda x, t, left, s, v: occlude(x, t, left, s - 1, v), "lab_occlude_smaller"),
    (labs.check_occlude, one_channel, "lab_occlude_one_channel"),
    (labs.check_occlude, lambda x, t, left, s, v: occlude(x, t, left, s, 0), "lab_occlude_value"),
    (labs.check_occlude, inverse, "lab_occlude_inverse"),
    (labs.check_occlude, lambda x, t, left, s, v: x[:, :, t : t + s, left : left + s], "lab_occlude_crop"),
    (labs.check_occlude, original, "lab_occlude_nothing"),
    (labs.check_logit_map, attached, "lab_no_grad"),
    (labs.check_logit_map, lambda *a: logit_map(*a).softmax(-1), "lab_logit_map_softmax"),
    (labs.check_logit_map, lambda *a: logit_map(*a).transpose(0, 1), "lab_logit_map_rows"),
    (labs.check_logit_map, lambda *a: logit_map(*a).permute(2, 0, 1), "lab_logit_map_classes"),
    (labs.check_logit_map, accumulated, "lab_logit_map_accumulated"),
    (labs.check_logit_map, lambda *a: logit_map(*a, places=inner), "lab_logit_map_border"),
    (labs.check_probability_map, lambda y, c: y[..., c], "lab_probability_logit"),
    (labs.check_probability_map, lambda y, c: y[..., c].sigmoid(), "lab_probability_sigmoid"),
    (labs.check_probability_map, lambda y, c: y.log_softmax(-1)[..., c], "lab_probability_log"),
    (labs.check_probability_map, lambda y, c: y.softmax(0)[..., c], "lab_probability_rows"),
    (labs.check_probability_map, lambda y, c: y.softmax(1)[..., c], "lab_probability_cols"),
    (labs.check_probability_map, lambda y, c: y.softmax(-1).amax(-1), "lab_probability_top"),
    (labs.check_probability_map, lambda y, c: y.softmax(-1)[:, c], "lab_probability_place"),
    (labs.check_predicted_map, lambda y: y.amax(-1), "lab_predicted_value"),
    (labs.check_predicted_map, lambda y: y.softmax(-1).amax(-1), "lab_predicted_probability"),
    (labs.check_predicted_map, lambda y: y.argmax(0), "lab_predicted_rows"),
    (labs.check_predicted_map, lambda y: y.argmax(1), "lab_predicted_cols"),
    (labs.check_predicted_map, lambda y: y.argmax(), "lab_predicted_one"),
    (labs.check_predicted_map, lambda y: y.argmin(-1), "lab_predicted_least"),
    (labs.check_drop, lambda y, clean, c: -drop(y, clean, c), "lab_drop_sign"),
    (labs.check_drop, lambda y, clean, c: clean.softmax(-1)[c] - probability(y, c), "lab_drop_probability"),
    (labs.check_drop, lambda y, clean, c: drop(y, clean, c) / clean[c], "lab_drop_share"),
    (labs.check_drop, lambda y, clean, c: drop(y, clean, c).abs(), "lab_drop_magnitude"),
    (labs.check_drop, lambda y, clean, c: drop(y, clean, c).clamp(min=0), "lab_drop_clamped"),
    (labs.check_drop, lambda y, clean, c: y[..., c], "lab_drop_map"),
    (labs.check_drop, lambda y, clean, c: clean.max() - y.amax(-1), "lab_drop_top"),
]


@pytest.mark.parametrize(("check", "answer", "code"), WRONG, ids=[f"{code}" for _, _, code in WRONG])
def test_a_wrong_answer_is_told_what_is_wrong_with_it(check, answer, code):
    assert_caught(check, answer, code)


def test_every_message_has_an_answer_that_earns_it():
    prefixes = "positions", "occlude", "no_grad", "logit_map", "probability", "predicted", "drop"
    assert codes_of(*(f"lab_{prefix}" for prefix in prefixes)) <= {code for _, _, code in WRONG}
