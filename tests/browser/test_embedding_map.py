"""A map of pictures as a person uses it: panned, zoomed, lassoed, pointed at; fluid with 20 000 points."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from itertools import pairwise

import pytest

from tests.browser.notebook import Notebook

pytestmark = pytest.mark.browser

MAKE = """
import numpy as np
from nnviz_widgets import methods
from nnviz_widgets.methods.embeddings import Embedding
rng = np.random.default_rng(0)
pixels = np.stack([rng.integers(0, 60, (16, 16, 3)) + 190 * (i % 2) for i in range(60)]).astype(np.uint8)
images = nnviz.ImageSet(pixels, labels=["dark", "light"] * 30)
embedding = methods.embed(engine, images)
widget = nnviz.EmbeddingMap(engine, embedding, width=400)
widget
"""

MANY = """
import numpy as np
from nnviz_widgets.methods.embeddings import Embedding
rng = np.random.default_rng(0)
images = nnviz.ImageSet(rng.integers(0, 256, (20000, 4, 4), dtype=np.uint8), labels=[i % 10 for i in range(20000)],
                        classes=[str(i) for i in range(10)])
vectors = torch.randn(20000, 8) * torch.tensor([3.0, 3, 1, 1, 1, 1, 1, 1])
embedding = Embedding(vectors, images.ids, tuple(range(20000)), "4", False, engine, images)
widget = nnviz.EmbeddingMap(engine, embedding, width=464)
widget
"""

# Frames that reach the page, by what is acknowledged.
COUNT = """
acks = []
widget._surface.echo.observe(lambda change: acks.append(time.monotonic()), "image_data")
"""


@pytest.fixture
def embedding_map(notebook: Notebook) -> Iterator[Notebook]:
    notebook.run(MAKE)
    notebook.await_picture("map")
    notebook.await_true("document.querySelector('canvas.nnviz-pane-map').hasAttribute('aria-label')")
    yield notebook
    notebook.await_answer("widget._stage._glide is None and not widget._stage._coarse")  # no frame is on its way
    notebook.run("widget.close()")


def pull(notebook: Notebook, *places: tuple[float, float]) -> None:
    """Drag over places of the map, as fractions of it."""
    spots = [notebook.at("map", *place) for place in places]
    notebook.page.mouse.move(*spots[0])
    notebook.page.mouse.down()
    for spot in spots[1:]:
        notebook.page.mouse.move(*spot, steps=6)
    notebook.page.mouse.up()


def test_a_drag_pans_and_is_no_click(embedding_map: Notebook) -> None:
    before = embedding_map.print_of("map")
    pull(embedding_map, (0.5, 0.5), (0.7, 0.6))
    embedding_map.await_change("map", before)
    embedding_map.await_answer("abs(widget._stage.view.x + 80 / widget._stage.view.scale) < 0.02")
    assert embedding_map.ask("widget._stage.view.zoom") == 1


def test_the_wheel_zooms_with_ctrl_alone(embedding_map: Notebook) -> None:
    embedding_map.run("print('line\\n' * 100)")
    top = "[...document.querySelectorAll('.jp-WindowedPanel-outer')].reduce((sum, e) => sum + e.scrollTop, 0)"
    page = embedding_map.page
    page.mouse.move(*embedding_map.at("map", 0.3, 0.5))
    before = page.evaluate(f"() => {top}")
    page.keyboard.down("Control")
    for _ in range(3):
        page.mouse.wheel(0, -100)
    page.keyboard.up("Control")
    embedding_map.await_answer("widget._stage.view.zoom > 1.5")
    assert page.evaluate(f"() => {top}") == before
    zoom = embedding_map.ask("widget._stage.view.zoom")
    page.mouse.wheel(0, 60 if before == 0 else -60)
    embedding_map.await_true(f"{top} !== {before}")
    assert embedding_map.ask("widget._stage.view.zoom") == zoom


def test_a_lasso_selects_and_lists_classes(embedding_map: Notebook) -> None:
    embedding_map.page.get_by_role("button", name="Lasso").click()
    pull(embedding_map, (0.01, 0.01), (0.99, 0.01), (0.99, 0.99), (0.01, 0.99), (0.01, 0.5))
    embedding_map.await_text(".nnviz-facts", "Selected: 60")
    embedding_map.await_text(".nnviz-mark", "30 / 30")
    embedding_map.page.keyboard.press("Escape")
    embedding_map.page.locator(".nnviz-facts", has_text="Selected").first.wait_for(state="detached")


def test_pointing_shows_a_picture_and_its_neighbours(embedding_map: Notebook) -> None:
    embedding_map.await_answer("not widget._stage._coarse")
    x, y = embedding_map.ask("tuple(float(v) for v in widget._stage.view.to_pane(widget._stage.points)[7] / 400)")
    embedding_map.page.mouse.move(*embedding_map.at("map", x, y))
    embedding_map.await_picture("near")
    number = embedding_map.ask("widget._stage.over.number")
    expected = embedding_map.ask(f"embedding.neighbours({number}, 6).numbers.tolist()")
    assert embedding_map.ask("list(widget._stage.over.near)") == expected


def test_tsne_comes_and_cancel_ends_it(embedding_map: Notebook) -> None:
    before = embedding_map.print_of("map")
    embedding_map.page.get_by_label("Map").select_option("t-SNE")
    embedding_map.await_answer("widget._layouts._lane is not None")
    embedding_map.page.get_by_role("button", name="Cancel").click()
    embedding_map.await_text(".nnviz-status", "cancelled")
    assert embedding_map.ask("widget._layouts._lane") is None
    embedding_map.run("widget.perplexity = 8; widget.compute()")
    embedding_map.await_change("map", before)
    embedding_map.await_text(".nnviz-title", "t-SNE of 60 pictures")


def test_twenty_thousand_points_stay_fluid(notebook: Notebook) -> None:
    """No time is asserted, only that frames come all along a drag; their rate is in the test's output."""
    notebook.run(MANY)
    notebook.await_picture("map")
    notebook.await_answer("widget._stage._base is not None and not widget._stage._coarse")
    notebook.run(COUNT)
    centre = notebook.at("map", 0.5, 0.5)
    notebook.page.mouse.move(*centre)
    notebook.page.mouse.down()
    end, i = time.monotonic() + 4, 0
    while time.monotonic() < end:
        i += 1
        notebook.page.mouse.move(centre[0] + 100 * ((i % 40) / 20 - 1), centre[1] + i % 17)
    notebook.page.mouse.up()
    stamps = notebook.ask("list(acks)")
    notebook.run("widget.close()")
    rates = [1 / max(b - a, 1e-3) for a, b in pairwise(stamps)]
    print(f"{len(stamps) / 4:.1f} frames/s with 20 000 points, median {statistics.median(rates):.1f}")
    assert len(stamps) > 8


def test_the_map_moves_under_the_hand_before_the_kernel_answers(embedding_map: Notebook) -> None:
    embedding_map.await_answer("widget.trust is not None and not widget._stage._coarse")
    embedding_map.run("listeners = widget._pointer._msg_callbacks.callbacks; deaf, listeners[:] = listeners[:], []")
    start, end = embedding_map.at("map", 0.4, 0.5), embedding_map.at("map", 0.6, 0.5)
    embedding_map.page.mouse.move(*start)
    before, shown = embedding_map.pixels("map"), embedding_map.print_of("map")
    embedding_map.page.mouse.down()
    embedding_map.page.mouse.move(*end, steps=4)
    moved, shift = embedding_map.pixels("map"), round(end[0] - start[0]) * 2
    assert (moved[:, shift:] == before[:, :-shift]).all()
    assert not moved[:, :shift].any()
    embedding_map.page.mouse.up()
    embedding_map.await_print("map", shown)  # the kernel says nothing of it: back to where it is
    embedding_map.run("listeners[:] = deaf")
