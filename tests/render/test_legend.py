import numpy as np

from nnviz_widgets.render.legend import LINE, legend

MARKS = [((230, 159, 0), "tabby", "78 %"), ((86, 180, 233), "lion", "22 %"), (None, "and 3 others", "")]


def test_each_line_has_its_colour_and_words():
    page = legend(MARKS, height=560)
    assert page.shape[0] == 560
    lines = [page[row * LINE * 2 : (row + 1) * LINE * 2] for row in range(3)]
    for line, (colour, *_) in zip(lines, MARKS, strict=True):
        spots = (line == (*(colour or (1, 2, 3)), 255)).all(2).sum()
        assert (spots > 400) == (colour is not None)
        assert (line[:, 40:, 3] > 0).any()
    assert not page[3 * LINE * 2 :].any()


def test_light_words_on_a_dark_page():
    light, dark = legend(MARKS, height=200), legend(MARKS, height=200, dark=True)
    words = np.s_[:, 34:60]
    assert dark[words][..., :3].max() > 200 > light[words][..., :3][light[words][..., 3] > 200].max()


def test_lines_without_room_are_left_out():
    assert legend(MARKS * 30, height=100).shape[0] == 100
