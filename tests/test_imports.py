"""Who may import whom, and what; read from the sources."""

import ast
from pathlib import Path

import pytest

import nnviz_widgets

ROOT = Path(nnviz_widgets.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))

# A package may import itself, `errors`, and these.
MAY = {
    "errors": set(),
    "images": set(),
    "render": set(),
    "live": set(),
    "lang": set(),
    "manifold": set(),
    "engine": {"images"},
    "methods": {"engine", "images", "manifold"},
    "labs": {"methods", "engine", "images", "lang"},
    "widgets": {"engine", "images", "lang", "live", "manifold", "methods", "render"},
    # the command line: the tour is run in a kernel, not here
    "__init__": {"engine", "images", "lang", "methods", "widgets"},
    "__main__": {"lang", "notebook_page", "tour", "tour_run", "widgets"},
    "tour": {"lang"},
    "tour_run": {"lang", "notebook_page", "tour"},
    "notebook_page": {"formulas", "tour"},
    "formulas": set(),
}
JUPYTER = {"ipywidgets", "ipycanvas", "anywidget", "traitlets", "IPython", "ipykernel", "comm", "jupyterlab"}
JUPYTER |= {"jupyter_client", "jupyter_core", "jupyter_server", "notebook", "nbclient", "nbconvert", "nbformat"}
OPEN_TO_JUPYTER = {"widgets", "__main__", "notebook_page", "tour", "tour_run"}
LATE = {"distributed", "umap", "sklearn", "dask", "scipy", "pandas", "nbclient", "nbconvert", "nbformat", "jupyterlab"}
DRAWING = {"matplotlib", "PIL"}
MAY_PRINT = {"__main__.py", "tour.py", "tour_run.py", "engine/train_cifar_net.py"}


def place(path):
    """The package, or the module of the top level, that a file belongs to."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports(path, *, top_only=False):
    """(absolute name, line) of each import; with top_only those that run when the module is imported."""
    tree = ast.parse(path.read_text(), str(path))
    inner = set()
    if top_only:
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or is_typing(node):
                inner |= {id(child) for child in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) in inner:
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}:{node.lineno}: a relative import"
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def is_typing(node):
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)


def ours(path, *, top_only=False):
    """The places of ours that a file imports."""
    for name, line in imports(path, top_only=top_only):
        parts = name.split(".")
        if parts[0] == "nnviz_widgets" and len(parts) > 1:
            yield parts[1], line


def named(paths):
    return {"argvalues": paths, "ids": [str(path.relative_to(ROOT)) for path in paths]}


def test_every_place_has_its_rule():
    assert {place(path) for path in FILES} <= set(MAY)
    assert len(FILES) > 60


@pytest.mark.parametrize("path", **named(FILES))
def test_a_file_imports_only_what_its_place_may(path):
    home = place(path)
    for other, line in ours(path):
        assert other in {home, "errors"} | MAY[home], f"{path.relative_to(ROOT)}:{line} imports {other}"


def test_only_the_top_imports_widgets():
    importers = {place(path) for path in FILES for other, _ in ours(path) if other == "widgets"}
    assert importers <= {"widgets", "__init__", "__main__"}


@pytest.mark.parametrize("path", **named([path for path in FILES if place(path) not in OPEN_TO_JUPYTER]))
def test_jupyter_stays_with_the_widgets(path):
    assert {name.split(".")[0] for name, _ in imports(path)} & JUPYTER == set()


def test_one_file_knows_ipycanvas():
    knowing = {str(path.relative_to(ROOT)) for path in FILES for name, _ in imports(path) if "ipycanvas" in name}
    assert knowing == {"widgets/surface.py"}


def test_live_and_lang_know_no_torch_and_nothing_drawn():
    for path in FILES:
        if place(path) in {"live", "lang", "errors"}:
            assert {name.split(".")[0] for name, _ in imports(path)} & (
                {"torch", "numpy", "torchvision"} | DRAWING
            ) == set()


def test_nothing_is_drawn_in_engine_and_methods():
    for path in FILES:
        if place(path) in {"engine", "methods"}:
            names = {name for name, _ in imports(path)}
            assert not any(name.startswith("matplotlib") for name in names), path.name
        if place(path) in {"render", "manifold"}:
            assert not any(name.split(".")[0] in {"torch", "torchvision"} for name, _ in imports(path)), path.name


@pytest.mark.parametrize("path", **named(FILES))
def test_heavy_libraries_are_imported_where_they_are_used(path):
    assert {name.split(".")[0] for name, _ in imports(path, top_only=True)} & LATE == set()


def test_no_pyplot_and_no_utils():
    for path in FILES:
        assert "pyplot" not in path.read_text(), path.name
        assert "pylab" not in path.read_text(), path.name
        assert path.stem not in {"utils", "util", "helpers", "misc", "common"}


def test_nothing_prints_but_the_commands():
    for path in FILES:
        calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        printing = [node.lineno for node in calls if getattr(node.func, "id", "") == "print"]
        assert not printing or str(path.relative_to(ROOT)) in MAY_PRINT, f"{path.name}:{printing}"


def test_files_say_what_they_are():
    for path in FILES:
        tree = ast.parse(path.read_text())
        assert ast.get_docstring(tree) or not tree.body, path.name


def test_the_reader_of_imports_sees_them_all(tmp_path):
    path = tmp_path / "sample.py"
    path.write_text(
        "import a.b, c\nfrom d import e\nif TYPE_CHECKING:\n    import f\n"
        "def g():\n    import h\nclass I:\n    import j\ntry:\n    import k\nexcept ImportError:\n    pass\n"
    )
    assert {name for name, _ in imports(path)} == {"a.b", "c", "d.e", "f", "h", "j", "k"}
    assert {name for name, _ in imports(path, top_only=True)} == {"a.b", "c", "d.e", "j", "k"}
