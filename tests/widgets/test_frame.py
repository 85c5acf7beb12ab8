import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from nnviz_widgets.render.scale import Scale, colours_of
from nnviz_widgets.widgets.frame import Frame, colour_bar
from nnviz_widgets.widgets.surface import Surface
from tests.widgets.conftest import html_of

NASTY = "<img src=x onerror=alert(1)> & \"'"


@pytest.fixture
def surface():
    surface = Surface({"map": (100, 80)})
    yield surface
    surface.close()


def bar_pixels(html):
    source = re.search(r"base64,([^\"]+)", html)[1]
    with Image.open(io.BytesIO(base64.b64decode(source))) as picture:
        return np.asarray(picture.convert("RGB"))[:, 0]


def test_words_are_shown_as_they_are(surface):
    frame = Frame(surface, "map", bar=True)
    frame.say(NASTY, NASTY)
    frame.show_bar(Scale(0, 1), NASTY, colours_of(Scale(0, 1)))
    for value in html_of(frame.box):
        assert "<img src=x" not in value
        assert "&lt;img src=x" in value
    frame.say_below("other")
    assert "other" in frame.caption.value
    assert "&lt;img" in frame.title.value


def test_a_frame_without_a_bar_has_no_room_for_one(surface):
    frame = Frame(surface, "map")
    frame.show_bar(Scale(0, 1), "activation", colours_of(Scale(0, 1)))
    assert "nnviz-bar" not in "".join(html_of(frame.box))


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("scale", [Scale(0, 2.5), Scale(-3, 3, signed=True)], ids=["sequential", "signed"])
def test_the_bar_has_the_colours_of_the_map_from_top_to_bottom(scale, dark):
    paint = colours_of(scale, dark=dark)
    pixels = bar_pixels(colour_bar(scale, "activation", paint, height=100))
    assert pixels[0].tolist() == paint(np.array(1.0)).tolist()
    assert pixels[-1].tolist() == paint(np.array(-1.0 if scale.signed else 0.0)).tolist()


def test_the_bar_has_real_numbers_at_their_places():
    html = colour_bar(Scale(0, 2.5), "activation", colours_of(Scale(0, 2.5)), height=100)
    marks = {text: float(top) for top, text in re.findall(r'top:([\d.]+)%">([^<]+)<', html)}
    assert len(marks) >= 3
    for text, top in marks.items():
        assert float(text) == pytest.approx(2.5 * (1 - top / 100), abs=0.02)
    assert "activation" in html
    assert "height:100px" in html


def test_the_bar_is_built_anew_only_when_it_changes(surface, monkeypatch):
    frame, paint = Frame(surface, "map", bar=True), colours_of(Scale(0, 1))
    frame.show_bar(Scale(0, 1), "activation", paint)
    first = frame.bar.value
    monkeypatch.setattr("nnviz_widgets.widgets.frame.colour_bar", lambda *_, **__: "new")
    frame.show_bar(Scale(0, 1), "activation", paint)
    assert frame.bar.value == first
    frame.show_bar(Scale(0, 2), "activation", paint)
    assert frame.bar.value == "new"


def test_a_bar_of_a_map_that_is_zero_everywhere(surface):
    frame = Frame(surface, "map", bar=True)
    frame.show_bar(Scale(0, 0), "activation", colours_of(Scale(0, 0)))
    assert "nnviz-bar" in frame.bar.value


@pytest.mark.parametrize("bar", [False, True])
def test_cutting_shows_the_upper_part_and_the_left_of_one_with_a_bar(surface, bar):
    frame = Frame(surface, "map", bar=bar)
    frame.cut_to(100, 30)
    assert (frame.cut.layout.width, frame.cut.layout.height) == (None, "30px")
    frame.cut_to(40, 80)
    assert (frame.cut.layout.width, frame.cut.layout.height) == ("40px" if bar else None, None)
