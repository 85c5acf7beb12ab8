"""Saliency against autograd by hand, closed forms and axioms, and Captum where it is installed."""

from __future__ import annotations

import inspect
import pickle
from collections.abc import Callable

import pytest
import torch
import torchvision
from torch import Tensor, nn

from nnviz_widgets.engine.objectives import channel, logit, neuron
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.methods import saliency
from nnviz_widgets.methods.integrated_gradients import black
from nnviz_widgets.methods.saliency import saliency_steps
from nnviz_widgets.methods.saliency_picture import magnitude, signed
from nnviz_widgets.methods.smooth_grad import noisy_copies
from tests.engine.networks import (
    Branches,
    Functional,
    OneChannel,
    Plain,
    Raising,
    Reused,
    engine_of,
    picture,
    seeded,
    snapshot,
)

NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "vgg11": lambda: torchvision.models.vgg11(weights=None, num_classes=7),
    "resnet18": lambda: torchvision.models.resnet18(weights=None, num_classes=7),
    "mobilenet_v2": lambda: torchvision.models.mobilenet_v2(weights=None, num_classes=7),
    "densenet121": lambda: torchvision.models.densenet121(weights=None, num_classes=7),
    "vit": lambda: torchvision.models.VisionTransformer(64, 16, 2, 2, 16, 32, num_classes=7),
}


def network(name: str) -> nn.Module:
    """With a head whose logits vary, too: the transformer's is made of zeros."""
    module = seeded(NETWORKS[name])
    if name == "vit":
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1)
            nn.init.normal_(module.heads.head.weight)
    return module


class Linear(nn.Module):
    """One class a row of weights."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(3 * 16 * 16, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(x.flatten(1))


class Smooth(Plain):
    """No kinks, so that a path integral converges quickly."""

    def __init__(self) -> None:
        super().__init__()
        self.act1, self.pool, self.block[2] = nn.Softplus(), nn.AvgPool2d(2), nn.Tanh()


def test_the_options_stand_in_one_place_and_are_those_that_notebooks_rely_on() -> None:
    whole, steps = inspect.signature(saliency), inspect.signature(saliency_steps)
    assert list(whole.parameters.values()) == list(steps.parameters.values())
    assert {name: whole.parameters[name].default for name in ("rule", "smooth")} == {"rule": "vanilla", "smooth": 0}
    assert whole.return_annotation == "Tensor"
    assert (saliency.__name__, pickle.loads(pickle.dumps(saliency))) == ("saliency", saliency)


def by_hand(module: nn.Module, x: Tensor, c: int) -> Tensor:
    leaf = x.clone().requires_grad_()
    module(leaf.clone())[:, c].sum().backward()
    assert leaf.grad is not None
    for parameter in module.parameters():
        parameter.grad = None
    return leaf.grad


@pytest.mark.parametrize("name", NETWORKS)
def test_vanilla_is_autograds_on_any_network(name: str) -> None:
    module, x = network(name), picture(2, size=(64, 64))
    expected = by_hand(module, x, 3)
    before = snapshot(module) if name == "vit" else None
    got = saliency(engine_of(module, size=64), x, logit(3))
    assert got.shape == x.shape
    assert torch.allclose(got, expected, rtol=1e-3, atol=1e-4 * float(expected.abs().max()))
    assert before is None or snapshot(module) == before


@pytest.mark.parametrize("make", [lambda: Functional(True), Branches, Reused])
def test_vanilla_of_networks_that_work_in_place(make: Callable[[], nn.Module]) -> None:
    module, x = seeded(make), picture(2)
    assert torch.allclose(saliency(engine_of(module), x, logit(1)), by_hand(module, x, 1), atol=1e-6)


def test_a_linear_networks_gradient_is_its_weights() -> None:
    module, x = seeded(Linear), picture(2)
    engine = engine_of(module)
    row = module.fc.weight[2].detach().view(1, 3, 16, 16).expand_as(x)
    for options in ({}, {"smooth": 5}, {"smooth": 3, "noise": 2.0}):
        assert torch.allclose(saliency(engine, x, logit(2), **options), row, atol=1e-6)
    assert torch.allclose(saliency(engine, x, logit(2), times_input=True), row * x, atol=1e-6)
    assert torch.allclose(saliency(engine, x, logit(2), integrated=1), row * (x - black(engine, x)), atol=1e-6)
    difference = saliency(engine, x, logit(2) - logit(0))
    assert torch.allclose(difference, row - module.fc.weight[0].detach().view(1, 3, 16, 16), atol=1e-6)


def test_grey_pictures_that_are_not_square() -> None:
    module = seeded(OneChannel)
    engine, x = engine_of(module, mean=0.5, std=0.25, size=(12, 20)), picture(2, 1, (12, 20))
    assert torch.allclose(saliency(engine, x, logit(1)), by_hand(module, x, 1), atol=1e-6)
    assert saliency(engine, x, logit(1), smooth=2).shape == (2, 1, 12, 20)
    assert magnitude(x).shape == signed(x).shape == (2, 12, 20)


def test_one_neuron_sees_its_field_only() -> None:
    engine, x = engine_of(seeded(lambda: Plain(True))), picture()
    got = saliency(engine, x, neuron("conv1", 2, 5, 7))[0].abs().sum(0) > 0
    assert got[4:7, 6:9].all()
    assert got.sum() == 9


def test_the_rules_differ_and_are_refused_without_relus() -> None:
    engine, x = engine_of(seeded(Plain)), picture()
    maps = [saliency(engine, x, logit(1), rule=rule) for rule in ("vanilla", "deconvnet", "guided")]
    assert not any(torch.allclose(a, b) for a, b in ((maps[0], maps[1]), (maps[1], maps[2]), (maps[0], maps[2])))
    for options in ({"rule": "guided"}, {"rule": "deconvnet", "smooth": 2}, {"rule": "guided", "integrated": 2}):
        with pytest.raises(NnvizError) as caught:
            saliency(engine_of(seeded(Linear)), x, logit(1), **options)
        assert caught.value.code == "rule_no_relu"


def test_smooth_grad_is_the_mean_over_its_noisy_copies() -> None:
    module, x = seeded(Plain), picture(2)
    engine = engine_of(module)
    copy = noisy_copies(x, 0.2, 7)
    expected = sum(by_hand(module, copy(i), 1) for i in range(21)) / 21
    assert torch.allclose(saliency(engine, x, logit(1), smooth=21, noise=0.2, seed=7), expected, atol=1e-6)


def test_noise_is_seeded_and_in_units_of_each_pictures_range() -> None:
    x = torch.cat([picture(size=(64, 64)), 10 * picture(size=(64, 64), seed=2)])
    state = torch.get_rng_state()
    copy = noisy_copies(x, 0.1, 3)
    for one, noisy in zip(x, copy(4), strict=True):
        assert float((noisy - one).std() / (one.max() - one.min())) == pytest.approx(0.1, rel=0.05)
    assert torch.equal(copy(4), noisy_copies(x, 0.1, 3)(4))
    assert not torch.equal(copy(4), copy(5))
    assert not torch.equal(copy(4), noisy_copies(x, 0.1, 4)(4))
    assert torch.equal(state, torch.get_rng_state())


def test_no_noise_is_the_plain_gradient() -> None:
    engine, x = engine_of(seeded(Plain)), picture()
    assert torch.allclose(saliency(engine, x, logit(1), smooth=3, noise=0), saliency(engine, x, logit(1)), atol=1e-7)


@pytest.mark.parametrize("baseline", [None, 0.0, 0.3, "noise"])
def test_integrated_gradients_are_complete(baseline: float | str | None) -> None:
    engine, x = engine_of(seeded(Smooth)), picture(2)
    start = picture(2, seed=5) if baseline == "noise" else baseline
    got = saliency(engine, x, logit(1), integrated=40, baseline=start)
    begin = start if isinstance(start, Tensor) else black(engine, x) if start is None else torch.full_like(x, start)
    expected = (engine.logits(x) - engine.logits(begin))[:, 1]
    assert torch.allclose(got.sum((1, 2, 3)), expected, rtol=1e-4, atol=1e-5)
    assert torch.allclose(signed(got).sum((1, 2)), expected, rtol=1e-4, atol=1e-5)


def test_black_is_black_in_the_networks_units() -> None:
    engine, x = engine_of(seeded(Plain)), picture()
    assert torch.equal(black(engine, x), torch.full_like(x, -2.0))


def test_steps_end_in_the_result() -> None:
    engine, x = engine_of(seeded(Plain)), picture()
    steps = list(saliency_steps(engine, x, logit(1), smooth=40))
    assert [step.done for step in steps] == sorted({step.done for step in steps})
    assert steps[-1].done == 1
    assert len(steps) > 1
    assert torch.equal(steps[-1].gradient, saliency(engine, x, logit(1), smooth=40))
    assert len(engine._graphs) == 0


def test_batches_that_do_not_fit_into_memory_are_halved(monkeypatch: pytest.MonkeyPatch) -> None:
    engine, x = engine_of(seeded(Plain)), picture()
    expected = saliency(engine, x, logit(1), smooth=20)
    gradient, sizes = engine.gradient, []

    def small(x: Tensor, *arguments: object, **options: object) -> Tensor:
        sizes.append(len(x))
        if len(x) > 4:
            raise NnvizError("out_of_memory", shape=tuple(x.shape))
        return gradient(x, *arguments, **options)

    monkeypatch.setattr(engine, "gradient", small)
    assert torch.allclose(saliency(engine, x, logit(1), smooth=20), expected, atol=1e-6)
    assert sizes == [16, 8, 4, 4, 4, 4, 4]


@pytest.mark.parametrize(
    "options",
    [
        {"smooth": -1},
        {"smooth": 2.5},
        {"smooth": True},
        {"integrated": -3},
        {"noise": -0.1},
        {"noise": float("nan")},
        {"smooth": 2, "integrated": 2},
        {"integrated": 2, "baseline": torch.zeros(7)},
        {"integrated": 2, "baseline": "black"},
    ],
)
def test_options_out_of_their_range(options: dict[str, object]) -> None:
    with pytest.raises(NnvizError, match="does not fit") as caught:
        saliency(engine_of(seeded(Plain)), picture(), logit(0), **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("options", [{}, {"smooth": 2, "noise": 0}, {"integrated": 2}])
def test_a_dead_unit_is_named(options: dict[str, object]) -> None:
    module = seeded(Plain)
    with torch.no_grad():
        module.bn1.bias[2] = -1000
    with pytest.raises(NnvizError, match=r"channel\('act1', 2\)") as caught:
        saliency(engine_of(module), picture(), channel("act1", 2), **options)
    assert caught.value.code == "gradient_zero"


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("options", [{}, {"smooth": 3}, {"integrated": 3}, {"times_input": True}])
def test_whatever_mode_the_caller_is_in(mode: Callable[[], object], options: dict[str, object]) -> None:
    module, x = seeded(lambda: Plain(True)), picture(2)
    expected = saliency(engine_of(module), x, logit(1), **options)
    with mode():
        got = saliency(engine_of(module), x.clone(), logit(1), **options)
    assert torch.equal(got, expected)
    assert not got.requires_grad


@pytest.mark.parametrize("options", [{}, {"smooth": 3}, {"integrated": 3}])
def test_the_module_is_as_it_was_also_after_an_exception(
    options: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    module, x = seeded(Raising).train(), picture()
    engine, before = engine_of(module), snapshot(module)
    saliency(engine, x, logit(0), rule="guided", **options)
    monkeypatch.setattr(Raising, "error", ZeroDivisionError("oops"))
    with pytest.raises(NnvizError, match="oops"):
        saliency(engine, x + 1, logit(0), rule="guided", **options)
    assert snapshot(module) == before


def test_pictures_of_a_gradient() -> None:
    gradient = torch.tensor([[1.0, -3.0], [-2.0, 1.0], [0.5, 0.0]]).view(1, 3, 1, 2)
    assert magnitude(gradient).tolist() == [[[2.0, 3.0]]]
    assert signed(gradient).tolist() == [[[-0.5, -2.0]]]


@pytest.mark.parametrize("name", ["vgg11", "mobilenet_v2", "vit"])
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")
def test_captum_agrees(name: str) -> None:
    attr = pytest.importorskip("captum.attr")
    module, x = network(name), picture(size=(64, 64))
    engine = engine_of(module, size=64)

    def close(got: Tensor, expected: Tensor) -> None:
        assert torch.allclose(got, expected, rtol=1e-3, atol=2e-4 * float(expected.abs().max()))

    plain = attr.Saliency(module).attribute(x.clone(), 3, abs=False)
    close(saliency(engine, x, logit(3)), plain)
    close(saliency(engine, x, logit(3), times_input=True), attr.InputXGradient(module).attribute(x.clone(), 3))
    integrated = attr.IntegratedGradients(module).attribute(x, 0 * x, target=3, n_steps=10)
    close(saliency(engine, x, logit(3), integrated=10, baseline=0.0), integrated)


@pytest.mark.parametrize(("rule", "peer"), [("deconvnet", "Deconvolution"), ("guided", "GuidedBackprop")])
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")
def test_captum_agrees_on_the_rules_where_relus_are_modules(rule: str, peer: str) -> None:
    attr = pytest.importorskip("captum.attr")
    x = picture(size=(64, 64))
    engine = engine_of(network("vgg11"), size=64)
    twin = network("vgg11")
    for part in twin.modules():
        if isinstance(part, nn.ReLU):
            part.inplace = False
    expected = getattr(attr, peer)(twin).attribute(x.clone().requires_grad_(), 3)
    got = saliency(engine, x, logit(3), rule=rule)
    assert torch.allclose(got, expected, rtol=1e-3, atol=1e-4 * float(expected.abs().max()))
