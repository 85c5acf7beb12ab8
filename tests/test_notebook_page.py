"""Notebooks as pages: pictures and formulas inside, nothing from elsewhere."""

from __future__ import annotations

import json
import re
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

from nnviz_widgets import __main__ as command
from nnviz_widgets.formulas import mathml
from nnviz_widgets.notebook_page import notebook_page

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABh6FO1AAAAABJRU5ErkJggg=="


def page_of(*cells, folder=Path(), language="en"):
    return notebook_page(new_notebook(cells=list(cells)), title="test", language=language, folder=folder)


def without_code(page):
    return re.sub(r"<style.*?</style>", "", page, flags=re.S)


def test_formulas_are_mathml():
    page = page_of(
        new_markdown_cell(
            "Inline $a_k$ and `$code$`, costs 5 \\$.\n\n$$x^* = \\arg\\max_x\\; S(x)$$\n\n"
            "| a | $g \\cdot [a > 0]$ |\n|---|---|\n| 1 | 2 |\n\n\\begin{equation}y = 2\\end{equation}"
        )
    )
    assert page.count("<math") == 4
    assert page.count('display="block"') == 2
    assert "$code$" in page
    assert "\\arg" not in page
    assert "MathJax" not in page


@pytest.mark.parametrize(
    "path", sorted(NOTEBOOKS.glob("*/*.ipynb")), ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_every_formula_of_our_notebooks_is_understood(path):
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "markdown":
            for display, inline in re.findall(r"\$\$(.+?)\$\$|\$(.+?)\$", "".join(cell["source"]), re.S):
                found = mathml(display or inline, display=bool(display))
                assert found.startswith("<math")
                assert "\\" not in found, found


def test_a_formula_that_cannot_be_read_stays_as_it_is():
    assert mathml("\\left( a", display=False) == "<code>\\left( a</code>"


def test_no_script_and_nothing_from_elsewhere():
    html = "<script src='https://example.org/x.js'></script><b>kept</b><script>alert(1)</script>"
    cell = new_code_cell("print('<script>')")
    cell.outputs = [
        new_output("display_data", {"text/html": html}),
        new_output("display_data", {"image/png": DOT, "text/plain": "dot"}),
    ]
    remote = new_markdown_cell('![a cat](https://example.org/cat.png) <img src="http://example.org/b.png">')
    page = without_code(page_of(cell, remote))
    assert "<b>kept</b>" in page
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "example.org/x.js" not in page
    assert "<em>a cat</em>" in page
    assert not re.search(r'(?:src|href)="(?!data:|#)', page)
    assert "default-src 'none'" in page


def test_pictures_beside_the_notebook_come_along(tmp_path):
    (tmp_path / "notebooks").mkdir()
    Image.new("RGB", (3, 2)).save(tmp_path / "a b.png")
    page = page_of(new_markdown_cell("![dot](../a%20b.png) ![none](../none.png)"), folder=tmp_path / "notebooks")
    assert 'src="data:image/png;base64,' in page
    assert "<em>none</em>" in page


def test_export_writes_a_notebook_as_it_was_saved_or_runs_it_first(tmp_path, capsys):
    source = tmp_path / "own.ipynb"
    cell = new_code_cell("print(6 * 7, open('beside.txt').read())")
    metadata = {"kernelspec": {"name": "python3", "display_name": "python3", "language": "python"}}
    nbformat.write(new_notebook(cells=[cell], metadata=metadata), source)
    (tmp_path / "beside.txt").write_text("beside")
    assert command.main(["export", str(source), str(tmp_path / "out")]) == 0
    page = (tmp_path / "out" / "own.html").read_text(encoding="utf-8")
    assert "42 beside" not in page
    assert command.main(["export", str(source), str(tmp_path / "run.html"), "--run", "--lang", "fr"]) == 0
    page = (tmp_path / "run.html").read_text(encoding="utf-8")
    assert "42 beside" in page
    assert re.search(r'<html[^>]* lang="fr"', page)
    assert "run.html" in capsys.readouterr().out


def test_what_is_no_notebook_is_said_in_one_line(tmp_path, capsys):
    broken = tmp_path / "broken.ipynb"
    broken.write_text("{}")
    for path in (broken, tmp_path / "missing.ipynb"):
        assert command.main(["export", str(path), str(tmp_path)]) == 1
        said = capsys.readouterr().err
        assert "cannot be read as a notebook" in said
        assert said.count("\n") == 1
