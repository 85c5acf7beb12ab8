"""How French is set: no-break spaces, and numbers with a decimal comma."""

from __future__ import annotations

import re
from string import Formatter
from typing import Any

NO_BREAK = "\N{NO-BREAK SPACE}"
PLACES = re.compile(r" (?=[:;?!»%])|(?<=«) ")
"""Where French has a space at which no line may end; the strings are written with plain ones."""


def no_break(text: str) -> str:
    """A French text with its no-break spaces."""
    return PLACES.sub(NO_BREAK, text)


class French(Formatter):
    """str.format whose numbers have a decimal comma, and a space between thousands."""

    def format_field(self, value: Any, format_spec: str) -> str:
        text = str(super().format_field(value, format_spec))
        return text.translate({ord("."): ",", ord(","): NO_BREAK}) if format_spec else text
