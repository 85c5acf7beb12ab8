"""The tour: find its notebook, give a person her own copy of it and its companions, open that in JupyterLab."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.lang import VARIABLE

TOUR = "00_tour.ipynb"
# Defaults of JupyterLab's settings, a person's own are stronger: no question about its news over the first picture.
SETTINGS = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false"}}


def find_tour(language: str) -> Path:
    """The notebook that came with the install, or the clone's when the package is used from a clone."""
    package = Path(__file__).resolve().parent
    places = [home / "notebooks" / language / TOUR for home in (package, package.parent)]
    for place in places:
        if place.is_file():
            return place
    raise NnvizError("tour_missing", path=places[0])


def copy_tour(language: str, folder: Path) -> tuple[Path, bool]:
    """A person's own copy in `folder`, made if there is none; and whether it differs from the one that we ship.

    The notebooks that it links to stand beside it, all without the pictures that ours hold for web pages: what she sees
    is what she has run. Her copies are never overwritten.
    """
    source, copy = find_tour(language), folder / language / TOUR
    _copy_missing(source.parent, copy.parent)
    return copy, _code_and_prose(copy) != _code_and_prose(source)


def copy_labs(language: str, folder: Path) -> Path:
    """A student's own copies of the labs in `folder`, those made that are not there; returns the first."""
    labs = find_tour(language).parents[1] / "labs" / language
    _copy_missing(labs, folder / language)
    names = sorted(path.name for path in labs.glob("*.ipynb"))
    if not names:
        raise NnvizError("tour_missing", path=labs)
    return folder / language / names[0]


def open_lab(notebook: Path, *, language: str, port: int | None, browser: bool) -> int:
    """Run JupyterLab on a notebook until it is stopped; returns its exit status."""
    need("jupyterlab")
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={notebook.parent.resolve()}"]
    command.append(f"--LabApp.default_url=/lab/tree/{quote(notebook.name)}")
    command += [] if port is None else [f"--ServerApp.port={port}"]
    command += [] if browser else ["--no-browser"]
    if getattr(os, "geteuid", lambda: 1)() == 0:
        command.append("--allow-root")  # in a container there may be no one else
    with own_kernel(language) as folder:
        (folder / "labconfig").mkdir()
        (folder / "labconfig" / "default_setting_overrides.json").write_text(json.dumps(SETTINGS), encoding="utf-8")
        paths = {
            name: os.pathsep.join([str(folder), *filter(None, [os.environ.get(name)])])
            for name in ("JUPYTER_PATH", "JUPYTER_CONFIG_PATH")
        }
        lab = subprocess.Popen(command, env={**os.environ, **paths})
        before = signal.signal(signal.SIGTERM, lambda *_: lab.terminate())
        try:
            while True:
                with suppress(KeyboardInterrupt):  # JupyterLab has its own answer to Ctrl + C
                    return lab.wait()
        finally:
            signal.signal(signal.SIGTERM, before)


@contextmanager
def own_kernel(language: str, **variables: str) -> Iterator[Path]:
    """A data folder of Jupyter's whose "python3" is this interpreter, whatever others are registered.

    Args:
        variables: of its environment.
    """
    need("ipykernel")
    from ipykernel.kernelspec import write_kernel_spec

    with TemporaryDirectory() as folder:
        write_kernel_spec(
            Path(folder) / "kernels" / "python3",
            overrides={"env": {VARIABLE: language, "PYDEVD_DISABLE_FILE_VALIDATION": "1", **variables}},
            extra_arguments=["--log-level=ERROR"],  # no warnings about its debugger and sockets
        )
        yield Path(folder)


def need(package: str) -> None:
    """Say in one line what to install when a package of the extra `lab` is not there."""
    if find_spec(package) is None:
        raise NnvizError("lab_missing", package=package)


def _copy_missing(source: Path, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for notebook in source.glob("*.ipynb"):
            if not (folder / notebook.name).exists():
                (folder / notebook.name).write_text(_without_outputs(notebook), encoding="utf-8", newline="\n")
    except OSError as error:
        raise NnvizError("tour_folder", path=folder, reason=error.strerror or error) from error


def _without_outputs(notebook: Path) -> str:
    content = json.loads(notebook.read_text(encoding="utf-8"))
    for cell in content["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = []
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def _code_and_prose(notebook: Path) -> list[tuple[str, str]] | None:
    """What a notebook says, outputs and metadata aside; None for a file that is no notebook (any more)."""
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        return [(cell["cell_type"], "".join(cell["source"])) for cell in cells if cell["source"]]
    except (OSError, ValueError, KeyError, TypeError):
        return None
