import numpy as np
import pytest

from nnviz_widgets.render.colormap import NEAR_BLACK, WHITE
from nnviz_widgets.render.text import draw_text, ink, text_image, text_size, wrap


def contrast(first, second):
    def luminance(colour):
        c = np.array(colour) / 255
        return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]

    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("faint", [False, True])
def test_text_is_legible_on_both_pages(faint):
    assert contrast(ink(False, faint=faint), WHITE) >= 4.5
    assert contrast(ink(True, faint=faint), NEAR_BLACK) >= 4.5


def test_a_line_has_its_colour_and_a_transparent_ground():
    line = text_image("0.82", size=24, colour=(1, 2, 3))
    assert line.shape == (*text_size("0.82", size=24)[::-1], 4)
    assert (line[..., :3] == (1, 2, 3)).all()
    assert line[..., 3].min() == 0
    assert line[..., 3].max() == 255


def test_digits_are_equally_wide():
    assert len({text_size(digit * 5, size=11) for digit in "0123456789"}) == 1


def test_the_glyphs_that_captions_need_are_there():
    missing = text_image("\uffff", size=24, colour=(0, 0, 0))
    for glyph in "−∞×·éèàçœ∂σ":
        drawn = text_image(glyph, size=24, colour=(0, 0, 0))
        assert drawn[..., 3].any()
        assert drawn.shape != missing.shape or (drawn != missing).any()


def test_nothing_to_write_is_an_empty_line():
    assert text_image("", size=20, colour=(0, 0, 0)).shape == (text_size("x", size=20)[1], 0, 4)


def test_draw_text_marks_the_canvas_where_it_is_told():
    canvas = np.zeros((40, 80, 4), dtype=np.uint8)
    draw_text(canvas, "8", 20, 10, size=16, colour=(255, 0, 0), bold=True)
    rows, columns = np.nonzero(canvas[..., 3])
    assert rows.min() >= 10
    assert 20 <= columns.min() < columns.max() < 40


def test_wrap_keeps_the_words_and_the_width():
    text = "features.28 · channel 17 · strongest 3.37 at row 4, column 2"
    lines = wrap(text, size=12, width=150)
    assert " ".join(lines) == text
    assert len(lines) > 1
    assert all(text_size(line, size=12)[0] <= 150 for line in lines)


def test_wrap_of_long_words_and_paragraphs():
    assert wrap("Donaudampfschifffahrt ab", size=12, width=20) == ["Donaudampfschifffahrt", "ab"]
    assert wrap("one\ntwo", size=12, width=500) == ["one", "two"]
    assert wrap("", size=12, width=100) == []
