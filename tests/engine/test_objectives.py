"""The algebra of objectives."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from itertools import permutations

import numpy as np
import pytest
import torch

from nnviz_widgets.engine.objectives import (
    LOGITS,
    Objective,
    channel,
    direction,
    layer_energy,
    logit,
    neuron,
    similarity,
)
from nnviz_widgets.errors import NnvizError

A, B, C = logit(3), channel("features.3", 7), layer_energy("conv1")
SPATIAL = torch.randn(2, 4, 3, 5, generator=torch.Generator().manual_seed(0))
FLAT = torch.randn(2, 4, generator=torch.Generator().manual_seed(1))


def read(name: str) -> torch.Tensor:
    return {LOGITS: FLAT, "units": FLAT}.get(name, SPATIAL)


def test_every_measurement() -> None:
    for objective, expected in [
        (logit(2), FLAT[:, 2]),
        (channel("conv", 1), SPATIAL[:, 1].mean((1, 2))),
        (channel("units", 1), FLAT[:, 1]),
        (neuron("conv", 1, 2, 4), SPATIAL[:, 1, 2, 4]),
        (neuron("units", 3), FLAT[:, 3]),
        (direction("conv", [1, -2, 0, 0.5]), (SPATIAL.mean((2, 3)) * torch.tensor([1, -2, 0, 0.5])).sum(1)),
        (direction("units", FLAT[0]), FLAT @ FLAT[0]),
        (layer_energy("conv"), SPATIAL.square().mean((1, 2, 3)) / 2),
        (2 * logit(0) - logit(1) / 4, 2 * FLAT[:, 0] - FLAT[:, 1] / 4),
    ]:
        got = objective.value(read)
        assert got.shape == (2,)
        assert torch.allclose(got, expected, atol=1e-6), objective


def test_equal_and_hashed_alike_in_any_order() -> None:
    sums = {x + y + z for x, y, z in permutations([A, B, C])} | {A + (B + C), 2 * A + B + C - A}
    assert sums == {A + B + C}
    assert len({A + B, B + A, A - (-B), -(-A - B), 0.5 * (A + B) * 2, (2 * A + 2 * B) / 2}) == 1
    assert A + B != A - B
    assert logit(3) != logit(4)
    assert channel("x", 1) != neuron("x", 1)
    assert direction("x", [1, 2]) == direction("x", torch.tensor([1.0, 2.0])) == direction("x", np.array([1, 2]))
    assert A != "logit(3)"


def test_numbers_scale() -> None:
    assert 2 * A == A * 2 == A + A == A * np.int64(2) == A * np.float32(2)
    assert A / 2 == 0.5 * A
    assert -A == -1 * A == A * -1
    assert (A / 3).terms[0][1] == 1 / 3


def test_layers_that_it_reads() -> None:
    assert sorted((A + B + C + channel("conv1", 2)).layers) == [LOGITS, "conv1", "features.3"]
    assert (A + logit(4)).layers == (LOGITS,)


@pytest.mark.parametrize(
    ("objective", "text"),
    [
        (logit(3), "logit(3)"),
        (-logit(3), "-logit(3)"),
        (2 * logit(3) - logit(4) / 2, "2 * logit(3) - 0.5 * logit(4)"),
        (channel("a.b", 1), "channel('a.b', 1)"),
        (neuron("a", 1, 2, 3), "neuron('a', 1, 2, 3)"),
        (neuron("a", 1), "neuron('a', 1)"),
        (direction("a", [1, 2.5, -3, 4]), "direction('a', [1, 2.5, -3, ...])"),
        (layer_energy("<b>"), "layer_energy('<b>')"),
    ],
)
def test_readable(objective: Objective, text: str) -> None:
    assert repr(objective) == text
    if "..." not in text:
        assert eval(text) == objective


def test_terms_that_cancel_leave_nothing_to_explain() -> None:
    with pytest.raises(NnvizError, match="The objective is empty"):
        (A - A).value(read)
    assert A - A == 0 * B
    assert repr(A - A) == "Objective(())"
    assert A + B - B == A


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: A * "x",
        lambda: "x" * A,
        lambda: A + 1,
        lambda: 1 - A,
        lambda: A / "x",
        lambda: A * A,
        lambda: A * True,
        lambda: A / True,
        lambda: 1 / A,
        lambda: A + None,
    ],
)
def test_what_is_no_objective_is_a_type_error(wrong: Callable[[], object]) -> None:
    with pytest.raises(TypeError):
        wrong()


def test_division_by_zero() -> None:
    with pytest.raises(ZeroDivisionError):
        A / 0


@pytest.mark.parametrize("index", [1.5, True, "3", "cat", None, float("nan"), float("inf"), [1]])
def test_an_index_is_a_whole_number(index: object) -> None:
    for make in (logit, lambda k: channel("a", k), lambda k: neuron("a", k)):
        with pytest.raises(NnvizError) as caught:
            make(index)
        assert caught.value.code == "index_type"


def test_numpys_and_torchs_whole_numbers_are_indices() -> None:
    assert logit(np.int64(3)) == logit(torch.tensor(3)) == logit(3.0) == logit(3)


def test_positions_come_in_pairs() -> None:
    for row, col in ((1, None), (None, 1)):
        with pytest.raises(NnvizError, match="a row and a column"):
            neuron("a", 0, row, col)


def test_frozen_and_picklable() -> None:
    with pytest.raises(AttributeError):
        A.terms = ()
    assert pickle.loads(pickle.dumps(A - 2 * B)) == A - 2 * B


@pytest.mark.parametrize("power", [0.5, 1, 2, 4])
@pytest.mark.parametrize("activation", [SPATIAL, FLAT])
def test_directions_whose_angle_counts(activation: torch.Tensor, power: float) -> None:
    v = np.array([1, -2, 0, 0.5])
    cells = activation.reshape(2, 4, -1).double().numpy()
    expected = np.zeros(2)
    for n in range(2):
        for i in range(cells.shape[2]):
            dot = v @ cells[n, :, i]
            cosine = dot / np.sqrt((v @ v) * (cells[n, :, i] @ cells[n, :, i]))
            expected[n] += dot * max(0.1, cosine) ** power / cells.shape[2]
    got = direction("x", v, cosine_power=power).value(lambda _name: activation)
    np.testing.assert_allclose(got.numpy(), expected, rtol=3e-3)  # our lengths are 1e-4 longer


def test_directions_whose_angle_does_not_count_are_the_plain_ones() -> None:
    assert direction("x", [1, 2], cosine_power=0) == direction("x", [1, 2])
    assert direction("x", [1, 2], cosine_power=2) != direction("x", [1, 2])
    assert repr(direction("x", [1, 2, 3, 4], cosine_power=1.5)) == "direction('x', [1, 2, 3, ...], cosine_power=1.5)"
    for wrong in (-1, float("nan"), float("inf")):
        with pytest.raises(NnvizError, match="cosine_power"):
            direction("x", [1, 2], cosine_power=wrong)
    with pytest.raises(NnvizError, match="4 channels"):
        direction("x", [1, 2], cosine_power=2).value(read)


def test_the_gradient_of_an_angle_at_nothing_is_a_number() -> None:
    activation = torch.zeros(1, 4, 2, 2, requires_grad=True)
    value = direction("x", [1, -2, 0, 0.5], cosine_power=2).value(lambda _name: activation)
    (gradient,) = torch.autograd.grad(value.sum(), activation)
    assert value == 0
    assert torch.isfinite(gradient).all()


@pytest.mark.parametrize("activation", [SPATIAL, SPATIAL.to(memory_format=torch.channels_last), FLAT])
def test_similarity_of_gram_matrices(activation: torch.Tensor) -> None:
    extra = torch.cat([activation, activation[:1] * 3, activation.flip(1)])
    grams = [cells @ cells.T for cells in extra.reshape(5, 4, -1).double().numpy()]
    expected = [
        np.mean([(a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()) for j, b in enumerate(grams) if j != i])
        for i, a in enumerate(grams)
    ]
    np.testing.assert_allclose(similarity("x").value(lambda _name: extra).numpy(), expected, rtol=1e-5)
    twins = torch.cat([activation[:1], 2 * activation[:1]])
    assert torch.allclose(similarity("x").value(lambda _name: twins), torch.ones(2))
    assert torch.equal(similarity("x").value(lambda _name: activation[:1]), torch.zeros(1))


def test_which_compare_pictures() -> None:
    assert (A - 2 * similarity("conv")).compares
    assert not (A + B + C).compares
