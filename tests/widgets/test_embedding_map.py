"""A map of pictures: its job and process, what is drawn, and what a person does with it."""

import time

import numpy as np
import pytest
from PIL import Image

import nnviz_widgets as nnviz
from nnviz_widgets import methods
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.images.image_set import ImageSet
from nnviz_widgets.live import Cancelled
from nnviz_widgets.methods.layouts import FINDERS, JUDGED, gridded, lay_out, trust
from nnviz_widgets.widgets.embedding_map_viewport import normalised
from nnviz_widgets.widgets.pointer import Event
from tests.widgets.conftest import control_of, engine_of, html_of, noise, seen, status_of

COUNT = 40


def pictures(count=COUNT):
    rng = np.random.default_rng(0)
    return np.stack([rng.integers(0, 60, (16, 16, 3)) + 190 * (i % 2) for i in range(count)]).astype(np.uint8)


@pytest.fixture(scope="module")
def embedding():
    images = ImageSet(pictures(), labels=["dark", "light"] * (COUNT // 2))
    return methods.embed(engine_of(), images)


@pytest.fixture
def shown(embedding, opened):
    widget = opened(nnviz.EmbeddingMap(embedding.engine, embedding, width=300))
    widget.compute()
    return widget


def facts(widget):
    (found,) = [text for text in html_of(widget) if "nnviz-facts" in text]
    return found


def place_of(widget, number):
    """A picture's place on the pane, as fractions."""
    stage = widget._stage
    x, y = stage.view.to_pane(stage.points)[number]
    return float(x) / widget.width, float(y) / widget.width


def drag(widget, *places, shift=False):
    first, *rest = places
    widget._happened(Event("press", "map", *first, held=True, shift=shift, path=[first]))
    for place in rest[:-1]:
        widget._happened(Event("move", "map", *place, held=True, shift=shift, path=[place]))
    widget._happened(Event("release", "map", *rest[-1], held=True, shift=shift, path=[rest[-1]]))


def rest(widget):
    """Until the map has arrived where it belongs and is drawn sharp."""
    end = time.monotonic() + 20
    while widget._stage._glide is not None or widget._stage._coarse:
        assert time.monotonic() < end
        time.sleep(0.02)


def test_the_first_map_is_pca(shown, embedding):
    assert np.array_equal(shown.result.points, lay_out("pca", embedding.vectors).points)
    assert shown.trust == pytest.approx(trust(embedding.vectors, shown.result))
    assert "Trustworthiness" in facts(shown)


def test_tsne_comes_from_a_process_of_its_own_and_is_that_of_the_method(shown, embedding):
    shown.perplexity = 5
    shown.kind = "tsne"
    layout = shown.compute()
    assert np.allclose(layout.points, lay_out("tsne", embedding.vectors, perplexity=5).points, rtol=1e-3, atol=1e-3)
    assert shown._layouts._lane is None  # its process is gone
    rest(shown)
    assert np.array_equal(shown._stage.points, normalised(layout.points))
    shown.kind = "pca"
    shown.compute()
    shown.kind = "tsne"
    assert shown.compute() is layout  # computed once


def test_cancel_ends_the_process_at_once_and_the_map_stays(shown, monkeypatch):
    from tests.widgets import embedding_calls

    monkeypatch.setitem(FINDERS, "tsne", embedding_calls.stuck)
    before = shown.result
    shown.kind = "tsne"
    end = time.monotonic() + 20
    while shown._layouts._lane is None:
        assert time.monotonic() < end
        time.sleep(0.01)
    ticket, lane = shown._ticket, shown._layouts._lane[1]
    assert lane.running
    shown.cancel()
    assert not lane.running
    with pytest.raises(Cancelled):
        ticket.result(10)
    assert shown.result is before
    assert "error" not in status_of(shown)


def test_the_process_goes_on_when_only_the_look_changes_and_ends_with_close(shown, monkeypatch):
    from tests.widgets import embedding_calls

    monkeypatch.setitem(FINDERS, "umap", embedding_calls.stuck)
    shown.kind = "umap"
    end = time.monotonic() + 20
    while shown._layouts._lane is None:
        assert time.monotonic() < end
        time.sleep(0.01)
    lane = shown._layouts._lane[1]
    shown.theme = "dark"
    shown.show = "marks"
    time.sleep(0.3)
    assert shown._layouts._lane[1] is lane
    assert lane.running
    shown.seed = 3  # another map
    while shown._layouts._lane is None or shown._layouts._lane[1] is lane:
        assert time.monotonic() < end
        time.sleep(0.01)
    assert not lane.running
    lane = shown._layouts._lane[1]
    shown.close()
    assert not lane.running


def test_an_error_of_the_process_is_one_line_and_the_map_stays(shown):
    few = shown.result
    # First, for a process may take up what it finds as soon as it is asked.
    shown._layouts._embedding = methods.embed(shown.engine, ImageSet(pictures(2)))
    shown.kind, shown.perplexity = "tsne", 5
    with pytest.raises(NnvizError, match="too few"):
        shown.compute()
    assert "too few" in status_of(shown)
    assert shown.result is few


def test_a_filled_grid_has_one_picture_a_cell(shown):
    before = shown.result
    shown.filled = True
    layout = shown.compute()
    assert np.array_equal(layout.cells, gridded(before).cells)
    assert len({tuple(cell) for cell in layout.cells.tolist()}) == COUNT


def test_pictures_are_drawn_where_they_belong(shown):
    shown.show = "marks"
    shown.compute()
    rest(shown)
    pixels = shown._stage.whole()
    for number in range(0, COUNT, 7):
        x, y = (round(2 * 300 * part) for part in place_of(shown, number))
        assert pixels[y, x, 3] == 255


def test_dragging_pans_and_the_wheel_zooms_around_the_pointer(shown):
    view = shown._stage.view
    drag(shown, (0.5, 0.5), (0.6, 0.5), (0.7, 0.4))
    moved = shown._stage.view
    assert moved.x == pytest.approx(view.x - 0.2 * 300 / view.scale)
    assert moved.y == pytest.approx(view.y + 0.1 * 300 / view.scale)
    before = place_of(shown, 5)
    shown._happened(Event("wheel", "map", *before, zoom=1.9))
    assert shown._stage.view.zoom == pytest.approx(1.9)
    assert place_of(shown, 5) == pytest.approx(before, abs=1e-4)
    shown._happened(Event("key", "map", key="Home"))
    assert shown._stage.view == view
    control_of(shown, "+").click()
    assert shown._stage.view.zoom == pytest.approx(1.5)


def test_a_frame_says_where_it_lies(shown):
    shown._happened(Event("wheel", "map", 0.3, 0.6, zoom=2.5))
    drag(shown, (0.5, 0.5), (0.6, 0.5), (0.7, 0.4))
    rest(shown)
    view = shown._stage.view
    origin = (2 * float(length) for length in view.to_pane([[0, 0]])[0])
    assert shown._surface._shown["map"].lies == pytest.approx((2 * view.scale, *origin), abs=0.1)


@pytest.mark.parametrize("tool", ["lasso", "pan"])
def test_the_page_knows_whether_dragging_moves_the_map(shown, tool):
    shown.tool = "lasso"
    shown.tool = tool
    assert ("nnviz-lasso" in shown._surface.canvases["map"]._dom_classes) == (tool == "lasso")


def test_pointing_shows_the_picture_and_its_true_neighbours(shown, embedding):
    rest(shown)
    shown._happened(Event("move", "map", *place_of(shown, 9)))
    assert shown._stage.over.number == 9
    assert list(shown._stage.over.near) == embedding.neighbours(9, 6).numbers.tolist()
    assert embedding.images.label(9) in shown._frame.caption.value
    assert shown._side_panes._frame.box.layout.display is None
    shown._happened(Event("leave"))
    assert shown._stage.over.number is None
    shown._happened(Event("move", "map", 0.001, 0.001))
    assert shown._stage.over.number is None


@pytest.mark.parametrize("shift", [False, True])
def test_a_lasso_selects_what_lies_inside_and_lists_its_classes(shown, embedding, shift):
    rest(shown)
    if not shift:
        shown.tool = "lasso"
    places = shown._stage.view.to_pane(shown._stage.points) / 300
    middle = float(np.median(places[:, 0]))
    drag(shown, (-0.1, -0.1), (middle, -0.1), (middle, 1.1), (-0.1, 1.1), (-0.1, 0.5), shift=shift)
    expected = np.flatnonzero(places[:, 0] < middle).tolist()
    assert list(shown.selected) == expected
    dark = sum(embedding.images.label(i) == "dark" for i in expected)
    assert f"Selected: {len(expected)}" in facts(shown)
    if dark:
        assert f"<b>dark</b><i>{dark} / {COUNT // 2}</i>" in facts(shown)
    shown._happened(Event("key", "map", key="Escape"))
    assert shown.selected == ()
    assert "Selected" not in facts(shown)


def test_a_lasso_around_nothing_drops_the_selection_and_says_so(shown):
    shown.select([0, 1])
    shown.tool = "lasso"
    drag(shown, (0.001, 0.001), (0.002, 0.001), (0.002, 0.002), (0.001, 0.002))
    assert shown.selected == ()
    assert "No picture lies inside" in shown._frame.caption.value


def test_ones_own_picture_is_placed_and_the_map_stays(shown, embedding):
    before = shown.result
    shown.photo = pictures()[11]  # a copy of one of the set lies on it
    assert shown.compute() is before
    assert shown.own_place == pytest.approx(tuple(before.points[11].tolist()), abs=0.05)
    shown.photo = noise(3)
    shown.compute()
    near = embedding.neighbours(embedding.engine.prepare(noise(3)), 6)
    low, high = (getattr(before.points[near.numbers.numpy()], end)(0) for end in ("min", "max"))
    assert (low - 1e-4 <= shown.own_place).all()
    assert (shown.own_place <= high + 1e-4).all()
    shown.photo = None
    shown.compute()
    assert shown.own_place is None


def test_seams_are_shown_with_their_numbers(shown):
    shown.colours = "seams"
    shown.compute()
    assert "Seams" in facts(shown)
    assert "nnviz-bar" in facts(shown)
    shown._happened(Event("move", "map", *place_of(shown, 9)))
    assert "truly nearer" in shown._frame.caption.value


def test_it_is_drawn_on_a_dark_page_too_and_saved(shown, tmp_path):
    light = seen(shown)
    shown.theme = "dark"
    shown.compute()
    assert seen(shown).mean() < light.mean()
    assert shown.save(tmp_path / "map.png").exists()


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_few_pictures_have_a_map(opened, count):
    embedding = methods.embed(engine_of(), ImageSet(pictures(count)))
    widget = opened(nnviz.EmbeddingMap(embedding.engine, embedding, width=300))
    assert widget.compute().points.shape == (count, 2)
    if count > 1:
        widget._happened(Event("move", "map", *place_of(widget, 0)))
        assert len(widget._stage.over.near) == count - 1
    assert "no class" in facts(widget)
    assert ("Trustworthiness" in facts(widget)) == (count >= JUDGED)
    assert widget._frame.title.value.count("one picture") == (count == 1)


@pytest.mark.parametrize(
    ("kind", "said"), [("tsne", "perplexity 2, not 30"), ("umap", "looks at 6 neighbours, not 15")]
)
def test_too_few_pictures_for_what_is_asked_is_said(opened, kind, said):
    embedding = methods.embed(engine_of(), ImageSet(pictures(7)))
    widget = opened(nnviz.EmbeddingMap(embedding.engine, embedding, width=300, kind=kind))
    widget.compute()
    assert said in " ".join(html_of(widget))


def test_another_perplexity_that_is_asked_for_is_not_told_of_the_map_before(opened, embedding):
    widget = opened(nnviz.EmbeddingMap(embedding.engine, embedding, width=300, kind="tsne", perplexity=5))
    widget.compute()
    before = widget._shown
    widget.perplexity = 12
    assert "perplexity 5" not in widget._words(*before)[1]


def test_pictures_that_could_not_be_read_are_told(opened, tmp_path):
    for i, picture in enumerate(pictures(8)):
        Image.fromarray(picture).save(tmp_path / f"{i}.png")
    (tmp_path / "no.png").write_text("no picture")
    embedding = methods.embed(engine_of(), ImageSet(tmp_path))
    for make in (nnviz.EmbeddingMap, nnviz.Neighbours):
        widget = opened(make(embedding.engine, embedding))
        widget.compute()
        assert "One picture could not be read: no.png" in " ".join(html_of(widget))


def test_what_is_no_embedding(engine):
    with pytest.raises(NnvizError, match=r"methods\.embed"):
        nnviz.EmbeddingMap(engine, "digits")


def test_many_pictures_begin_as_marks(embedding, monkeypatch, opened):
    monkeypatch.setattr("nnviz_widgets.widgets.embedding_map_state.CROWD", 10)
    assert opened(nnviz.EmbeddingMap(embedding.engine, embedding, width=300)).show == "marks"
    assert opened(nnviz.EmbeddingMap(embedding.engine, embedding, width=300, show="pictures")).show == "pictures"


def test_in_french(embedding, opened):
    widget = opened(nnviz.EmbeddingMap(embedding.engine, embedding, language="fr", width=300))
    widget.compute()
    assert "Fiabilité" in facts(widget)
    assert control_of(widget, "Carte").options[0][0] == "ACP"
