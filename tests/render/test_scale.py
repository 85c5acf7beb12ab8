import numpy as np
import pytest

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.render.colormap import NO_VALUE, diverging, sequential
from nnviz_widgets.render.scale import Scale, apply, colourise, per_map, scale_of


def test_without_negatives_from_zero_to_the_maximum():
    assert scale_of([[1.0, 4.0], [2.0, 0.5]]) == Scale(0.0, 4.0, False)


def test_with_negatives_symmetric():
    assert scale_of([1.0, -4.0]) == Scale(-4.0, 4.0, True)


def test_the_caller_may_settle_the_sign():
    assert scale_of([1.0, 2.0], signed=True) == Scale(-2.0, 2.0, True)
    assert scale_of([-5.0, 2.0], signed=False) == Scale(0.0, 2.0, False)


def test_numbers_that_are_none_do_not_count():
    assert scale_of([np.nan, np.inf, -np.inf, 2.0]) == Scale(0.0, 2.0, False)
    assert scale_of([np.nan, np.nan]) == Scale(0.0, 0.0, False)
    assert scale_of([]) == Scale(0.0, 0.0, False)


def test_a_percentile_leaves_outliers_out():
    values = np.append(np.arange(1.0, 101.0), 1e6)
    assert scale_of(values, clip_percentile=99).high == pytest.approx(100)
    assert scale_of(-values, clip_percentile=99).low == pytest.approx(-100)


def test_a_percentile_of_an_almost_empty_map_is_its_maximum():
    values = np.zeros(1000)
    values[3] = 7
    assert scale_of(values, clip_percentile=99).high == 7


def test_per_map_is_scale_of_each():
    maps = np.random.default_rng(0).normal(size=(6, 4, 5))
    maps[2] = 0
    expected = tuple(scale_of(m, signed=True) for m in maps)
    assert per_map(maps) == expected
    assert per_map(maps, clip_percentile=90) == tuple(scale_of(m, signed=True, clip_percentile=90) for m in maps)


def test_one_negative_map_makes_all_signed():
    maps = np.ones((2, 2, 2))
    maps[1, 0, 0] = -3
    assert per_map(maps) == (Scale(-1, 1, True), Scale(-3, 3, True))


def test_apply_places_and_clips():
    np.testing.assert_allclose(apply([0, 1, 2, 5, -1], Scale(0, 2)), [0, 0.5, 1, 1, 0])
    np.testing.assert_allclose(apply([0, 1, -1, -9], Scale(-2, 2, True)), [0, 0.5, -0.5, -1])
    np.testing.assert_allclose(apply([10, 15, 20], Scale(10, 20)), [0, 0.5, 1])
    assert np.isnan(apply([np.nan], Scale(0, 1)))[0]


def test_apply_with_a_scale_each_is_apply_to_each():
    maps = np.random.default_rng(1).normal(size=(4, 3, 2)).astype(np.float32)
    scales = per_map(maps)
    placed = apply(maps, scales)
    assert placed.dtype == np.float32
    np.testing.assert_array_equal(placed, [apply(m, s) for m, s in zip(maps, scales, strict=True)])
    assert np.abs(placed).max(axis=(1, 2)).tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_an_empty_map_is_zero_without_a_warning(signed, kind):
    zeros = np.zeros((2, 3, 3), dtype=kind)
    assert not apply(zeros, per_map(zeros, signed=signed)).any()
    assert not apply(zeros, scale_of(zeros, signed=signed)).any()


def test_a_constant_map_is_its_maximum():
    assert (apply(np.full((3, 3), 5.0), scale_of(np.full((3, 3), 5.0))) == 1).all()


@pytest.mark.parametrize("size", [1e-30, 1e-7, 1e7, 1e37])
def test_tiny_and_huge_values_fill_the_scale(size):
    values = np.array([0, 0.5, 1], dtype=np.float32) * np.float32(size)
    np.testing.assert_allclose(apply(values, scale_of(values)), [0, 0.5, 1], rtol=1e-5)


def test_subnormal_and_overflowing_values_do_no_harm():
    values = np.array([1e-45, 3e38], dtype=np.float32)
    assert np.isfinite(apply(values, Scale(0, 1e-45))).all()
    np.testing.assert_array_equal(apply(values, Scale(0, 1e-30)), [np.float32(1e-45) / np.float32(1e-30), 1])


def test_the_input_stays_as_it_was():
    values = np.array([1.0, -2.0])
    apply(values, scale_of(values))
    colourise(values, scale_of(values))
    np.testing.assert_array_equal(values, [1.0, -2.0])


def test_colourise_takes_the_map_of_the_scale():
    np.testing.assert_array_equal(colourise([1.0, 2.0], Scale(0, 2)), sequential([0.5, 1]))
    np.testing.assert_array_equal(
        colourise([1.0, -2.0], Scale(-2, 2, True), dark=True), diverging([0.5, -1], dark=True)
    )
    maps = np.array([[[1.0, np.nan]], [[-4.0, 2.0]]])
    painted = colourise(maps, per_map(maps))
    np.testing.assert_array_equal(painted, [[[diverging(1), NO_VALUE]], [[diverging(-1), diverging(0.5)]]])


def test_shapes_that_do_not_fit_are_told():
    with pytest.raises(NnvizError, match="expected"):
        per_map(np.zeros((3, 3)))
    with pytest.raises(NnvizError, match="expected"):
        apply(np.zeros((3, 2, 2)), per_map(np.zeros((2, 2, 2))))
