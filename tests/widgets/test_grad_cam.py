import numpy as np
import pytest
import torch
from torch import nn

import nnviz_widgets as nnviz
from nnviz_widgets import methods
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.methods.grad_cam import guided_grad_cam
from nnviz_widgets.render.numbers import format_number
from nnviz_widgets.widgets.pointer import Event
from tests.widgets.conftest import control_of, engine_of, status_of

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
    control = control_of(cam, "Class")
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
    assert "maximum" in cam._frames["map"].caption.value


def test_bad_state_is_refused_and_the_rest_goes_on(cam):
    before = cam.compute()
    for name, value in (("target", 9), ("target", "thre e"), ("layer", "fc"), ("layer", "nope")):
        with pytest.raises(NnvizError):
            setattr(cam, name, value)
    assert torch.equal(cam.compute(), before)


def test_two_classes_stand_on_one_scale(engine, cam):
    cam.second = "five"
    found = cam.compute()
    x = engine.prepare(PICTURE)
    expected = torch.cat([methods.grad_cam(engine, x, nnviz.logit(c), "conv2") for c in (2, 4)])
    assert torch.equal(found, expected)
    assert cam._shown[1].scale.high == pytest.approx(float(expected.max()))
    assert [cam._frames[pane].bar.layout.display for pane in ("map", "second")] == ["none", None]
    assert "three" in cam._frames["map"].title.value
    assert "five" in cam._frames["second"].title.value
    cam.second = None
    assert cam.compute().shape == (1, 1, 6, 6)
    assert cam._frames["second"].box.layout.display == "none"
    assert [cam._frames[pane].bar.layout.display for pane in ("map", "second")] == [None, "none"]


def test_a_class_can_be_taken_away(engine, cam):
    cam.against = "one"
    x = engine.prepare(PICTURE)
    objective = nnviz.logit(2) - nnviz.logit(0)
    assert torch.equal(cam.compute(), methods.grad_cam(engine, x, objective, "conv2"))
    assert "three" in cam._frames["map"].title.value
    assert "one" in cam._frames["map"].title.value
    assert 0 not in dict(cam._shown[1].strip.classes)
    cam.against = 2
    with pytest.raises(NnvizError, match="minus itself"):
        cam.compute()


@pytest.mark.parametrize("layer", ["relu2", "conv1"])
@pytest.mark.parametrize("variant", ["grad_cam", "layer_cam"])
def test_the_strip_holds_the_maps_of_the_most_probable_classes(engine, opened, layer, variant):
    cam = opened(nnviz.GradCam(engine, PICTURE, layer=layer, variant=variant))
    cam.compute()
    x, strip = engine.prepare(PICTURE), cam._shown[1].strip
    assert strip.at_once == (layer == "relu2" and variant == "grad_cam")
    assert [index for index, _ in strip.classes] == [index for index, _, _ in engine.top(x, 6)]
    for (index, _), values in zip(strip.classes, strip.values, strict=True):
        expected = methods.grad_cam(engine, x, nnviz.logit(index), layer, variant=variant)[0, 0].numpy()
        assert np.allclose(values, expected, atol=1e-6 * expected.max())


def test_all_classes_come_from_one_product_without_a_pass(engine, opened, monkeypatch):
    cam = opened(nnviz.GradCam(engine, PICTURE))
    cam.compute()
    for name in ("read", "open_graph", "differentiate"):
        monkeypatch.setattr(engine._passes, name, None)
    for target in range(5):
        cam.target = target
        assert cam.compute().shape == (1, 1, 6, 6)


def test_the_strip_of_another_class_is_the_same_until_the_network_changes(engine, opened):
    cam = opened(nnviz.GradCam(engine, PICTURE, layer="conv1"))
    cam.compute()
    strip = cam._shown[1].strip
    cam.target = 3
    cam.compute()
    assert cam._shown[1].strip is strip
    with torch.no_grad():
        engine.module.fc.weight.mul_(1.5)
    cam.compute()
    assert cam._shown[1].strip is not strip


def test_no_strip_where_it_would_take_many_passes_or_no_class_is_looked_at(cam):
    for variant in ("eigen_cam", "score_cam", "ablation_cam"):
        cam.variant = variant
        cam.compute()
        assert cam._shown[1].strip is None
        assert cam._frames["strip"].box.layout.display == "none"


def test_a_click_or_an_arrow_key_on_the_strip_asks_about_a_class(cam):
    cam.compute()
    classes = [index for index, _ in cam._shown[1].strip.classes]
    cam._happened(Event("click", "strip", x=0.01))
    assert cam.target == classes[0]
    cam.compute()
    for place in (1, 2):
        cam._happened(Event("key", "strip", key="ArrowRight"))
        assert cam.target == classes[place]
        cam.compute()
    cam._happened(Event("key", "strip", key="End"))
    assert cam.target == classes[-1]
    cam._happened(Event("key", "strip", key="ArrowRight"))
    assert cam.target == classes[-1]
    cam._happened(Event("move", "strip", x=0.01))
    assert f"{cam.engine.labels[classes[0]]} 0" in cam._frames["strip"].caption.value
    cam._happened(Event("key", "strip", key="Escape"))
    assert cam.target is None


def test_the_same_cell_is_told_and_outlined_on_both_maps(cam):
    cam.second = 0
    values = cam.compute()
    cam._happened(Event("move", "second", x=0.55, y=0.1))
    outlines = {cam._surface._shown[pane].outlines for pane in ("photo", "map", "second")}
    assert len(outlines) == 1
    ((x, y, width, height),) = outlines.pop()
    assert (round(x / width), round(y / height)) == (3, 0)
    for pane, each in zip(("map", "second"), values[:, 0], strict=True):
        assert format_number(float(each[0, 3])) in cam._frames[pane].caption.value
    cam._happened(Event("key", "map", key="ArrowDown"))
    assert "row 1, column 3" in cam._frames["second"].caption.value
    cam._happened(Event("key", "map", key="Escape"))
    assert "maximum" in cam._frames["second"].caption.value
    assert cam._surface._shown["map"].outlines == ()


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_map_with_nothing_in_it_says_what_to_try(opened, language):
    engine = engine_of()
    with torch.no_grad():
        engine.module.fc.weight[1] = -1
    cam = opened(nnviz.GradCam(engine, PICTURE, target="two", language=language))
    assert not cam.compute().any()
    assert {"en": "another method", "fr": "une autre méthode"}[language] in cam._frames["map"].caption.value
    assert "maximum" not in cam._frames["map"].caption.value


def test_guided_without_a_relu_is_said_in_its_pane(opened):
    engine = engine_of(lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.SiLU(), nn.Flatten(), nn.Linear(784, 5)))
    cam = opened(nnviz.GradCam(engine, PICTURE, guided=True))
    assert cam.compute().any()
    assert "ReLU" in cam._frames["guided"].caption.value
    assert "nnviz-error" not in status_of(cam)


def test_your_function_stands_beside_the_map(engine, opened):
    def mine(module, x, target):
        kept = []
        module.conv2.register_forward_hook(lambda *a: kept.append(a[2]))
        (gradient,) = torch.autograd.grad(module(x)[0, target], kept[0])
        return (gradient.mean((2, 3), keepdim=True) * kept[0]).sum(1).relu()

    cam = opened(nnviz.GradCam(engine, PICTURE, target=2, layer="conv2", method=mine))
    reference = cam.compute()
    assert cam.comparison.equal
    assert torch.allclose(cam.comparison.values, reference, atol=1e-6)
    cam.variant = "grad_cam++"
    cam.compute()
    assert not cam.comparison.equal
    assert cam._surface._shown["own"].outlines
    cam._happened(Event("move", "own", x=0.1, y=0.1))
    assert "row 0, column 0" in cam._frames["own"].caption.value


def test_what_is_saved_holds_all_that_is_shown(cam):
    before = cam.picture.size
    cam.second, cam.guided = 1, True
    cam.compute()
    assert cam.picture.size[0] > before[0]


def test_what_cannot_be_drawn_takes_no_room(engine, opened):
    cam = opened(nnviz.GradCam(engine, PICTURE, layer="conv2", method=lambda module, x, target: module.nothing))
    with pytest.raises(NnvizError, match="nothing"):
        cam.compute()
    assert cam._frames["own"].cut.layout.height == "0px"
    cam.method = lambda module, x, target: np.ones((6, 6))
    cam.compute()
    assert cam._frames["own"].cut.layout.height is None
