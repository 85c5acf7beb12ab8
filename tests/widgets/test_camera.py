import itertools
import time
from types import SimpleNamespace

import pytest
import torch

import nnviz_widgets as nnviz
from nnviz_widgets import methods
from nnviz_widgets.engine.objectives import LOGITS
from nnviz_widgets.errors import MESSAGES, NnvizError
from nnviz_widgets.images.contract import InputContract
from nnviz_widgets.lang import ERRORS
from nnviz_widgets.widgets import camera_view, grad_cam, photo
from nnviz_widgets.widgets.camera import HERE, TROUBLES
from nnviz_widgets.widgets.camera_view import frame_size
from tests.widgets.conftest import control_of, engine_of, html_of, noise, png, seen, status_of
from tests.widgets.test_photo import upload

WIDGETS = [nnviz.ActivationMaps, nnviz.GradCam, nnviz.Occlusion, nnviz.Saliency]


class Browser:
    """The page of a camera: sends frames (any picture file will do) and keeps what it is told."""

    def __init__(self, camera):
        self.camera = camera
        self.told = []
        self.number = 0
        camera._lens.send = lambda content, buffers=None: self.told.append(content)

    def send(self, picture):
        self.number += 1
        self.say(kind="frame", number=self.number, buffers=[memoryview(picture)])
        return self.number

    def say(self, *, buffers=(), **content):
        self.camera._lens._handle_custom_msg(content, list(buffers))

    @property
    def taken(self):
        """Numbers of the frames that were taken."""
        return [content["number"] for content in self.told if content["kind"] == "taken"]


@pytest.fixture
def camera():
    return nnviz.Camera()


@pytest.fixture
def worker(by_hand):
    """The one worker, which runs only when told to."""
    return lambda: by_hand[0]


@pytest.fixture
def cam(engine, camera, by_hand, opened):
    """Grad-CAM of a camera; the worker runs by hand."""
    return opened(nnviz.GradCam(engine, camera, target=1, layer="relu2"))


def cam_of(engine, picture):
    return methods.grad_cam(engine, engine.prepare(picture), nnviz.logit(1), "relu2")


@pytest.mark.parametrize("kind", WIDGETS)
def test_a_widget_waits_for_its_first_frame_and_then_shows_it(engine, opened, kind):
    widget = opened(kind(engine, nnviz.Camera()))
    start = time.monotonic()
    assert "image/png" not in str(widget._repr_mimebundle_())
    assert time.monotonic() - start < 2
    assert "Waiting for the camera" in status_of(widget)
    assert "nnviz-error" not in status_of(widget)
    assert widget._surface.picture("photo")[..., 3].any()
    assert photo.WAITING in widget._dom_classes  # its other panes would be a large void
    with pytest.raises(NnvizError, match="no picture yet"):
        widget.compute()
    browser = Browser(widget.photo)
    browser.send(png(noise()))
    still = opened(kind(engine, noise()))
    for trait in set(widget._live) - {"photo"}:
        setattr(still, trait, getattr(widget, trait))
    assert str(widget.compute()) == str(still.compute())
    assert (seen(widget) == seen(still)).all()
    assert isinstance(widget.photo, nnviz.Camera)
    assert photo.WAITING not in widget._dom_classes


def test_the_callback_prepares_nothing_and_the_frame_is_taken_when_it_is_shown(engine, cam, worker, monkeypatch):
    browser = Browser(cam.photo)
    prepared, shown = [], []
    prepare = engine.prepare
    monkeypatch.setattr(engine, "prepare", lambda picture: prepared.append(picture) or prepare(picture))
    monkeypatch.setattr(cam._surface, "show", lambda scenes: shown.append(list(browser.taken)))
    browser.send(png(noise()))
    assert (prepared, shown, browser.told) == ([], [], [])
    worker().run_until_idle()
    assert (len(prepared), shown, browser.taken) == (1, [[]], [1])
    torch.testing.assert_close(cam.result, cam_of(engine, noise()))


def test_one_frame_after_another(engine, cam, worker):
    browser = Browser(cam.photo)
    for i in range(5):
        browser.send(png(noise(i)))
        worker().run_until_idle()
        assert browser.taken == list(range(1, i + 2))
        torch.testing.assert_close(cam.result, cam_of(engine, noise(i)))


def test_a_frame_is_taken_once_and_by_its_number_though_a_control_moves(cam, worker):
    browser = Browser(cam.photo)
    browser.send(png(noise()))
    cam.overlay = 0.2  # in place of the frame's own job
    assert browser.taken == []
    worker().run_until_idle()
    cam.overlay = 0.3
    worker().run_until_idle()
    assert browser.taken == [1]


def test_two_widgets_take_a_frame_together(engine, camera, by_hand, opened):
    first, second = (opened(kind(engine, camera)) for kind in (nnviz.GradCam, nnviz.Saliency))
    browser = Browser(camera)
    browser.send(png(noise()))
    while first.result is None or second.result is None:
        assert browser.taken == []
        assert by_hand[0].step()
    by_hand[0].run_until_idle()
    assert browser.taken == [1]
    browser.send(png(noise(1)))
    second.close()
    by_hand[0].run_until_idle()
    assert browser.taken == [1, 2]
    assert camera._lens is not None
    first.close()
    assert camera._lens is None


def test_a_slow_map_is_left_at_its_first_result(camera, by_hand, opened, monkeypatch):
    monkeypatch.setattr(photo, "PATIENCE", 0.0)
    engine = engine_of(size=64)
    widget = opened(nnviz.Occlusion(engine, camera, size=8, stride=4))
    browser = Browser(camera)
    browser.send(png(noise()))
    shown = []
    camera._lens.send = lambda content, buffers=None: shown.append(widget.result.done)
    while not shown:
        assert by_hand[0].step()
    assert shown[0] < 1
    browser.send(png(noise(1)))
    camera.frozen = True
    by_hand[0].run_until_idle()
    assert widget.result.done == 1
    *_, last = methods.occlusion(engine, engine.prepare(noise(1)), size=8, stride=4)
    torch.testing.assert_close(widget.result.logits, last.logits)


def test_a_quick_map_is_worked_out_to_its_end(engine, camera, by_hand, opened, monkeypatch):
    monkeypatch.setattr(photo, "PATIENCE", 60.0)
    widget = opened(nnviz.Occlusion(engine, camera, size=8, stride=4))
    browser = Browser(camera)
    browser.send(png(noise()))
    while not browser.taken:
        assert by_hand[0].step()
    assert widget.result.done == 1


def test_compute_goes_to_the_end_of_a_slow_frame(engine, camera, by_hand, opened, monkeypatch):
    monkeypatch.setattr(photo, "PATIENCE", 0.0)
    widget = opened(nnviz.Occlusion(engine, camera, size=4, stride=1))
    browser = Browser(camera)
    browser.send(png(noise()))
    told = []
    monkeypatch.setattr(widget._surface, "show", lambda scenes: told.append(len(browser.taken)))
    assert widget.compute().done == 1
    assert set(told) == {0}
    by_hand[0].run_until_idle()
    assert browser.taken == [1]


def test_frozen_the_last_frame_is_a_picture_like_any_other(engine, cam, worker):
    browser = Browser(cam.photo)
    browser.send(png(noise()))
    worker().run_until_idle()
    control_of(cam, "Freeze").click()
    assert cam.photo.frozen
    assert cam.photo._lens.frozen
    assert "camera is off" in status_of(cam)
    browser.send(png(noise(1)))  # was on its way
    worker().run_until_idle()
    torch.testing.assert_close(cam.result, cam_of(engine, noise()))
    cam.layer = "conv2"
    x = engine.prepare(noise())
    torch.testing.assert_close(cam.compute(), methods.grad_cam(engine, x, nnviz.logit(1), "conv2"))
    control_of(cam, "Resume").click()
    assert not cam.photo._lens.frozen
    browser.send(png(noise(2)))
    worker().run_until_idle()
    assert browser.taken[-1] == browser.number
    cam.layer = "relu2"
    torch.testing.assert_close(cam.compute(), cam_of(engine, noise(2)))


def test_cancel_freezes(cam, worker):
    browser = Browser(cam.photo)
    browser.send(png(noise()))
    cam.cancel()
    worker().run_until_idle()
    assert cam.photo.frozen
    assert cam.result is None


@pytest.mark.parametrize("leave", ["sample", "upload", "code"])
def test_another_picture_leaves_the_camera(engine, cam, worker, leave):
    camera = cam.photo
    browser = Browser(camera)
    browser.send(png(noise()))
    worker().run_until_idle()
    assert control_of(cam, "Picture").value == "camera"
    if leave == "sample":
        control_of(cam, "Picture").value = "rocket"
    elif leave == "upload":
        upload(cam, png(noise(5)))
    else:
        cam.photo = noise(5)
    assert camera._lens is None
    assert camera.frame is None
    expected = cam_of(engine, nnviz.sample("rocket") if leave == "sample" else noise(5))
    torch.testing.assert_close(cam.compute(), expected)
    cam.photo = camera
    assert "Waiting" in status_of(cam)
    Browser(camera).send(png(noise(6)))
    torch.testing.assert_close(cam.compute(), cam_of(engine, noise(6)))


def test_the_list_offers_the_camera_and_the_last_picture_stays_while_it_opens(engine, opened, by_hand):
    widget = opened(nnviz.GradCam(engine, "cat", target=1, layer="relu2"))
    before = widget.compute()
    control_of(widget, "Picture").value = "camera"
    assert isinstance(widget.photo, nnviz.Camera)
    by_hand[0].run_until_idle()
    torch.testing.assert_close(widget.result, before)
    assert "Waiting" in status_of(widget)
    widget.overlay = 0.1  # has nothing to act on yet
    Browser(widget.photo).send(png(noise()))
    by_hand[0].run_until_idle()
    torch.testing.assert_close(widget.result, cam_of(engine, noise()))


def test_the_strip_of_classes_stands_still_while_the_picture_moves(engine, cam, worker, monkeypatch):
    browser = Browser(cam.photo)
    browser.send(png(noise(1)))
    worker().run_until_idle()
    first = cam._shown[1].strip
    browser.send(png(noise(2)))
    worker().run_until_idle()
    assert cam._shown[1].strip is first
    monkeypatch.setattr(grad_cam, "CALM", 0.0)
    browser.send(png(noise(3)))
    worker().run_until_idle()
    moved = cam._shown[1].strip
    assert moved is not first
    monkeypatch.setattr(grad_cam, "CALM", 1e9)
    browser.send(png(noise(4)))
    worker().run_until_idle()
    assert cam._shown[1].strip is moved
    cam.photo.frozen = True
    worker().run_until_idle()
    assert cam._shown[1].strip is not moved


@pytest.mark.parametrize("cause", TROUBLES)
@pytest.mark.parametrize("language", ["en", "fr"])
def test_why_there_is_no_camera_is_one_line(engine, opened, by_hand, cause, language):
    widget = opened(nnviz.GradCam(engine, nnviz.Camera(), language=language))
    Browser(widget.photo).say(kind="trouble", cause=cause, reason="Name: because")
    code = TROUBLES[cause]
    expected = {"en": MESSAGES, "fr": ERRORS["fr"]}[language][code].format(reason="Name: because")
    assert expected.replace("'", "&#x27;") in status_of(widget)
    assert "nnviz-error" in status_of(widget)
    assert widget.photo.frozen  # so that the button says how to try again
    with pytest.raises(NnvizError) as raised:
        widget.compute()
    assert raised.value.code == code
    assert expected.replace("'", "&#x27;") in status_of(widget)
    widget.photo.frozen = False
    assert "nnviz-error" not in status_of(widget)


def test_a_camera_that_stops_leaves_its_last_picture(engine, cam, worker):
    browser = Browser(cam.photo)
    browser.send(png(noise()))
    worker().run_until_idle()
    browser.say(kind="trouble", cause="gone", reason="")
    assert "unplugged" in status_of(cam)
    torch.testing.assert_close(cam.compute(), cam_of(engine, noise()))


def test_a_frame_that_cannot_be_read_is_one_line_and_the_next_one_comes(engine, cam, worker):
    browser = Browser(cam.photo)
    browser.send(png(noise()))
    worker().run_until_idle()
    browser.send(b"no picture")
    worker().run_until_idle()
    assert "cannot be read" in status_of(cam)
    assert browser.taken == [1, 2]
    torch.testing.assert_close(cam.result, cam_of(engine, noise()))
    browser.send(png(noise(3)))
    worker().run_until_idle()
    assert "nnviz-error" not in status_of(cam)
    torch.testing.assert_close(cam.result, cam_of(engine, noise(3)))


def test_the_kernel_says_that_it_is_there(cam):
    browser = Browser(cam.photo)
    browser.say(kind="ping")
    assert browser.told == [{"kind": "pong"}]


def test_a_second_page_does_not_wait_for_the_first(cam, worker):
    browser = Browser(cam.photo)
    browser.send(png(noise()))
    browser.number += 99
    browser.send(png(noise(1)))
    assert browser.taken == [1]
    worker().run_until_idle()
    assert browser.taken == [1, 101]


@pytest.mark.parametrize("kind", [nnviz.ActivationMaps, nnviz.GradCam])
def test_a_frame_goes_through_the_network_once(engine, camera, by_hand, opened, kind, monkeypatch):
    opened(kind(engine, camera))
    browser, passes, read = Browser(camera), [], engine._passes.read
    browser.send(png(noise()))
    by_hand[0].run_until_idle()
    monkeypatch.setattr(engine._passes, "read", lambda x, names: passes.append(names) or read(x, names))
    browser.send(png(noise(1)))
    by_hand[0].run_until_idle()
    assert len(passes) == 1


@pytest.mark.parametrize("kind", WIDGETS)
def test_frames_leave_nothing_behind(engine, camera, by_hand, opened, kind):
    widget = opened(kind(engine, "rocket"))
    widget.compute()
    by_hand[0].run_until_idle()
    widget.photo = camera
    browser = Browser(camera)
    for i in range(9):
        browser.send(png(noise(i)))
        by_hand[0].run_until_idle()
    assert browser.taken == list(range(1, 10))
    first, *others = (
        engine._digests(engine.prepare(picture)) for picture in (nnviz.sample("rocket"), *map(noise, range(9)))
    )
    kept = {key[0] for key in engine._cache._entries} | {key.picture for key in engine._graphs._graphs}
    assert kept & set(others) == {others[-1]}
    assert engine._cache.get((first, LOGITS)) is not None  # a picture that may come again


def test_a_running_camera_says_its_rate(cam, worker, monkeypatch):
    browser = Browser(cam.photo)
    clock = itertools.count()
    monkeypatch.setattr(camera_view, "time", SimpleNamespace(monotonic=lambda: next(clock) / 8))
    for i in range(20):
        browser.send(png(noise(i)))
        worker().run_until_idle()
    assert "live · 8 frames/s · cpu" in status_of(cam)


def test_a_camera_serves_networks_of_other_sizes(camera, opened):
    opened(nnviz.GradCam(engine_of(size=16), camera))
    assert camera._lens.size == [128, 128]
    opened(nnviz.GradCam(engine_of(size=(150, 200)), camera))
    assert camera._lens.size == [200, 150]


@pytest.mark.parametrize(
    ("size", "resize", "expected"),
    [((224, 224), None, (224, 224)), ((224, 224), 256, (256, 256)), ((32, 64), None, (256, 128))],
)
def test_a_frame_is_what_the_contract_would_make_of_a_picture(size, resize, expected):
    assert frame_size(InputContract(size=size, mean=(0.5,), std=(0.5,), resize=resize)) == expected


def test_mirrored_unless_told_otherwise(engine, opened):
    assert opened(nnviz.GradCam(engine, nnviz.Camera())).photo._lens.mirror
    plain = nnviz.Camera(mirror=False)
    opened(nnviz.GradCam(engine, plain))
    assert not plain._lens.mirror
    assert repr(plain) == "Camera(mirror=False)"


def test_a_widget_that_could_not_be_made_leaves_the_camera(engine, camera):
    with pytest.raises(NnvizError):
        nnviz.GradCam(engine, camera, layer="nowhere")
    assert camera._lens is None


def test_nothing_of_the_camera_speaks_to_a_person_but_in_both_languages(cam):
    assert "export default" in (HERE / "camera.js").read_text()
    assert not any("undefined" in text for text in html_of(cam))
