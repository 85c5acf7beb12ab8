import math

import numpy as np
import pytest

from nnviz_widgets.render.numbers import format_decimals, format_number


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (1.0, "1.00"),
        (0.5, "0.500"),
        (-3.14159, "−3.14"),
        (12.34, "12.3"),
        (123.4, "123"),
        (9.999, "10.0"),
        (999.6, "1000"),
        (1234.5, "1230"),
        (12345.0, "1.23e4"),
        (9999.0, "1.00e4"),
        (0.0123, "0.0123"),
        (0.001, "0.00100"),
        (0.00099996, "0.00100"),
        (-1.234e-7, "−1.23e−7"),
        (6.02e23, "6.02e23"),
        (5e-324, "4.94e−324"),
        (math.nan, "NaN"),
        (math.inf, "∞"),
        (-math.inf, "−∞"),
        (7, "7"),
        (-1000, "−1000"),
        (123456, "1.23e5"),
        (np.float32(0.25), "0.250"),
        (np.float16(-2), "−2.00"),
    ],
)
def test_three_digits_that_count(value, text):
    assert format_number(value) == text


def test_two_digits():
    assert format_number(0.1234, digits=2) == "0.12"
    assert format_number(123.4, digits=2) == "120"


def test_the_text_reads_back_within_its_digits():
    for value in np.random.default_rng(0).normal(size=200) * 10.0 ** np.arange(-20, 20, 0.2):
        text = format_number(value)
        assert "-" not in text
        assert float(text.replace("−", "-")) == pytest.approx(value, rel=0.0051)


def test_the_decimal_mark_is_the_one_that_is_passed():
    assert format_number(-3.14159, decimal=",") == "−3,14"
    assert format_number(1.234e-7, decimal=",") == "1,23e−7"
    assert format_number(1234.5, decimal=",") == "1230"
    assert format_decimals(0.305, 2, decimal=",") == "0,30"
    assert format_decimals(-0.305, 1) == "−0.3"
