"""Whether a wrong answer is caught, with its own message, in both languages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from nnviz_widgets import lang
from nnviz_widgets.labs import LabError


def assert_caught(check: Callable[..., Any], wrong: Callable[..., Any], code: str) -> None:
    """The check stops with this message: one line that names the function, in English and in French."""
    lines = []
    for language in ("en", "fr"):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(lang, "_chosen", [language])
            with pytest.raises(LabError) as caught:
                check(wrong)
        assert caught.value.code == code, caught.value
        lines.append(str(caught.value))
    assert lines[0] != lines[1]
    assert all("\n" not in line and wrong.__name__ in line for line in lines)


def assert_right(check: Callable[..., Any], right: Callable[..., Any]) -> None:
    """The check passes it, whatever the numbers, and says so."""
    for seed in (0, 1, 2):
        assert right.__name__ in check(right, seed=seed)


def codes_of(*prefixes: str) -> set[str]:
    """The messages of a lab: none may be without a wrong answer that earns it."""
    return {key for key in lang.TEXT["en"] if key.startswith(prefixes)}
