import numpy as np
import pytest

from nnviz_widgets.widgets.scene import RATIO
from nnviz_widgets.widgets.tiles import Tiles, tile_grid

SHEETS = [(1, 1, 1), (6, 16, 16), (7, 5, 3), (64, 7, 7), (96, 55, 55), (512, 7, 7), (3, 112, 112), (20, 1, 9)]


def tiles_of(count, rows, columns, width=430, height=300):
    grid = tile_grid(count, rows, columns, width=width, height=height)
    shade = np.arange(count, dtype=np.uint8)[:, None, None, None]
    return Tiles.painted(grid, np.broadcast_to(shade, (count, grid.tile_height, grid.tile_width, 3)).copy())


@pytest.mark.parametrize("sheet", SHEETS, ids=str)
def test_every_tile_is_found_where_it_lies(sheet):
    tiles = tiles_of(*sheet)
    for index in range(sheet[0]):
        x, y, w, h = tiles.box(index)
        inset = 0.25 / RATIO
        for px in (x + inset, x + w / 2, x + w - inset):
            for py in (y + inset, y + h / 2, y + h - inset):
                assert tiles.at(px, py) == index
        assert tiles.at(x + w + inset, y + h / 2) is None  # the gap
        pixel = tiles.bitmap.pixels[int((y + h / 2) * RATIO), int((x + w / 2) * RATIO)]
        assert pixel.tolist() == [index % 256] * 3 + [255]


@pytest.mark.parametrize("sheet", SHEETS, ids=str)
def test_tiles_fit_the_width_and_are_seen(sheet):
    tiles = tiles_of(*sheet)
    assert tiles.grid.width <= 430 * RATIO
    assert tiles.bitmap.pixels.shape[:2] == (tiles.grid.height, tiles.grid.width)
    width, height = tiles.size
    assert 0 <= width * RATIO - tiles.grid.width <= 2
    assert 0 <= height * RATIO - tiles.grid.height <= 2
    if max(sheet[1:]) == min(sheet[1:]):
        assert tiles.grid.tile_width >= 24 * RATIO


def test_points_outside_are_no_tile():
    tiles = tiles_of(7, 5, 5)
    width, height = tiles.grid.width / RATIO, tiles.grid.height / RATIO
    for x, y in [(-0.1, 1), (1, -0.1), (width + 0.1, 1), (1, height + 0.1), (1e9, 1e9)]:
        assert tiles.at(x, y) is None
        assert tiles.cell_at(x, y, 5, 5) is None


@pytest.mark.parametrize(("rows", "columns"), [(5, 3), (7, 7), (1, 1), (1, 9)])
def test_every_cell_is_found_where_it_lies(rows, columns):
    tiles = tiles_of(11, rows, columns)
    for index in (0, 4, 10):
        x, y, w, h = tiles.box(index)
        for row in range(rows):
            for col in range(columns):
                point = x + w * (col + 0.5) / columns, y + h * (row + 0.5) / rows
                assert tiles.cell_at(*point, rows, columns) == (index, row, col)
        assert tiles.cell_at(x + w - 1e-9, y + h - 1e-9, rows, columns) == (index, rows - 1, columns - 1)


def test_the_rest_of_the_last_row_is_page():
    tiles = tiles_of(7, 16, 16)
    assert tiles.grid.rows * tiles.grid.columns > 7
    x, y, w, _ = tiles.grid.box(6)
    assert (tiles.bitmap.pixels[y:, x + w :] == 0).all()


@pytest.mark.parametrize("count", [1, 6, 7, 64])
def test_keys_lead_to_neighbours_and_stop_at_the_edges(count):
    tiles = tiles_of(count, 16, 16)
    columns = tiles.grid.columns
    for index in range(count):
        moved = {key: tiles.step(index, key) for key in ("ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown")}
        assert all(0 <= target < count for target in moved.values())
        assert moved["ArrowLeft"] == max(index - 1, 0)
        assert moved["ArrowRight"] == min(index + 1, count - 1)
        assert moved["ArrowUp"] == (index - columns if index >= columns else index)
        assert moved["ArrowDown"] == (index + columns if index + columns < count else index)
        for there, back in (("ArrowLeft", "ArrowRight"), ("ArrowUp", "ArrowDown")):
            if moved[there] != index:
                assert tiles.step(moved[there], back) == index
        assert (tiles.step(index, "Home"), tiles.step(index, "End")) == (0, count - 1)
        assert tiles.step(index, "Escape") == index


def test_the_chosen_tile_is_outlined():
    tiles = tiles_of(6, 16, 16)
    assert tiles.scene().outlines == ()
    assert tiles.scene(3).outlines == (tiles.box(3),)
    assert tiles.scene(3).base.bitmap is tiles.scene(4).base.bitmap
