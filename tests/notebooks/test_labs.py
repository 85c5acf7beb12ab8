"""The labs as they are shipped: current, and graded by nbgrader itself: solved, full marks; untouched, none."""

import nbformat
import pytest

import nnviz_widgets
from notebooks.labs import build

NAMES = [source.stem for source in build.sources()]
pytestmark = pytest.mark.filterwarnings("default")  # what nbgrader and its friends deprecate is not ours
by_language = pytest.mark.parametrize("language", ["en", pytest.param("fr", marks=pytest.mark.soak)], scope="module")


@pytest.fixture(scope="module")
def course(language, tmp_path_factory):
    """A course directory in which all labs are released, and nbgrader's interface to it."""
    folder = tmp_path_factory.mktemp(f"course-{language}")
    build.make_course(folder, language)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(build.HOME.parents[1]))  # what the tests import is what the kernels import
        patch.setenv("JUPYTER_CONFIG_DIR", str(folder / "config"))
        patch.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")
        api = build.open_course(folder)
        texts = {name: build.students_version(api, folder, name) for name in NAMES}
        yield folder, api, texts
        api.gradebook.close()


def shipped(language, name, *, solved=False):
    folder = build.HOME / "solved" / language if solved else build.HOME / language
    return (folder / f"{name}.ipynb").read_text(encoding="utf-8")


def grade(course, name, student, text):
    """The automatic points that nbgrader gives a notebook, how many there are, and the notebook it has run."""
    folder, api, _ = course
    place = folder / "submitted" / student / name
    place.mkdir(parents=True)
    (place / f"{name}.ipynb").write_text(text, encoding="utf-8")
    done = api.autograde(name, student)
    assert done["success"], done["log"]
    api.gradebook.db.expire_all()
    cells = api.gradebook.find_submission_notebook(name, name, student).grades
    automatic = [found for found in cells if found.cell.cell_type != "markdown"]
    run = nbformat.read(folder / "autograded" / student / name / f"{name}.ipynb", as_version=4)
    return sum(found.score for found in automatic), sum(found.max_score for found in automatic), run


def errors(notebook):
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    return [(output.ename, output.evalue) for output in outputs if output.output_type == "error"]


def test_every_source_has_its_notebooks_and_no_notebook_is_without_source():
    assert NAMES
    for language in build.LANGUAGES:
        for folder in (build.HOME / language, build.HOME / "solved" / language):
            assert sorted(path.stem for path in folder.glob("*.ipynb")) == NAMES
    assert build.HOME.parents[1].samefile(nnviz_widgets.__path__[0] + "/..")


@pytest.mark.parametrize("language", build.LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_the_solved_version_is_current(language, name):
    source = build.HOME / "source" / f"{name}.py"
    assert shipped(language, name, solved=True) == build.build_solved(source, language), (
        "python -m notebooks.labs.build"
    )


@by_language
@pytest.mark.parametrize("name", NAMES)
def test_the_students_version_is_what_nbgrader_makes_of_it(course, language, name):
    assert shipped(language, name) == course[2][name], "run: python -m notebooks.labs.build"


@by_language
@pytest.mark.parametrize("name", NAMES)
def test_the_solved_version_gets_full_marks(course, language, name):
    score, most, run = grade(course, name, "solved", shipped(language, name, solved=True))
    assert errors(run) == []
    assert score == most > 0


@by_language
@pytest.mark.parametrize("name", NAMES)
def test_the_untouched_version_gets_none(course, language, name):
    score, most, run = grade(course, name, "untouched", shipped(language, name))
    assert (score, most > 0) == (0, True)
    assert {kind for kind, _ in errors(run)} <= {"NotImplementedError", "NameError"}


@pytest.mark.parametrize("language", build.LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_students_see_neither_solutions_nor_hidden_tests(language, name):
    text = shipped(language, name)
    assert not any(word in text for word in ("BEGIN SOLUTION", "HIDDEN TESTS", "END SOLUTION"))
    assert {"en": "YOUR CODE HERE", "fr": "VOTRE CODE ICI"}[language] in text
