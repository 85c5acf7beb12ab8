"""The tables of controls in the guides: the words that a widget shows, the traits that it has, none left out."""

import re
from pathlib import Path

import nbformat
import pytest

import nnviz_widgets
from nnviz_widgets.lang import TEXT
from nnviz_widgets.widgets.base import LiveWidget

HOME = Path(__file__).parents[2] / "notebooks"
GUIDES = [path.stem for path in sorted((HOME / "source").glob("*.py")) if path.stem != "00_tour"]
EVERYWHERE = {"theme", "page_dark"}


def widgets_of(name, language="en"):
    """The widgets that a guide is about, which its first cell names."""
    cells = nbformat.read(HOME / language / f"{name}.ipynb", as_version=4).cells
    named = dict.fromkeys(re.findall(r"`nnviz\.(\w+)`", cells[0].source))
    return [getattr(nnviz_widgets, word) for word in named]


def tables_of(name, language):
    """(words, traits) of each row, of each table, in the order of the notebook."""
    cells = nbformat.read(HOME / language / f"{name}.ipynb", as_version=4).cells
    tables = [cell.source for cell in cells if cell.cell_type == "markdown" and "| Trait |" in cell.source]
    found = []
    for table in tables:
        lines = [line.split("|")[1:3] for line in table.splitlines() if line.startswith("|")][2:]
        found.append([(words.strip(), re.findall(r"`(\w+)`", traits)) for words, traits in lines])
    return found


def test_every_widget_has_its_guide():
    public = [getattr(nnviz_widgets, name) for name in nnviz_widgets.__all__]
    widgets = {thing for thing in public if isinstance(thing, type) and issubclass(thing, LiveWidget)}
    described = [widget for name in GUIDES for widget in widgets_of(name)]
    assert len(described) == len(set(described))
    assert set(described) == widgets


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("name", GUIDES)
def test_controls_are_named_as_the_widget_names_them(name, language):
    for table in tables_of(name, language):
        named = [word for words, _ in table if words for word in words.split(", ")]
        assert named
        assert set(named) <= set(TEXT[language].values())


@pytest.mark.parametrize("name", GUIDES)
def test_every_trait_has_its_row(name):
    tables = tables_of(name, "en")
    listed = [[trait for _, traits in table for trait in traits] for table in tables]
    assert all(len(set(traits)) == len(traits) for traits in listed)
    live = [
        {name for name, trait in widget.class_traits().items() if {"live", "knob", "option"} & trait.metadata.keys()}
        for widget in widgets_of(name)
    ]
    assert sorted(sorted(set(traits) - EVERYWHERE) for traits in listed) == sorted(
        sorted(traits - EVERYWHERE) for traits in live
    )
