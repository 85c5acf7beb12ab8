"""Numbers in the language of a widget."""

from __future__ import annotations

from typing import SupportsFloat

from nnviz_widgets.lang import say
from nnviz_widgets.render.numbers import format_decimals, format_number


def decimal_mark(language: str) -> str:
    """The point of English, the comma of French."""
    return say(language, "decimal_mark")


def say_number(language: str, value: SupportsFloat, *, digits: int = 3) -> str:
    """A number with so many significant digits."""
    return format_number(value, digits=digits, decimal=decimal_mark(language))


def say_decimals(language: str, value: SupportsFloat, places: int = 2) -> str:
    """A number with so many decimals, so that a row of them stands in line."""
    return format_decimals(value, places, decimal=decimal_mark(language))
