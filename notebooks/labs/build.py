"""Write the labs from notebooks/labs/source: python -m notebooks.labs.build, in the folder of the clone.

solved/en and solved/fr get them with solutions and hidden tests, as nbgrader's source; en and fr the versions of the
students, which nbgrader makes of those. With a folder, `python -m notebooks.labs.build --course FOLDER --lang fr`, a
course directory of nbgrader is made there instead. A cell's part is told by its tags:

    answer:ID           a function to write, with ### BEGIN SOLUTION and ### END SOLUTION
    test:ID:POINTS      locked; visible checks, then ### BEGIN HIDDEN TESTS to ### END HIDDEN TESTS
    question:ID:POINTS  a text to write, graded by hand
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
from nbformat import NotebookNode

from notebooks.build import LANGUAGES, build, read_cells, write

HOME = Path(__file__).resolve().parent
STUBS = {
    "en": ("# YOUR CODE HERE\nraise NotImplementedError()", "YOUR ANSWER HERE"),
    "fr": ("# VOTRE CODE ICI\nraise NotImplementedError()", "VOTRE RÉPONSE ICI"),
}
PARTS = {  # grade, solution, locked
    "answer": (False, True, False),
    "test": (True, False, True),
    "question": (True, True, False),
}


def sources(home: Path = HOME) -> list[Path]:
    return sorted((home / "source").glob("*.py"))


def part_of(cell: NotebookNode) -> dict[str, Any]:
    """The metadata by which nbgrader knows what a cell is for."""
    for tag in cell.metadata.get("tags", ()):
        part, _, rest = tag.partition(":")
        if part in PARTS:
            grade_id, _, points = rest.partition(":")
            grade, solution, locked = PARTS[part]
            known: dict[str, Any] = {"schema_version": 3, "grade_id": grade_id, "task": False}
            known |= {"grade": grade, "solution": solution, "locked": locked, "cell_type": cell.cell_type}
            return {"nbgrader": known | ({"points": int(points)} if grade else {})}
    return {}


def build_solved(source: Path, language: str) -> str:
    """A lab with its solutions and hidden tests."""
    return build(read_cells(source), language, part_of)


def make_course(folder: Path, language: str, labs: Iterable[Path] | None = None) -> list[str]:
    """Write a course directory with every lab as an assignment of its own; returns their names."""
    code, text = STUBS[language]
    config = ["c = get_config()", 'c.CourseDirectory.course_id = "nnviz"', f"c.CourseDirectory.root = {str(folder)!r}"]
    config += [f'c.ClearSolutions.code_stub = {{"python": {code!r}}}', f"c.ClearSolutions.text_stub = {text!r}"]
    config += ["c.Execute.timeout = 300  # seconds a cell; nbgrader's 30 are few for a slow machine"]
    names = []
    for source in sources() if labs is None else labs:
        names.append(source.stem)
        place = folder / "source" / source.stem
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{source.stem}.ipynb").write_text(build_solved(source, language), encoding="utf-8", newline="\n")
    (folder / "nbgrader_config.py").write_text("\n".join(config) + "\n", encoding="utf-8", newline="\n")
    return names


def config_of(folder: Path) -> Any:
    """What the nbgrader_config.py of a course directory says."""
    from traitlets.config import PyFileConfigLoader

    return PyFileConfigLoader("nbgrader_config.py", path=str(folder)).load_config()


def open_course(folder: Path) -> Any:
    """nbgrader's own interface to a course directory."""
    from nbgrader.apps import NbGraderAPI

    # It calls alembic by its bare name to make the gradebook, which an environment that is not activated hides.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    api = NbGraderAPI(config=config_of(folder))
    api.log_level = logging.WARNING
    return api


def students_version(api: Any, folder: Path, name: str) -> str:
    """What nbgrader makes of a lab for students."""
    done = api.generate_assignment(name)
    if not done["success"]:
        raise RuntimeError(f"{done.get('error')}\n{done['log']}")
    return write(nbformat.read(folder / "release" / name / f"{name}.ipynb", as_version=4))


def build_all(language: str) -> dict[Path, str]:
    """What the files of a language have to hold: solved versions, and the students'."""
    texts = {}
    with TemporaryDirectory() as place:
        folder = Path(place).resolve()
        names = make_course(folder, language)
        api = open_course(folder)
        for name in names:
            solved = folder / "source" / name / f"{name}.ipynb"
            texts[HOME / "solved" / language / f"{name}.ipynb"] = solved.read_text(encoding="utf-8")
            texts[HOME / language / f"{name}.ipynb"] = students_version(api, folder, name)
    return texts


def write_all() -> None:
    """Write all files, and remove those without a source."""
    for language in LANGUAGES:
        texts = build_all(language)
        for path, text in texts.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        for folder in (HOME / language, HOME / "solved" / language):
            for path in set(folder.glob("*.ipynb")) - set(texts):
                path.unlink()


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m notebooks.labs.build", description=__doc__.splitlines()[0])
    parser.add_argument("--course", type=Path, metavar="FOLDER", help="make a course directory of nbgrader there")
    parser.add_argument("--lang", choices=LANGUAGES, default="en", help="its language")
    options = parser.parse_args(arguments)
    if options.course:
        make_course(options.course.resolve(), options.lang)
    else:
        write_all()


if __name__ == "__main__":
    main()
