"""A JupyterLab, Notebook 7 or Voila of the tests' own: files, settings and kernels lie in a folder that goes away."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat.v4 import new_notebook

import nnviz_widgets

PACKAGE = Path(nnviz_widgets.__file__).parent.parent  # what the tests import is what the kernels import
START = 90  # seconds for the server to answer
SETTINGS: dict[str, dict[str, object]] = {
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
    "@jupyterlab/docmanager-extension/plugin": {"autosave": False},
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}


@dataclass(frozen=True)
class Lab:
    """A running server.

    Attributes:
        folder: where its notebooks are.
        place: path of a notebook's page, "{}" being its name.
    """

    url: str
    folder: Path
    kernels: Path
    place: str

    def add_kernel(self, name: str, *, packages: Path | None = None) -> None:
        """A kernel of this Python, which finds other packages before its own."""
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        paths = [str(path) for path in (packages, PACKAGE) if path]
        spec = {"argv": argv, "display_name": name, "language": "python", "env": {"PYTHONPATH": os.pathsep.join(paths)}}
        _write_json(self.kernels / name / "kernel.json", spec)

    def notebook(self, name: str, *, kernel: str = "python3") -> Path:
        """An empty notebook; without a kernel's name in it JupyterLab would ask for one."""
        document = new_notebook(metadata={"kernelspec": {"name": kernel, "display_name": kernel, "language": "python"}})
        path = self.folder / f"{name}.ipynb"
        nbformat.write(document, path)
        return path

    def page(self, notebook: Path) -> str:
        return f"{self.url}/{self.place.format(notebook.name)}"


@dataclass(frozen=True)
class Host:
    """A program that shows notebooks: its module, its options, the page of a notebook, and one that answers early."""

    module: str
    options: Sequence[str]
    place: str
    answers: str = "api"


_SERVER = ("--ServerApp.ip=127.0.0.1", "--ServerApp.port_retries=0", "--IdentityProvider.token=", "--allow-root")
JUPYTERLAB = Host("jupyterlab", (*_SERVER, "--LabApp.expose_app_in_browser=True"), "doc/tree/{}?reset")
NOTEBOOK = Host("notebook", (*_SERVER, "--JupyterNotebookApp.expose_app_in_browser=True"), "notebooks/{}")
VOILA = Host("voila", ("--Voila.ip=127.0.0.1", "--Voila.port_retries=0"), "voila/render/{}", "")


@contextmanager
def running_lab(root: Path, host: Host = JUPYTERLAB) -> Iterator[Lab]:
    """A server without a token on a free local port; its kernel "python3" is this Python."""
    folder = root / "notebooks"
    folder.mkdir(parents=True)
    for name, values in SETTINGS.items():
        _write_json(root / "settings" / f"{name}.jupyterlab-settings", values)
    port = _free_port()
    lab = Lab(f"http://127.0.0.1:{port}", folder, root / "share" / "kernels", host.place)
    lab.add_kernel("python3")
    command = [sys.executable, "-m", host.module, str(folder), "--no-browser", f"--port={port}", *host.options]
    with (root / "lab.log").open("wb") as log:
        server = subprocess.Popen(command, env=_environment(root), cwd=folder, stdout=log, stderr=subprocess.STDOUT)
    try:
        _await_answer(f"{lab.url}/{host.answers}", server, root / "lab.log")
        yield lab
    finally:
        server.terminate()
        try:
            server.wait(15)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _environment(root: Path) -> dict[str, str]:
    home = root / "home"
    home.mkdir()
    return {
        **os.environ,
        "HOME": str(home),
        "JUPYTER_CONFIG_DIR": str(root / "config"),
        "JUPYTER_DATA_DIR": str(root / "data"),
        "JUPYTER_PATH": str(root / "share"),
        "JUPYTER_RUNTIME_DIR": str(root / "runtime"),
        "IPYTHONDIR": str(root / "ipython"),
        "JUPYTERLAB_SETTINGS_DIR": str(root / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(root / "workspaces"),
        "OMP_NUM_THREADS": "1",  # the kernels leave a core to the browser
    }


def _write_json(path: Path, values: object) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(values))


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _await_answer(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"the server did not start:\n{log.read_text(errors='replace')[-2000:]}")
