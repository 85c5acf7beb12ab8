import re

import numpy as np

from nnviz_widgets.widgets.occlusion_bars import (
    bars_html,
    entering_classes,
    heading,
    heading_html,
    steady_classes,
)

LABELS = ["tabby", "lion", "<dog>", "fox", "cow", "hen", "owl"]
CLEAN = np.array([0.9, 0.05, 0.03, 0.01, 0.005, 0.003, 0.002])


def test_the_clean_picture_gives_the_order_and_the_class_asked_about_is_there():
    assert steady_classes(CLEAN, 0) == (0, 1, 2, 3)
    assert steady_classes(CLEAN, 6) == (0, 1, 2, 3, 6)


def test_classes_enter_below_and_keep_their_rows():
    steady = (0, 1, 2, 3)
    now = np.array([0.1, 0.1, 0, 0, 0.5, 0.2, 0.1])
    first = entering_classes(now, steady, ())
    assert first == (4, 5)
    turned = np.array([0.1, 0.1, 0, 0, 0.2, 0.5, 0.1])
    assert entering_classes(turned, steady, first) == (4, 5)
    other = np.array([0.1, 0.1, 0, 0, 0.0, 0.5, 0.3])
    assert entering_classes(other, steady, first) == (6, 5)


def test_rows_stay_where_nothing_enters():
    assert entering_classes(CLEAN, (0, 1, 2, 3), (4, 5)) == (None, None)
    assert bars_html((0, None), CLEAN, CLEAN, LABELS, "en", lambda c: None).count('class="nnviz-row-bar') == 2


def test_a_bar_has_its_value_a_tick_at_the_clean_one_and_its_colour():
    now = np.array([0.25, 0.6, 0.15, 0, 0, 0, 0])
    text = bars_html((0, 1, 2), CLEAN, now, LABELS, "en", {0: (1, 2, 3)}.get)
    bars = re.findall(r"nnviz-row-bar.*?</i>", text)
    assert "width:25.0%;background:rgb(1, 2, 3)" in bars[0]
    assert "left:90.0%" in bars[0]
    assert "nnviz-first" in bars[1]
    assert "nnviz-first" not in bars[0]
    assert "background" not in bars[1]
    assert "&lt;dog&gt;" in bars[2]
    assert ">0.60<" in bars[1]


def test_the_heading_says_what_became_of_the_first_class():
    now = np.array([0.25, 0.6, 0.15, 0, 0, 0, 0])
    assert heading(CLEAN, now, LABELS, "en") == "tabby 0.90 → lion 0.60"
    assert heading(CLEAN, None, LABELS, "en") == "tabby 0.90"
    assert heading(CLEAN, None, LABELS, "fr") == "tabby 0,90"
    assert "<dog>" not in heading_html(now[::-1], CLEAN, LABELS[::-1], "en", 280)
    assert "→" not in heading_html(CLEAN, None, LABELS, "en", 280)
