"""Neighbours: references, their nearest pictures, and what a person does with them."""

from datetime import UTC, datetime

import numpy as np
import pytest
import torch

import nnviz_widgets as nnviz
from nnviz_widgets import methods
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.images.image_set import ImageSet
from nnviz_widgets.methods.embeddings import Embedding
from nnviz_widgets.widgets.neighbours_sheet import DIFFERS, Sheet
from nnviz_widgets.widgets.pointer import Event
from tests.widgets.conftest import control_of, engine_of, html_of, noise, png, seen

COUNT = 24


def pictures(count=COUNT):
    """Two classes that a network can tell: dark and light."""
    rng = np.random.default_rng(0)
    return np.stack([rng.integers(0, 60, (16, 16, 3)) + 190 * (i % 2) for i in range(count)]).astype(np.uint8)


@pytest.fixture(scope="module")
def embedding():
    images = ImageSet(pictures(), labels=["dark", "light"] * (COUNT // 2))
    return methods.embed(engine_of(), images)


@pytest.fixture
def shown(embedding, opened):
    widget = opened(nnviz.Neighbours(embedding.engine, embedding))
    widget.compute()
    return widget


def caption(widget):
    return widget._frame.caption.value


def point(widget, row, column, kind):
    x, y, w, h = widget._sheet.box(row, column)
    width, height = widget._sheet.size
    widget._happened(Event(kind, "sheet", (x + w / 2) / width, (y + h / 2) / height))


def test_each_row_has_the_nearest_by_a_plain_sort(shown, embedding):
    vectors = embedding.vectors.double().numpy()
    assert len(shown.result) == 5
    for number, near in zip(shown.references, shown.result, strict=True):
        distances = np.linalg.norm(vectors - vectors[number], axis=1)
        distances[number] = np.inf
        assert near.numbers.tolist() == np.argsort(distances, kind="stable")[:6].tolist()


def test_the_metric_and_the_references_are_state(shown, embedding):
    shown.references = [3, 4]
    shown.metric = "cosine"
    first, second = shown.compute()
    assert first.numbers.tolist() == embedding.neighbours(3, 6, metric="cosine").numbers.tolist()
    assert second.numbers.tolist() == embedding.neighbours(4, 6, metric="cosine").numbers.tolist()


def test_the_same_seed_draws_the_same_five_and_another_others(shown, embedding, opened):
    again = opened(nnviz.Neighbours(embedding.engine, embedding))
    assert again.references == shown.references
    assert len(set(shown.references)) == 5
    control_of(again, "Another five").click()
    assert again.seed == 1
    assert again.references != shown.references


def test_share_of_the_same_class_is_counted_by_hand(shown, embedding):
    labels = embedding.labels
    pairs = [(r, n) for r, near in zip(shown.references, shown.result, strict=True) for n in near.numbers.tolist()]
    expected = sum(labels[r] == labels[n] for r, n in pairs) / len(pairs)
    assert shown.same_class == pytest.approx(expected)
    assert f"{sum(labels[r] == labels[n] for r, n in pairs)} of 30" in caption(shown)
    whole = [labels[i] == labels[n] for i in range(COUNT) for n in embedding.neighbours(i, 6).numbers.tolist()]
    assert embedding.same_class() == pytest.approx(np.mean(whole))


def test_a_click_on_a_neighbour_makes_it_the_reference_of_its_row(shown):
    before, number = shown.references, int(shown.result[2].numbers[3])
    point(shown, 2, 4, "click")
    assert shown.references == (*before[:2], number, *before[3:])
    shown.compute()
    assert number not in shown.result[2].numbers
    point(shown, 1, 0, "click")  # a reference stays
    assert shown.references[1] == before[1]


def test_keys_choose_a_tile_and_enter_takes_it(shown):
    for key in ("ArrowDown", "ArrowDown", "ArrowRight", "ArrowRight"):
        shown._happened(Event("key", "sheet", key=key))
    assert shown.chosen == (1, 2)
    number = int(shown.result[1].numbers[1])
    shown._happened(Event("key", "sheet", key="Enter"))
    assert shown.references[1] == number
    assert shown.chosen == (1, 0)
    shown._happened(Event("key", "sheet", key="Escape"))
    assert shown.chosen is None


def test_hovering_says_name_and_distance(shown, embedding):
    point(shown, 0, 1, "move")
    number = int(shown.result[0].numbers[0])
    assert embedding.images.label(number) in caption(shown)
    assert "distance" in caption(shown)
    shown._happened(Event("leave"))
    assert "distance" not in caption(shown)


def test_ones_own_picture_is_the_first_row_and_can_go_again(shown, embedding):
    own = noise(7)
    shown.photo = own
    found = shown.compute()
    expected = embedding.neighbours(embedding.engine.prepare(own), 6)
    assert found[0].numbers.tolist() == expected.numbers.tolist()
    assert len(found) == 5
    before = shown.references
    point(shown, 0, 1, "click")  # its own row stays, the next one changes
    assert shown.references == (int(found[0].numbers[0]), *before[1:])
    shown.photo = None
    assert len(shown.compute()) == 5


def test_an_upload_is_ones_own_picture(shown):
    upload = control_of(shown, "Your picture")
    now = datetime.now(UTC)
    upload.value = ({"name": "a.png", "type": "image/png", "size": 1, "content": png(noise(3)), "last_modified": now},)
    assert isinstance(shown.photo, bytes)
    assert upload.value == ()
    control_of(shown, "Without it").click()
    assert shown.photo is None


def test_what_cannot_be_read_is_refused_and_the_picture_before_stays(shown):
    shown.photo = "cat"
    with pytest.raises(NnvizError, match="No picture at"):
        shown.photo = "/nowhere.png"
    assert shown.photo == "cat"


def test_a_class_is_marked_by_more_than_colour(shown, embedding):
    """The tick of a tile takes part in its words, not in its colours alone."""
    tile = shown._tiles(shown._snapshot(), shown._shown[1].rows[0])[1]
    assert tile.same == (embedding.labels[shown.references[0]] == embedding.labels[int(shown.result[0].numbers[0])])
    before = seen(shown)
    assert before.ndim == 3


def test_without_labels_nothing_is_said_of_classes(opened):
    embedding = methods.embed(engine_of(), ImageSet(pictures(8)))
    widget = opened(nnviz.Neighbours(embedding.engine, embedding))
    widget.compute()
    assert widget.same_class is None
    assert embedding.same_class() is None
    assert "same class" not in caption(widget)


def test_where_no_class_has_two_pictures_none_is_compared(opened):
    images = ImageSet(pictures(), labels=[str(i) for i in range(COUNT)])
    embedding = methods.embed(engine_of(), images)
    widget = opened(nnviz.Neighbours(embedding.engine, embedding))
    widget.compute()
    assert widget.same_class is None
    assert embedding.same_class() is None
    assert "same class" not in caption(widget)


def test_layer_and_averaging_are_said(embedding, opened):
    found = methods.embed(embedding.engine, embedding.images, "conv1")
    widget = opened(nnviz.Neighbours(embedding.engine, found, language="fr"))
    widget.compute()
    assert "conv1" in caption(widget)
    assert "moyennes spatiales" in caption(widget)


@pytest.mark.parametrize("value", [(), (0, COUNT), (-1,), "ab", 3, (0, 1, 2, 3, 4, 5)])
def test_references_that_are_not_there(shown, value):
    before = shown.references
    with pytest.raises(NnvizError, match="0 to 23"):
        shown.references = value
    assert shown.references == before


def test_what_is_no_embedding_and_too_few_pictures(engine, embedding, opened):
    with pytest.raises(NnvizError, match=r"methods\.embed"):
        nnviz.Neighbours(engine, "digits")
    few = Embedding(
        embedding.vectors[:4], embedding.ids[:4], (0, 1, 2, 3), embedding.layer, False, engine, embedding.images
    )
    with pytest.raises(NnvizError, match="6 neighbours"):
        nnviz.Neighbours(engine, few)


def test_tiles_lie_apart_and_are_found_again():
    sheet = Sheet(5, 7)
    for row in range(5):
        for column in range(7):
            x, y, w, h = sheet.box(row, column)
            assert sheet.at(x + 1, y + 1) == (row, column)
            assert sheet.at(x + w - 1, y + h + 20) == (row, column)  # its words too
            assert x + w <= sheet.size[0]
            assert y + h <= sheet.size[1]
    assert sheet.step((0, 0), "ArrowUp") == (0, 0)
    assert sheet.step((4, 6), "ArrowRight") == (4, 6)


def test_captions_show_any_class_as_it_is(opened):
    nasty = "<img src=x onerror=alert(1)>"
    images = ImageSet(pictures(8), labels=[nasty] * 8)
    embedding = methods.embed(engine_of(), images)
    widget = opened(nnviz.Neighbours(embedding.engine, embedding))
    widget.compute()
    point(widget, 0, 1, "move")
    assert not any(nasty in text for text in html_of(widget))


def by_hand(vectors, number, k, metric):
    space = vectors / vectors.norm(dim=1, keepdim=True) if metric == "cosine" else vectors
    distances = (space - space[number]).norm(dim=1)
    distances[number] = torch.inf
    found = distances.argsort()[:k]
    return found, distances[found] ** 2 / 2 if metric == "cosine" else distances[found]


def own_caption(widget):
    return widget._own_frame.caption.value


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_ones_own_search_is_held_against_the_reference(embedding, opened, metric):
    widget = opened(nnviz.Neighbours(embedding.engine, embedding, metric=metric, method=by_hand, photo=noise(7)))
    near = widget.compute()
    assert widget.disagreements == 0
    assert "30 of 30" in own_caption(widget)
    assert widget.comparison.equal
    assert "largest difference" in own_caption(widget)
    own = widget._shown[1].own
    assert [row.near.numbers.tolist() for row in own.rows] == [row.numbers.tolist() for row in near]
    assert max(row.largest for row in own.rows) < 1e-4
    assert widget._own_frame.box.layout.display is None
    widget.method = None
    widget.compute()
    assert widget.disagreements is None
    assert widget._own_frame.box.layout.display == "none"


def test_another_neighbour_is_marked_and_the_picture_itself_is_told(embedding, opened):
    def with_itself(vectors, number, k):
        return (vectors - vectors[number]).norm(dim=1).argsort()[:k]

    widget = opened(nnviz.Neighbours(embedding.engine, embedding, method=with_itself, photo=noise(7)))
    widget.compute()
    assert widget.disagreements == 30
    assert not widget.comparison.equal
    assert "0 of 30" in own_caption(widget)
    assert "itself" in own_caption(widget)
    assert ": 5 times" in own_caption(widget)
    right = opened(nnviz.Neighbours(embedding.engine, embedding, method=by_hand, photo=noise(7)))
    right.compute()
    marks = [(one._shown[1].own_sheet.pixels[..., :3] == DIFFERS).all(2).any() for one in (widget, right)]
    assert marks == [True, False]


def test_neighbours_at_equal_distances_may_come_in_any_order(opened):
    twins = np.repeat(pictures(12), 2, axis=0)
    embedding = methods.embed(engine_of(), ImageSet(twins))

    def reverse(vectors, number, k):
        distances = (vectors - vectors[number]).norm(dim=1)
        distances[number] = torch.inf
        return len(vectors) - 1 - distances.flip(0).argsort(stable=True)[:k]

    widget = opened(nnviz.Neighbours(embedding.engine, embedding, method=reverse))
    near = widget.compute()
    own = widget._shown[1].own
    assert [row.near.numbers.tolist() for row in own.rows] != [row.numbers.tolist() for row in near]
    assert widget.disagreements == 0


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda vectors, number, k: None, "NoneType"),
        (lambda vectors, number, k: [0, 1], r"list \(2\)"),
        (lambda vectors, number, k: torch.arange(6.0), r"\(6,\) float32"),
        (lambda vectors, number, k: torch.arange(6) + COUNT, "0 to 23"),
        (lambda vectors, number, k: torch.arange(6) - 1, "0 to 23"),
        (lambda vectors, number, k: vectors.no_such_thing, "raised AttributeError"),
        (lambda vectors, number, k, radius: None, "asks for 'radius'"),
        (lambda vectors: None, "cannot be called"),
    ],
)
def test_a_search_that_fails_says_why_and_the_reference_stays(embedding, opened, wrong, said):
    widget = opened(nnviz.Neighbours(embedding.engine, embedding, method=wrong))
    with pytest.raises(NnvizError, match=said):
        widget.compute()
    assert len(widget.result) == 5
    assert "failed" in own_caption(widget)
    assert widget.disagreements is None
