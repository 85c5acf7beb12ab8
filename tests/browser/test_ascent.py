"""The ascent as a person uses it: started, steered, stopped, gone back in; and ten minutes of it."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.notebook import Notebook

pytestmark = pytest.mark.browser

SLOW = """
class Slow(nn.Module):
    # a network that takes its time
    def __init__(self, net):
        super().__init__()
        self.net = net
    def forward(self, x):
        time.sleep(0.02)
        return self.net(x)
slow = nnviz.Engine(Slow(net), mean=0.5, std=0.25, size=64, labels=engine.labels, outputs="logits")
class Watched(nnviz.Ascent):
    def _start(self, state):
        self.drawn = []
        super()._start(state)
    def _draw(self, state, moment):
        super()._draw(state, moment)
        self.drawn.append((moment.step, self.sigma))
widget = Watched(slow, preset="Yosinski 3", steps=5000)
widget
"""
SECONDS = float(os.environ.get("NNVIZ_SOAK", "600"))
GROWTH = 60e6  # bytes that the kernel may hold more: half a timeline, which is thinned out again and again


@pytest.fixture
def ascent(notebook: Notebook) -> Iterator[Notebook]:
    """The notebook with `widget`, which runs for long."""
    notebook.run(SLOW)
    notebook.await_picture("picture")
    notebook.await_true("document.querySelector('canvas.nnviz-pane-curve').hasAttribute('aria-label')")
    yield notebook
    notebook.run("widget.close()")


def button(ascent: Notebook, name: str) -> Locator:
    return ascent.page.locator(".nnviz button", has_text=re.compile(f"^{name}$"))


def press(ascent: Notebook, label: str, key: str) -> None:
    """A key on the slider of that name."""
    row = ascent.page.locator(".widget-hslider", has=ascent.page.locator(f"label:text-is('{label}')"))
    row.locator(".noUi-handle").focus()
    ascent.page.keyboard.press(key)


def test_a_slider_steers_within_two_frames_and_nothing_begins_anew(ascent: Notebook) -> None:
    ascent.await_answer("widget.moment.step > 20")
    before = ascent.ask("widget._ticket.done, id(widget._ticket), widget.moment.step")
    press(ascent, "Blur σ", "ArrowRight")
    ascent.await_answer("widget.sigma != 1.0 and widget.drawn[-1][1] == widget.sigma")
    drawn = ascent.ask("[d for d in widget.drawn if d[1] == widget.sigma][:3]")
    steered = ascent.ask("dict(widget.moment.state.steered)")
    ((step, changes),) = steered.items()
    assert changes == {"sigma": ascent.ask("widget.sigma")}
    assert step <= drawn[min(1, len(drawn) - 1)][0]  # the second frame at the latest shows it
    now = ascent.ask("widget._ticket.done, id(widget._ticket), widget.moment.step")
    assert now[:2] == before[:2]
    assert now[2] > before[2]
    before = ascent.print_of("picture")
    ascent.await_change("picture", before)


def test_stop_ends_it_within_one_step(ascent: Notebook) -> None:
    ascent.await_answer("widget.moment.step > 3")
    button(ascent, "Stop").click()
    ascent.await_answer("widget.phase == 'stopped'")
    step = ascent.ask("widget.moment.step")
    time.sleep(0.3)
    assert ascent.ask("widget.moment.step") == step
    ascent.await_text(".nnviz-status", "stopped")
    expect(button(ascent, "Start")).to_be_visible()


def test_keys_over_the_picture_pause_and_go_back(ascent: Notebook) -> None:
    ascent.await_answer("widget.moment.step > 8")
    ascent.pane("picture").focus()
    ascent.page.keyboard.press(" ")
    ascent.await_answer("widget.phase == 'paused'")
    step, before = ascent.ask("widget.moment.step"), ascent.print_of("curve")
    ascent.page.keyboard.press("ArrowLeft")
    ascent.await_answer(f"widget.moment.step == {step - 1}")
    ascent.page.keyboard.press("Home")
    ascent.await_change("curve", before)
    assert ascent.ask("widget.moment.step") == 0
    ascent.page.keyboard.press(" ")
    ascent.await_answer(f"widget.moment.step > {step}")


def test_what_is_not_on_the_screen_lets_others_go_first(ascent: Notebook) -> None:
    def place(view: int, where: str) -> None:
        style = "([view, where]) => { document.querySelectorAll('.nnviz')[view].style.cssText = where; }"
        ascent.page.evaluate(style, [view, where])

    here, away = "position: fixed; top: 0", "position: fixed; top: -9000px"
    ascent.await_answer("not widget._view.aside")
    place(0, away)
    ascent.await_answer("widget._view.aside")
    step = ascent.ask("widget.moment.step")
    ascent.await_answer(f"widget.moment.step > {step}")  # for there are no others
    ascent.run("told = []\nwidget._pointer.listen(lambda event: event.kind == 'seen' and told.append(event.seen))")
    ascent.run("widget")
    ascent.await_picture("picture", 1)
    place(1, here)
    ascent.await_answer("told and told[-1]")
    for where in (here, away):  # the one view, while the other is on the screen
        heard = len(ascent.ask("told"))
        place(0, where)
        ascent.await_answer(f"len(told) > {heard}")
        assert ascent.ask("told[-1] and not widget._view.aside")
    ascent.run("other = nnviz.ActivationMaps(engine, 'cat', layer='0')\nother")
    ascent.await_picture("map")
    place(2, here)
    ascent.await_answer("not other._view.aside")
    place(1, away)
    ascent.await_answer("widget._view.aside")  # whatever else is on the screen
    assert not ascent.ask("other._view.aside")


def test_the_timeline_is_dragged_and_the_run_goes_on_from_there(ascent: Notebook) -> None:
    ascent.await_answer("widget.moment.step > 12")
    button(ascent, "Pause").click()
    ascent.await_answer("widget.phase == 'paused'")
    before = ascent.print_of("picture")
    press(ascent, "Timeline", "Home")
    ascent.await_answer("widget.moment.step == 0")
    ascent.await_change("picture", before)
    ascent.await_text(".nnviz-status", "step 0 of 5000")
    button(ascent, "Go on").click()
    ascent.await_answer("widget.moment.step > 5")


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_streaming_for_long_grows_neither_the_kernel_nor_the_page(notebook: Notebook) -> None:
    """NNVIZ_SOAK: for how many seconds, 600 if not said."""
    notebook.run(
        "import ctypes, gc\nfrom pathlib import Path\n"
        "def memory():\n    gc.collect()\n    ctypes.CDLL('libc.so.6').malloc_trim(0)  # what is free goes back first\n"
        "    return int(Path('/proc/self/statm').read_text().split()[1]) * 4096\n"
        "widget = nnviz.Ascent(engine, steps=10_000, size=128)\n"
        "sent = []\nshow = widget._surface._draw_sprite\n"
        "def counted(canvas, sprite):\n    sent.append(len(sprite.bitmap.encoded))\n    show(canvas, sprite)\n"
        "widget._surface._draw_sprite = counted\nwidget"
    )
    notebook.await_picture("picture")
    page = notebook.page.context.new_cdp_session(notebook.page)

    def heap() -> int:
        page.send("HeapProfiler.collectGarbage")
        return int(page.send("Runtime.getHeapUsage")["usedSize"])

    # Thinned out for the second time: it has held as many moments as it will ever keep, and now holds half of them.
    while notebook.ask("widget._timeline._every") < 4:
        time.sleep(1)
    kernel, shown, begun = notebook.ask("memory()"), heap(), time.monotonic()
    while time.monotonic() - begun < SECONDS:
        time.sleep(min(5.0, SECONDS / 4))
        if notebook.ask("widget.phase") != "running":
            notebook.run("widget.restart()")
    assert notebook.ask("len(sent)") > SECONDS
    assert notebook.ask("memory()") - kernel < GROWTH
    assert heap() - shown < 0.1 * notebook.ask("sum(sent)") + 20e6
