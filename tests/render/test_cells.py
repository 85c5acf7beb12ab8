"""Maps as rectangles."""

from __future__ import annotations

import numpy as np
import pytest

from nnviz_widgets.render.cells import MOST, Cells, cells


def painted(found: Cells, width: int, height: int) -> np.ndarray:
    """The rectangles on a canvas; each pixel may be painted once."""
    canvas = np.full((height, width, 3), 255, dtype=np.int32)
    times = np.zeros((height, width), dtype=int)
    for x, y, w, h, colour in zip(found.x, found.y, found.width, found.height, found.colours, strict=True):
        canvas[y : y + h, x : x + w] = colour
        times[y : y + h, x : x + w] += 1
    assert (times == 1).all()
    return canvas


@pytest.mark.parametrize("shape", [(7, 7), (1, 1), (5, 9), (12, 12), (64, 64)])
def test_they_cover_the_pane_with_the_cells_colours(shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 3, (*shape, 3)).astype(np.uint8)
    canvas = painted(cells(pixels, 560, 560), 560, 560)
    rows = ((np.arange(shape[0]) + 0.5) * 560 / shape[0]).astype(int)
    columns = ((np.arange(shape[1]) + 0.5) * 560 / shape[1]).astype(int)
    np.testing.assert_array_equal(canvas[rows[:, None], columns], pixels)


def test_one_colour_is_one_rectangle_a_row() -> None:
    pixels = np.zeros((4, 6, 3), np.uint8)
    assert len(cells(pixels, 60, 40).x) == 4
    pixels[2, 3] = 9
    found = cells(pixels, 60, 40)
    assert found.width.tolist() == [60, 60, 30, 10, 20, 60]
    assert found.colours.dtype == np.uint8


@pytest.mark.parametrize("shape", [(65, 64, 3), (8, 8, 4), (50, 8, 3), (8, 8)])
def test_what_a_picture_file_serves_better_is_left_to_it(shape: tuple[int, ...]) -> None:
    assert MOST < 65 * 64
    assert cells(np.zeros(shape, np.uint8), 40, 40) is None
