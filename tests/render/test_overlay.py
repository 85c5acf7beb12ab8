import numpy as np
import pytest

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.render.overlay import DARK, LIGHT, blend, double_outline, paste


@pytest.fixture
def pictures():
    return np.random.default_rng(0).integers(0, 256, (2, 6, 8, 3), dtype=np.uint8)


def test_the_ends_of_a_blend_are_exact(pictures):
    photo, heat = pictures
    np.testing.assert_array_equal(blend(photo, heat, 0), photo)
    np.testing.assert_array_equal(blend(photo, heat, 1), heat)


def test_a_blend_is_the_weighted_mean(pictures):
    photo, heat = pictures
    alpha = np.random.default_rng(1).random((6, 8))
    expected = photo * (1 - alpha[..., None]) + heat * alpha[..., None]
    assert np.abs(blend(photo, heat, alpha) - expected).max() <= 0.51


def test_a_blend_wants_equal_sizes(pictures):
    with pytest.raises(NnvizError, match="resize"):
        blend(pictures[0], pictures[1][:3])


def test_the_outline_leaves_its_box_free_and_the_picture_untouched(pictures):
    image = np.random.default_rng(0).integers(1, 255, (40, 50, 3), dtype=np.uint8)
    before = image.copy()
    framed = double_outline(image, (10, 12, 9, 7), thickness=2)
    np.testing.assert_array_equal(image, before)
    np.testing.assert_array_equal(framed[12:19, 10:19], image[12:19, 10:19])
    ring = framed[8:23, 6:23].copy()
    assert (ring[:2] == DARK).all()
    assert (ring[-2:] == DARK).all()
    assert (ring[:, :2] == DARK).all()
    assert (ring[:, -2:] == DARK).all()
    assert (ring[2:4, 2:-2] == LIGHT).all()
    assert (ring[2:-2, -4:-2] == LIGHT).all()
    changed = (framed != image).any(axis=2)
    changed[8:23, 6:23] = False
    assert not changed.any()


@pytest.mark.parametrize("box", [(0, 0, 50, 40), (-30, -30, 200, 200), (45, 35, 5, 5), (0, 0, 1, 1), (49, 0, 1, 40)])
@pytest.mark.parametrize("shade", [0, 255])
def test_both_lines_are_seen_at_every_edge(box, shade):
    framed = double_outline(np.full((40, 50, 4), shade, dtype=np.uint8), box)
    assert (framed == (*LIGHT, 255)).all(axis=2).any()
    assert (framed == (*DARK, 255)).all(axis=2).any()
    assert framed.shape == (40, 50, 4)


def test_an_outline_on_a_picture_too_small_for_it():
    assert double_outline(np.zeros((1, 1, 3), dtype=np.uint8), (0, 0, 1, 1)).shape == (1, 1, 3)


def test_paste_cuts_what_sticks_out():
    canvas = np.zeros((4, 4, 4), dtype=np.uint8)
    patch = np.full((3, 3, 3), 7, dtype=np.uint8)
    paste(canvas, patch, -1, 2)
    paste(canvas, patch, 9, 9)
    expected = np.zeros((4, 4, 4), dtype=np.uint8)
    expected[2:, :2] = (7, 7, 7, 255)
    np.testing.assert_array_equal(canvas, expected)


def test_paste_mixes_by_both_alphas():
    canvas = np.zeros((1, 2, 4), dtype=np.uint8)
    canvas[0, 1] = (0, 0, 200, 255)
    paste(canvas, np.array([[[200, 0, 0, 51], [200, 0, 0, 51]]], dtype=np.uint8), 0, 0)
    np.testing.assert_array_equal(canvas, [[[200, 0, 0, 51], [40, 0, 160, 255]]])
