"""The labs as they are shipped: current, and graded by nbgrader itself: solved, full marks; untouched, none."""

import ast

import nbformat
import pytest

import nnviz_widgets
from notebooks.build import languages_of, read_cells
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
    run = nbformat.read(folder / "autograded" / student / name / f"{name}.ipynb", as_version=4)
    with api.gradebook as book:
        grades = book.find_submission_notebook(name, name, student).grades
        automatic = [found for found in grades if found.cell.cell_type != "markdown"]
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


@pytest.mark.parametrize("name", NAMES)
def test_code_is_shared_but_for_comments_and_docstrings(name):
    cells = [cell for cell in read_cells(build.HOME / "source" / f"{name}.py") if cell.cell_type == "code"]
    own = {code: [cell for cell in cells if languages_of(cell) == (code,)] for code in build.LANGUAGES}
    assert own["fr"].pop(0).source == 'nnviz.set_language("fr")'
    for english, french in zip(own["en"], own["fr"], strict=True):
        assert cells.index(french) == cells.index(english) + 1
        assert build.part_of(english) == build.part_of(french)
        assert without_words(english.source) == without_words(french.source)


def without_words(code):
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and ast.get_docstring(node):
            del node.body[0]
    return ast.dump(tree)


@pytest.mark.parametrize("name", NAMES)
def test_each_function_to_write_has_its_test_and_no_two_cells_one_name(name):
    cells = read_cells(build.HOME / "source" / f"{name}.py")
    roles = [tag.split(":") for cell in cells if "fr" not in cell.metadata.get("tags", ()) for tag in roles_of(cell)]
    ids = [role[1] for role in roles]
    assert len(set(ids)) == len(ids)
    assert {f"{role[1]}_test" for role in roles if role[0] == "answer"} == {r[1] for r in roles if r[0] == "test"}
    assert sum(role[0] == "question" for role in roles) <= 1
    tests = [cell.source for cell in cells if any(tag.startswith("test:") for tag in roles_of(cell))]
    assert all("labs.check_" in test.split("### BEGIN HIDDEN TESTS")[0] for test in tests)
    assert not any("nnviz." in test for test in tests)  # no widget in a graded cell


def roles_of(cell):
    return [tag for tag in cell.metadata.get("tags", ()) if tag.partition(":")[0] in build.PARTS]


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


@pytest.mark.parametrize("name", NAMES)
def test_the_widgets_agree_with_the_solutions(name, monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "agg")
    space, agreed = {}, 0
    for cell in read_cells(build.HOME / "source" / f"{name}.py"):
        if cell.cell_type == "code" and "en" in languages_of(cell):
            shown = last_value(cell.source, space)
            if getattr(shown, "method", None) is not None:
                shown.compute()
                assert shown.comparison.equal, cell.source
                agreed += 1
            if hasattr(shown, "compute"):
                shown.close()
    assert agreed


def last_value(code, space):
    """Run a cell; what its last line is worth."""
    tree = ast.parse(code)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), space)
    return eval(compile(ast.Expression(last.value), "cell", "eval"), space) if last else None


@pytest.mark.parametrize("language", build.LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_students_see_neither_solutions_nor_hidden_tests(language, name):
    text = shipped(language, name)
    assert not any(word in text for word in ("BEGIN SOLUTION", "HIDDEN TESTS", "END SOLUTION"))
    assert {"en": "YOUR CODE HERE", "fr": "VOTRE CODE ICI"}[language] in text
