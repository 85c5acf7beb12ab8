"""The parts of a map: where points lie on the pane, which pictures find room, marks, loops."""

import numpy as np
import pytest

from nnviz_widgets.images.image_set import ImageSet
from nnviz_widgets.widgets.embedding_map_lasso import inside
from nnviz_widgets.widgets.embedding_map_marks import (
    FAINT,
    SHAPES,
    class_codes,
    class_palette,
    colour_of,
    luminance,
    paint_marks,
    seam_colours,
    shape_of,
)
from nnviz_widgets.widgets.embedding_map_thumbnails import Thumbnails, with_room
from nnviz_widgets.widgets.embedding_map_viewport import Viewport, normalised, on_grid


def test_points_keep_their_proportions():
    points = np.array([[0, 0], [10, 5], [4, 2]], np.float32)
    assert normalised(points).tolist() == [[-0.5, -0.25], [0.5, 0.25], pytest.approx([-0.1, -0.05])]
    assert normalised(points[:1]).tolist() == [[0, 0]]


def test_a_grid_fills_the_map_with_square_cells():
    cells = np.array([[0, 0], [0, 3], [2, 3]])
    assert on_grid(cells).tolist() == [[-0.375, -0.25], [0.375, -0.25], [0.375, 0.25]]


def test_the_way_to_the_pane_and_zooming_around_a_point():
    view = Viewport(400, 300)
    assert view.to_pane([[0, 0]]).tolist() == [[200, 150]]
    assert view.to_pane([[0.5, 0]])[0, 0] == pytest.approx(200 + 150 * 0.92)
    closer = view.zoomed(3, 250, 100)
    there = np.array([[(250 - 200) / view.scale, (100 - 150) / view.scale]])
    assert closer.to_pane(there)[0] == pytest.approx([250, 100], abs=1e-3)
    assert view.zoomed(1e9, 0, 0).zoom == 400
    assert view.zoomed(1e-9, 0, 0).zoom == 0.5
    assert abs(view.panned(1e6, -1e6).x) <= 0.6


def test_pictures_that_find_room_stay_while_the_map_is_moved():
    points = (np.random.default_rng(0).random((2000, 2)) - 0.5).astype(np.float32)
    every = np.ones(2000, bool)
    chosen = with_room(points, every, 400, 30)
    assert 50 < len(chosen) < 1500
    assert len(with_room(points, every, 3200, 30)) > len(chosen)
    right = points[:, 0] > 0  # what is in sight decides nothing for the rest, but at the edge
    among = set(with_room(points, right, 400, 30).tolist())
    assert len(among - set(chosen.tolist())) < 0.2 * len(among)


@pytest.mark.parametrize("label", range(45))
def test_no_two_classes_have_the_same_mark(label):
    for dark in (False, True):
        marks = [(colour_of(i, dark=dark), shape_of(i)) for i in range(label)]
        assert (colour_of(label, dark=dark), shape_of(label)) not in marks


def test_on_a_dark_page_every_class_is_seen():
    page = luminance(17, 17, 17) + 0.05
    assert all((luminance(*colour_of(label, dark=True)) + 0.05) / page >= 3 for label in range(20))
    assert colour_of(0, dark=True) == colour_of(0)  # light enough as it is
    assert luminance(255, 255, 255) == pytest.approx(1)


def test_marks_are_painted_in_their_colour_and_faint_ones_below():
    places = np.array([[20, 20], [20, 20], [50, 30]], np.float32)
    codes = class_codes((0, 1, None))
    codes[1] = FAINT
    palette = class_palette(dark=False)
    sheet = paint_marks(places, codes, np.zeros(3, np.uint8), palette, 4, 60, 80)
    assert sheet.shape == (60, 80, 4)
    assert sheet[20, 20].tolist() == [*colour_of(0), 255]
    assert sheet[30, 50].tolist() == [*colour_of(None), 255]
    assert sheet[5, 5, 3] == 0


@pytest.mark.parametrize("shape", range(len(SHAPES)))
def test_marks_at_the_edge_are_cut(shape):
    places = np.array([[0, 0], [79, 59], [-3, 30], [1e7, -1e7]], np.float32)
    palette = class_palette(dark=True)
    sheet = paint_marks(places, np.zeros(4, np.uint8), np.full(4, shape, np.uint8), palette, 5, 60, 80)
    assert sheet[0, 0, 3] == 255
    assert sheet[59, 79, 3] == 255
    assert sheet[10:50, 10:70, 3].max() == 0


def test_seams_go_from_grey_to_red():
    low, high = seam_colours(np.array([0.0, 1.0])).astype(int)
    assert len(set(low.tolist())) == 1
    assert high[0] > 4 * high[1]


def test_a_loop_holds_what_is_inside():
    from matplotlib.path import Path

    points = np.random.default_rng(0).random((500, 2)).astype(np.float32)
    loop = [(0.1, 0.1), (0.9, 0.2), (0.5, 0.5), (0.8, 0.9), (0.2, 0.7)]
    assert np.array_equal(inside(loop, points), Path(loop).contains_points(points))
    assert not inside(loop[:2], points).any()
    assert not inside([], points).any()


def test_thumbnails_are_decoded_once_and_the_oldest_go(monkeypatch):
    monkeypatch.setattr("nnviz_widgets.widgets.embedding_map_thumbnails.KEPT", 3)
    images = ImageSet(np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3), np.uint8))
    thumbnails = Thumbnails(images, (5, 4, 3, 2, 1, 0))
    assert thumbnails.get(0, 24) is None
    assert not thumbnails.load(range(3), 24, 60)
    assert np.array_equal(thumbnails.get(0, 24)[::3, ::3], images.thumbnail(5, 24))
    thumbnails.now(3, 24)
    assert thumbnails.get(1, 24) is None
    assert thumbnails.get(0, 24) is not None  # it was looked at since
