"""Pointer, keys, scrolling and theme over the canvases."""

from __future__ import annotations

import numpy as np
import pytest

from tests.browser.notebook import Notebook

pytestmark = pytest.mark.browser


@pytest.fixture
def maps(notebook: Notebook) -> Notebook:
    """The notebook with `widget`, the maps of a layer of 12 channels."""
    notebook.run("widget = nnviz.ActivationMaps(engine, 'cat', layer='0', channel=2)\nwidget")
    for name in ("photo", "map", "mosaic"):
        notebook.await_picture(name)
    notebook.await_true("document.querySelector('canvas.nnviz-pane-map').hasAttribute('aria-label')")
    return notebook


def tile(maps: Notebook, channel: int) -> tuple[float, float]:
    """The middle of a channel's tile, on the page."""
    x, y, width, height = maps.ask(f"tuple(float(v) for v in widget._sheet.box({channel}))")
    whole = maps.ask("widget._surface.sizes['mosaic']")
    return maps.at("mosaic", (x + width / 2) / whole[0], (y + height / 2) / whole[1])


def test_tab_leaves_the_canvas(maps: Notebook) -> None:
    maps.page.mouse.click(*maps.at("map", 0.5, 0.5))
    focused = "document.activeElement?.classList.contains('nnviz-pane-map')"
    maps.await_true(focused)
    maps.page.keyboard.press("Tab")
    maps.await_true(f"!{focused}")
    maps.page.keyboard.press("Shift+Tab")
    maps.await_true(focused)


def test_the_page_scrolls_over_a_canvas(maps: Notebook) -> None:
    maps.run("print('line\\n' * 100)")
    top = "[...document.querySelectorAll('.jp-WindowedPanel-outer')].reduce((sum, e) => sum + e.scrollTop, 0)"
    maps.page.mouse.move(*maps.at("map", 0.5, 0.5))
    before = maps.page.evaluate(f"() => {top}")
    maps.page.mouse.wheel(0, 60 if before == 0 else -60)
    maps.await_true(f"{top} !== {before}")


def test_arrow_keys_on_the_mosaic_move_the_channel(maps: Notebook) -> None:
    before = maps.print_of("map")
    maps.pane("mosaic").focus()
    for key, channel in (("ArrowRight", 3), ("ArrowRight", 4), ("ArrowLeft", 3), ("End", 11), ("Home", 0)):
        maps.page.keyboard.press(key)
        maps.await_text(".nnviz-title", f"channel {channel}")
    before = maps.await_change("map", before)
    maps.await_colours("map", maps.ask("widget._sheet.pixels(0).tolist()"))
    assert maps.ask("widget.channel") == 0


def test_a_click_on_a_tile_selects_it(maps: Notebook) -> None:
    before = maps.print_of("map"), maps.print_of("mosaic")
    maps.page.mouse.click(*tile(maps, 7))
    maps.await_text(".nnviz-title", "channel 7")
    maps.await_change("map", before[0])
    maps.await_change("mosaic", before[1])
    assert maps.ask("widget.channel") == 7


def test_hovering_says_the_value_under_the_pointer(maps: Notebook) -> None:
    maps.page.mouse.move(*tile(maps, 5))
    maps.await_text(".nnviz-caption", "channel 5")
    rows, columns = maps.ask("tuple(widget.result.shape[1:])")
    maps.page.mouse.move(*maps.at("map", 3.5 / columns, 2.5 / rows))
    maps.await_text(".nnviz-caption", "row 2, column 3")
    maps.page.mouse.move(5, 5)
    maps.page.locator(".nnviz-caption", has_text="row 2, column 3").first.wait_for(state="detached")


def test_a_click_on_a_unit_draws_its_receptive_field(maps: Notebook) -> None:
    photo, before, large = maps.pixels("photo"), maps.print_of("photo"), maps.print_of("map")
    rows, columns = maps.ask("tuple(widget.result.shape[1:])")
    maps.page.mouse.click(*maps.at("map", 10.5 / columns, 20.5 / rows))
    maps.await_change("map", large)
    before = maps.await_change("photo", before)
    maps.await_text(".nnviz-caption", "receptive field 5 × 5")
    assert maps.ask("widget.unit") == (20, 10)
    drawn = np.argwhere((maps.pixels("photo") != photo).any(axis=2))
    zoom = photo.shape[0] / 64
    # Stride 2, padding 2: the unit sees rows 38 to 42 and columns 18 to 22; two lines lie around them.
    corners = drawn.min(axis=0) / zoom, (drawn.max(axis=0) + 1) / zoom
    np.testing.assert_allclose(corners[0], (38, 18), atol=1.2)
    np.testing.assert_allclose(corners[1], (43, 23), atol=1.2)
    maps.page.keyboard.press("Escape")
    maps.await_change("photo", before)
    np.testing.assert_array_equal(maps.pixels("photo"), photo)


def test_the_dark_theme_reaches_the_kernel(maps: Notebook) -> None:
    before = maps.print_of("map")
    try:
        maps.change_theme("JupyterLab Dark")
        maps.await_true("document.body.dataset.jpThemeLight === 'false'")
        maps.await_change("map", before)
        assert maps.ask("widget.page_dark") is True
    finally:
        maps.change_theme("JupyterLab Light")
    maps.await_print("map", before)
