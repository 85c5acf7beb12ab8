import threading

import numpy as np
import pytest
import torch
from traitlets import TraitError

import nnviz_widgets as nnviz
from nnviz_widgets import methods
from nnviz_widgets.engine.changed_pictures import ChangedPictures
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.methods.occluders import occluder
from nnviz_widgets.widgets import occlusion_questions
from nnviz_widgets.widgets.pointer import Event
from tests.widgets.conftest import Switch, control_of, engine_of, html_of, seen, status_of

PICTURE = np.random.default_rng(3).random((20, 24, 3)).astype(np.float32)


@pytest.fixture
def occlusion(engine, opened):
    return opened(nnviz.Occlusion(engine, PICTURE, target="three", size=6, stride=3))


def settle(widget):
    """Wait for the answers about the square."""
    assert widget._questions.idle.wait(10)


def corner(widget):
    return widget._drawing.corner


def probabilities(widget):
    """What the bars show."""
    return widget._drawing._answer.probabilities


def hidden_by_hand(engine, x, top, left, size, fill="grey"):
    hidden = x.clone()
    square = (..., slice(top, top + size), slice(left, left + size))
    hidden[square] = occluder(engine.contract, x, fill)[square]
    return hidden


def outlined(widget, pane):
    return widget._surface._shown[pane].outlines


def test_the_result_is_the_last_map_of_the_method(engine, occlusion):
    found = occlusion.compute()
    *_, expected = methods.occlusion(engine, engine.prepare(PICTURE), size=6, stride=3, layer=occlusion.layer)
    assert found.done == 1
    assert torch.equal(found.logits, expected.logits)
    assert torch.equal(found.activation, expected.activation)
    occlusion.fill, occlusion.layer, occlusion.stride = "black", "relu1", 5
    found = occlusion.compute()
    *_, expected = methods.occlusion(engine, engine.prepare(PICTURE), size=6, stride=5, fill="black", layer="relu1")
    assert torch.equal(found.logits, expected.logits)
    assert torch.equal(found.activation, expected.activation)


# The square


def test_dragging_over_the_photo_asks_the_network_about_that_square(engine, occlusion):
    occlusion.compute()
    occlusion._happened(Event("move", "photo", x=0.55, y=0.25))
    settle(occlusion)
    x = engine.prepare(PICTURE)
    top, left = round(0.25 * 16 - 3), round(0.55 * 16 - 3)
    assert corner(occlusion) == (top, left)
    hidden = hidden_by_hand(engine, x, top, left, 6)
    assert probabilities(occlusion) == pytest.approx(engine.probabilities(hidden)[0].numpy(), abs=1e-6)
    assert "→" in occlusion._drawing.frames["photo"].title.value
    assert outlined(occlusion, "photo") == ((left * 17.5, top * 17.5, 105.0, 105.0),)


def test_the_square_is_there_from_the_start_where_it_takes_most(occlusion):
    found = occlusion.compute()
    values = found.probability(2)
    row, col = divmod(int(values.argmin()), values.shape[1])
    assert corner(occlusion) == tuple(found.boxes[row, col, :2].tolist())
    assert outlined(occlusion, "photo")
    assert probabilities(occlusion)[2] == pytest.approx(float(values.min()), abs=1e-6)


def test_leaving_puts_the_square_back_and_a_click_leaves_it(occlusion):
    occlusion.compute()
    start = corner(occlusion)
    occlusion._happened(Event("move", "photo", x=0.9, y=0.9))
    assert corner(occlusion) == (10, 10)
    occlusion._happened(Event("leave"))
    assert corner(occlusion) == start
    occlusion._happened(Event("click", "photo", x=0.9, y=0.9))
    occlusion._happened(Event("leave"))
    assert corner(occlusion) == (10, 10) == occlusion.square
    settle(occlusion)


@pytest.mark.parametrize(("x", "y", "place"), [(0, 0, (0, 0)), (1, 1, (10, 10)), (-0.3, 1.4, (10, 0))])
def test_the_square_stays_in_the_picture(occlusion, x, y, place):
    occlusion.compute()
    occlusion._happened(Event("click", "photo", x=x, y=y))
    settle(occlusion)
    assert corner(occlusion) == place


def test_arrow_keys_move_the_square_from_position_to_position(occlusion):
    occlusion.compute()
    occlusion.square = (4, 0)
    places = []
    for key in ("ArrowDown", "ArrowDown", "ArrowDown", "ArrowDown", "ArrowRight", "ArrowUp", "ArrowLeft", "ArrowLeft"):
        occlusion._happened(Event("key", "photo", key=key))
        places.append(corner(occlusion))
    assert places == [(6, 0), (9, 0), (10, 0), (10, 0), (10, 3), (9, 3), (9, 0), (9, 0)]
    occlusion._happened(Event("key", "photo", key="Escape"))
    assert occlusion.square is None
    settle(occlusion)


def test_pointing_at_a_map_shows_that_position_everywhere_without_a_pass(occlusion, monkeypatch):
    found = occlusion.compute()
    settle(occlusion)
    occlusion.layer = ""
    found = occlusion.compute()
    settle(occlusion)
    monkeypatch.setattr(occlusion.engine, "probabilities", None)  # no pass, no answer but the map's
    rows, cols = found.boxes.shape[:2]
    occlusion._happened(Event("move", "probability", x=0.999, y=0.001))
    assert corner(occlusion) == tuple(found.boxes[0, cols - 1, :2].tolist())
    assert probabilities(occlusion) == pytest.approx(found.logits[0, cols - 1].softmax(0).numpy(), abs=1e-6)
    frames = occlusion._drawing.frames
    assert f"row 0, column {cols - 1}" in frames["probability"].caption.value
    assert occlusion.engine.labels[int(found.predicted[0, cols - 1])] in frames["predicted"].caption.value
    for pane in ("probability", "predicted"):
        assert outlined(occlusion, pane) == ((280 * (cols - 1) / cols, 0.0, 280 / cols, 280 / rows),)


def test_numbers_and_map_of_the_layer_at_a_position(engine, occlusion):
    occlusion.layer = "relu1"
    found = occlusion.compute()
    occlusion._happened(Event("move", "activation", x=0.5, y=0.5))
    settle(occlusion)
    row, col = (n // 2 for n in found.activation.shape)
    box = found.boxes[row, col].tolist()
    assert f"row {row}, column {col}" in occlusion._drawing.frames["activation"].caption.value
    x = engine.prepare(PICTURE)
    expected = engine.activations(hidden_by_hand(engine, x, box[0], box[1], 6), "relu1")[0, found.channel]
    assert occlusion._drawing._answer.feature == pytest.approx(expected.numpy(), abs=1e-5)
    assert float(expected.sum()) == pytest.approx(float(found.activation[row, col]), rel=1e-4)
    clean = engine.activations(x, "relu1")[0, found.channel]
    assert occlusion._shown[1].feature == pytest.approx(clean.numpy(), abs=1e-6)


def test_without_a_layer_its_panes_go(occlusion):
    occlusion.compute()
    assert occlusion._drawing._below.layout.display is None
    occlusion.layer = ""
    assert occlusion.compute().activation is None
    assert occlusion._drawing._below.layout.display == "none"
    assert seen(occlusion).shape[0] < 800


def test_a_square_that_was_put_somewhere_keeps_its_middle(occlusion):
    occlusion.square = (4, 6)
    occlusion.size = 10
    assert occlusion.square == (2, 4)
    occlusion.size = 16
    assert occlusion.square == (0, 0)


def test_the_square_waits_for_the_next_map_where_it_is(engine, opened, by_hand):
    widget = opened(nnviz.Occlusion(engine, PICTURE, target="three", size=4, stride=1))
    widget.compute()
    start = corner(widget)
    assert start != (6, 6)
    widget.size = 5
    while widget._shown[0].size != 5:
        by_hand[-1].step()
    assert widget._shown[1].map is None
    assert corner(widget) == start
    assert widget.result.done == 1  # of before


# One question at a time


@pytest.fixture
def asked(monkeypatch):
    """The corners that the network was asked about, in order."""
    corners = []
    real = occlusion_questions.answers

    def answers(engine, question):
        if question.known is None:
            corners.append(question.corner)
        return real(engine, question)

    monkeypatch.setattr(occlusion_questions, "answers", answers)
    return corners


def test_moves_that_come_together_cost_two_passes(engine, opened, by_hand, asked):
    widget = opened(nnviz.Occlusion(engine, PICTURE, size=5, stride=4, layer=""))
    widget.compute()
    by_hand[-1].run_until_idle()
    asked.clear()
    for step in range(40):
        widget._happened(Event("move", "photo", x=0.2 + step / 100, y=0.4))
    by_hand[-1].run_until_idle()
    assert asked[-1] == corner(widget)
    assert len(asked) == 2


def test_a_square_that_comes_to_rest_where_the_map_knows_leaves_no_question_behind(engine, opened, by_hand, asked):
    widget = opened(nnviz.Occlusion(engine, PICTURE, size=5, stride=4, layer=""))
    widget.compute()
    by_hand[-1].run_until_idle()
    asked.clear()
    for place in ((1, 1), (2, 2), (3, 3), (4, 4)):
        widget.square = place
    by_hand[-1].run_until_idle()
    assert asked == [(1, 1)]
    assert widget._drawing._answer.question.corner == (4, 4)


def test_a_hand_that_never_rests_still_sees_answers(engine, opened, by_hand, asked):
    widget = opened(nnviz.Occlusion(engine, PICTURE, size=5, stride=4, layer=""))
    widget.compute()
    by_hand[-1].run_until_idle()
    shown = set()
    for step in range(10):
        widget._happened(Event("move", "photo", x=0.2 + step / 20, y=0.4))
        widget._happened(Event("move", "photo", x=0.22 + step / 20, y=0.6))
        by_hand[-1].step()
        shown.add(widget._drawing._answer.question.corner)
    assert len(shown) >= 5
    by_hand[-1].run_until_idle()
    assert widget._drawing._answer.question.corner == corner(widget)


def test_while_the_square_moves_the_map_waits(engine, opened, by_hand, monkeypatch):
    widget = opened(nnviz.Occlusion(engine, PICTURE, size=4, stride=1))
    for _ in range(3):
        by_hand[-1].step()
    batches = []
    run = ChangedPictures.run

    def counted(self, boxes, fill):
        for found in run(self, boxes, fill):
            batches.append(1)
            yield found

    monkeypatch.setattr(ChangedPictures, "run", counted)
    widget._happened(Event("move", "photo", x=0.4, y=0.4))
    widget._hand.moved += 1e6  # the hand goes on
    for _ in range(12):
        by_hand[-1].step()
    assert widget._drawing._answer.question.corner == corner(widget)
    assert len(batches) <= 1
    widget._hand.moved = -1e6
    assert widget.compute().done == 1


# The map under way


def test_cancel_in_the_middle_ends_within_one_batch(engine, opened, by_hand, monkeypatch):
    batches = []
    run = ChangedPictures._run_batch

    def counted(self, *arguments):
        batches.append(1)
        return run(self, *arguments)

    monkeypatch.setattr(ChangedPictures, "_run_batch", counted)
    monkeypatch.setattr("nnviz_widgets.engine.changed_pictures._prepared", lambda *_: None)  # whole pictures
    widget = opened(nnviz.Occlusion(engine, PICTURE, size=4, stride=1))
    while len(batches) < 4:
        by_hand[-1].step()
    before = len(batches)
    picture = seen(widget)
    widget.cancel()
    by_hand[-1].run_until_idle()
    assert len(batches) == before
    assert np.array_equal(seen(widget), picture)
    assert widget.compute().done == 1


def test_another_class_computes_nothing_anew(occlusion, monkeypatch):
    found = occlusion.compute()
    monkeypatch.setattr(ChangedPictures, "run", None)
    occlusion.target = "one"
    again = occlusion.compute()
    assert again is found
    assert "Probability of one" in "".join(html_of(occlusion))


def test_a_class_change_in_the_middle_goes_on_where_it_was(engine, opened, by_hand, monkeypatch):
    widget = opened(nnviz.Occlusion(engine, PICTURE, size=4, stride=1))
    while widget.result is None:
        by_hand[-1].step()
    starts = []
    monkeypatch.setattr("nnviz_widgets.widgets.occlusion_course.occlusion_batches", lambda *a, **k: starts.append(1))
    widget.target = "one"
    assert widget.compute().done == 1
    assert starts == []


def test_weights_that_changed_are_seen(engine, occlusion):
    before = occlusion.compute()
    with torch.no_grad():
        engine.module.fc.weight.mul_(-1)
    after = occlusion.compute()
    assert not torch.equal(before.logits, after.logits)


def test_a_picture_that_is_not_square(opened):
    engine = engine_of(size=(16, 24))
    widget = opened(nnviz.Occlusion(engine, PICTURE, size=6, stride=4))
    found = widget.compute()
    assert found.boxes.shape == (4, 6, 4)
    assert found.boxes[-1, -1].tolist() == [10, 18, 6, 6]
    assert widget._surface.sizes["photo"] == (280, 187)
    widget._happened(Event("click", "probability", x=0.99, y=0.99))
    assert corner(widget) == (10, 18)
    settle(widget)


# Words


def test_the_most_probable_classes_have_a_legend(occlusion):
    found = occlusion.compute()
    legend = occlusion._drawing.frames["predicted"].bar.value
    for index in found.predicted.unique().tolist():
        assert occlusion.engine.labels[index] in legend


def test_the_number_of_positions_is_there_before_the_map(occlusion):
    assert "5 × 5 positions" in "".join(html_of(occlusion))
    occlusion.stride = 2
    assert "6 × 6 positions" in "".join(html_of(occlusion))


def test_in_french(engine, opened):
    widget = opened(nnviz.Occlusion(engine, PICTURE, size=6, stride=3, language="fr"))
    widget.compute()
    text = "".join(html_of(widget))
    assert "Probabilité\N{NO-BREAK SPACE}:" in text
    assert "ligne" in text
    assert "Faites glisser" in text
    with pytest.raises(NnvizError):
        widget.size = 17
    assert control_of(widget, "Remplissage").options[-1][0] == "gris choisi"


# Fill and precision


def test_an_own_grey(engine, occlusion):
    fill, grey = control_of(occlusion, "Fill"), control_of(occlusion, "Grey")
    assert grey.layout.display == "none"
    fill.value = "own"
    assert occlusion.fill == (0.5, 0.5, 0.5)
    assert grey.layout.display is None
    grey.value = 0.8
    assert occlusion.fill == (0.8, 0.8, 0.8)
    found = occlusion.compute()
    *_, expected = methods.occlusion(engine, engine.prepare(PICTURE), size=6, stride=3, fill=(0.8, 0.8, 0.8))
    assert torch.allclose(found.logits, expected.logits, atol=1e-6)
    occlusion.fill = 0.25
    assert fill.value == "other"
    assert fill.options[-1][0] == "own value: 0.25"
    assert grey.layout.display == "none"
    occlusion.fill = "black"
    assert fill.value == "black"


def test_half_precision_is_off_on_a_cpu_and_says_why(occlusion):
    control = control_of(occlusion, "Half precision")
    assert control.disabled
    assert "CPU" in control.tooltip


def test_half_precision_says_what_it_costs(occlusion):
    exact = occlusion.compute()
    occlusion.half = True
    found = occlusion.compute()
    assert 0 < found.half_cost < 0.05
    assert 0 < (found.probability(2) - exact.probability(2)).abs().max() < 0.05
    assert "half precision, off by up to" in occlusion._drawing.frames["probability"].caption.value


# What does not fit


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("size", 0),
        ("size", 17),
        ("stride", 0),
        ("fill", "plaid"),
        ("fill", None),
        ("fill", (0.5, 2, 0.5)),
        ("layer", "fc"),
        ("layer", "nowhere"),
        ("target", 5),
        ("target", "dog"),
        ("square", (11, 0)),
        ("square", "middle"),
        ("method", 3),
    ],
)
def test_bad_state_is_refused(occlusion, name, value):
    occlusion.compute()
    settle(occlusion)
    before, picture = getattr(occlusion, name), seen(occlusion)
    with pytest.raises((NnvizError, TraitError)) as refused:
        setattr(occlusion, name, value)
    assert "\n" not in str(refused.value)
    assert getattr(occlusion, name) == before
    assert np.array_equal(seen(occlusion), picture)
    occlusion.stride = 4
    assert occlusion.compute().boxes.shape == (4, 4, 4)


def test_a_class_that_is_not_there_is_named_in_the_status_line(occlusion):
    occlusion.compute()
    control_of(occlusion, "Class").value = "dog"
    assert "dog" in status_of(occlusion)
    assert "nnviz-error" in status_of(occlusion)
    assert occlusion.target == 2
    control_of(occlusion, "Class").value = "one (0)"
    occlusion.compute()
    assert "nnviz-error" not in status_of(occlusion)


def test_a_stride_beyond_the_slider_is_kept(occlusion):
    occlusion.stride = 11
    assert occlusion.stride == 11
    assert control_of(occlusion, "Step").value == 11


def test_a_network_that_fails_is_one_line_and_the_picture_stays(occlusion):
    occlusion.compute()
    settle(occlusion)
    picture = seen(occlusion)
    Switch.error = RuntimeError("broken on purpose")
    occlusion._happened(Event("move", "photo", x=0.31, y=0.33))
    settle(occlusion)
    assert "broken on purpose" in status_of(occlusion)
    Switch.error = None
    occlusion._happened(Event("leave"))
    assert np.array_equal(seen(occlusion), picture)
    occlusion._happened(Event("move", "photo", x=0.31, y=0.33))
    settle(occlusion)
    assert occlusion._drawing._answer.question.corner == corner(occlusion)


# A function of one's own


def by_person(module, x, target):
    rows = []
    for top in (0, 3, 6, 9, 10):
        row = []
        for left in (0, 3, 6, 9, 10):
            hidden = x.clone()
            hidden[..., top : top + 6, left : left + 6] = 0
            row.append(module(hidden).softmax(1)[0, target])
        rows.append(torch.stack(row))
    return torch.stack(rows).detach()


def test_a_function_of_ones_own_is_held_against_the_map(occlusion):
    occlusion.method = by_person
    occlusion.compute()
    assert occlusion.comparison.equal
    assert occlusion._drawing.frames["own"].box.layout.display is None
    shown = []
    occlusion._drawing.frames["own"].box.layout.observe(lambda change: shown.append(change["new"]), "display")
    occlusion.stride = 4
    with pytest.raises(NnvizError, match=r"expected \(4, 4\)"):
        occlusion.compute()
    occlusion.stride = 3
    occlusion.compute()
    assert "none" not in shown
    occlusion.method = lambda module, x, target: by_person(module, x, target) ** 2
    occlusion.compute()
    assert not occlusion.comparison.equal
    assert occlusion.comparison.largest > 0
    assert outlined(occlusion, "own")
    occlusion.method = None
    occlusion.compute()
    assert occlusion._drawing.frames["own"].box.layout.display == "none"


def test_a_function_that_raises_leaves_the_map(occlusion):
    def wrong(module, x, target):
        raise ZeroDivisionError("of mine")

    occlusion.compute()
    occlusion.method = wrong
    with pytest.raises(NnvizError, match="wrong raised ZeroDivisionError"):
        occlusion.compute()
    assert "of mine" in status_of(occlusion)
    assert occlusion.result.done == 1


def test_events_and_maps_from_two_threads_do_not_disturb_each_other(occlusion):
    errors = []

    def drag():
        try:
            for step in range(60):
                occlusion._happened(Event("move", "photo", x=step / 60, y=0.5))
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=drag)
    thread.start()
    for stride in (1, 2, 3, 4):
        occlusion.stride = stride
    thread.join()
    assert occlusion.compute().boxes.shape[0] == 4
    settle(occlusion)
    assert errors == []
    assert "nnviz-error" not in status_of(occlusion)
