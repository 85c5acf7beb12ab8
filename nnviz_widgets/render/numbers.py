"""Numbers as a person reads them."""

from __future__ import annotations

import math
from typing import SupportsFloat

MINUS = "\N{MINUS SIGN}"


def format_number(value: SupportsFloat, *, digits: int = 3, decimal: str = ".") -> str:
    """A number with `digits` significant digits and a true minus sign: 0.123, 12.3, 1230, 1.23e−7, −∞, NaN.

    Trailing zeros stay, so that a number that changes under the pointer keeps its width; whole numbers have none.
    `decimal` is the decimal mark.
    """
    number = float(value)
    if math.isnan(number):
        return "NaN"
    sign = MINUS if number < 0 else ""
    if math.isinf(number):
        return f"{sign}\N{INFINITY}"
    if number == 0:
        return "0"
    if isinstance(value, int) and abs(value) < 10_000:
        return f"{sign}{abs(value)}"
    mantissa, _, tail = f"{abs(number):.{digits - 1}e}".partition("e")
    exponent = int(tail)
    if -3 <= exponent < 4:
        # Rounded first: 12345 has three digits that count, the rest are zeros.
        text = f"{float(f'{mantissa}e{tail}'):.{max(0, digits - 1 - exponent)}f}"
    else:
        text = f"{mantissa}e{with_minus(exponent)}"
    return f"{sign}{text.replace('.', decimal)}"


def format_decimals(value: SupportsFloat, places: int, *, decimal: str = ".") -> str:
    """A number with so many decimals and a true minus sign, so that a row of them stands in line."""
    return f"{float(value):.{places}f}".replace("-", MINUS).replace(".", decimal)


def with_minus(number: int) -> str:
    """A whole number with a true minus sign."""
    return str(number).replace("-", MINUS)
