"""The square is dragged with the mouse and moved with keys; bars and maps follow, and nothing queues behind it."""

from __future__ import annotations

import numpy as np
import pytest

from tests.browser.notebook import Notebook

pytestmark = pytest.mark.browser

SHOW = "widget = nnviz.Occlusion(engine, 'cat', size=16, stride=8)\nwidget.compute();\nwidget"
CORNER = "widget._drawing.corner"


@pytest.fixture
def occlusion(notebook: Notebook) -> Notebook:
    """The notebook with `widget`, its map computed: 7 x 7 positions over 64 x 64 pixels."""
    notebook.run(SHOW)
    for name in ("photo", "probability", "predicted", "activation", "feature"):
        notebook.await_picture(name)
    notebook.await_true("document.querySelector('canvas.nnviz-pane-photo').hasAttribute('aria-label')")
    return notebook


def grey_at(notebook: Notebook) -> tuple[float, float]:
    """The middle of the square on the photo, as fractions (y, x)."""
    pixels = notebook.pixels("photo")[..., :3].astype(int)
    grey = notebook.ask("[int(v) for v in engine.contract.picture(torch.zeros(1, 3, 64, 64))[0, 0]]")
    rows, cols = np.nonzero((abs(pixels - grey) <= 1).all(2))
    return float(np.median(rows)) / pixels.shape[0], float(np.median(cols)) / pixels.shape[1]


def test_the_square_is_there_from_the_start_and_says_that_it_can_be_dragged(occlusion: Notebook) -> None:
    assert occlusion.pane("photo").evaluate("(canvas) => getComputedStyle(canvas).cursor") == "grab"
    top, left = occlusion.ask(CORNER)
    assert grey_at(occlusion) == pytest.approx(((top + 8) / 64, (left + 8) / 64), abs=0.03)
    occlusion.await_text(".nnviz-change", "→")


def test_the_square_is_dragged_beyond_the_edge_and_stays_where_it_is_let_go(occlusion: Notebook) -> None:
    mouse = occlusion.page.mouse
    before = occlusion.print_of("photo")
    mouse.move(*occlusion.at("photo", 0.5, 0.5))
    mouse.down()
    mouse.move(*occlusion.at("photo", 0.7, 0.3), steps=5)
    occlusion.await_change("photo", before)
    mouse.move(*occlusion.at("photo", 1.4, -0.1), steps=5)
    occlusion.await_answer(f"{CORNER} == (0, 48)")
    mouse.up()
    occlusion.await_answer("widget.square == (0, 48)")
    mouse.move(2, 2)
    occlusion.await_answer(f"widget._hand.hover is None and {CORNER} == (0, 48)")


def test_a_finger_drags_the_square(occlusion: Notebook) -> None:
    browser = occlusion.page.context.new_cdp_session(occlusion.page)
    browser.send("Emulation.setTouchEmulationEnabled", {"enabled": True})
    try:
        for kind, x, y in (("touchStart", 0.5, 0.5), ("touchMove", 0.4, 0.6), ("touchMove", 0.125, 0.875)):
            px, py = occlusion.at("photo", x, y)
            browser.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": px, "y": py}]})
        occlusion.await_answer(f"{CORNER} == (48, 0)")
        browser.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        occlusion.await_answer("widget.square == (48, 0)")
    finally:
        browser.send("Emulation.setTouchEmulationEnabled", {"enabled": False})


def test_many_fast_moves_end_on_the_last_and_ask_few(occlusion: Notebook) -> None:
    occlusion.run(
        "asked = []\n"
        "real = engine.probabilities\n"
        "def slow(x):\n"
        "    asked.append(1)\n"
        "    time.sleep(0.1)  # a network that takes its time\n"
        "    return real(x)\n"
        "engine.probabilities = slow"
    )
    start, end = occlusion.at("photo", 0.3, 0.31), occlusion.at("photo", 0.69, 0.505)
    occlusion.page.mouse.move(*start)
    occlusion.page.mouse.move(*end, steps=40)
    top, left = round(0.505 * 64 - 8), round(0.69 * 64 - 8)
    occlusion.await_answer(f"{CORNER} == ({top}, {left}) and widget._questions.idle.is_set()")
    assert occlusion.ask("widget._drawing._answer.question.corner") == (top, left)
    count = occlusion.ask("len(asked)")
    occlusion.run("del engine.probabilities")
    assert 1 <= count < 20, count


def test_bars_follow_the_square(occlusion: Notebook) -> None:
    bars = "document.querySelector('.nnviz-bars').innerHTML"
    before = occlusion.page.evaluate(bars)
    occlusion.page.mouse.move(*occlusion.at("photo", 0.43, 0.57))
    occlusion.page.wait_for_function(f"(before) => {bars} !== before", arg=before)
    expected = occlusion.ask("f'{float(widget._drawing._answer.probabilities.max()):.2f}'")
    occlusion.await_text(".nnviz-first", expected)


def test_keys_move_the_square_while_the_photo_has_the_focus(occlusion: Notebook) -> None:
    occlusion.run("widget.square = (16, 16)")
    occlusion.pane("photo").focus()
    for key, corner in (("ArrowRight", (16, 24)), ("ArrowDown", (24, 24)), ("ArrowLeft", (24, 16))):
        occlusion.page.keyboard.press(key)
        occlusion.await_answer(f"{CORNER} == {corner}")
    occlusion.page.keyboard.press("Escape")
    occlusion.await_answer("widget.square is None")


def test_hovering_a_cell_outlines_it_in_all_maps_and_says_its_numbers(occlusion: Notebook) -> None:
    before = {name: occlusion.print_of(name) for name in ("photo", "probability", "predicted", "activation")}
    occlusion.page.mouse.move(*occlusion.at("probability", 0.36, 0.64))  # row 4, column 2
    for name, old in before.items():
        occlusion.await_change(name, old)
    assert occlusion.ask(CORNER) == (32, 16)
    value = occlusion.ask("f'{float(widget.result.probability(widget._shown[1].asked)[4, 2]):.3f}'")
    occlusion.await_text(".nnviz-here", f"row 4, column 2: {value}")


def test_cancel_in_the_middle_and_the_next_change_works(notebook: Notebook) -> None:
    notebook.run(
        "import nnviz_widgets.engine.changed_pictures as changed\n"
        "batches, keep = [], changed.ChangedPictures.run\n"
        "def run(self, boxes, fill):\n"
        "    for found in keep(self, boxes, fill):\n"
        "        time.sleep(0.3)\n"
        "        batches.append(1)\n"
        "        yield found\n"
        "changed.ChangedPictures.run = run\n"
        "widget = nnviz.Occlusion(engine, 'cat', size=16, stride=1)\nwidget"
    )
    notebook.await_picture("probability")
    notebook.page.get_by_role("button", name="Cancel").click()
    notebook.await_text(".nnviz-status", "cancelled")
    count = notebook.ask("len(batches)")
    assert notebook.ask("widget.result.done") < 1
    assert notebook.ask("time.sleep(0.7) or len(batches)") <= count + 1
    notebook.run("changed.ChangedPictures.run = keep\nwidget.stride = 8")
    notebook.await_answer("widget.result.done == 1 and widget.result.boxes.shape[0] == 7")


def test_a_class_that_is_not_there_is_one_line_and_the_next_one_works(occlusion: Notebook) -> None:
    picture = occlusion.print_of("probability")
    field = occlusion.page.get_by_placeholder("most probable")
    field.fill("dog")
    field.press("Enter")
    occlusion.await_text(".nnviz-error", "dog")
    assert occlusion.print_of("probability") == picture
    field.fill("two (1)")
    field.press("Enter")
    occlusion.await_text(".nnviz-title", "Probability of two")
    occlusion.await_true("!document.querySelector('.nnviz-error')")
