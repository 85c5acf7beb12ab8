"""The webcam, played from a film whose frames carry their numbers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser.chromium import FLAGS
from tests.browser.conftest import CLOSE, PRELUDE
from tests.browser.fake_camera import SCRIPT, flags, write_film
from tests.browser.lab import Lab
from tests.browser.notebook import Notebook

pytestmark = pytest.mark.browser

OPEN = """
def heard(lens, content, buffers=None):
    log.append((content["kind"], content.get("number")))
camera = nnviz.Camera()
widget = nnviz.GradCam(engine, camera)
# What comes and what is answered, in order.
log = []
send = camera._lens.send
def told(content, buffers=None):
    heard(camera, content)
    send(content, buffers)
camera._lens.send = told
camera._lens._msg_callbacks.callbacks.insert(0, heard)
widget
"""
SHOWN = "nnvizCamera.pane('photo')[0]"


@pytest.fixture(scope="module")
def filmed(browser: Browser, chromium: str, lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notebook]:
    """A page of a browser that has a camera, and may use it."""
    film = write_film(tmp_path_factory.mktemp("film") / "numbers.y4m")
    with browser.browser_type.launch(executable_path=chromium, args=[*FLAGS, *flags(film, ask=True)]) as other:
        context = other.new_context(viewport={"width": 1280, "height": 1000}, permissions=["camera"])
        page = context.new_page()
        page.add_init_script(SCRIPT)
        notebook = Notebook(page, lab.page(lab.notebook("filmed")))
        notebook.run(PRELUDE)
        yield notebook


@pytest.fixture
def live(filmed: Notebook) -> Iterator[Notebook]:
    """The notebook with `widget`, Grad-CAM of `camera`, running."""
    filmed.clear()
    filmed.errors.clear()
    filmed.run(OPEN)
    filmed.await_true(f"{SHOWN} >= 0")
    yield filmed
    filmed.run("widget.close()\n" + CLOSE)
    filmed.await_true("nnvizCamera.on() === 0")
    assert filmed.errors == []


def await_frames(notebook: Notebook, count: int = 5) -> None:
    """Until so many other numbers were seen in the photo's pane."""
    for _ in range(count):
        before = notebook.page.evaluate(f"() => {SHOWN}")
        notebook.await_true(f"{SHOWN} >= 0 && {SHOWN} !== {before}")


def test_frames_go_on_one_at_a_time_and_mirrored(live: Notebook) -> None:
    await_frames(live, 10)
    live.await_true("nnvizCamera.pane('photo')[1]")  # the film's mark is on the left
    live.await_text(".nnviz-status", "live")
    log = [entry for entry in live.ask("list(log)") if entry[0] in ("frame", "taken")]
    assert len(log) >= 20
    for (kind, number), (after, same) in pairwise(log):
        assert (kind, after) in (("frame", "taken"), ("taken", "frame"))
        assert same == (number if after == "taken" else number + 1)
    assert live.ask("tuple(widget.result.shape[:2])") == (1, 1)


def test_the_map_follows_the_frame_and_the_cell_does_not_wait(live: Notebook) -> None:
    """What is drawn is what the kernel has, once the camera is frozen."""
    await_frames(live)
    live.page.get_by_role("button", name="Freeze").press("Enter")
    live.await_true("nnvizCamera.on() === 0")
    live.await_answer("widget._shown[0].frame is camera.frame and widget._surface._pacer.deadline() is None")
    number = live.page.evaluate(f"() => {SHOWN}")
    map_before = live.print_of("map")
    live.run("widget.overlay = 0.0; widget.overlay = 0.6")
    live.await_print("map", map_before)
    assert live.page.evaluate(f"() => {SHOWN}") == number
    pixels = live.ask(
        "widget.engine.contract.picture(widget._shown[0].x)[[9, 15, 22, 28, 35, 41, 48, 54], 16].tolist()"
    )
    bits = [sum(rgb) > 3 * 127 for rgb in pixels[1:]]
    assert sum(bit << (6 - i) for i, bit in enumerate(bits)) == number
    live.page.get_by_role("button", name="Resume").press("Enter")
    await_frames(live)
    assert live.page.evaluate("() => nnvizCamera.on()") == 1


def test_a_sample_turns_the_camera_off_and_the_list_turns_it_on(live: Notebook) -> None:
    choice = live.page.locator(".nnviz select").first
    choice.select_option("coffee")
    live.await_true("nnvizCamera.on() === 0")
    live.await_answer("widget._shown[0].photo == 'coffee'")
    choice.select_option("camera")
    await_frames(live)
    assert live.page.evaluate("() => nnvizCamera.on()") == 1


def test_two_widgets_share_a_camera_until_the_last_is_closed(live: Notebook) -> None:
    live.run("other = nnviz.Saliency(engine, camera)\nother")
    await_frames(live)
    live.await_answer("other._shown is not None and other._shown[0].frame.number > 0")
    assert live.page.evaluate("() => nnvizCamera.on()") == 1
    live.run("other.close()")
    await_frames(live)
    live.run("widget.close()")
    live.await_true("nnvizCamera.on() === 0")


def test_an_output_that_goes_away_turns_the_camera_off(live: Notebook) -> None:
    live.page.evaluate("() => window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
    live.await_true("nnvizCamera.on() === 0")
    live.run("widget")
    await_frames(live)


def test_a_hidden_page_turns_the_camera_off(live: Notebook) -> None:
    def hide(hidden: bool) -> None:
        live.page.evaluate(
            "(hidden) => { Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });"
            " document.dispatchEvent(new Event('visibilitychange')); }",
            hidden,
        )

    hide(True)
    live.await_true("nnvizCamera.on() === 0")
    hide(False)
    await_frames(live)


def test_a_kernel_that_falls_silent_turns_the_camera_off_until_it_speaks(live: Notebook) -> None:
    live.run("camera._lens.send = lambda content, buffers=None: None")
    live.await_true("nnvizCamera.on() === 0")
    live.await_text(".nnviz-camera", "does not answer")
    live.run("camera._lens.send = told; told({'kind': 'pong'})")
    await_frames(live)
    live.await_true("document.querySelector('.nnviz-camera').textContent === ''")


# The page gives no camera, each time for another reason.
NONE: dict[str, Any] = {
    "not secure": "Object.defineProperty(navigator, 'mediaDevices', { value: undefined, configurable: true })",
    "No camera was found": "NotFoundError",
    "another program": "NotReadableError",
    "TypeError": "TypeError",
}


@pytest.fixture
def unseen(filmed: Notebook) -> Iterator[Notebook]:
    """The notebook without a cell."""
    filmed.clear()
    yield filmed
    filmed.run("widget.close()\n" + CLOSE)


def test_a_page_without_permission_says_so_and_keeps_its_picture(unseen: Notebook) -> None:
    unseen.page.context.clear_permissions()
    try:
        unseen.run("widget = nnviz.GradCam(engine, 'cat')\nwidget")
        before = unseen.await_picture("photo")
        unseen.run("widget.photo = nnviz.Camera()")
        unseen.await_text(".nnviz-error", "not allowed on this page")
        resume = unseen.page.get_by_role("button", name="Resume")
        resume.wait_for()
        assert unseen.print_of("photo") == before
    finally:
        unseen.page.context.grant_permissions(["camera"])
    resume.click()
    unseen.await_change("photo", before)


@pytest.mark.parametrize("words", NONE)
def test_a_page_without_a_camera_says_why(unseen: Notebook, words: str) -> None:
    script = NONE[words]
    if " " not in script:
        script = f"navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', '{script}'))"
    kept = "window.nnvizDevices = navigator.mediaDevices; window.nnvizOpen = navigator.mediaDevices.getUserMedia;"
    unseen.page.evaluate(f"() => {{ {kept} {script}; }}")
    try:
        unseen.run("widget = nnviz.GradCam(engine, nnviz.Camera())\nwidget")
        unseen.await_text(".nnviz-error", words)
    finally:
        back = "Object.defineProperty(navigator, 'mediaDevices', { value: window.nnvizDevices, configurable: true });"
        unseen.page.evaluate(f"() => {{ {back} navigator.mediaDevices.getUserMedia = window.nnvizOpen; }}")
