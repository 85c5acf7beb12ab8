"""A widget saved as a page: all that it needs is inside."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

import nnviz_widgets as nnviz
from nnviz_widgets.widgets.page import state_in_words
from tests.widgets.conftest import engine_of, noise

NAUGHTY = "<img src=x onerror=alert(1)>"


def saved(widget, tmp_path):
    path = widget.save(tmp_path / "view.html")
    assert path == tmp_path / "view.html"
    return path.read_text(encoding="utf-8")


def pictures(page):
    found = re.findall(r'(?:src|srcset)="data:image/png;base64,([^"]+)"', page)
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(each))).convert("RGB")) for each in found]


def test_it_holds_the_view_for_light_and_dark_screens(opened, engine, tmp_path):
    widget = opened(nnviz.Filters(engine))
    page = saved(widget, tmp_path)
    dark, light = pictures(page)
    assert dark.shape == light.shape
    assert light.mean() > 128 > dark.mean()
    assert "prefers-color-scheme: dark" in page
    widget.theme = "dark"
    widget.compute()
    assert pictures(saved(widget, tmp_path))[0].mean() == dark.mean()  # whatever the widget wears


def test_it_asks_nothing_of_any_other_place(opened, engine, tmp_path):
    page = saved(opened(nnviz.ActivationMaps(engine, noise())), tmp_path)
    assert "default-src 'none'" in page
    assert not re.search(r"<script|<link|<iframe|https?://|url\(|@import|\bon\w+=", page)


def test_it_says_state_and_code_in_the_widgets_language(opened, engine, tmp_path):
    widget = opened(nnviz.Occlusion(engine, "cat", size=6, stride=5, target=3, language="fr"))
    page = saved(widget, tmp_path)
    assert '<html lang="fr">' in page
    assert '<th scope="row">stride</th><td>5</td>' in page
    assert '<th scope="row">target</th><td>3 · four</td>' in page
    assert "methods.occlusion(engine, x, size=6, stride=5" in page
    alt = re.search(r'alt="([^"]+)"', page)
    assert alt is not None
    assert len(alt.group(1)) > 20


def test_names_stay_words(opened, tmp_path):
    engine = engine_of(labels=[NAUGHTY] * 5, name=NAUGHTY)
    page = saved(opened(nnviz.GradCam(engine, "cat", target=1)), tmp_path)
    assert NAUGHTY not in page
    assert "&lt;img src=x" in page


@pytest.mark.parametrize("make", [nnviz.Filters, nnviz.DeepDream, nnviz.AscentSheet])
def test_any_widget_can_be_saved_so(opened, engine, tmp_path, make):
    widget = opened(make(engine, **({} if make is nnviz.Filters else {"steps": 1})))
    widget.compute()
    page = saved(widget, tmp_path)
    assert len(pictures(page)) == 2
    assert make.__name__ in page


def test_values_are_said_shortly(engine):
    values = {"photo": np.zeros((4, 4)), "unit": (1, 2), "layer": "a", "target": None, "on": True}
    words = state_in_words(engine, values)
    assert words == {"photo": "ndarray (4, 4)", "unit": "(1, 2)", "layer": "a", "target": "None", "on": "True"}
