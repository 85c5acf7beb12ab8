"""Write notebooks/en and notebooks/fr from notebooks/source: python notebooks/build.py [--run] [NAME ...].

A source is a script in jupytext's percent format. Cells tagged "en" or "fr" go to that language, all others to both.
With --run the notebooks are executed, and hold what their cells show as pictures and text, for web pages that run
nothing. Without, each keeps what it holds, up to the first code cell that has changed.
"""

from __future__ import annotations

import argparse
import base64
import io
from collections.abc import Callable, Collection, Iterator, Sequence
from hashlib import sha256
from itertools import takewhile
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

HOME = Path(__file__).resolve().parent
LANGUAGES = ("en", "fr")
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
AREA, QUALITY = 600_000, 50  # of a picture in pixels, and of JPEG: captions stay legible, all notebooks take a few MB

Outputs = Sequence[Sequence[NotebookNode]]  # of each code cell, in order


def read_cells(source: Path) -> list[NotebookNode]:
    """The cells of a source, in order."""
    cells: list[NotebookNode] = jupytext.read(source, fmt="py:percent").cells
    return cells


def languages_of(cell: NotebookNode) -> tuple[str, ...]:
    """The languages whose notebook holds a cell."""
    tagged = tuple(code for code in LANGUAGES if code in cell.metadata.get("tags", ()))
    return tagged or LANGUAGES


def build(
    cells: list[NotebookNode],
    language: str,
    metadata_of: Callable[[NotebookNode], dict[str, Any]] = lambda cell: {},
    outputs: Outputs = (),
) -> str:
    """The notebook of one language as text: always the same bytes for the same cells and outputs."""
    chosen = [cell for cell in cells if language in languages_of(cell)]
    shown = iter(outputs)
    notebook = new_notebook(metadata=METADATA)
    for cell, name in zip(chosen, _ids(chosen), strict=True):
        known: dict[str, Any] = {"id": name, "metadata": metadata_of(cell)}
        if cell.cell_type == "code":
            notebook.cells.append(new_code_cell(cell.source, outputs=list(next(shown, ())), **known))
        else:
            notebook.cells.append(new_markdown_cell(cell.source, **known))
    return write(notebook)


def write(notebook: NotebookNode) -> str:
    """A notebook as the text of its file."""
    nbformat.validate(notebook)
    return nbformat.writes(notebook, indent=1) + "\n"


def kept_outputs(path: Path, cells: list[NotebookNode], language: str) -> Outputs:
    """What a written notebook shows, up to the first code cell that is no longer the source's."""
    try:
        written = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4).cells
    except (OSError, nbformat.reader.NotJSONError):
        return ()
    code = [cell.source for cell in cells if cell.cell_type == "code" and language in languages_of(cell)]
    pairs = zip((cell for cell in written if cell.cell_type == "code"), code, strict=False)
    return [cell.outputs for cell, _ in takewhile(lambda pair: pair[0].source == pair[1], pairs)]


def run(path: Path, language: str) -> Outputs:
    """What the cells of a notebook show, made small: pictures, text, nothing that needs a kernel."""
    from nnviz_widgets.tour_run import execute

    cells = execute(path, language=language).cells
    return [list(_small(cell.outputs)) for cell in cells if cell.cell_type == "code"]


def write_all(home: Path = HOME, *, names: Collection[str] = (), execute: bool = False) -> list[Path]:
    """Write the notebooks of all sources, or of those named, and remove those without one; returns the paths."""
    written, sources = [], sorted((home / "source").glob("*.py"))
    for source in sources:
        cells = read_cells(source)
        for language in LANGUAGES if not names or source.stem in names else ():
            path = home / language / f"{source.stem}.ipynb"
            path.parent.mkdir(exist_ok=True)
            _write(path, build(cells, language, outputs=kept_outputs(path, cells, language)))
            if execute:
                _write(path, build(cells, language, outputs=run(path, language)))
            written.append(path)
    for language in LANGUAGES:
        for path in (home / language).glob("*.ipynb"):
            if path.stem not in {source.stem for source in sources}:
                path.unlink()
    return written


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _small(outputs: Sequence[NotebookNode]) -> Iterator[NotebookNode]:
    for output in outputs:
        data = output.get("data", {})
        if "image/png" in data:
            kind, picture = _small_picture(base64.b64decode(data["image/png"]))
            words = output.metadata.get("image/png", {})  # what it shows, for those who do not see it
            yield new_output("display_data", data={kind: picture}, metadata={kind: words} if words else {})
        elif "text/plain" in data:
            yield new_output(output.output_type, data={"text/plain": data["text/plain"]})
        elif output.get("name") == "stdout":
            yield new_output("stream", name="stdout", text=output.text)


def _small_picture(png: bytes) -> tuple[str, str]:
    """A picture as PNG or JPEG, whichever is smaller: its type, and its bytes in base64."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    factor = min(1.0, (AREA / (picture.width * picture.height)) ** 0.5)
    picture = picture.resize((round(picture.width * factor), round(picture.height * factor)), Image.Resampling.LANCZOS)
    made = {}
    for kind, options in {"png": {}, "jpeg": {"quality": QUALITY, "progressive": True}}.items():
        picture.save(stream := io.BytesIO(), kind, optimize=True, **options)
        made[f"image/{kind}"] = base64.b64encode(stream.getvalue()).decode()
    return min(made.items(), key=lambda item: len(item[1]))


def _ids(cells: list[NotebookNode]) -> Iterator[str]:
    """An id a cell that depends on its text alone, so that an inserted cell does not rename those after it."""
    seen: dict[str, int] = {}
    for cell in cells:
        count = seen[cell.source] = seen.get(cell.source, 0) + 1
        yield sha256(f"{count} {cell.source}".encode()).hexdigest()[:8]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split(":")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="sources, such as 00_tour; all when left out")
    parser.add_argument("--run", action="store_true", help="execute them and keep what their cells show")
    options = parser.parse_args()
    write_all(names=options.names, execute=options.run)
