import numpy as np
import pytest

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.render.colormap import NEAR_BLACK, sequential
from nnviz_widgets.render.figure import MARGIN, Panel, compose
from nnviz_widgets.render.scale import Scale


@pytest.fixture
def panels():
    generator = np.random.default_rng(0)
    photo = generator.integers(0, 256, (30, 40, 3), dtype=np.uint8)
    cells = sequential(generator.random((7, 7)))
    return [Panel(photo, "Photo", smooth=True), Panel(cells, "Grad-CAM", scale=Scale(0, 2.5), label="activation")]


@pytest.mark.parametrize("dark", [False, True])
def test_the_page_has_its_margin(panels, dark):
    page = compose(panels, caption="layer 3", dark=dark)
    assert page.dtype == np.uint8
    assert page.shape[2] == 3
    ground = NEAR_BLACK if dark else (255, 255, 255)
    edge = MARGIN * 2
    for strip in (page[:edge], page[-edge:], page[:, :edge], page[:, -edge:]):
        assert (strip == ground).all()


def test_maps_keep_exact_cells(panels):
    page = compose(panels[1:], height=70, pixel_ratio=1)
    cells = panels[1].image.repeat(10, axis=0).repeat(10, axis=1)
    x = MARGIN
    tops = [y for y in range(page.shape[0] - 69) if (page[y : y + 70, x : x + 70] == cells).all()]
    assert len(tops) == 1


def test_large_mosaics_keep_every_pixel():
    mosaic = np.random.default_rng(1).integers(0, 256, (301, 200, 3), dtype=np.uint8)
    page = compose([Panel(mosaic)], height=100, pixel_ratio=1)
    np.testing.assert_array_equal(page[MARGIN : MARGIN + 301, MARGIN : MARGIN + 200], mosaic)


def test_background(panels):
    assert (compose(panels, background=(1, 2, 3))[0, 0] == (1, 2, 3)).all()
    clear = compose(panels, background=(0, 0, 0, 0))
    assert clear.shape[2] == 4
    assert clear[0, 0, 3] == 0
    assert compose(panels, background=(0, 0, 0, 255)).shape[2] == 3


def test_every_word_finds_room(panels):
    short = compose(panels, caption="one line")
    long = compose(panels, caption="several lines " * 40)
    assert long.shape[0] > short.shape[0]
    assert long.shape[1] == short.shape[1]
    narrow = [Panel(np.zeros((9, 9, 3), dtype=np.uint8), "A title that is longer than its picture is wide")]
    assert compose(narrow).shape[0] > compose([Panel(narrow[0].image, "A title")]).shape[0]
    wide_word = compose([Panel(narrow[0].image, "x" * 200)])
    assert (wide_word[:, -MARGIN * 2 :] == 255).all()


def test_all_that_is_optional_may_be_left_out():
    page = compose([Panel(np.zeros((4, 4, 3), dtype=np.uint8))], height=8, pixel_ratio=1)
    assert page.shape[0] == 8 + 2 * MARGIN


def test_no_panel_is_told():
    with pytest.raises(NnvizError, match="at least one panel"):
        compose([])
