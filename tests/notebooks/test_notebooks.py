"""The notebooks as they are shipped: current, complete in both languages, clean."""

import ast
import base64
import importlib.util
import io
import re
from pathlib import Path

import nbformat
import pytest
from nbconvert import HTMLExporter
from nbformat.v4 import new_output
from PIL import Image

HOME = Path(__file__).parents[2] / "notebooks"
SOURCES = sorted((HOME / "source").glob("*.py"))
PROSE = [*SOURCES, *sorted((HOME / "labs" / "source").glob("*.py"))]
LANGUAGES = ("en", "fr")
SHIPPED = sorted(path for language in LANGUAGES for path in (HOME / language).glob("*.ipynb"))
PICTURES = {"image/png", "image/jpeg"}

spec = importlib.util.spec_from_file_location("notebooks_build", HOME / "build.py")
build = importlib.util.module_from_spec(spec)
spec.loader.exec_module(build)


def read(path):
    return nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)


def code_of(path):
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


def test_every_source_has_its_notebooks_and_no_notebook_is_without_source():
    assert SOURCES
    expected = sorted(HOME / language / f"{source.stem}.ipynb" for language in LANGUAGES for source in SOURCES)
    assert expected == SHIPPED


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_notebooks_are_current(source, language):
    path, cells = HOME / language / f"{source.stem}.ipynb", build.read_cells(source)
    kept = build.kept_outputs(path, cells, language)
    assert path.read_bytes().decode() == build.build(cells, language, outputs=kept), "run: python notebooks/build.py"
    code = sum(cell.cell_type == "code" and language in build.languages_of(cell) for cell in cells)
    assert len(kept) == code, f"run: python notebooks/build.py {source.stem}"


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_cell_shows_on_a_page_what_it_shows_when_it_runs(path):
    """A notebook that lost outputs with a change of its code is to be run again."""
    remedy = f"run: python notebooks/build.py --run {path.stem}"
    for cell in code_of(path):
        last = (ast.parse(cell.source).body or [None])[-1]
        silent = not isinstance(last, ast.Expr) or cell.source == 'nnviz.set_language("fr")'
        assert silent or cell.outputs, f"{remedy} ({cell.source})"
        if re.search(r"^nnviz\.[A-Z]\w+\(.*\)$", cell.source, re.MULTILINE):
            assert PICTURES & set(cell.outputs[-1].data), f"{remedy} ({cell.source})"


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_outputs_need_no_kernel_and_name_no_machine(path):
    for output in (output for cell in code_of(path) for output in cell.outputs):
        if output.output_type == "stream":
            shown = {"text/plain": output.text}
            assert output.name == "stdout"
        else:
            shown = output.data
        assert len(shown) == 1
        assert set(shown) <= PICTURES | {"text/plain"}
        assert all(output.get("metadata", {}).get(kind, {}).keys() == {"alt"} for kind in PICTURES & set(shown))
        assert set(output.get("metadata", {})) <= PICTURES
        assert not re.search(r"/(?:tmp|home|root|work|usr)/|\bat 0x", shown.get("text/plain", ""))
        for kind in PICTURES & set(shown):
            with Image.open(io.BytesIO(base64.b64decode(shown[kind]))) as picture:
                assert f"image/{picture.format.lower()}" == kind
                assert min(picture.size) > 100


@pytest.mark.filterwarnings("default")  # what nbconvert and its friends deprecate is not ours
def test_a_page_that_runs_nothing_shows_the_pictures():
    path = HOME / "fr" / "00_tour.ipynb"
    page, _ = HTMLExporter().from_filename(path)
    kept = [output for cell in code_of(path) for output in cell.outputs if PICTURES & set(output.get("data", ()))]
    assert len(re.findall(r'<img[^>]* src="data:image/(?:png|jpeg);base64,', page)) == len(kept) > 20


def test_pictures_stay_small_enough_for_a_clone():
    assert sum(path.stat().st_size for path in SHIPPED) < 8_000_000


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
def test_no_line_of_french_ends_before_its_punctuation(source):
    cells = [c.source for c in build.read_cells(source) if c.cell_type == "markdown" and "fr" in build.languages_of(c)]
    prose = re.sub(r"`[^`]*`|\$\$[^$]*\$\$|\$[^$]*\$", "", "\n".join(cells))
    assert re.findall(r".{,20}[^\s|] [:;?!»%].{,10}|« .{,20}|.{,20}[^\s]»", prose) == []


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
def test_notebooks_are_valid_and_hold_no_chance(path):
    notebook = read(path)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    assert notebook.metadata.kernelspec.language == "python"
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)
    for cell in notebook.cells:
        assert cell.metadata == {}
        assert cell.get("execution_count") is None
        assert all(output.get("execution_count") is None for output in cell.get("outputs", ()))


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


def test_what_a_notebook_shows_is_kept_up_to_the_first_code_cell_that_changed(tmp_path):
    (tmp_path / "source").mkdir()
    source = tmp_path / "source" / "a.py"
    prose = '# %% [markdown] tags=["en"]\n# Words\n\n'

    def shown_after(text):
        source.write_text(text)
        build.write_all(tmp_path)
        return ["".join(output.text for output in cell.outputs) for cell in code_of(tmp_path / "en" / "a.ipynb")]

    assert shown_after("# %%\n1\n\n# %%\n2\n\n# %%\n3\n") == ["", "", ""]
    outputs = [[new_output("stream", name="stdout", text=word)] for word in "abc"]
    path = tmp_path / "en" / "a.ipynb"
    path.write_text(build.build(build.read_cells(source), "en", outputs=outputs), encoding="utf-8")
    assert shown_after(prose + "# %%\n1\n\n# %%\n2\n\n# %%\n3\n") == ["a", "b", "c"]
    assert shown_after("# %%\n1\n\n# %%\n0\n\n# %%\n3\n") == ["a", "", ""]
    path.write_text("<<<<<<< not a notebook")
    assert shown_after("# %%\n1\n") == [""]


def test_only_what_is_named_is_written(tmp_path):
    (tmp_path / "source").mkdir()
    for name in "ab":
        (tmp_path / "source" / f"{name}.py").write_text("# %%\n1\n")
    build.write_all(tmp_path)
    (tmp_path / "source" / "b.py").write_text("# %%\n2\n")
    assert build.write_all(tmp_path, names=["a"]) == [tmp_path / code / "a.ipynb" for code in LANGUAGES]
    assert [cell.source for cell in read(tmp_path / "en" / "b.ipynb").cells] == ["1"]


@pytest.mark.filterwarnings("default")  # what nbclient and its friends deprecate is not ours
def test_run_keeps_text_and_small_pictures_only(tmp_path):
    (tmp_path / "source").mkdir()
    code = (
        "import sys\nfrom IPython.display import Image, display\nimport io\nfrom PIL import Image as Made\n"
        "Made.effect_noise((300, 300), 99).save(stream := io.BytesIO(), 'png')\n"
        "display(Image(stream.getvalue(), alt='grey noise'))\nprint('said')\nprint('lost', file=sys.stderr)\n1 + 1"
    )
    (tmp_path / "source" / "a.py").write_text(f"# %%\n{code}\n")
    build.write_all(tmp_path, execute=True)
    (cell,) = code_of(tmp_path / "fr" / "a.ipynb")
    kinds = [set(output.data) if "data" in output else output.text for output in cell.outputs]
    assert {"said\n"} <= {kind for kind in kinds if isinstance(kind, str)}
    assert sorted(map(sorted, (kind for kind in kinds if isinstance(kind, set)))) == [["image/jpeg"], ["text/plain"]]
    assert not any("lost" in kind for kind in kinds)
    assert [output.metadata for output in cell.outputs if output.get("metadata")] == [
        {"image/jpeg": {"alt": "grey noise"}}
    ]
