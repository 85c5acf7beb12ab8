import numpy as np
import pytest
import torch
from traitlets import TraitError

import nnviz_widgets as nnviz
from nnviz_widgets import methods
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.methods.occluders import occluder
from nnviz_widgets.widgets.pointer import Event

PICTURE = np.random.default_rng(3).random((20, 24, 3)).astype(np.float32)


@pytest.fixture
def occlusion(engine, opened):
    return opened(nnviz.Occlusion(engine, PICTURE, target="three", size=6, stride=3))


def settle(widget):
    """Wait for the answer about the square where one points."""
    widget._probing.result(10)


def test_the_result_is_the_last_map_of_the_method(engine, occlusion):
    found = occlusion.compute()
    *_, expected = methods.occlusion(engine, engine.prepare(PICTURE), size=6, stride=3)
    assert found.done == 1
    assert torch.equal(found.logits, expected.logits)
    occlusion.fill, occlusion.layer, occlusion.stride = "black", "relu1", 5
    found = occlusion.compute()
    *_, expected = methods.occlusion(engine, engine.prepare(PICTURE), size=6, stride=5, fill="black", layer="relu1")
    assert torch.equal(found.logits, expected.logits)
    assert torch.equal(found.activation, expected.activation)


def test_pointing_at_the_photo_asks_the_network_about_that_square(engine, occlusion):
    occlusion.compute()
    occlusion._happened(Event("move", "photo", x=0.5, y=0.25))
    settle(occlusion)
    x = engine.prepare(PICTURE)
    top, left = round(0.25 * 16 - 3), round(0.5 * 16 - 3)
    hidden = x.clone()
    hidden[..., top : top + 6, left : left + 6] = occluder(engine.contract, x, "grey")[..., :6, :6]
    assert occlusion._probe.box == (top, left)
    assert [p for *_, p in occlusion._probe.top] == pytest.approx([p for *_, p in engine.top(hidden)], abs=1e-6)
    assert "→" in occlusion._frames["photo"].title.value
    assert occlusion._surface._shown["photo"].outlines
    occlusion._happened(Event("leave"))
    assert "→" not in occlusion._frames["photo"].title.value
    assert not occlusion._surface._shown["photo"].outlines


@pytest.mark.parametrize(("x", "y", "corner"), [(0, 0, (0, 0)), (1, 1, (10, 10)), (0.0, 1.0, (10, 0))])
def test_the_square_stays_in_the_picture(occlusion, x, y, corner):
    occlusion.compute()
    occlusion._happened(Event("click", "photo", x=x, y=y))
    settle(occlusion)
    assert occlusion._probe.box == corner


def test_pointing_at_a_map_puts_the_square_at_that_position(occlusion):
    found = occlusion.compute()
    cols = found.boxes.shape[1]
    occlusion._happened(Event("move", "probability", x=0.999, y=0.001))
    settle(occlusion)
    assert occlusion._probe.box == tuple(found.boxes[0, cols - 1, :2].tolist())
    assert f"row 0, column {cols - 1}" in occlusion._frames["probability"].caption.value


def test_the_most_probable_classes_have_a_legend(occlusion):
    found = occlusion.compute()
    legend = occlusion._frames["predicted"].caption.value
    for index in found.predicted.unique().tolist():
        assert occlusion.engine.labels[index] in legend


@pytest.mark.parametrize(
    ("name", "value"), [("size", 0), ("size", 17), ("stride", 0), ("fill", "plaid"), ("layer", "fc"), ("target", 5)]
)
def test_bad_state_is_refused(occlusion, name, value):
    before = getattr(occlusion, name)
    with pytest.raises((NnvizError, TraitError)):
        setattr(occlusion, name, value)
    assert getattr(occlusion, name) == before
