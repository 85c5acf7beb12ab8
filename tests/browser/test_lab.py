"""A student's way through a task of a lab: a wrong answer, its message, the right one, the widget, nbgrader."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbgrader.validator import Validator
from playwright.sync_api import BrowserContext, Locator, expect

from notebooks.labs import build
from tests.browser.lab import Lab
from tests.browser.notebook import Notebook

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(600),  # JupyterLab, and two more kernels of nbgrader's
    pytest.mark.filterwarnings("default"),  # nbgrader's friends deprecate this and that
]

NAME = "03_saliency"
TASKS = ["saliency", "magnitude", "neuron", "relu_backward", "rule_gradient"]
WRONG = """def my_saliency(module, x, target):
    x = x.detach().clone().requires_grad_()
    return torch.autograd.grad(module(x).softmax(1)[0, target], x)[0]
"""
RIGHT = WRONG.replace(".softmax(1)", "")


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course directory of nbgrader in which the lab is released."""
    folder = tmp_path_factory.mktemp("course").resolve()
    build.make_course(folder, "en", [build.HOME / "source" / f"{NAME}.py"])
    build.students_version(build.open_course(folder), folder, NAME)
    return folder


@pytest.fixture
def student(context: BrowserContext, lab: Lab, course: Path) -> Iterator[Notebook]:
    """A page with the student's own copy of the lab."""
    copy = lab.folder / f"{NAME}.ipynb"
    copy.write_bytes((course / "release" / NAME / copy.name).read_bytes())
    page = context.new_page()
    notebook = Notebook(page, lab.page(copy))
    yield notebook
    page.close()
    assert notebook.errors == []


def cell(student: Notebook, text: str) -> Locator:
    """The code cell that holds a text."""
    return student.page.locator(".jp-CodeCell", has_text=text).first


def run_through(student: Notebook, text: str) -> None:
    """Run all cells from the first to the one that holds a text, as far as they go."""
    student.page.evaluate("(text) => nnvizTest.runThrough(text)", text)


def write(student: Notebook, old: str, new: str) -> None:
    """Put a new text into the cell that begins like this."""
    student.page.evaluate("([old, text]) => nnvizTest.write(old, text)", [old, new])


def graded(course: Path, notebook: Path) -> dict[str, float]:
    """The points that nbgrader gives each task."""
    place = course / "submitted" / "student" / NAME
    place.mkdir(parents=True, exist_ok=True)
    (place / notebook.name).write_bytes(notebook.read_bytes())
    api = build.open_course(course)
    done = api.autograde(NAME, "student")
    assert done["success"], done["log"]
    with api.gradebook as book:
        grades = book.find_submission_notebook(NAME, NAME, "student").grades
        return {
            found.cell.name.removesuffix("_test"): found.score for found in grades if found.cell.cell_type == "code"
        }


def failing(course: Path, notebook: Path) -> list[str]:
    """The cells of code that fail in nbgrader's validation, which a student can ask for before handing in."""
    found = Validator(config=build.config_of(course)).validate(str(notebook))["failed"]
    return [one["source"] for one in found if "labs." in one["source"]]


def test_from_a_wrong_answer_to_full_marks(student: Notebook, lab: Lab, course: Path, monkeypatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(build.HOME.parents[1]))
    run_through(student, "plain_copy()")
    write(student, "def my_saliency", WRONG)
    run_through(student, "labs.check_saliency")
    message = cell(student, "labs.check_saliency").locator(".jp-OutputArea-output")
    expect(message).to_contain_text("gradient of the softmax, not of the logit")
    assert "site-packages" not in message.inner_text()
    assert len(message.inner_text().strip().splitlines()) == 1

    write(student, "def my_saliency", RIGHT)
    run_through(student, "method=my_saliency")
    expect(message).to_have_text("my_saliency: right.")
    student.await_text(".nnviz-title", "Yours: my_saliency")
    student.await_text(".nnviz-caption", "equal")

    copy = lab.folder / f"{NAME}.ipynb"
    student.save()
    saved = nbformat.read(copy, as_version=4)
    assert any("module(x)[0, target]" in found.source for found in saved.cells)
    checks = ["magnitude", "neuron_gradient", "relu_backward", "rule_gradient"]
    assert failing(course, copy) == [f"print(labs.check_{task}(my_{task}))" for task in checks]
    assert graded(course, copy) == dict.fromkeys(TASKS, 0.0) | {"saliency": 3.0}
