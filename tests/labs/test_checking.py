import pytest
import torch

from nnviz_widgets import lang
from nnviz_widgets.labs import LabError, fail
from nnviz_widgets.labs.checking import judge, passed
from nnviz_widgets.labs.networks import picture, small_network
from nnviz_widgets.labs.observed import call, call_on_tensors
from tests.labs.caught import assert_caught

REFERENCE = torch.arange(12.0).view(3, 4) - 4


def mine(*_given):
    """Only its name counts."""


def said(given, mistakes=None):
    with pytest.raises(LabError) as caught:
        judge(mine, given, REFERENCE, mistakes)
    return caught.value


def test_a_message_is_one_line_in_the_current_language(monkeypatch):
    lines = []
    for language in ("en", "fr"):
        monkeypatch.setattr(lang, "_chosen", [language])
        with pytest.raises(LabError) as caught:
            fail("lab_nothing", name="mine")
        lines.append(str(caught.value))
        assert caught.value._render_traceback_() == [f"LabError: {caught.value}"]
    assert "nothing" in lines[0]
    assert "rien" in lines[1]
    assert issubclass(LabError, AssertionError)


def test_the_reference_passes_up_to_rounding_whatever_the_mistakes_would_give():
    judge(mine, REFERENCE * (1 + 1e-6), REFERENCE, {"lab_saliency_sign": REFERENCE.clone()})
    assert "mine" in passed(mine)


def test_a_mistake_is_known_by_what_it_would_give():
    assert said(
        -REFERENCE, {"lab_saliency_absolute": REFERENCE.abs(), "lab_saliency_sign": lambda: -REFERENCE}
    ).code == ("lab_saliency_sign")


def test_what_no_mistake_gives_is_told_with_place_and_numbers():
    other = REFERENCE.clone()
    other[1, 2] = 50
    error = said(other)
    assert error.code == "lab_differs"
    assert all(part in str(error) for part in ("(1, 2)", "50", "2"))
    error = said(3 * REFERENCE)
    assert error.code == "lab_scaled"
    assert "3 times" in str(error)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (None, "lab_nothing"),
        (1.0, "lab_own_type"),
        (REFERENCE.T, "lab_own_shape"),
        (REFERENCE / 0, "lab_own_numbers"),
    ],
)
def test_what_cannot_be_compared_is_told_too(given, code):
    assert said(given).code == code


def leaves_hook(module, x):
    module[0].register_forward_hook(lambda *given: None)
    return module(x)


def replaces(module, x):
    module[1] = torch.nn.ReLU()
    return module(x)


def trains(module, x):
    module.train()
    return module(x)


def writes(module, x):
    module[0].weight.data.zero_()
    return module(x)


def fills_gradients(module, x):
    module(x).sum().backward()
    return x


def freezes(module, x):
    module.requires_grad_(False)
    return module(x)


def changes_x(module, x):
    x.clamp_(min=0)
    return module(x)


def adds_up(module, x):
    x.requires_grad_()
    gradient = torch.autograd.grad(module(x).sum(), x)[0]
    x.grad = gradient if x.grad is None else x.grad + gradient
    return x.grad


@pytest.mark.parametrize(
    ("f", "code"),
    [
        (leaves_hook, "lab_hook_left"),
        (replaces, "lab_parts_changed"),
        (trains, "lab_mode_changed"),
        (writes, "lab_weights_changed"),
        (fills_gradients, "lab_weights_gradient"),
        (freezes, "lab_weights_frozen"),
        (changes_x, "lab_input_changed"),
        (adds_up, "lab_second_call"),
    ],
)
def test_what_a_function_must_leave_alone(f, code):
    assert_caught(lambda f: call(f, small_network(), picture()), f, code)


def test_tensors_must_be_left_alone():
    def in_place(x, size):
        return x.mul_(2)

    assert_caught(lambda f: call_on_tensors(f, REFERENCE, 2), in_place, "lab_input_changed")


def test_what_a_function_raises_comes_through():
    def unwritten(module, x):
        raise NotImplementedError

    with pytest.raises(NotImplementedError):
        call(unwritten, small_network(), picture())
