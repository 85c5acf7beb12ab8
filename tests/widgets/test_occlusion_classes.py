import numpy as np

from nnviz_widgets.render.colormap import CLASS_COLOURS
from nnviz_widgets.widgets.occlusion_classes import LEGEND, ClassColours, legend_html

LABELS = [f"class {i} <&>" for i in range(40)]


def test_a_class_keeps_its_colour_as_the_map_becomes_finer():
    colours = ClassColours()
    colours.take(np.array([[7, 7], [3, 7]]))
    before = colours.of(7), colours.of(3)
    assert before == CLASS_COLOURS[:2]
    colours.take(np.array([[3, 3], [3, 9]]))
    assert (colours.of(7), colours.of(3)) == before
    assert colours.of(9) == CLASS_COLOURS[2]
    assert colours.of(11) is None
    assert colours.paint(np.array([[9, 3]])).tolist() == [[list(CLASS_COLOURS[2]), list(CLASS_COLOURS[1])]]


def test_classes_named_first_have_the_first_colours():
    colours = ClassColours((5, 3))
    colours.take(np.array([[8, 3]]))
    assert [colours.of(c) for c in (5, 3, 8)] == list(CLASS_COLOURS[:3])


def test_the_legend_names_the_most_frequent_and_counts_the_rest():
    winners = np.array([[1] * 30 + list(range(2, 2 + LEGEND + 3))])
    colours = ClassColours()
    colours.take(winners)
    marks = colours.marks(winners, LABELS, "en")
    assert len(marks) == LEGEND + 1
    assert marks[0][1:] == ("class 1 <&>", "71 %")
    assert marks[-1] == (None, "and 4 others", "")
    assert "<&>" not in legend_html(marks)


def test_a_share_that_rounds_to_nothing_is_not_nothing():
    winners = np.array([[0] * 399 + [1]])
    colours = ClassColours()
    colours.take(winners)
    assert [part for *_, part in colours.marks(winners, LABELS, "en")] == ["100 %", "< 1 %"]
