"""The wheel, and the install that a clone makes of itself."""

import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[1]
LARGE = 100_000  # bytes; all of the code together is not much more


def run(*command, **variables):
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, env={**os.environ, **variables}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    run("-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT))
    (path,) = folder.glob("*.whl")
    return path


def test_the_wheel_holds_what_the_package_reads(wheel):
    with ZipFile(wheel) as archive:
        names = set(archive.namelist())
    package = ROOT / "nnviz_widgets"
    data = [path for path in package.rglob("*") if path.suffix in (".jpg", ".js", ".css", ".safetensors", ".txt")]
    assert {path.suffix for path in data} == {".jpg", ".js", ".css", ".safetensors", ".txt"}
    assert {path.relative_to(ROOT).as_posix() for path in data} <= names
    assert {path.relative_to(ROOT).as_posix() for path in package.rglob("*.py")} <= names
    assert "nnviz_widgets/py.typed" in names
    for language in ("en", "fr"):
        notebooks = [*(ROOT / "notebooks" / language).glob("*.ipynb")]
        labs = [*(ROOT / "notebooks" / "labs" / language).glob("*.ipynb")]
        assert labs
        shipped = {path.relative_to(ROOT / "notebooks").as_posix() for path in notebooks + labs}
        assert {f"nnviz_widgets/notebooks/{path}" for path in shipped} <= names
        assert f"nnviz_widgets/notebooks/{language}/00_tour.ipynb" in names


def test_the_wheel_holds_nothing_else(wheel):
    with ZipFile(wheel) as archive:
        files = archive.infolist()
    assert not any("solved" in file.filename for file in files)  # of the labs
    assert {file.filename.split("/")[0].split("-")[0] for file in files} == {"nnviz_widgets"}
    kinds = {".py", ".ipynb", ".md", ".jpg", ".js", ".css", ".safetensors", ".txt", ".typed"}
    assert {Path(file.filename).suffix for file in files if ".dist-info/" not in file.filename} == kinds
    large = {file.filename: file.file_size for file in files if file.file_size > LARGE}
    pictures = {name for name in large if name.endswith(".ipynb")}  # what the notebooks show on a page
    assert set(large) - pictures == {"nnviz_widgets/engine/weights/cifar_net.safetensors"}
    assert sum(size for name, size in large.items() if name not in pictures) < 2_000_000
    assert wheel.stat().st_size < 9_000_000


def test_an_installed_wheel_finds_its_own_tour(wheel, tmp_path):
    with ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from nnviz_widgets.tour import find_tour; print(find_tour('fr'))"
    )
    found = run("-P", "-c", code, str(tmp_path))
    assert Path(found) == tmp_path.resolve() / "nnviz_widgets" / "notebooks" / "fr" / "00_tour.ipynb"


def test_an_editable_install_holds_no_second_copy_of_anything(tmp_path):
    run("-c", "import sys; from hatchling.build import build_editable; build_editable(sys.argv[1])", str(tmp_path))
    (path,) = tmp_path.glob("*.whl")
    with ZipFile(path) as archive:
        own = [name for name in archive.namelist() if ".dist-info/" not in name]
        assert len(own) == 1
        assert Path(archive.read(own[0]).decode().strip()) == ROOT
