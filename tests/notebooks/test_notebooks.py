"""The notebooks as they are shipped: current, complete in both languages, clean."""

import importlib.util
import re
from pathlib import Path

import nbformat
import pytest

HOME = Path(__file__).parents[2] / "notebooks"
SOURCES = sorted((HOME / "source").glob("*.py"))
PROSE = [*SOURCES, *sorted((HOME / "labs" / "source").glob("*.py"))]
LANGUAGES = ("en", "fr")
SHIPPED = sorted(path for language in LANGUAGES for path in (HOME / language).glob("*.ipynb"))

spec = importlib.util.spec_from_file_location("notebooks_build", HOME / "build.py")
build = importlib.util.module_from_spec(spec)
spec.loader.exec_module(build)


def read(path):
    return nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)


def test_every_source_has_its_notebooks_and_no_notebook_is_without_source():
    assert SOURCES
    expected = sorted(HOME / language / f"{source.stem}.ipynb" for language in LANGUAGES for source in SOURCES)
    assert expected == SHIPPED


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_notebooks_are_current(source, language):
    written = (HOME / language / f"{source.stem}.ipynb").read_bytes().decode()
    assert written == build.build(build.read_cells(source), language), "run: python notebooks/build.py"


@pytest.mark.parametrize("source", PROSE, ids=lambda source: source.stem)
def test_every_prose_cell_is_there_in_english_then_in_french(source):
    cells = build.read_cells(source)
    prose = [i for i, cell in enumerate(cells) if cell.cell_type == "markdown"]
    assert prose
    for english, french in zip(prose[::2], prose[1::2], strict=True):
        assert french == english + 1
        assert build.languages_of(cells[english]) == ("en",)
        assert build.languages_of(cells[french]) == ("fr",)


@pytest.mark.parametrize("source", PROSE, ids=lambda source: source.stem)
def test_both_languages_of_a_cell_have_the_same_parts(source):
    """Headings, formulas, code, questions and answers; only the words differ."""
    cells = [cell.source for cell in build.read_cells(source) if cell.cell_type == "markdown"]
    parts = [
        r"^#+ ",
        r"\$\$[^$]+\$\$",
        r"```[^`]+```|`[^`]+`",
        r"<details><summary><b>|</details>",
        r"\d+ × \d+",
        r"\b(?:19|20)\d\d\b",
        r"\n\n",
    ]
    for english, french in zip(cells[::2], cells[1::2], strict=True):
        for part in parts:
            found = [sorted(re.findall(part, text, re.MULTILINE)) for text in (english, french)]
            assert found[0] == found[1], (part, english)


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_code_is_shared_but_for_the_language(source):
    cells = [cell for cell in build.read_cells(source) if cell.cell_type == "code"]
    own = [cell for cell in cells if build.languages_of(cell) != LANGUAGES]
    assert [(build.languages_of(cell), cell.source) for cell in own] == [(("fr",), 'nnviz.set_language("fr")')]
    assert cells.index(own[0]) == 1  # right after the import, before anything is shown


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_links_between_notebooks_lead_somewhere(path):
    text = "".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")
    links = re.findall(r"\]\(([^)#:]+)\)", text)
    assert links
    assert all((path.parent / link).is_file() for link in links), links


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_notebooks_are_valid_and_hold_neither_outputs_nor_chance(path):
    notebook = read(path)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    assert notebook.metadata.kernelspec.language == "python"
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)
    for cell in notebook.cells:
        assert cell.metadata == {}
        assert cell.get("outputs", []) == []
        assert cell.get("execution_count") is None


def test_an_inserted_cell_leaves_the_ids_of_the_others(tmp_path):
    source = tmp_path / "a.py"
    source.write_text("# %%\n1\n\n# %%\n2\n\n# %%\n2\n")
    before = [cell["id"] for cell in nbformat.reads(build.build(build.read_cells(source), "en"), 4).cells]
    source.write_text('# %% [markdown] tags=["en"]\n# Words\n\n# %%\n1\n\n# %%\n2\n\n# %%\n2\n')
    after = [cell["id"] for cell in nbformat.reads(build.build(build.read_cells(source), "en"), 4).cells]
    assert len(set(before)) == 3
    assert after[1:] == before


def test_the_command_writes_all_and_removes_what_has_no_source(tmp_path):
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "a.py").write_text('# %% [markdown] tags=["fr"]\n# Mots\n\n# %%\n1\n')
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "old.ipynb").write_text("{}")
    written = build.write_all(tmp_path)
    assert sorted(tmp_path.rglob("*.ipynb")) == written == [tmp_path / code / "a.ipynb" for code in LANGUAGES]
    assert [cell.source for cell in read(written[0]).cells] == ["1"]
    assert [cell.source for cell in read(written[1]).cells] == ["Mots", "1"]
