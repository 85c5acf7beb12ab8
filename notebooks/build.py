"""Write notebooks/en and notebooks/fr from notebooks/source: python notebooks/build.py.

A source is a script in jupytext's percent format. Cells tagged "en" or "fr" go to that language, all others to both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

HOME = Path(__file__).resolve().parent
LANGUAGES = ("en", "fr")
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def read_cells(source: Path) -> list[NotebookNode]:
    """The cells of a source, in order."""
    cells: list[NotebookNode] = jupytext.read(source, fmt="py:percent").cells
    return cells


def languages_of(cell: NotebookNode) -> tuple[str, ...]:
    """The languages whose notebook holds a cell."""
    tagged = tuple(code for code in LANGUAGES if code in cell.metadata.get("tags", ()))
    return tagged or LANGUAGES


def build(
    cells: list[NotebookNode], language: str, metadata_of: Callable[[NotebookNode], dict[str, Any]] = lambda cell: {}
) -> str:
    """The notebook of one language as text: no outputs, always the same bytes for the same cells."""
    chosen = [cell for cell in cells if language in languages_of(cell)]
    makers = {"code": new_code_cell, "markdown": new_markdown_cell}
    named = zip(chosen, _ids(chosen), strict=True)
    made = [makers[cell.cell_type](cell.source, id=name, metadata=metadata_of(cell)) for cell, name in named]
    return write(new_notebook(cells=made, metadata=METADATA))


def write(notebook: NotebookNode) -> str:
    """A notebook as the text of its file."""
    nbformat.validate(notebook)
    return nbformat.writes(notebook, indent=1) + "\n"


def write_all(home: Path = HOME) -> list[Path]:
    """Write the notebooks of all sources and remove those without one; returns the paths written."""
    written = []
    for source in sorted((home / "source").glob("*.py")):
        cells = read_cells(source)
        for language in LANGUAGES:
            path = home / language / f"{source.stem}.ipynb"
            path.parent.mkdir(exist_ok=True)
            path.write_text(build(cells, language), encoding="utf-8", newline="\n")
            written.append(path)
    for language in LANGUAGES:
        for path in set((home / language).glob("*.ipynb")) - set(written):
            path.unlink()
    return written


def _ids(cells: list[NotebookNode]) -> Iterator[str]:
    """An id a cell that depends on its text alone, so that an inserted cell does not rename those after it."""
    seen: dict[str, int] = {}
    for cell in cells:
        count = seen[cell.source] = seen.get(cell.source, 0) + 1
        yield sha256(f"{count} {cell.source}".encode()).hexdigest()[:8]


if __name__ == "__main__":
    write_all()
