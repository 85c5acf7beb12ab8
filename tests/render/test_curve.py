import numpy as np
import pytest

from nnviz_widgets.render.curve import LINES, Mark, curve

SIZE = {"width": 200, "height": 100}


def line_of(pixels, dark=False):
    """Where the line is, as fractions of the picture: (columns, rows)."""
    rows, columns = np.nonzero((pixels[..., :3] == LINES[dark]).all(axis=2) & (pixels[..., 3] > 200))
    return columns / pixels.shape[1], rows / pixels.shape[0]


@pytest.mark.parametrize("dark", [False, True])
def test_it_is_transparent_and_of_the_size_asked_for(dark):
    pixels = curve([0.0, 1.0], last=1, dark=dark, **SIZE)
    assert (pixels.shape, pixels.dtype) == ((200, 400, 4), np.uint8)
    assert (pixels[..., 3] == 0).mean() > 0.8
    assert len(line_of(pixels, dark)[0]) > 100


def test_a_line_goes_up_as_its_values_do_and_ends_where_they_end():
    columns, rows = line_of(curve(np.arange(51.0), last=100, **SIZE))
    assert np.corrcoef(columns, rows)[0, 1] < -0.99
    assert 0.5 < columns.max() < 0.6  # the axis ends at twice as many steps


def test_a_gap_where_there_is_no_number():
    values = np.ones(100)
    values[40:60] = np.nan
    columns, _ = line_of(curve(values, last=99, **SIZE))
    whole, _ = line_of(curve(np.ones(100), last=99, **SIZE))
    assert np.histogram(columns, 20)[0].min() == 0
    assert np.histogram(whole, 20)[0].min() > 0


@pytest.mark.parametrize("filled", [False, True])
def test_a_mark_is_seen_at_its_step(filled):
    values = np.zeros(101)
    plain, marked = (curve(values, last=100, marks=marks, **SIZE) for marks in ((), (Mark(75, filled=filled),)))
    columns = np.nonzero((plain != marked).any(axis=(0, 2)))[0]
    assert 0.65 < columns.mean() / plain.shape[1] < 0.85
    assert len(columns) < 40
    np.testing.assert_array_equal(curve(values, last=100, marks=(Mark(500),), **SIZE), plain)


@pytest.mark.parametrize("values", [[], [3.0], [0.0, 0.0], [np.nan, np.inf], [-1e-12, 1e-12], [1e9, 2e9], [-7.0, -3.0]])
def test_any_values_can_be_drawn(values):
    assert curve(values, last=10, **SIZE)[..., 3].any()
