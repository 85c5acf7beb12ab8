"""Formulas in a page without scripts: LaTeX as MathML, which browsers display by themselves."""

from __future__ import annotations

import html
import re

# Names of functions that the converter does not know.
NAMES = re.compile(r"\\(arg|argmax|argmin)(?![a-zA-Z])")


def mathml(latex: str, *, display: bool) -> str:
    """A formula as MathML; as its source where it cannot be read.

    Args:
        display: on a line of its own.
    """
    from latex2mathml.converter import convert

    try:
        return str(convert(NAMES.sub(r"\\operatorname{\1}", latex.strip()), display="block" if display else "inline"))
    except Exception:  # whatever the converter does not understand, a person may
        tag = "pre" if display else "code"
        return f"<{tag}>{html.escape(latex)}</{tag}>"
