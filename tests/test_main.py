"""python -m nnviz_widgets tour; the whole tour runs in notebooks/test_run_notebooks.py."""

import json
import os
import re
import shutil
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from nnviz_widgets import __main__ as command
from nnviz_widgets import tour
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.tour_run import WIDGET, execute

quiet = pytest.mark.filterwarnings("default")  # what nbclient and its friends deprecate is not ours


def notebook(folder, *sources):
    path = folder / "a.ipynb"
    cells = [new_markdown_cell("Words"), *map(new_code_cell, sources)]
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "3"}}), path)
    return path


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty present directory, English unless told otherwise."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NNVIZ_LANGUAGE", raising=False)
    return tmp_path


@quiet
def test_a_failing_cell_is_named_and_the_status_is_not_zero(home, monkeypatch, capsys):
    path = notebook(home, "a = 1", "a = 2\nraise ValueError('no such thing')", "a = 3")
    monkeypatch.setattr(command, "find_tour", lambda language: path)
    assert command.main(["tour", "--html", "out.html"]) == 1
    said = capsys.readouterr()
    assert said.err == "a.ipynb: cell [2] fails (a = 2): ValueError: no such thing\n"
    assert said.out == ""
    assert not (home / "out.html").exists()


@quiet
def test_a_kernel_that_dies_is_a_failing_cell(home):
    with pytest.raises(NnvizError, match=r"cell \[1\] fails"):
        execute(notebook(home, "import os; os._exit(1)"), language="en")


@quiet
def test_a_widget_without_picture_is_a_failure(home):
    shows = f"from IPython.display import display\ndisplay({{{WIDGET!r}: {{'model_id': 'x'}}}}, raw=True)"
    with pytest.raises(NnvizError) as raised:
        execute(notebook(home, "1", shows), language="en")
    assert raised.value.code == "tour_widget"
    assert raised.value.fields["number"] == 2


@quiet
def test_the_kernel_is_this_interpreter_whatever_is_registered(home, monkeypatch):
    foreign = home / "kernels" / "python3"
    foreign.mkdir(parents=True)
    spec = {"argv": ["/no/such/python"], "display_name": "Python 3", "language": "python"}
    (foreign / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(home))
    monkeypatch.setenv("NNVIZ_LANGUAGE", "en")
    done = execute(notebook(home, "import os, sys; print(sys.executable, os.environ['NNVIZ_LANGUAGE'])"), language="fr")
    assert done.cells[1].outputs[0].text == f"{sys.executable} fr\n"


@quiet
def test_html_goes_to_a_file_or_into_a_folder(home, monkeypatch, capsys):
    path = notebook(home, "print('seen')")
    monkeypatch.setattr(command, "find_tour", lambda language: path)
    assert command.main(["tour", "--html", "new/page.html"]) == 0
    assert "seen" in (home / "new" / "page.html").read_text()
    assert command.main(["tour", "--html", "new", "--lang", "fr"]) == 0
    assert "seen" in (home / "new" / "a.html").read_text()
    (home / "file").write_text("")
    assert command.main(["tour", "--html", "file/page.html"]) == 1
    assert "cannot be written" in capsys.readouterr().err


def test_a_copy_is_made_once_and_never_overwritten(home):
    copy, changed = tour.copy_tour("en", home / "mine")
    assert not changed
    cells = [nbformat.read(path, as_version=4).cells for path in (copy, tour.find_tour("en"))]
    assert [cell.source for cell in cells[0]] == [cell.source for cell in cells[1]]
    assert not any(cell.get("outputs") for cell in cells[0])  # what she sees is what she has run
    assert tour.copy_tour("en", home / "mine") == (copy, False)

    content = json.loads(copy.read_text())
    content["cells"][1]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "x"}]
    content["cells"].append({"cell_type": "code", "source": "", "metadata": {}, "outputs": [], "execution_count": 1})
    copy.write_text(json.dumps(content))
    assert tour.copy_tour("en", home / "mine") == (copy, False)  # run, but not changed

    content["cells"][1]["source"] = "import nnviz_widgets as other"
    for text in (json.dumps(content), "no notebook", "[]"):
        copy.write_text(text)
        assert tour.copy_tour("en", home / "mine") == (copy, True)
        assert copy.read_text() == text


def test_the_notebooks_that_the_tour_links_to_are_copied_and_kept(home):
    shipped = sorted(path.name for path in tour.find_tour("fr").parent.glob("*.ipynb"))
    copy, _ = tour.copy_tour("fr", home / "mine")
    assert sorted(path.name for path in copy.parent.iterdir()) == shipped
    for link in re.findall(r"\]\((\w+\.ipynb)\)", copy.read_text(encoding="utf-8")):
        assert (copy.parent / link).is_file()

    other = copy.parent / "03_occlusion.ipynb"
    other.write_text("mine")
    (copy.parent / "05_grad_cam.ipynb").unlink()
    assert tour.copy_tour("fr", home / "mine") == (copy, False)
    assert other.read_text() == "mine"
    assert sorted(path.name for path in copy.parent.iterdir()) == shipped


def test_a_folder_that_cannot_be_made_is_one_clear_error(home):
    (home / "mine").write_text("a file")
    with pytest.raises(NnvizError, match="cannot be written"):
        tour.copy_tour("en", home / "mine")


def test_an_install_without_notebooks_says_so(home, monkeypatch):
    monkeypatch.setattr(tour, "TOUR", "no_such.ipynb")
    with pytest.raises(NnvizError, match="install nnviz_widgets again"):
        tour.find_tour("en")


@pytest.mark.parametrize("options", [[], ["--check"]])
def test_a_missing_package_is_one_line_that_says_what_to_install(home, monkeypatch, capsys, options):
    monkeypatch.setattr(tour, "find_spec", lambda name: None)
    assert command.main(["tour", *options]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert 'pip install "nnviz_widgets[lab]"' in said
    assert not list(home.iterdir())


class Lab:
    """In the place of subprocess.Popen: what was started, and two Ctrl + C before it ends."""

    def __init__(self, arguments, *, env):
        self.arguments = arguments
        folder = env["JUPYTER_PATH"].split(os.pathsep)[0]
        with open(os.path.join(folder, "kernels", "python3", "kernel.json")) as file:
            self.kernel = json.load(file)
        config = env["JUPYTER_CONFIG_PATH"].split(os.pathsep)[0]
        with open(os.path.join(config, "labconfig", "default_setting_overrides.json")) as file:
            self.settings = json.load(file)
        self.interrupts = 2
        Lab.last = self

    def wait(self):
        if self.interrupts:
            self.interrupts -= 1
            raise KeyboardInterrupt
        return 7

    def terminate(self):
        raise AssertionError("nobody asked for it")


def test_the_tour_opens_in_jupyterlab_at_its_notebook(home, monkeypatch, capsys):
    monkeypatch.setattr(tour.subprocess, "Popen", Lab)
    assert command.main(["tour", "--lang", "fr", "--port", "9123", "--no-browser"]) == 7
    arguments, kernel = Lab.last.arguments, Lab.last.kernel
    assert arguments[:3] == [sys.executable, "-m", "jupyterlab"]
    assert f"--ServerApp.root_dir={home.resolve() / 'nnviz-tour' / 'fr'}" in arguments
    assert "--LabApp.default_url=/lab/tree/00_tour.ipynb" in arguments
    assert "--ServerApp.port=9123" in arguments
    assert "--no-browser" in arguments
    assert kernel["argv"][0] == sys.executable
    assert kernel["env"]["NNVIZ_LANGUAGE"] == "fr"
    assert "Votre copie" in capsys.readouterr().out


def test_a_changed_copy_is_opened_and_said_to_be_kept(home, monkeypatch, capsys):
    monkeypatch.setattr(tour.subprocess, "Popen", Lab)
    copy = home / "nnviz-tour" / "en" / "00_tour.ipynb"
    copy.parent.mkdir(parents=True)
    shutil.copyfile(notebook(home, "mine"), copy)
    assert command.main(["tour"]) == 7
    assert "opened as it is" in capsys.readouterr().out
    assert "mine" in copy.read_text()
    assert "--no-browser" not in Lab.last.arguments


@pytest.mark.parametrize("language", ["en", "fr"])
def test_help_is_in_the_language_of_the_variable(home, monkeypatch, capsys, language):
    monkeypatch.setenv("NNVIZ_LANGUAGE", language)
    with pytest.raises(SystemExit) as ended:
        command.main(["tour", "--help"])
    assert ended.value.code == 0
    assert {"en": "without a browser", "fr": "sans navigateur"}[language] in " ".join(capsys.readouterr().out.split())


def test_no_command_is_a_usage_error(capsys):
    with pytest.raises(SystemExit) as ended:
        command.main([])
    assert ended.value.code == 2
    assert "tour" in capsys.readouterr().err


def test_the_labs_are_copied_once_and_opened(home, monkeypatch, capsys):
    monkeypatch.setattr(tour.subprocess, "Popen", Lab)
    assert command.main(["labs", "mine", "--lang", "fr", "--no-browser"]) == 7
    folder = home / "mine" / "fr"
    shipped = tour.find_tour("fr").parents[1] / "labs" / "fr"
    names = sorted(path.name for path in shipped.glob("*.ipynb"))
    assert sorted(path.name for path in folder.iterdir()) == names
    assert f"--LabApp.default_url=/lab/tree/{names[0]}" in Lab.last.arguments
    assert "Vos copies" in capsys.readouterr().out

    (folder / names[0]).write_text("mine")
    (folder / names[1]).unlink()
    assert command.main(["labs", "mine", "--lang", "fr"]) == 7
    assert (folder / names[0]).read_text() == "mine"
    assert (folder / names[1]).is_file()
