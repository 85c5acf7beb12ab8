"""A person's own function beside the reference: run on a copy, compared, and what goes wrong in it told in one line."""

import random
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

import nnviz_widgets as nnviz
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.lang import say_error
from nnviz_widgets.methods.own_method import asked_for, compare, run_own
from nnviz_widgets.methods.saliency import saliency
from nnviz_widgets.widgets.frame import Frame
from nnviz_widgets.widgets.own_method import Own, OwnMethodWidget, own_caption, worst_cell
from nnviz_widgets.widgets.scene import Scene
from nnviz_widgets.widgets.target import TargetWidget
from tests.widgets.conftest import engine_of, html_of, status_of

PICTURE = np.random.default_rng(3).random((20, 24, 3)).astype(np.float32)


def gradient(module, x, target):
    x.requires_grad_()
    module(x)[0, target].backward()
    return x.grad


@pytest.fixture
def x(engine):
    return engine.prepare(PICTURE)


@pytest.fixture
def reference(engine, x):
    return saliency(engine, x, nnviz.logit(2))


def test_the_same_formula_is_equal(engine, x, reference):
    found = run_own(engine, gradient, x, 2, reference)
    assert found.equal
    assert found.values.shape == reference.shape
    assert found.largest <= 1e-5 * float(reference.abs().max())
    assert not x.requires_grad
    assert x.grad is None


def test_another_class_differs_and_the_place_is_where(engine, x, reference):
    found = run_own(engine, gradient, x, 3, reference)
    assert not found.equal
    assert found.factor is None
    difference = (found.values - reference).abs()
    assert found.largest == pytest.approx(float(difference.max()))
    assert float(difference[found.place]) == pytest.approx(found.largest)
    assert (found.row, found.col) == found.place[-2:]


def test_a_factor_is_told_from_another_map(engine, x, reference):
    found = run_own(engine, lambda *a: -3 * gradient(*a), x, 2, reference)
    assert not found.equal
    assert found.factor == pytest.approx(-3, rel=1e-4)


def test_nothing_that_it_does_comes_back(engine, x, reference):
    theirs, ours = engine.module, engine._passes.shadow.module
    modules = list(theirs.modules()), list(ours.modules())
    weights = [p.detach().clone() for p in theirs.parameters()]
    states = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()

    def vandal(module, x, target):
        assert not module.training
        assert all(p.requires_grad and p.grad is None for p in module.parameters())
        assert not {id(p.untyped_storage()) for p in module.parameters()} & {
            p.untyped_storage().data_ptr() for p in theirs.parameters()
        }
        assert torch.is_grad_enabled()
        assert not torch.is_autocast_enabled("cpu")
        module.conv1.register_forward_hook(lambda *_: None)
        module.relu1 = nn.SiLU()
        module.zero_grad()
        module.train()
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.normal_()
        x.zero_()
        random.random(), np.random.rand(), torch.rand(1)
        torch.set_grad_enabled(False)
        return torch.zeros(reference.shape)

    before = x.clone()
    with torch.autocast("cpu"), torch.inference_mode():
        run_own(engine, vandal, x, 2, reference)
    assert (list(theirs.modules()), list(ours.modules())) == modules
    assert all(map(torch.equal, weights, theirs.parameters()))
    assert all(not part._forward_hooks for part in (*theirs.modules(), *ours.modules()))
    assert all(p.grad is None for p in theirs.parameters())
    assert not any(p.requires_grad for p in ours.parameters())
    assert torch.equal(x, before)
    assert torch.equal(torch.get_rng_state(), states[0])
    assert np.array_equal(np.random.get_state()[1], states[1])
    assert random.getstate() == states[2]
    assert torch.is_grad_enabled()
    assert torch.equal(saliency(engine, x, nnviz.logit(2)), reference)


def test_random_numbers_are_the_same_every_time_and_after_an_error(engine, x, reference):
    def draws(module, x, target):
        drawn.append((random.random(), float(np.random.rand()), float(torch.rand(1))))
        raise ValueError

    drawn, before = [], torch.get_rng_state()
    for _ in range(2):
        with pytest.raises(NnvizError):
            run_own(engine, draws, x, 2, reference)
    assert drawn[0] == drawn[1]
    assert torch.equal(torch.get_rng_state(), before)


def test_before_it_differs_it_is_run_in_the_reference_s_memory_format(monkeypatch, engine, x, reference):
    monkeypatch.setattr(engine._passes, "_layout", torch.channels_last)

    def rounds(module, x, target):
        assert calls.append(x.is_contiguous()) is None
        return gradient(module, x, target) * (2 if x.is_contiguous() else 1)

    def flat(module, x, target):
        return 2 * gradient(module, x.view(-1).view(x.shape), target)

    calls = []
    assert run_own(engine, rounds, x, 2, reference).equal
    assert calls == [True, False]
    found = run_own(engine, flat, x, 2, reference)
    assert not found.equal
    assert found.factor == pytest.approx(2, rel=1e-4)


def test_a_network_that_keeps_what_it_computed_is_copied(x):
    class Keeps(nn.Sequential):
        def forward(self, x):
            self.kept = [self[0].weight, super().forward(x)]
            return self.kept[1]

    engine = engine_of(lambda: Keeps(nn.Conv2d(3, 5, 16), nn.ReLU(inplace=True), nn.Flatten()))
    reference = saliency(engine, x, nnviz.logit(2))
    assert run_own(engine, gradient, x, 2, reference).equal
    copied = engine.plain_copy()
    assert copied.kept[0] is copied[0].weight
    assert isinstance(copied[0].weight, nn.Parameter)


@pytest.mark.parametrize("shape", [(1, 1, 3, 4), (1, 3, 4), (3, 4), (1, 1, 1, 3, 4)])
@pytest.mark.parametrize("make", [torch.ones, np.ones, lambda s: torch.ones(s, dtype=torch.float16)])
def test_leading_ones_may_be_missing_and_arrays_are_taken(shape, make):
    found = compare("f", make(shape), torch.ones(1, 1, 3, 4))
    assert found.equal
    assert found.largest == 0
    assert found.values.shape == (1, 1, 3, 4)
    assert found.values.dtype == torch.float32


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (None, "own_type"),
        ([[1.0]], "own_type"),
        (np.array(["a"]), "own_type"),
        (torch.ones(4, 3), "own_shape"),
        (torch.ones(3, 1), "own_shape"),
        (torch.ones(2, 3, 4), "own_shape"),
        (torch.tensor(1.0), "own_shape"),
        (torch.full((3, 4), torch.nan), "own_numbers"),
        (np.array([[1.0] * 4, [np.inf] + [1.0] * 3, [1.0] * 4]), "own_numbers"),
    ],
)
def test_what_does_not_fit_is_one_line_with_expected_and_got(given, code):
    with pytest.raises(NnvizError) as caught:
        compare("mine", given, torch.ones(1, 1, 3, 4))
    assert caught.value.code == code
    for language in ("en", "fr"):
        line = say_error(language, caught.value)
        assert "mine" in line
        assert "\n" not in line
    if code != "own_numbers":
        assert "(1, 1, 3, 4)" in str(caught.value)


def test_an_error_names_function_exception_and_line(engine, x, reference):
    def mine(module, x, target):
        return module.no_such_layer(x)

    line = mine.__code__.co_firstlineno + 1
    with pytest.raises(NnvizError, match=rf"mine raised AttributeError in line {line}: .*no_such_layer") as caught:
        run_own(engine, mine, x, 2, reference)
    assert isinstance(caught.value.__cause__, AttributeError)
    assert caught.value.__cause__.__traceback__.tb_frame.f_code is mine.__code__


def test_an_error_deep_in_a_library_names_the_person_s_own_line(engine, x, reference):
    def mine(module, x, target):
        x = x.squeeze(0)
        return helper(module, x)

    def helper(module, x):
        return module(x[:1])

    with pytest.raises(NnvizError) as caught:
        run_own(engine, mine, x, 2, reference)
    assert caught.value.fields["line"] == helper.__code__.co_firstlineno + 1


def test_a_function_of_other_arguments_is_told(engine, x, reference):
    def mine(module, x):
        return x

    with pytest.raises(NnvizError, match=r"mine cannot be called as mine\(module, x, target\)"):
        run_own(engine, mine, x, 2, reference)


@dataclass(frozen=True)
class Shown:
    reference: torch.Tensor
    own: Own | None = None


class Gradient(OwnMethodWidget, TargetWidget):
    """The smallest widget that shows a person's function."""

    def _panes(self):
        return {"reference": (40, 40), "own": (40, 40)}

    def _build(self):
        self._frames = {name: Frame(self._surface, name) for name in self._surface.sizes}
        return [frame.box for frame in self._frames.values()]

    def _steps(self, state):
        shown = Shown(saliency(self.engine, state.x, nnviz.logit(state.target)))
        yield shown
        for own in self._own_steps(state, state.target, shown.reference):
            yield replace(shown, own=own)

    def _draw(self, state, shown):
        self._frames["reference"].say("reference", "")
        self._surface.show({"reference": Scene()})
        self._say_own(self._frames["own"], shown.own)

    def _result(self, shown):
        return shown.reference


def test_a_widget_shows_it_beside_the_reference(engine, opened, reference):
    widget = opened(Gradient(engine, photo=PICTURE, target=2, method=gradient))
    assert torch.equal(widget.compute(), reference)
    assert widget.comparison.equal
    assert "gradient" in html_of(widget)[2]
    assert "float32" in html_of(widget)[3]
    widget.method = None
    widget.compute()
    assert widget.comparison is None
    assert widget._frames["own"].box.layout.display == "none"


def test_a_function_that_fails_leaves_the_reference_and_a_line_with_its_traceback_folded(engine, opened, reference):
    def mine(module, x, target):
        return {}["nothing"]

    widget = opened(Gradient(engine, photo=PICTURE, target=2, method=mine))
    with pytest.raises(NnvizError, match="mine raised KeyError"):
        widget.compute()
    assert torch.equal(widget.result, reference)
    assert "KeyError" in status_of(widget)
    assert "<details>" in status_of(widget)
    assert "failed" in html_of(widget)[3]
    widget.method = gradient
    widget.compute()
    assert widget.comparison.equal


def test_what_is_no_function_is_refused(engine, opened):
    widget = opened(Gradient(engine, photo=PICTURE, target=2))
    with pytest.raises(NnvizError, match="not a function"):
        widget.method = "grad_cam"
    assert widget.method is None


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_caption_tells_all_outcomes_apart(language):
    ones = torch.arange(12.0).view(1, 1, 3, 4) + 1
    wrong = ones.clone()
    wrong[0, 0, 1, 2] = 40
    found = [compare("f", given, ones) for given in (ones, ones * (1 + 1e-6), ones * 2, wrong)]
    captions = [own_caption(language, Own("f", one)) for one in found]
    captions += [own_caption(language, Own("f")), own_caption(language, Own("f", failed=True))]
    assert len(set(captions)) == 6
    assert "33.0" in captions[3] or "33" in captions[3]
    assert [worst_cell(one, 40, 30) for one in found] == [(), (), (), ((20.0, 10.0, 10.0, 10.0),)]


def test_what_is_offered_goes_by_name_and_what_is_not_is_told():
    offered = {"step": 3, "l2": 0.1}
    assert asked_for(lambda module, x, target: None, offered, after=3) == {}
    assert asked_for(lambda module, x, target, l2, momentum=0: None, offered, after=3) == {"l2": 0.1}
    assert asked_for(lambda module, x, target, **rest: None, offered, after=3) == {}
    assert asked_for(partial(lambda module, x, target, step, l2: None, l2=5), offered, after=3) == {"step": 3}
    with pytest.raises(NnvizError, match=r"asks for 'momentum'.* step, l2"):
        asked_for(lambda module, x, target, momentum: None, offered, after=3)
