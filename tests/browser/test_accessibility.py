"""Every control of every widget: reached by Tab, called by a name, and worked by keys."""

from __future__ import annotations

import pytest

from tests.browser.notebook import Notebook

pytestmark = pytest.mark.browser

SETS = """
import numpy as np
from nnviz_widgets import methods
rng = np.random.default_rng(0)
images = nnviz.ImageSet(rng.integers(0, 256, (24, 64, 64, 3), np.uint8), labels=["a", "b"] * 12)
embedding = methods.embed(engine, images)
"""
WIDGETS = {
    "Filters": "nnviz.Filters(engine)",
    "ActivationMaps": "nnviz.ActivationMaps(engine, 'cat')",
    "Occlusion": "nnviz.Occlusion(engine, 'cat', size=24, stride=20)",
    "Saliency": "nnviz.Saliency(engine, 'cat', of='channel')",
    "GradCam": "nnviz.GradCam(engine, 'cat')",
    "Ascent": "nnviz.Ascent(engine, steps=2)",
    "AscentColumns": "nnviz.AscentColumns(engine, steps=2)",
    "AscentSheet": "nnviz.AscentSheet(engine, steps=2, count=3)",
    "DeepDream": "nnviz.DeepDream(engine, 'cat', side=70, octaves=1, steps=2)",
    "TopPatches": "nnviz.TopPatches(engine, images, layers=['0'], n=2)",
    "Neighbours": "nnviz.Neighbours(engine, embedding)",
    "EmbeddingMap": "nnviz.EmbeddingMap(engine, embedding)",
    "Training": "nnviz.Training(net, images, mean=0.5, std=0.25, size=64, epochs=1, autorun=False)",
}
# Marks all that can have the focus with a number, and says of each what it is and how it is called.
LIST = """
() => {
  const root = document.querySelector(".nnviz");
  const able = "a[href], button, input, select, textarea, summary, [contenteditable=true], [tabindex='0']";
  const text = (e) => (e?.textContent || "").trim();
  const byId = (ids) => (ids || "").split(" ").map((id) => text(document.getElementById(id))).join("");
  const called = (e) => byId(e.getAttribute("aria-labelledby"))
    || e.getAttribute("aria-label") || [...(e.labels || [])].map(text).join("") || e.title || text(e);
  return [...root.querySelectorAll(able)]
    .filter((e) => e.checkVisibility({ checkVisibilityCSS: true }) && !e.disabled)
    .map((e, i) => {
      e.dataset.nnvizStop = i;
      return [`${e.localName}.${e.className}`, called(e), e.getAttribute("role") || ""];
    });
}
"""
STOP = "() => document.activeElement.dataset.nnvizStop ?? null"


@pytest.fixture
def sets(notebook: Notebook) -> Notebook:
    notebook.run(f"if 'embedding' not in globals():{SETS}".replace("\n", "\n    "))
    return notebook


@pytest.mark.parametrize("name", WIDGETS)
def test_every_control_is_reached_and_called_by_a_name(sets: Notebook, name: str) -> None:
    page = sets.page
    sets.run(f"widget = {WIDGETS[name]}\nwidget")
    sets.await_true("document.querySelector('.nnviz canvas.nnviz-pane[aria-label]')")
    sets.await_answer("widget._ticket.done")
    sets.await_true(
        "![...document.querySelectorAll('.nnviz .noUi-handle')].some((h) => !h.ariaLabelledByElements?.length)"
    )
    controls = page.evaluate(LIST)
    assert len(controls) >= 3
    assert [kind for kind, called, _ in controls if not called] == []
    assert {role for kind, _, role in controls if kind.startswith("canvas")} == {"img"}
    page.locator("[data-nnviz-stop='0']").focus()
    reached = [0]
    for _ in range(3 * len(controls)):
        page.keyboard.press("Tab")
        stop = page.evaluate(STOP)
        if stop is None:
            break
        reached.append(int(stop))
    missed = [controls[i][:2] for i in range(len(controls)) if i not in reached]
    assert missed == []


def test_what_is_folded_away_opens_by_keys(sets: Notebook) -> None:
    sets.run("widget = nnviz.Saliency(engine, 'cat')\nwidget")
    header = sets.page.locator(".nnviz .jupyter-widget-Collapse-header[role=button]").first
    header.focus()
    for key, opened in (("Enter", "true"), (" ", "false"), (" ", "true")):
        sets.page.keyboard.press(key)
        sets.await_true(f"document.activeElement.getAttribute('aria-expanded') === '{opened}'")
    inside = sets.page.locator(
        ".nnviz .jupyter-widget-Collapse-contents input, .nnviz .jupyter-widget-Collapse-contents select"
    )
    assert inside.first.is_visible()
