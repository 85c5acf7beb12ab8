import numpy as np
import pytest

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.render.mosaic import Grid, layout, paint, shrink

CASES = [(1, 7, 7), (6, 7, 7), (64, 14, 14), (512, 28, 28), (33, 5, 9), (64, 112, 112), (5, 300, 40), (2048, 1, 1)]


@pytest.mark.parametrize(("count", "height", "width"), CASES)
@pytest.mark.parametrize("room", [300, 900, 1800])
def test_layout_keeps_its_promises(count, height, width, room):
    grid = layout(count, height, width, width=room)
    assert grid.width <= room
    assert grid.count == count <= grid.rows * grid.columns
    assert (grid.rows - 1) * grid.columns < count  # no row is empty
    assert min(grid.tile_height, grid.tile_width) >= 24
    if grid.zoom >= 1:
        assert grid.zoom == int(grid.zoom)
        assert (grid.tile_height, grid.tile_width) == (height * grid.zoom, width * grid.zoom)
    else:
        assert max(height, width) > 24


def test_the_largest_tiles_that_fit():
    grid = layout(64, 14, 14, width=900)
    assert (grid.rows, grid.columns, grid.zoom) == (8, 8, 7)
    assert layout(64, 14, 14, width=900, height=300).height <= 300
    assert layout(4, 14, 14, width=900, max_tile=60).zoom == 4


def test_a_map_is_reduced_only_where_it_is_larger_than_its_room():
    assert layout(4, 100, 100, width=900).zoom == 1
    grid = layout(64, 224, 224, width=900)
    assert grid.zoom < 1
    assert max(grid.height, grid.width) <= 900


def test_many_maps_grow_downwards_and_keep_the_smallest_tile():
    grid = layout(2048, 7, 7, width=300)
    assert grid.tile_height == 28
    assert grid.height > 300


def test_a_room_narrower_than_a_tile_is_not_passed():
    grid = layout(3, 2, 100, width=50)
    assert (grid.width, grid.columns) == (50, 1)


@pytest.mark.parametrize(("count", "height", "width"), [(0, 7, 7), (3, 0, 7)])
def test_no_map_is_told(count, height, width):
    with pytest.raises(NnvizError, match="at least one"):
        layout(count, height, width, width=900)


def test_tile_at_and_box_are_inverse():
    grid = Grid(7, 2, 4, 5, 3, 1, gap=2)
    owner = np.full((grid.height + 4, grid.width + 4), -1)
    for index in range(grid.count):
        x, y, w, h = grid.box(index)
        assert (w, h) == (3, 5)
        assert (owner[y : y + h, x : x + w] == -1).all()
        owner[y : y + h, x : x + w] = index
    for y in range(owner.shape[0]):
        for x in range(owner.shape[1]):
            found = grid.tile_at(x, y)
            assert (-1 if found is None else found) == owner[y, x]


def test_outside_is_no_tile():
    grid = layout(5, 7, 7, width=200)
    assert grid.tile_at(-0.5, 3) is None
    assert grid.tile_at(3, -1) is None
    assert grid.tile_at(0.5, 0.5) == 0
    for index in (-1, 5):
        with pytest.raises(IndexError):
            grid.box(index)


def slow_paint(grid, tiles, background):
    picture = np.zeros((grid.height, grid.width, 4), dtype=np.uint8)
    picture[:] = background
    for index, tile in enumerate(tiles):
        left, top, width, height = grid.box(index)
        for y in range(height):
            for x in range(width):
                colour = tile[y * tile.shape[0] // height, x * tile.shape[1] // width]
                picture[top + y, left + x] = (*colour, 255)
    return picture


@pytest.mark.parametrize(("count", "height", "width"), [(1, 7, 7), (7, 3, 5), (11, 9, 4), (30, 24, 30)])
@pytest.mark.parametrize("background", [(0, 0, 0, 0), (9, 8, 7, 255)])
def test_paint_is_its_slow_twin(count, height, width, background):
    tiles = np.random.default_rng(0).integers(0, 256, (count, height, width, 3), dtype=np.uint8)
    grid = layout(count, height, width, width=150, gap=2)
    np.testing.assert_array_equal(paint(grid, tiles, background=background), slow_paint(grid, tiles, background))


def test_paint_reduces_by_area():
    tiles = np.random.default_rng(1).integers(0, 256, (3, 50, 100, 3), dtype=np.uint8)
    grid = layout(3, 50, 100, width=160, max_tile=50)
    assert grid.zoom == 0.5
    picture = paint(grid, tiles)
    for index, tile in enumerate(tiles):
        x, y, w, h = grid.box(index)
        mean = tile.reshape(h, 2, w, 2, 3).mean(axis=(1, 3))
        assert np.abs(picture[y : y + h, x : x + w, :3] - mean).max() <= 0.501


def test_shrink_averages_values_and_paint_takes_them_as_they_are():
    maps = np.random.default_rng(2).normal(size=(3, 50, 100)).astype(np.float32)
    grid = layout(3, 50, 100, width=160, max_tile=50)
    small = shrink(grid, maps)
    np.testing.assert_allclose(small, maps.reshape(3, 25, 2, 50, 2).mean(axis=(2, 4)), atol=1e-6)
    pixels = np.repeat((np.clip(small, 0, 1) * 255).astype(np.uint8)[..., None], 3, axis=-1)
    x, y, w, h = grid.box(2)
    np.testing.assert_array_equal(paint(grid, pixels)[y : y + h, x : x + w, :3], pixels[2])
    assert shrink(layout(3, 7, 7, width=100), maps[:, :7, :7]).shape == (3, 7, 7)


def test_paint_wants_as_many_tiles_as_the_grid():
    with pytest.raises(NnvizError, match="expected"):
        paint(layout(3, 7, 7, width=100), np.zeros((2, 7, 7, 3), dtype=np.uint8))
