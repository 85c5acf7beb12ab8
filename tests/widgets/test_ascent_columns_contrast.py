"""Faint pictures are shown with more contrast, others as they are; the factor is told."""

import numpy as np
import pytest

from nnviz_widgets.widgets.ascent_columns_contrast import MOST, stretched

MEAN = (0.5, 0.4, 0.3)


def faint(spread, colours=3):
    noise = np.random.default_rng(0).uniform(-spread, spread, (32, 32, colours))
    return (np.array(MEAN[:colours]) + noise).astype(np.float32)


def test_a_faint_picture_reaches_far_in_its_own_colours():
    pixels, factor = stretched(faint(0.03), MEAN)
    assert factor == pytest.approx(0.45 / 0.03, rel=0.02)
    np.testing.assert_allclose(pixels.mean((0, 1)) / 255, MEAN, atol=0.03)
    assert pixels.max() > 230
    assert pixels.dtype == np.uint8


def test_a_strong_picture_stays():
    image = np.random.default_rng(1).random((16, 16, 3), dtype=np.float32)
    pixels, factor = stretched(image, MEAN)
    assert factor == 1
    assert np.array_equal(pixels, np.rint(255 * image))


def test_there_is_an_end_to_it():
    assert stretched(faint(1e-5), MEAN)[1] == MOST
    flat, factor = stretched(np.full((4, 4, 1), 0.5, np.float32), (0.5,))
    assert factor == 1
    assert flat.shape == (4, 4, 3)
