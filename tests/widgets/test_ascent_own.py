"""A person's own step of an ascent: run from the same start, and held against the reference step by step."""

from functools import partial

import pytest
import torch
import torch.nn.functional as F

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.lang import TEXT
from nnviz_widgets.methods.own_method import ROUNDING
from nnviz_widgets.methods.pixel_priors import gaussian_blur
from nnviz_widgets.widgets.ascent import Ascent
from tests.widgets.conftest import Net, engine_of, seen, status_of


def gradient(module, x, target):
    x = x.clone().requires_grad_()
    return torch.autograd.grad(module(x)[0, target], x)[0]


def plain(module, x, target, step_size, l2, sign=1):
    return x + sign * step_size * (gradient(module, x, target) - 2 * l2 * x)


def blurred(module, x, target, step, step_size, sigma, every, always=False):
    x = x + step_size * gradient(module, x, target)
    return gaussian_blur(x, sigma) if always or step % every == 0 else x


@pytest.fixture
def shown(engine, opened):
    def show(method, **state):
        state = {"preset": "Simonyan", "steps": 6, "step_size": 0.5, "l2": 0.05, "target": 2, **state}
        return opened(Ascent(engine, method=method, **state))

    return show


def caption(widget):
    return widget._drawn.frames["own"].caption.value


@pytest.mark.parametrize("start", ["zeros", "noise"])
def test_the_same_step_is_equal_at_every_step(shown, start):
    widget = shown(plain, start_from=start)
    found = widget.compute()
    own = widget.moment.own
    assert widget.comparison.equal
    assert own.compared_at == 6
    assert own.apart <= ROUNDING * float(found.x.abs().max())
    assert torch.allclose(own.x, found.x, atol=1e-5)
    assert "step 6 from the same picture" in caption(widget)


def test_a_wrong_step_is_told_at_once_and_its_own_run_goes_on(shown):
    widget = shown(partial(plain, sign=-1), start_from="noise")
    found = widget.compute()
    own = widget.moment.own
    assert own.compared_at == 1
    assert not widget.comparison.equal
    x = widget.engine.module(found.x)[0, 2], widget.engine.module(own.x)[0, 2]
    assert x[1] < x[0]  # it went down
    assert own.apart == pytest.approx(float((own.x - found.x).abs().max()), rel=1e-4)
    assert "step 1 from the same picture" in caption(widget)
    assert "the two runs are up to" in caption(widget)


def test_what_steers_is_given_by_name_and_its_first_wrong_step_is_named(shown):
    how = {"preset": "Yosinski 3", "decay": 0.0, "sigma": 1.0, "every": 3, "step_size": 0.5, "l2": 0.0, "steps": 5}
    right, wrong = shown(blurred, **how), shown(partial(blurred, always=True), **how)
    right.compute()
    wrong.compute()
    assert right.comparison.equal
    assert (wrong.moment.own.compared_at, wrong.comparison.equal) == (2, False)


def test_runs_that_rounding_drives_apart_are_still_equal_step_by_step(shown, monkeypatch):
    nudges = iter([0.01, *[0.0] * 20])
    widget = shown(plain, start_from="noise", autorun=False)
    while widget.phase != "paused":
        pass
    own = widget.moment.own
    own.x.add_(next(nudges))  # as if rounding had grown
    widget.compute()
    assert widget.comparison.equal
    assert widget.moment.own.apart > 1e-3
    assert widget.moment.own.compared_at == 6


def test_going_back_goes_on_from_there_with_ones_own_run_too(shown):
    widget = shown(plain, start_from="noise")
    end = widget.compute().x
    own = widget.moment.own.x
    widget.seek(widget._timeline.at(3))
    assert widget.moment.own.compared_at == 3
    assert torch.equal(widget.compute().x, end)
    assert torch.equal(widget.moment.own.x, own)


def test_a_step_that_fails_says_why_and_the_reference_stays(shown):
    def broken(module, x, target):
        return F.no_such_thing(x)

    widget = shown(broken)
    with pytest.raises(NnvizError, match="broken raised AttributeError"):
        widget.compute()
    assert "AttributeError" in status_of(widget)
    assert "failed" in caption(widget)
    assert widget.moment.own.failed
    assert widget.result is not None


@pytest.mark.parametrize("state", [{"of": "channel"}, {"pictures": 4}])
@pytest.mark.parametrize("language", ["en", "fr"])
def test_other_questions_are_not_put_to_it(shown, state, language):
    widget = shown(plain, language=language, start_from="noise", **state)
    widget.compute()
    assert widget.moment.own is None
    assert TEXT[language]["ascent_own_not_here"].split("’")[0] in caption(widget)


def test_the_pane_is_there_with_a_function_only(engine, shown):
    widget = shown(plain)
    widget.compute()
    with_own = seen(widget).shape[1]
    assert widget._drawn.frames["own"].box.layout.display is None
    widget.method = None
    widget.compute()
    assert widget._drawn.frames["own"].box.layout.display == "none"
    assert widget.comparison is None
    assert seen(widget).shape[1] < with_own


def test_what_a_step_does_to_the_network_stays_with_its_run(shown):
    def vandal(module, x, target, step_size):
        found = x + step_size * gradient(module, x, target)
        with torch.no_grad():
            module.fc.weight.zero_()
        return found

    widget = shown(vandal, l2=0.0, start_from="noise")
    before = [p.clone() for p in widget.engine.module.parameters()]
    widget.compute()
    assert all(map(torch.equal, before, widget.engine.module.parameters()))
    assert widget.moment.own.compared_at == 2
    assert not widget.comparison.equal


def test_one_channel_networks(opened):
    engine = engine_of(lambda: Net(1), mean=0.5, std=0.25)
    widget = opened(Ascent(engine, preset="Simonyan", method=plain, steps=2))
    widget.compute()
    assert widget.comparison.equal
