import numpy as np
import pytest

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.render.resize import enlarge_sharp, reduce_area, resize_smooth


def test_sharp_cells_are_rectangles():
    cells = np.arange(6).reshape(2, 3)
    np.testing.assert_array_equal(enlarge_sharp(cells, 4, 9), cells.repeat(2, axis=0).repeat(3, axis=1))
    picture = np.random.default_rng(0).integers(0, 256, (2, 3, 4), dtype=np.uint8)
    larger = enlarge_sharp(picture, 5, 7)
    assert larger.shape == (5, 7, 4)
    assert larger.dtype == np.uint8
    np.testing.assert_array_equal(larger[[0, -1]][:, [0, -1]], picture[[0, -1]][:, [0, -1]])


@pytest.mark.parametrize("channels", [(), (3,), (4,)])
def test_smooth_pictures(channels):
    picture = np.full((4, 6, *channels), 200, dtype=np.uint8)
    np.testing.assert_array_equal(resize_smooth(picture, 8, 3), np.full((8, 3, *channels), 200))


def test_smooth_maps_keep_their_values():
    values = np.array([[-2.5, 1e4], [0.25, 3.0]])
    larger = resize_smooth(values, 40, 40)
    assert larger.dtype == np.float32
    assert larger[0, 0] == pytest.approx(-2.5)
    assert larger[-1, -1] == pytest.approx(3.0)
    assert (np.diff(larger[0]) >= 0).all()


def test_transparent_pixels_do_not_bleed():
    picture = np.array([[[255, 0, 0, 255], [0, 255, 0, 0]]], dtype=np.uint8)
    seen = resize_smooth(picture, 1, 16)
    assert (seen[seen[..., 3] > 8][:, 1] <= 8).all()


def test_smooth_refuses_what_is_neither():
    with pytest.raises(NnvizError, match="expected"):
        resize_smooth(np.zeros((2, 2, 3)), 4, 4)


def slow_area(plane, height, width):
    rows, columns = plane.shape
    result = np.zeros((height, width))
    for i in range(height):
        for j in range(width):
            for r in range(rows):
                for c in range(columns):
                    tall = min((i + 1) * rows / height, r + 1) - max(i * rows / height, r)
                    wide = min((j + 1) * columns / width, c + 1) - max(j * columns / width, c)
                    result[i, j] += max(tall, 0) * max(wide, 0) * plane[r, c]
    return result * height * width / rows / columns


@pytest.mark.parametrize(("old", "new"), [((8, 6), (4, 3)), ((7, 11), (3, 4)), ((5, 9), (5, 8)), ((3, 3), (1, 1))])
def test_reduce_area_is_its_slow_twin(old, new):
    maps = np.random.default_rng(0).normal(size=(2, *old))
    expected = [slow_area(plane, *new) for plane in maps]
    np.testing.assert_allclose(reduce_area(maps, *new), expected, atol=1e-6)


def test_reduce_area_keeps_the_mean_at_every_ratio():
    maps = np.random.default_rng(1).random((1, 224, 224))
    for side in (223, 111, 112, 75, 49, 24):
        assert reduce_area(maps, side, side).mean() == pytest.approx(maps.mean(), rel=1e-5)


@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
def test_only_the_cells_that_cover_it_lose_their_value(broken):
    maps = np.ones((1, 6, 6))
    maps[0, 0, 0] = broken
    small = reduce_area(maps, 3, 3)
    assert np.isnan(small[0, 0, 0])
    np.testing.assert_allclose(small[0].ravel()[1:], 1, atol=1e-6)
