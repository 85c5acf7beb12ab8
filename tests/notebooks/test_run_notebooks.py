"""Every notebook from its first cell to its last, without a browser; the tour itself runs in test_main.py."""

from pathlib import Path

import pytest

from nnviz_widgets.tour_run import WIDGET, execute

HOME = Path(__file__).parents[2] / "notebooks"
GUIDES = [path.stem for path in sorted((HOME / "source").glob("*.py")) if path.stem != "00_tour"]
quiet = pytest.mark.filterwarnings("default")  # what nbclient and its friends deprecate is not ours


def run(name, language):
    notebook = execute(HOME / language / f"{name}.ipynb", language=language)
    shown = [output.data for cell in notebook.cells for output in cell.get("outputs", ()) if "data" in output]
    assert sum(WIDGET in data for data in shown) > 1  # that each has a picture is checked by execute


@quiet
@pytest.mark.parametrize("name", GUIDES)
def test_every_cell_of_a_guide_passes(name):
    run(name, "en")


@quiet
@pytest.mark.soak
@pytest.mark.parametrize("name", GUIDES)
def test_every_cell_of_a_guide_passes_in_french(name):
    run(name, "fr")
