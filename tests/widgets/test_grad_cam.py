import numpy as np
import pytest
import torch

import nnviz_widgets as nnviz
from nnviz_widgets import methods
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.methods.grad_cam import guided_grad_cam
from nnviz_widgets.widgets.pointer import Event

PICTURE = np.random.default_rng(3).random((20, 24, 3)).astype(np.float32)


@pytest.fixture
def cam(engine, opened):
    return opened(nnviz.GradCam(engine, PICTURE, target="three", layer="conv2"))


def test_the_result_is_that_of_the_method(engine, cam):
    x = engine.prepare(PICTURE)
    expected = methods.grad_cam(engine, x, nnviz.logit(2), "conv2")
    assert torch.equal(cam.compute(), expected)
    cam.target, cam.variant, cam.layer = 4, "layer_cam", "relu1"
    expected = methods.grad_cam(engine, x, nnviz.logit(4), "relu1", variant="layer_cam")
    assert torch.equal(cam.compute(), expected)


def test_without_a_target_the_most_probable_class_is_asked_about(engine, opened):
    cam = opened(nnviz.GradCam(engine, PICTURE, layer="relu1"))
    top = engine.top(engine.prepare(PICTURE), 1)[0][0]
    expected = methods.grad_cam(engine, engine.prepare(PICTURE), nnviz.logit(top), "relu1")
    assert torch.equal(cam.compute(), expected)
    assert cam.target is None


def test_it_begins_at_the_last_layer_that_has_places(engine, opened):
    assert opened(nnviz.GradCam(engine, PICTURE)).layer == "relu2"


def test_a_class_can_be_typed_by_name_and_an_unknown_one_is_refused(cam):
    control = next(c for c in cam.children[0].children if type(c).__name__ == "Combobox")
    control.value = "five"
    assert cam.target == 4
    assert control.value == "five (4)"
    control.value = "fiev"
    assert cam.target == 4
    assert control.value == "five (4)"
    assert "fiev" in cam._status.text.value
    control.value = ""
    assert cam.target is None


def test_the_guided_map_is_the_guided_gradient_times_the_map(engine, cam):
    cam.guided = True
    cam.compute()
    _, shown = cam._shown
    x = engine.prepare(PICTURE)
    expected = guided_grad_cam(engine, x, nnviz.logit(2), "conv2")[0].sum(0).numpy()
    assert np.allclose(shown.guided, expected, atol=1e-5 * np.abs(expected).max())


def test_the_value_under_the_pointer_is_in_the_caption(cam):
    values = cam.compute()[0, 0]
    cam._happened(Event("move", "map", x=0.999, y=0.001))
    assert f"row 0, column {values.shape[1] - 1}" in cam._frames["map"].caption.value
    cam._happened(Event("leave"))
    assert "three" in cam._frames["map"].caption.value


def test_bad_state_is_refused_and_the_rest_goes_on(cam):
    before = cam.compute()
    for name, value in (("target", 9), ("target", "thre e"), ("layer", "fc"), ("layer", "nope")):
        with pytest.raises(NnvizError):
            setattr(cam, name, value)
    assert torch.equal(cam.compute(), before)
