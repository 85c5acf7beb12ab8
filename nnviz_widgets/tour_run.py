"""A notebook from its first cell to its last without a browser."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.notebook_page import read_notebook
from nnviz_widgets.tour import need, own_kernel

CELL_SECONDS = 300  # a cell that takes longer counts as failed
PATIENCE = 60.0  # seconds that a display waits for a run to end: the page shows its last picture
WIDGET = "application/vnd.jupyter.widget-view+json"


def execute(path: Path, *, language: str, patience: float = PATIENCE, folder: Path | None = None) -> Any:
    """Run a notebook with this interpreter and return it with its outputs, widgets as their pictures.

    Args:
        patience: seconds that a widget's picture waits for the end of its run.
        folder: where it runs; an empty one when left out.

    Raises:
        NnvizError: when a cell fails or a widget shows no picture; it names the cell.
    """
    need("nbclient")
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    notebook = read_notebook(path)
    running = 0

    def started(cell: Any, cell_index: int) -> None:
        nonlocal running
        running = cell_index

    with own_kernel(language, NNVIZ_PATIENCE=str(patience)) as kernels, TemporaryDirectory() as empty:
        specs = KernelSpecManager(kernel_dirs=[str(kernels / "kernels")])
        client = NotebookClient(
            notebook,
            km=AsyncKernelManager(kernel_name="python3", kernel_spec_manager=specs),
            resources={"metadata": {"path": folder or empty}},
            timeout=CELL_SECONDS,
            store_widget_state=False,  # a page with it would look for a kernel and show nothing
            shutdown_kernel="immediate",  # nothing in it is worth a farewell, which may be noisy
            on_cell_execute=started,
        )
        try:
            client.execute(cleanup_kc=True)
        except CellExecutionError as error:
            reason = f"{error.ename}: {error.evalue}"
            raise NnvizError("tour_cell", **_place(path, notebook, running), reason=reason) from error
        except (CellTimeoutError, DeadKernelError) as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise NnvizError("tour_cell", **_place(path, notebook, running), reason=reason) from error
    for index, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            if WIDGET in data and "image/png" not in data:
                raise NnvizError("tour_widget", **_place(path, notebook, index))
    return notebook


def _place(path: Path, notebook: Any, index: int) -> dict[str, Any]:
    """A cell by the number that JupyterLab shows beside it, and by its first line."""
    number = sum(cell.cell_type == "code" for cell in notebook.cells[: index + 1])
    return {"notebook": path.name, "number": number, "line": notebook.cells[index].source.strip().splitlines()[0]}
