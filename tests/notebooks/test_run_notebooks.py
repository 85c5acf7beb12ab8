"""Every notebook of both languages from its first cell to its last, without a browser; the tour by its command."""

import re
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import nbformat
import pytest

from nnviz_widgets.tour_run import PATIENCE, WIDGET, execute

HOME = Path(__file__).parents[2] / "notebooks"
TOUR, *GUIDES = [path.stem for path in sorted((HOME / "source").glob("*.py"))]
AT_ONCE = 2  # with one thread each: together they are done sooner than one after the other with two
WAITS = {"en": PATIENCE, "fr": 0.0}  # French code is the same: there a first picture is enough
ASKED = {"en": ["--check"], "fr": ["--html", "pages"]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("tour")


@pytest.fixture(scope="module")
def runs(request, folder):
    """What comes of each (notebook, language) that a test asks for, some at once."""
    asked = [item.callspec.params for item in request.session.items if item.path == request.path]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setenv("NNVIZ_LANGUAGE", "en")  # --lang is stronger
        with ProcessPoolExecutor(AT_ONCE, mp_context=get_context("spawn")) as pool:
            yield {(of["name"], of["language"]): begin(pool, folder, **of) for of in asked}
            pool.shutdown(cancel_futures=True)  # of those after a failure with -x


def begin(pool, folder, *, name, language):
    if name == TOUR:
        command = [sys.executable, "-m", "nnviz_widgets", "tour", "--lang", language, *ASKED[language]]
        return pool.submit(subprocess.run, command, cwd=folder, capture_output=True, text=True)
    path = HOME / language / f"{name}.ipynb"
    return pool.submit(execute, path, language=language, patience=WAITS[language])


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("name", "language"), [(TOUR, "en")])
def test_check_passes_and_leaves_nothing_behind(runs, folder, name, language):
    done = runs[name, language].result()
    assert (done.returncode, done.stdout, done.stderr) == (0, "00_tour.ipynb: every cell passed\n", "")
    assert {path.name for path in folder.iterdir()} <= {"pages"}


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("name", "language"), [(TOUR, "fr")])
def test_html_holds_a_picture_of_every_widget_in_the_language_asked_for(runs, folder, name, language):
    done = runs[name, language].result()
    assert done.returncode == 0, done.stderr
    page = (folder / "pages" / "00_tour.html").read_text(encoding="utf-8")
    cells = nbformat.read(HOME / language / f"{name}.ipynb", as_version=4).cells
    outputs = [output for cell in cells for output in cell.get("outputs", ()) if "data" in output]
    shown = [output for output in outputs if {"image/png", "image/jpeg"} & set(output.data)]
    assert len(shown) > 20
    assert len(re.findall(r'<img[^>]* src="data:image/png;base64,', page)) == len(shown)
    assert "widget-view+json" not in page
    assert "Que voit un réseau" in page
    assert re.search(r'<html[^>]* lang="fr"', page)


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("name", GUIDES)
def test_every_cell_of_a_guide_passes(runs, name, language):
    notebook = runs[name, language].result()
    shown = [output.data for cell in notebook.cells for output in cell.get("outputs", ()) if "data" in output]
    assert sum(WIDGET in data for data in shown) > 1  # that each has a picture is checked by execute
