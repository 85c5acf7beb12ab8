"""The saliency widget as a person uses it: a neuron is clicked, rules are ticked, weights are drawn anew."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.notebook import Notebook

pytestmark = pytest.mark.browser

RULES = ("vanilla", "deconvnet", "guided")


@pytest.fixture
def saliency(notebook: Notebook) -> Iterator[Notebook]:
    """The notebook with `widget`, for a class."""
    notebook.run("widget = nnviz.Saliency(engine, 'cat', target='two', layer='2')\nwidget")
    for name in ("photo", *RULES):
        notebook.await_picture(name)
    notebook.await_true("document.querySelector('canvas.nnviz-pane-guided').hasAttribute('aria-label')")
    yield notebook
    notebook.run("widget.close()")


def button(saliency: Notebook, name: str) -> Locator:
    return saliency.page.get_by_role("button", name=name)


def test_one_neuron_is_chosen_by_a_click_and_moved_by_keys(saliency: Notebook) -> None:
    expect(saliency.pane("map")).to_be_hidden()
    guided = saliency.print_of("guided")
    button(saliency, "one neuron").click()
    saliency.await_picture("map")
    guided = saliency.await_change("guided", guided)
    photo = saliency.print_of("photo")
    saliency.page.mouse.click(*saliency.at("map", 4.5 / 16, 9.5 / 16))
    saliency.await_text(".nnviz-caption", "row 9, column 4")
    guided = saliency.await_change("guided", guided)
    saliency.await_change("photo", photo)
    assert saliency.ask("widget.unit") == (9, 4)
    saliency.pane("map").focus()
    saliency.page.keyboard.press("ArrowRight")
    saliency.await_text(".nnviz-caption", "row 9, column 5")
    saliency.await_change("guided", guided)
    saliency.page.mouse.click(*saliency.at("photo", 0.99, 0.01))
    saliency.await_text(".nnviz-caption", "row 0, column 15")


def test_rules_are_shown_one_at_a_time_on_demand(saliency: Notebook) -> None:
    for rule in ("Vanilla", "Deconvnet"):
        button(saliency, rule).click()
        expect(saliency.pane(rule.lower())).to_be_hidden()
    expect(saliency.pane("guided")).to_be_visible()
    button(saliency, "Guided").click()
    saliency.await_text(".nnviz-error", "No rule is left")
    expect(button(saliency, "Guided")).to_have_class(re.compile("mod-active"))
    expect(button(saliency, "Vanilla")).not_to_have_class(re.compile("mod-active"))


def test_weights_drawn_anew_change_the_maps_and_coming_back_brings_them_back(saliency: Notebook) -> None:
    before = {rule: saliency.print_of(rule) for rule in RULES}
    handle = saliency.page.locator(".nnviz-named .noUi-handle")
    handle.focus()
    saliency.page.keyboard.press("ArrowRight")
    saliency.await_text(".nnviz-title", "Guided · last 1 drawn anew")
    saliency.await_text(".nnviz-caption", "rank correlation with the trained network")
    saliency.await_text(".widget-readout", "last 1, down to 6")
    saliency.await_change("vanilla", before["vanilla"])
    handle.focus()
    saliency.page.keyboard.press("ArrowLeft")
    for rule in RULES:
        saliency.await_print(rule, before[rule])


def test_a_class_minus_another(saliency: Notebook) -> None:
    before = saliency.print_of("vanilla")
    field = saliency.page.get_by_placeholder("none")
    field.fill("three (2)")
    field.press("Enter")
    saliency.await_text(".nnviz-caption", "− three")
    saliency.await_change("vanilla", before)
    assert saliency.ask("widget.against") == 2
