"""A notebook with its outputs as one page: pictures and formulas inside, no scripts, nothing from elsewhere."""

from __future__ import annotations

import base64
import html
import mimetypes
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.formulas import mathml
from nnviz_widgets.tour import need

NOTHING_ELSE = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:; media-src data:"
"""The page's own promise to the browser (its Content-Security-Policy)."""
SCRIPT = re.compile(r"<script\b.*?</script\s*>|<!--.*?-->", re.S | re.I)
LINK = re.compile(r"<(?:link|base|iframe|object|embed)\b[^>]*>", re.I)
PICTURE = re.compile(r"""<img\b[^>]*?\bsrc\s*=\s*(["'])(?P<source>.*?)\1[^>]*>""", re.S | re.I)
ALT = re.compile(r"""\balt\s*=\s*(["'])(?P<text>.*?)\1""", re.S | re.I)


def write_page(notebook: Any, out: Path, *, title: str, language: str, folder: Path) -> Path:
    """Write a notebook as a page; `out` is an .html file or a folder.

    Args:
        folder: of the notebook, from which its prose names pictures.
    """
    path = out if out.suffix.lower() in (".html", ".htm") else out / f"{title}.html"
    page = notebook_page(notebook, title=title, language=language, folder=folder)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise NnvizError("tour_folder", path=path.parent, reason=error.strerror or error) from error
    return path


def read_notebook(path: Path) -> Any:
    """A notebook as it was saved.

    Raises:
        NnvizError: when it cannot be read as one.
    """
    need("nbconvert")
    import nbformat

    try:
        return nbformat.read(path, as_version=4)
    except (OSError, ValueError, AttributeError, KeyError, nbformat.ValidationError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise NnvizError("notebook_unreadable", path=path, reason=reason) from error


def notebook_page(notebook: Any, *, title: str, language: str, folder: Path) -> str:
    """The page itself."""
    need("nbconvert")
    need("latex2mathml")
    from jinja2 import pass_context
    from nbconvert import HTMLExporter
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    class Renderer(IPythonRenderer):  # type: ignore[misc]
        def block_math(self, body: str) -> str:
            return mathml(body, display=True)

        def inline_math(self, body: str) -> str:
            return mathml(body, display=False)

        def latex_environment(self, name: str, body: str) -> str:
            return mathml(rf"\begin{{{name}}}{body}\end{{{name}}}", display=True)

    @pass_context
    def markdown(context: Any, source: str) -> str:
        attachments = context.get("cell", {}).get("attachments", {})
        renderer = Renderer(escape=False, attachments=attachments, anchor_link_text="¶")
        return str(MarkdownWithMath(renderer=renderer).render(source))

    exporter = HTMLExporter(language_code=language)
    exporter.register_filter("markdown2html", markdown)
    page, _ = exporter.from_notebook_node(notebook, resources={"metadata": {"name": title}})
    page = LINK.sub("", SCRIPT.sub("", page))
    page = PICTURE.sub(lambda found: _inside(found, folder), page)
    promise = f'<meta http-equiv="Content-Security-Policy" content="{NOTHING_ELSE}">'
    return page.replace("<head>", f"<head>{promise}", 1)


def _inside(found: re.Match[str], folder: Path) -> str:
    """A picture with its bytes in the page; its words where they are elsewhere."""
    tag, source = found.group(0), html.unescape(found.group("source"))
    if source.startswith("data:"):
        return tag
    kind = mimetypes.guess_type(source)[0] or ""
    path = folder / unquote(source)
    if kind.startswith("image/") and "://" not in source and path.is_file():
        inside = f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"
        return tag.replace(found.group("source"), inside, 1)
    words = ALT.search(tag)
    return f"<em>{words.group('text') if words else html.escape(source)}</em>"
