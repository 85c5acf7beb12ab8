"""python -m nnviz_widgets tour | labs | export: the tour or the labs in JupyterLab; any notebook as a page."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.lang import TEXT, current_language, say, say_error
from nnviz_widgets.notebook_page import read_notebook, write_page
from nnviz_widgets.tour import copy_labs, copy_tour, find_tour, need, open_lab
from nnviz_widgets.tour_run import execute

FOLDER = Path("nnviz-tour")  # in the present directory, for a person to keep
LABS = Path("nnviz-labs")


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says and return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        if options.command == "labs":
            return _open_labs(options)
        if options.command == "export":
            return _export(options)
        return _run_tour(options) if options.check or options.html else _open_tour(options)
    except NnvizError as error:
        print(say_error(options.lang, error), file=sys.stderr)
        return 1


def _run_tour(options: argparse.Namespace) -> int:
    path = find_tour(options.lang)
    notebook = execute(path, language=options.lang)
    print(say(options.lang, "tour_passed", notebook=path.name))
    if options.html:
        page = write_page(notebook, options.html, title=path.stem, language=options.lang, folder=path.parent)
        print(say(options.lang, "tour_written", path=page))
    return 0


def _export(options: argparse.Namespace) -> int:
    path = options.notebook
    notebook = read_notebook(path)
    if options.run:
        notebook = execute(path, language=options.lang, folder=path.resolve().parent)
    page = write_page(notebook, options.out, title=path.stem, language=options.lang, folder=path.parent)
    print(say(options.lang, "tour_written", path=page))
    return 0


def _open_tour(options: argparse.Namespace) -> int:
    need("jupyterlab")
    notebook, changed = copy_tour(options.lang, FOLDER)
    print(say(options.lang, "tour_kept" if changed else "tour_opened", path=notebook), flush=True)
    return open_lab(notebook, language=options.lang, port=options.port, browser=not options.no_browser)


def _open_labs(options: argparse.Namespace) -> int:
    need("jupyterlab")
    notebook = copy_labs(options.lang, options.folder)
    print(say(options.lang, "labs_opened", path=notebook.parent), flush=True)
    return open_lab(notebook, language=options.lang, port=options.port, browser=not options.no_browser)


def _parser() -> argparse.ArgumentParser:
    language = current_language()
    parser = argparse.ArgumentParser(prog="python -m nnviz_widgets")
    commands = parser.add_subparsers(dest="command", required=True)
    tour = commands.add_parser("tour", help=say(language, "tour_help"), description=say(language, "tour_help"))
    tour.add_argument("--check", action="store_true", help=say(language, "tour_check_help"))
    tour.add_argument("--html", type=Path, metavar="OUT", help=say(language, "tour_html_help"))
    labs = commands.add_parser("labs", help=say(language, "labs_help"), description=say(language, "labs_help"))
    labs.add_argument("folder", nargs="?", type=Path, default=LABS, help=say(language, "labs_folder_help"))
    for command in (tour, labs):
        command.add_argument("--port", type=int, metavar="N", help=say(language, "tour_port_help"))
        command.add_argument("--no-browser", action="store_true", help=say(language, "tour_no_browser_help"))
    export = commands.add_parser("export", help=say(language, "export_help"), description=say(language, "export_help"))
    export.add_argument("notebook", type=Path, metavar="NOTEBOOK", help=say(language, "export_notebook_help"))
    export.add_argument("out", type=Path, metavar="OUT", help=say(language, "export_out_help"))
    export.add_argument("--run", action="store_true", help=say(language, "export_run_help"))
    for command in (tour, labs, export):
        command.add_argument("--lang", choices=sorted(TEXT), default=language, help=say(language, "tour_lang_help"))
    return parser


if __name__ == "__main__":
    sys.exit(main())
