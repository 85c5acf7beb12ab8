import matplotlib
import numpy as np
import pytest

from nnviz_widgets.render.colormap import (
    CLASS_COLOURS,
    NEAR_BLACK,
    NO_VALUE,
    WHITE,
    classes,
    diverging,
    grey,
    sequential,
    to_uint8,
)

# Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB.
PROTAN = [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
DEUTAN = [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]


def linear(colours):
    c = np.asarray(colours) / 255
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def lab(rgb):
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x, y, z = np.cbrt(np.clip(rgb, 0, 1) @ to_xyz.T / [0.9505, 1, 1.089] + 1e-9).T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def lightness(colours):
    return lab(linear(colours))[..., 0]


def test_sequential_has_the_ends_of_its_table():
    ends = np.rint(matplotlib.colormaps["magma"]([0.0, 1.0])[:, :3] * 255)
    np.testing.assert_array_equal(sequential([0, 1]), ends)


def test_sequential_grows_lighter_all_the_way():
    assert (np.diff(lightness(sequential(np.linspace(0, 1, 256)))) > -0.15).all()


@pytest.mark.parametrize("dark", [False, True])
def test_diverging_is_exactly_neutral_at_zero_only(dark):
    neutral = NEAR_BLACK if dark else WHITE
    np.testing.assert_array_equal(diverging([0.0, -0.0, 1e-4, -1e-4], dark=dark), [neutral] * 4)
    assert (diverging([0.01, -0.01], dark=dark) != neutral).any(axis=1).all()


@pytest.mark.parametrize("dark", [False, True])
def test_the_two_sides_of_diverging_are_equally_light(dark):
    size = np.linspace(0, 1, 128)
    above, below = (lightness(diverging(sign * size, dark=dark)) for sign in (1, -1))
    assert np.abs(above - below).max() < 6
    steps = np.diff(above) * (1 if dark else -1)
    assert (steps > -0.3).all()  # away from zero it goes one way, but for rounding
    assert abs(above[-1] - above[0]) > 60


def test_diverging_says_the_sign_by_red_and_blue():
    above, below = diverging([0.6, -0.6]).astype(int)
    assert above[0] > above[2] + 50
    assert below[2] > below[0] + 50


@pytest.mark.parametrize("paint", [sequential, diverging, grey])
def test_a_map_is_a_table_of_its_values(paint):
    values = np.random.default_rng(0).uniform(-1.2, 1.2, (5, 4, 3))
    painted = paint(values)
    assert painted.shape == (5, 4, 3, 3)
    assert painted.dtype == np.uint8
    np.testing.assert_array_equal(painted, [[[paint(v) for v in row] for row in plane] for plane in values])


@pytest.mark.parametrize("paint", [sequential, diverging, grey, lambda v: diverging(v, dark=True)])
def test_what_has_no_value_has_its_own_colour(paint):
    painted = paint([np.nan, np.inf, -np.inf, 1, -1, 0])
    assert tuple(painted[0]) == NO_VALUE
    np.testing.assert_array_equal(painted[1], painted[3])
    np.testing.assert_array_equal(painted[2], painted[4])
    everything = paint(np.linspace(-1, 1, 1001)).astype(int)
    assert np.abs(everything - NO_VALUE).max(axis=1).min() >= 20


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, np.int64, bool])
def test_every_kind_of_number_is_painted(kind):
    np.testing.assert_array_equal(grey(np.array([0, 1], dtype=kind)), [[0] * 3, [255] * 3])


def test_far_outside_is_the_end():
    np.testing.assert_array_equal(grey(np.array([3e38, -3e38], dtype=np.float32)), [[255] * 3, [0] * 3])


def test_to_uint8_rounds_and_clips():
    values = np.array([[0, 1, 0.5, 2], [-1, np.nan, 1 / 255, 254.4 / 255]], dtype=np.float32)
    np.testing.assert_array_equal(to_uint8(values), [[0, 255, 128, 255], [0, 0, 1, 254]])


def test_class_colours_start_again_and_none_is_told():
    count = len(CLASS_COLOURS)
    painted = classes([[0, count - 1], [count, -1]])
    np.testing.assert_array_equal(painted, [[CLASS_COLOURS[0], CLASS_COLOURS[-1]], [CLASS_COLOURS[0], NO_VALUE]])


def test_class_colours_are_told_apart_by_everyone():
    rgb = linear([*CLASS_COLOURS, WHITE, NEAR_BLACK])
    for seen in (rgb, rgb @ np.transpose(PROTAN), rgb @ np.transpose(DEUTAN)):
        apart = np.linalg.norm(lab(seen)[:, None] - lab(seen)[None], axis=-1)
        assert apart[np.triu_indices(len(rgb), 1)].min() > 9
        assert apart[:7, :7][np.triu_indices(7, 1)].min() > 12


def test_tables_cannot_be_changed_from_outside():
    painted = sequential([0.0])
    painted[:] = 9
    assert tuple(sequential([0.0])[0]) != (9, 9, 9)
