"""Ascents against the closed form, against themselves paused and in batches, and what they say of bad input."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.engine.objectives import channel, layer_energy, logit, neuron
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.methods import ascent
from nnviz_widgets.methods.ascent_step import AscentStep
from nnviz_widgets.methods.presets import PRESETS
from nnviz_widgets.methods.priors import (
    L2,
    Adam,
    Blur,
    Decay,
    Decorrelated,
    Diversity,
    Fourier,
    Jitter,
    Normalised,
    Plain,
    Prior,
    Progress,
    Redirected,
    Rotate,
    Scale,
    SmallContribution,
    SmallNorm,
    SmallValue,
    TotalVariation,
)
from tests.engine.networks import Functional, OneChannel, Raising, engine_of, picture, seeded, snapshot
from tests.engine.networks import Plain as PlainNetwork

MADE = [Adam(), Fourier(), Decorrelated(), TotalVariation(0.01), L2(0.01), Jitter(3), Scale(0.2), Rotate(20)]
MOVED = [
    Progress(0.5),
    Decay(0.01),
    Blur(0.8, every=2),
    SmallValue(5),
    SmallNorm(10),
    SmallContribution(10),
    Jitter(2),
]
LISTS: dict[str, list[Prior]] = {"made": MADE, "moved": MOVED, "redirected": [Normalised(), Redirected(2)]}


@pytest.fixture(scope="module")
def engine() -> Engine:
    return engine_of(seeded(PlainNetwork))


def pictures(steps: Iterator[AscentStep]) -> Tensor:
    return torch.stack([step.x for step in steps])


def by_hand(module: nn.Module, x: Tensor, c: int) -> Tensor:
    x = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(module(x)[:, c].sum(), x)
    return gradient


def test_a_plain_step_is_the_closed_form() -> None:
    module = seeded(PlainNetwork).double()
    x = picture().double()
    first, second, third = ascent(
        engine_of(module), logit(2), start=x, priors=[Plain(), L2(0.03)], step_size=0.7, steps=2
    )
    assert torch.equal(first.x, x)
    wanted = x + 0.7 * (by_hand(module, x, 2) - 2 * 0.03 * x)
    torch.testing.assert_close(second.x, wanted, rtol=1e-14, atol=1e-15)
    wanted = wanted + 0.7 * (by_hand(module, wanted, 2) - 2 * 0.03 * wanted)
    torch.testing.assert_close(third.x, wanted, rtol=1e-13, atol=1e-14)
    assert first.value == pytest.approx(float(module(x)[0, 2].detach()), rel=1e-12)
    assert first.gradient_norm == pytest.approx(float(by_hand(module, x, 2).norm()), rel=1e-12)


def test_each_step_says_what_it_is(engine: Engine) -> None:
    steps = list(ascent(engine, logit(1), size=(12, 20), steps=5, priors="None"))
    assert [step.step for step in steps] == [0, 1, 2, 3, 4, 5]
    values = [step.value for step in steps]
    assert [step.best for step in steps] == [value > max(values[:i], default=-np.inf) for i, value in enumerate(values)]
    assert values[-1] > values[0]
    assert steps[0].image.shape == (12, 20, 3)
    assert steps[0].image.dtype == np.float32
    wanted = (steps[5].x[0] * 0.25 + 0.5).clamp(0, 1).permute(1, 2, 0)
    np.testing.assert_allclose(steps[5].image, wanted, atol=1e-6)


@pytest.mark.parametrize("name", ["None", "Simonyan", "Yosinski 4", "Distill"])
def test_presets_raise_the_objective(engine: Engine, name: str) -> None:
    """The others let small pictures of small gradients fade."""
    steps = list(ascent(engine, logit(1), priors=name, steps=12, start=PRESETS[name].start))
    assert engine.logits(steps[-1].x)[0, 1] > engine.logits(steps[0].x)[0, 1]


@pytest.mark.parametrize("name", LISTS)
def test_a_state_goes_on_as_if_it_had_never_stopped(engine: Engine, name: str) -> None:
    def steered(begun: int) -> Callable[[], Mapping[str, Any]]:
        """As a person does it: before the third and the fifth step."""
        step = begun - 1

        def knobs() -> Mapping[str, Any]:
            nonlocal step
            step += 1
            return {2: {"step_size": 0.03, "jitter": 1}, 4: {"l2": 0.1, "scale": 0.1}}.get(step, {})

        return knobs

    whole = list(ascent(engine, logit(1), priors=LISTS[name], steps=7, seed=3, knobs=steered(0)))
    for begun in (1, 3, 6):
        rest = ascent(engine, logit(1), start=whole[begun].state, steps=7, knobs=steered(begun))
        again = list(rest)
        assert [s.step for s in again] == list(range(begun, 8))
        assert torch.equal(pictures(iter(again)), pictures(iter(whole[begun:])))
        assert [(s.value, s.best) for s in again] == [(s.value, s.best) for s in whole[begun:]]
        assert again[-1].state.steered == whole[-1].state.steered
    unsteered = pictures(ascent(engine, logit(1), priors=LISTS[name], steps=7, seed=3))
    assert torch.equal(unsteered[:3], pictures(iter(whole[:3])))
    assert not torch.equal(unsteered[3], whole[3].x)


@pytest.mark.parametrize("name", ["made", "moved"])
def test_the_seed_is_all_that_chance_depends_on(engine: Engine, name: str) -> None:
    def run(seed: int) -> Tensor:
        return pictures(ascent(engine, logit(1), priors=LISTS[name], steps=3, seed=seed))

    first = run(1)
    torch.rand(3)
    assert torch.equal(run(1), first)
    assert not torch.equal(run(2), first)


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("start", ["noise", "tensor"])
def test_a_batch_is_its_pictures_one_by_one(engine: Engine, name: str, start: str) -> None:
    begun = picture(1) if start == "tensor" else "noise"
    objectives = [logit(0), channel("bn1", 2), neuron("block.1", 3, 1, 2)]
    batch = list(ascent(engine, objectives, start=begun, priors=LISTS[name], steps=4))
    assert batch[-1].image.shape == (3, 16, 16, 3)
    for i, objective in enumerate(objectives):
        single = list(ascent(engine, objective, start=begun, priors=LISTS[name], steps=4))
        for one, all_of_them in zip(single, batch, strict=True):
            torch.testing.assert_close(all_of_them.x[i : i + 1], one.x, rtol=1e-3, atol=2e-5)
            assert isinstance(all_of_them.value, np.ndarray)
            assert all_of_them.value[i] == pytest.approx(one.value, rel=1e-3, abs=1e-5)
            assert all_of_them.gradient_norm[i] == pytest.approx(one.gradient_norm, rel=1e-3)


def test_diversity_begins_apart_and_takes_the_likeness_away(engine: Engine) -> None:
    def last(*more: Prior) -> AscentStep:
        *_, step = ascent(engine, [channel("bn1", 2)] * 3, priors=[Normalised(), *more], steps=6)
        return step

    alike, apart = last(), last(Diversity(5.0))
    assert torch.equal(alike.x[0], alike.x[1])
    assert not torch.allclose(apart.x[0], apart.x[1])
    maps = engine.activations(apart.x, "bn1").flatten(2)
    grams = (maps @ maps.mT).flatten(1)
    likeness = torch.nn.functional.cosine_similarity(grams[:, None], grams[None], dim=2)
    others = (likeness.sum(1) - 1) / 2
    wanted = engine.activations(apart.x, "bn1")[:, 2].mean((1, 2)) - 5 * others
    np.testing.assert_allclose(apart.value, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("mode", [torch.inference_mode, torch.no_grad, torch.enable_grad])
def test_the_callers_modes_random_state_and_module_stay(mode: Any) -> None:
    module = seeded(lambda: Functional(inplace=True)).train()
    engine = engine_of(module)
    before = snapshot(module)
    with torch.random.fork_rng(devices=[]):
        state = torch.get_rng_state()
        steps = ascent(engine, logit(1), priors="Distill", steps=3)
        with mode():
            inside = torch.is_grad_enabled(), torch.is_inference_mode_enabled()
            begun = [next(steps), next(steps)]
            assert (torch.is_grad_enabled(), torch.is_inference_mode_enabled()) == inside
        whole = [*begun, *steps]
        assert torch.equal(torch.get_rng_state(), state)
    assert snapshot(module) == before
    assert torch.equal(pictures(iter(whole)), pictures(ascent(engine, logit(1), priors="Distill", steps=3)))
    assert not any(step.x.requires_grad or step.x.is_inference() for step in whole)


def test_the_module_stays_when_a_pass_raises() -> None:
    module = seeded(Raising)
    engine = engine_of(module)
    before = snapshot(module)
    steps = ascent(engine, logit(1), steps=5)
    next(steps)
    try:
        Raising.error = RuntimeError("stop")
        with pytest.raises(NnvizError, match="stop"):
            list(steps)
    finally:
        Raising.error = None
    assert snapshot(module) == before


@pytest.mark.parametrize("inplace", [False, True])
def test_rectifiers_in_place_change_nothing(inplace: bool) -> None:
    engines = [engine_of(seeded(lambda i=i: Functional(inplace=i))) for i in (False, inplace)]
    first, second = (pictures(ascent(each, logit(1), steps=3)) for each in engines)
    torch.testing.assert_close(first, second, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["Distill", "Yosinski 1", "None"])
def test_one_channel_and_sides_that_differ(name: str) -> None:
    engine = engine_of(seeded(OneChannel), mean=0.5, std=0.25, size=(9, 15))
    steps = list(ascent(engine, logit(1), priors=name, steps=4))
    assert steps[-1].image.shape == (9, 15, 1)
    assert torch.isfinite(steps[-1].x).all()


def test_a_start_that_is_a_picture(engine: Engine) -> None:
    x = picture(2)
    (first,) = ascent(engine, logit(1), start=x, steps=0, priors=[Plain()])
    assert torch.equal(first.x, x)
    assert isinstance(first.value, np.ndarray)
    (first,) = ascent(engine, logit(1), start=x, size=(20, 12), steps=0, priors=[Plain()])
    assert first.x.shape == (2, 3, 20, 12)
    inside = engine.prepare(np.random.default_rng(0).uniform(0.1, 0.9, (16, 16, 3)))
    (first,) = ascent(engine, logit(1), start=inside, steps=0, priors="Distill")
    torch.testing.assert_close(first.x, inside, rtol=1e-4, atol=1e-4)
    (first,) = ascent(engine, logit(1), start="zeros", steps=0, priors="Distill")
    torch.testing.assert_close(first.x, torch.zeros(1, 3, 16, 16), rtol=0, atol=1e-5)


class Dead(PlainNetwork):
    """Nothing comes through its first activation."""

    def __init__(self) -> None:
        super().__init__()
        nn.init.constant_(self.conv1.bias, -1e4)


@pytest.mark.parametrize(("priors", "step"), [([Plain()], 0), ([Plain(), Jitter(2)], 7)])
def test_a_gradient_of_zero_is_said(priors: list[Prior], step: int) -> None:
    engine = engine_of(seeded(Dead))
    with pytest.raises(NnvizError) as caught:
        list(ascent(engine, logit(1), priors=priors, steps=20))
    assert (caught.value.code, caught.value.fields["step"]) == ("ascent_flat", step)


def test_one_dead_picture_does_not_end_a_sheet(engine: Engine) -> None:
    x = torch.zeros(1, 3, 16, 16)
    k = int((engine.activations(x, "act1")[0, :, 8, 8] == 0).nonzero()[0])
    dead = neuron("act1", k, 8, 8)
    *_, last = ascent(engine, [logit(1), dead], start=x, priors="None", steps=3)
    assert last.gradient_norm[0] > 0
    assert last.gradient_norm[1] == 0
    assert torch.equal(last.x[1:], x)


@pytest.mark.parametrize(
    ("priors", "step_size", "knob"), [([Plain()], 1e38, "step_size"), ([Plain(), L2(1e4)], 1e5, "l2")]
)
def test_numbers_that_run_away_are_said(engine: Engine, priors: list[Prior], step_size: float, knob: str) -> None:
    steps = ascent(engine, layer_energy("bn1"), priors=priors, step_size=step_size, steps=50)
    with pytest.raises(NnvizError) as caught:
        deque(steps)
    assert (caught.value.code, caught.value.fields["knob"]) == ("ascent_diverged", knob)
    assert 0 < caught.value.fields["step"] < 50


def test_a_picture_too_small_is_told_the_smallest() -> None:
    engine = engine_of(seeded(PlainNetwork))
    with pytest.raises(NnvizError) as caught:
        next(ascent(engine, logit(1), size=4))
    assert caught.value.code == "ascent_size"
    smallest = caught.value.fields["smallest"]
    next(ascent(engine, logit(1), size=smallest))
    with pytest.raises(NnvizError, match="too small"):
        next(ascent(engine, logit(1), size=smallest - 1))


def test_only_what_changes_is_written_down(engine: Engine) -> None:
    knobs = {"step_size": 0.02, "decay": 0.0, "jitter": 0, "l2": 0.1, "small_norm": 0.0}
    *_, last = ascent(engine, logit(1), priors="None", steps=3, knobs=lambda: knobs)
    assert last.state.steered == ((0, {"l2": 0.1}),)
    assert last.state.begun.priors == (Normalised(),)
    assert last.state.settings.priors == (Normalised(), L2(0.1))


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"start": "grey"}, "ascent_start"),
        ({"start": None}, "ascent_start"),
        ({"start": torch.zeros(3, 16, 16)}, "input_shape"),
        ({"start": torch.full((1, 3, 16, 16), float("nan")), "priors": [Plain()]}, "input_nan"),
        ({"priors": "Destill"}, "prior_unknown"),
        ({"priors": ["Jitter"]}, "prior_unknown"),
        ({"priors": [Jitter(1), Jitter(2)]}, "prior_conflict"),
        ({"priors": [Plain(), Adam()]}, "prior_conflict"),
        ({"priors": [Fourier(), Decay(0.1)]}, "prior_conflict"),
        ({"step_size": -1}, "prior_value"),
        ({"step_size": float("nan")}, "prior_value"),
        ({"size": 0}, "contract_value"),
        ({"size": (16, 2.5)}, "contract_value"),
        ({"steps": -1}, "contract_value"),
        ({"knobs": lambda: {"sigmas": 1}}, "prior_unknown"),
        ({"knobs": lambda: {"decay": 2}, "priors": [Plain()]}, "prior_value"),
        ({"knobs": lambda: {"sigma": 1.0}}, "prior_conflict"),
        ({"knobs": lambda: {"progress": 1.0}}, "prior_conflict"),
    ],
)
def test_what_does_not_fit_is_named(engine: Engine, options: dict[str, Any], code: str) -> None:
    with pytest.raises(NnvizError) as caught:
        list(ascent(engine, logit(1), **{"steps": 1, **options}))
    assert caught.value.code == code


def test_pictures_and_objectives_are_counted(engine: Engine) -> None:
    *_, last = ascent(engine, logit(1), priors=[Plain()], steps=1)
    for start in (picture(2), last.state):
        with pytest.raises(NnvizError) as caught:
            next(ascent(engine, [logit(0), logit(1), logit(2)], start=start))
        assert caught.value.code == "ascent_count"
