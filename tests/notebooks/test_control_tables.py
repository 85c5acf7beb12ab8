"""The table of controls in each guide: the words that the widget shows, the traits that it has, none left out."""

import re
from pathlib import Path

import nbformat
import pytest

import nnviz_widgets
from nnviz_widgets.lang import TEXT

HOME = Path(__file__).parents[2] / "notebooks"
GUIDES = [path.stem for path in sorted((HOME / "source").glob("*.py")) if path.stem != "00_tour"]
EVERYWHERE = {"theme", "page_dark"}


def rows_of(name, language):
    """(words, traits) of each row, and the widget that the notebook is about."""
    path = HOME / language / f"{name}.ipynb"
    prose = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown"]
    widget = getattr(nnviz_widgets, re.search(r"`nnviz\.(\w+)`", prose[0])[1])
    (table,) = [text for text in prose if "| Trait |" in text]
    lines = [line.split("|")[1:3] for line in table.splitlines() if line.startswith("|")][2:]
    return [(words.strip(), re.findall(r"`(\w+)`", traits)) for words, traits in lines], widget


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("name", GUIDES)
def test_controls_are_named_as_the_widget_names_them(name, language):
    rows, _ = rows_of(name, language)
    named = [word for words, _ in rows if words for word in words.split(", ")]
    assert named
    assert set(named) <= set(TEXT[language].values())


@pytest.mark.parametrize("name", GUIDES)
def test_every_trait_has_its_row(name):
    rows, widget = rows_of(name, "en")
    listed = [trait for _, traits in rows for trait in traits]
    live = {name for name, trait in widget.class_traits().items() if {"live", "knob", "option"} & trait.metadata.keys()}
    assert len(set(listed)) == len(listed)
    assert set(listed) - EVERYWHERE == live - EVERYWHERE
