"""Each prior against a twin in NumPy or SciPy, and what a list of priors may be."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy import ndimage

from nnviz_widgets.engine.receptive_field import Rect
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.methods import priors, transforms
from nnviz_widgets.methods.pixel_priors import gaussian_blur, percentiles
from nnviz_widgets.methods.priors import (
    KINDS,
    KNOBS,
    L2,
    LIMITS,
    Adam,
    Blur,
    Decay,
    Diversity,
    Fourier,
    Jitter,
    Normalised,
    Plain,
    Progress,
    Rotate,
    Scale,
    Settings,
    SmallContribution,
    SmallNorm,
    SmallValue,
    TotalVariation,
)
from nnviz_widgets.methods.transforms import Drawn
from tests.engine.networks import picture

X = picture(2, size=(11, 14)).double().contiguous()
GRADIENT = picture(2, size=(11, 14), seed=2).double().contiguous()


def test_plain_and_normalised_steps() -> None:
    moved, _ = Plain().move(GRADIENT, 0.3, 0, ())
    assert_allclose(moved, 0.3 * GRADIENT.numpy())
    moved, _ = Normalised().move(GRADIENT * torch.tensor([1.0, 100.0]).view(2, 1, 1, 1), 0.3, 0, ())
    lengths = np.sqrt((GRADIENT.numpy() ** 2).mean((1, 2, 3), keepdims=True))
    assert_allclose(moved, 0.3 * GRADIENT.numpy() / lengths)
    still, _ = Normalised().move(torch.zeros_like(X), 0.3, 0, ())
    assert not still.any()


def test_progress_is_what_was_asked_until_the_largest_step() -> None:
    scaled = GRADIENT * torch.tensor([1.0, 1e-3]).view(2, 1, 1, 1)
    moved, _ = Progress(2.0).move(scaled, 0.5, 0, ())
    assert float((moved[0] * scaled[0]).sum()) == pytest.approx(2)
    assert_allclose(moved[1], 0.5 * scaled[1])
    still, _ = Progress(2.0).move(torch.zeros_like(X), 0.5, 0, ())
    assert not still.any()


def test_adam_is_torchs() -> None:
    leaf = X.clone().requires_grad_()
    optimiser = torch.optim.Adam([leaf], lr=0.05, maximize=True)
    ours, memory = X, ()
    for step in range(5, 11):  # it may begin at any step
        gradient = picture(2, size=(11, 14), seed=step).double().contiguous()
        leaf.grad = gradient.clone()
        optimiser.step()
        change, memory = Adam().move(gradient, 0.05, step, memory)
        ours = ours + change
        assert_allclose(ours, leaf.detach(), rtol=1e-12)


def test_penalties_are_the_gradients_of_what_they_say() -> None:
    x = X.clone().requires_grad_()
    differences = x.diff(dim=2).abs().sum() + x.diff(dim=3).abs().sum()
    for prior, penalty in ((L2(0.3), 0.3 * x.square().sum()), (TotalVariation(0.2), 0.2 * differences)):
        (wanted,) = torch.autograd.grad(penalty, x)
        assert_allclose(prior.gradient(X), wanted)


@pytest.mark.parametrize("sigma", [0.5, 1.0, 2.7, 6.0])
def test_blur_is_scipys(sigma: float) -> None:
    wanted = ndimage.gaussian_filter(X.numpy(), (0, 0, sigma, sigma), mode="nearest", truncate=4)
    assert_allclose(gaussian_blur(X, sigma), wanted, rtol=1e-10, atol=1e-12)
    assert_allclose(gaussian_blur(X.float(), sigma), wanted, rtol=1e-5, atol=1e-5)


def test_blur_comes_at_every_so_many_steps() -> None:
    blurred = [not torch.equal(Blur(1.0, every=3).rework(X, GRADIENT, step), X) for step in range(7)]
    assert blurred == [True, False, False, True, False, False, True]
    assert gaussian_blur(X, 0.01) is X


@pytest.mark.parametrize("percentile", [0, 0.3, 20, 50, 90, 99.9, 100])
def test_clipping_is_numpys_of_each_picture(percentile: float) -> None:
    x, gradient = X.numpy(), GRADIENT.numpy()
    sizes = {
        SmallValue: np.abs(x),
        SmallNorm: np.broadcast_to(np.linalg.norm(x, axis=1, keepdims=True), x.shape),
        SmallContribution: np.broadcast_to(np.abs((-gradient * x).sum(1, keepdims=True)), x.shape),
    }
    for kind, size in sizes.items():
        one = size if kind is SmallValue else size[:, :1]
        limit = np.percentile(one.reshape(2, -1), percentile, axis=1).reshape(2, 1, 1, 1)
        found = kind(percentile).rework(X, GRADIENT, 0).numpy()
        assert_allclose(found, np.where(size < limit, 0, x), err_msg=kind.__name__)


def test_percentiles_of_many_values() -> None:
    values = torch.randn(2, 100_000, generator=torch.Generator().manual_seed(0))
    for percentile in (33.3, 90):
        wanted = np.percentile(values.numpy(), percentile, axis=1)
        assert_allclose(percentiles(values, percentile), wanted, rtol=1e-5)


def test_decay() -> None:
    assert_allclose(Decay(0.3).rework(X, GRADIENT, 0), 0.7 * X.numpy())


@pytest.mark.parametrize("drawn", [Drawn(2, -3), Drawn(-1, 4), Drawn(0, 1), Drawn(0, 0)])
def test_whole_shifts_are_exact(drawn: Drawn) -> None:
    wanted = ndimage.shift(X.numpy(), (0, 0, drawn.down, drawn.right), order=0, cval=0)
    assert np.array_equal(transforms.apply(drawn, X), wanted)


@pytest.mark.parametrize(
    "drawn", [Drawn(0, 0, 1.2, 0), Drawn(0, 0, 0.8, 0), Drawn(0, 0, 1, 25), Drawn(2, -3, 1.1, -8), Drawn(1, 1, 1, 90)]
)
def test_the_fused_resample_is_the_affine_map(drawn: Drawn) -> None:
    """SciPy's affine_transform, with one more ring of zeros so that it fades at the border as ours does."""
    turn = math.radians(drawn.angle)
    # Anticlockwise on a screen, whose rows go down: where a pixel comes from, in (row, column).
    back = np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]]) / drawn.factor
    ringed = np.pad(X.numpy(), ((0, 0), (0, 0), (20, 20), (20, 20)))
    centre = (np.array(ringed.shape[2:]) - 1) / 2
    offset = centre - back @ (centre + np.array([drawn.down, drawn.right]))
    wanted = np.stack(
        [
            [ndimage.affine_transform(plane, back, offset, order=1, mode="constant") for plane in planes]
            for planes in ringed
        ]
    )[:, :, 20:-20, 20:-20]
    assert_allclose(transforms.apply(drawn, X), wanted, atol=1e-9)


def test_what_is_drawn_lies_in_its_range_and_all_of_it() -> None:
    def draw(*kinds: Any) -> list[Drawn]:
        return [transforms.draw(kinds, torch.Generator().manual_seed(seed)) for seed in range(400)]

    drawn = draw(Jitter(2), Scale(0.1), Rotate(10))
    assert {d.down for d in drawn} == {d.right for d in drawn} == {-2, -1, 0, 1, 2}
    for values, low, high in (([d.factor for d in drawn], 0.9, 1.1), ([d.angle for d in drawn], -10, 10)):
        spread = high - low
        assert low <= min(values) < low + spread / 20
        assert high - spread / 20 < max(values) <= high
    assert [d.angle for d in draw(Rotate(10))] == [d.angle for d in drawn]  # steering one leaves the others
    assert draw(Scale(0.1))[0] == Drawn(factor=drawn[0].factor)


@pytest.mark.parametrize("drawn", [Drawn(), Drawn(2, -3), Drawn(2, -3, 1.1, -8)])
def test_a_part_is_that_of_the_whole(drawn: Drawn) -> None:
    part = Rect(2, 1, 5, 4)
    x, y = (X.clone().requires_grad_() for _ in range(2))
    inside = (..., slice(2, 7), slice(1, 5))
    whole, alone = transforms.apply(drawn, x), transforms.apply(drawn, y, part)
    torch.testing.assert_close(alone, whole[inside], rtol=1e-13, atol=1e-14)
    above = GRADIENT[inside]
    (wanted,) = torch.autograd.grad(whole[inside], x, above)
    (found,) = torch.autograd.grad(alone, y, above)
    torch.testing.assert_close(found, wanted, rtol=1e-13, atol=1e-14)


def test_a_shift_leaves_something_in_sight() -> None:
    assert transforms.apply(Drawn(1000, -1000), X).any()


def test_the_gradient_through_a_transform_is_its_adjoint() -> None:
    for drawn in (Drawn(2, -3), Drawn(2, -3, 1.1, -8)):
        x = X.clone().requires_grad_()
        seen = transforms.apply(drawn, x)
        (gradient,) = torch.autograd.grad(seen, x, GRADIENT)
        assert float((seen.detach() * GRADIENT).sum()) == pytest.approx(float((X * gradient).sum()))


def test_every_knob_belongs_to_one_prior_and_has_limits() -> None:
    assert {*KNOBS, "step_size"} == set(LIMITS)
    assert all(name in priors.__all__ for name in KINDS)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: Decay(1.1), "decay"),
        (lambda: Blur(-1), "sigma"),
        (lambda: Blur(1, every=0), "every"),
        (lambda: Blur(1, every=2.5), "every"),
        (lambda: SmallNorm(101), "small_norm"),
        (lambda: Jitter(1.5), "jitter"),
        (lambda: Scale(1), "scale"),
        (lambda: L2(float("inf")), "l2"),
        (lambda: L2(float("nan")), "l2"),
        (lambda: L2("1"), "l2"),
        (lambda: Progress(True), "progress"),
        (lambda: Settings((Plain(),), -1), "step_size"),
    ],
)
def test_values_out_of_range_are_named_with_the_range(make: Any, name: str) -> None:
    with pytest.raises(NnvizError) as caught:
        make()
    assert caught.value.code == "prior_value"
    assert caught.value.fields["name"] == name
    assert caught.value.fields["expected"].startswith("a ")


def test_numpys_numbers_become_pythons() -> None:
    assert [type(value) for value in (L2(np.float32(0.5)).l2, Jitter(np.int64(3)).jitter, Jitter(3.0).jitter)] == [
        float,
        int,
        int,
    ]


def test_knobs_change_add_and_switch_off() -> None:
    settings = Settings.of([Plain(), Decay(0.1)])
    changed = settings.changed({"decay": 0.2, "sigma": 1.0, "step_size": 3})
    assert changed == Settings((Plain(), Decay(0.2), Blur(1.0, every=4)), 3.0)
    assert changed.changed({"sigma": 0}).get(Blur) is None
    assert changed.changed({"sigma": 0, "decay": 0}).pixel_priors == []
    assert [type(p) for p in Settings.of([Blur(1), Decay(0.1), Plain()]).pixel_priors] == [Decay, Blur]


def test_a_prior_that_is_nothing_excludes_none() -> None:
    settings = Settings.of([Fourier(), Adam()]).changed({"sigma": 0, "every": 2, "decay": 0})
    assert settings.pixel_priors == []
    with pytest.raises(NnvizError, match="Fourier and Blur exclude each other"):
        settings.changed({"sigma": 1.0})


def test_what_is_left_out_of_a_list() -> None:
    assert Settings.of([]).rule == Normalised()
    assert Settings.of([Adam()]).step_size == 0.05
    assert Settings.of([Adam()], 0.1).step_size == 0.1
    assert Settings.of([Diversity(1.0, layer="conv1")]).get(Diversity) == Diversity(1.0, "conv1")
