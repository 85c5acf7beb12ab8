"""A widget's view as one page: its picture for light and dark screens, its words, its state, and its code."""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

import nnviz_widgets
from nnviz_widgets.engine.objectives import Objective
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.lang import say
from nnviz_widgets.render.colormap import Pixels
from nnviz_widgets.render.encode import encode_png
from nnviz_widgets.render.figure import Panel, compose_rows
from nnviz_widgets.widgets.code import write
from nnviz_widgets.widgets.number import decimal_mark
from nnviz_widgets.widgets.scene import RATIO

if TYPE_CHECKING:
    from nnviz_widgets.engine.engine import Engine
    from nnviz_widgets.widgets.base import LiveWidget

ENDINGS = (".html", ".htm")
CLASSES = ("target", "second", "against")  # traits that are numbers of classes
STYLE = """
:root { color-scheme: light dark; --ink: #1b1b1b; --page: #ffffff; --faint: #5a5a5a; --line: #d0d0d0; --code: #f5f5f5; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #ececec; --page: #111111; --faint: #a8a8a8; --line: #444444; --code: #1d1d1d; }
}
body { margin: 0 auto; max-width: 1100px; padding: 16px; color: var(--ink); background: var(--page); }
body { font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 22px; } h2 { font-size: 17px; }
img { display: block; max-width: 100%; height: auto; }
p.faint { color: var(--faint); font-size: 13px; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; }
th, td { padding: 2px 14px 2px 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th { font-weight: 400; color: var(--faint); }
td { overflow-wrap: anywhere; }
pre { overflow-x: auto; padding: 10px 12px; background: var(--code); font: 13px/1.45 ui-monospace, monospace; }
"""


def page_of(widget: LiveWidget) -> str:
    """The page; it asks nothing of any other place, and says so to the browser."""
    if widget._shown is None:
        widget.compute()
    assert widget._shown is not None
    seen, shown = widget._shown
    pixels = {}
    for dark in (True, False) if widget._two_themes else (seen.dark,):
        panels, caption = widget._panels(SimpleNamespace(**{**vars(seen), "dark": dark}), shown)
        pixels[dark] = compose_rows(panels, dark=dark, height=widget._side, decimal=decimal_mark(widget.language))
    names = [name for name in (*widget._live, *widget.trait_names(knob=True)) if name not in ("theme", "page_dark")]
    title = f"{type(widget).__name__} · {widget.engine.name}"
    return _html(
        language=widget.language,
        title=title,
        alt=in_words(panels, caption),
        caption=caption,
        pixels=pixels,
        state=state_in_words(widget.engine, {name: getattr(widget, name) for name in names}),
        code=_code_of(widget),
    )


def in_words(rows: Sequence[Sequence[Panel]], caption: str) -> str:
    """A view for those who do not see it: the titles of its panels, then the caption."""
    titles = [panel.title for row in rows for panel in row if panel.title]
    return " · ".join([*titles, *caption.splitlines()])


def _code_of(widget: LiveWidget) -> str:
    try:
        return widget.code
    except NnvizError:  # then the page is without
        return ""


def _html(
    *,
    language: str,
    title: str,
    alt: str,
    caption: str,
    pixels: Mapping[bool, Pixels],
    state: Mapping[str, str],
    code: str,
) -> str:
    """The same of its parts.

    Args:
        alt: the picture in words. pixels: for a dark page and a light one, or for one of them. state: values by name.
    """
    rows = "".join(
        f'<tr><th scope="row">{html.escape(name)}</th><td>{html.escape(value)}</td></tr>'
        for name, value in state.items()
    )
    lines = "<br>".join(map(html.escape, caption.splitlines()))
    code_part = code and (
        f"<h2>{say(language, 'page_code')}</h2><p>{say(language, 'page_code_about')}</p>"
        f'<pre tabindex="0"><code>{html.escape(code)}</code></pre>'
    )
    first = pixels.get(False, pixels.get(True))
    assert first is not None
    height, width = (side // RATIO for side in first.shape[:2])
    other = ""
    if len(pixels) == 2:
        other = f'<source media="(prefers-color-scheme: dark)" srcset="{_inside(pixels[True])}">'
    made = say(language, "page_made", version=nnviz_widgets.__version__)
    return f"""<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{html.escape(title)}</title>
<style>{STYLE}</style>
</head>
<body>
<main>
<h1>{html.escape(title)}</h1>
<picture>
{other}
<img src="{_inside(first)}" width="{width}" height="{height}" alt="{html.escape(alt)}">
</picture>
<p>{lines}</p>
<h2>{say(language, "page_state")}</h2>
<table>{rows}</table>
{code_part}
</main>
<footer><p class="faint">{html.escape(made)}</p></footer>
</body>
</html>
"""


def state_in_words(engine: Engine, values: Mapping[str, Any]) -> dict[str, str]:
    """The values of traits as a person reads them; a class with its name."""
    found = {}
    for name, value in values.items():
        if name in CLASSES and value is not None:
            found[name] = f"{value} · {engine.labels[value]}"
        elif value is None or isinstance(value, str | int | float | tuple | dict | Objective | Path):
            found[name] = value if isinstance(value, str) else write(value)
        else:
            shape = f" {value.shape}" if isinstance(value, np.ndarray) else ""
            found[name] = f"{type(value).__name__}{shape}"
    return found


def _inside(pixels: Pixels) -> str:
    return f"data:image/png;base64,{base64.b64encode(encode_png(pixels)).decode()}"
