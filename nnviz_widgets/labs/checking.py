"""What a check says: in one line what is wrong and where to look; a typical mistake is known by what it would give."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from torch import Tensor

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.lang import current_language, say, say_error
from nnviz_widgets.methods.own_method import compare, name_of

Guess = Tensor | Callable[[], Tensor]
"""What a mistake would give, or how to compute it."""


class LabError(AssertionError):
    """What is wrong with an answer, in one line in the current language; `code` tells which fault it is."""

    def __init__(self, message: str, code: str = "lab_other") -> None:
        self.code = code
        super().__init__(message)

    def _render_traceback_(self) -> list[str]:
        """For IPython: the line alone, without the way through our own code."""
        return [f"{type(self).__name__}: {self}"]


def fail(code: str, **fields: object) -> NoReturn:
    """Stop with a sentence of `lang`, by its key."""
    raise LabError(say(current_language(), code, **fields), code)


def passed(f: Any) -> str:
    """What a check returns for a right answer."""
    return say(current_language(), "lab_passed", name=name_of(f))


def judge(f: Any, given: Any, reference: Tensor, mistakes: Mapping[str, Guess] | None = None, **fields: object) -> None:
    """Nothing where a function gave the reference, up to rounding; else its mistake is named.

    Args:
        mistakes: by the key of its message, what each typical mistake would give. The first that fits is said.
        fields: of the messages, beside `name`, the function's.

    Raises:
        LabError: with the key of the mistake; without one, how far and where the values differ.
    """
    name = name_of(f)
    for code, guess in (mistakes or {}).items():
        wrong = guess() if callable(guess) else guess
        if _same(name, given, wrong) and not _same(name, wrong, reference):
            fail(code, name=name, **fields)
    if given is None:
        fail("lab_nothing", name=name)
    try:
        found = compare(name, given, reference)
    except NnvizError as error:
        raise LabError(say_error(current_language(), error), f"lab_{error.code}") from None
    if found.equal:
        return
    if found.factor is not None:
        fail("lab_scaled", name=name, factor=f"{found.factor:.4g}")
    yours, wanted = float(found.values[found.place]), float(reference[found.place])
    fail("lab_differs", name=name, place=found.place, yours=f"{yours:.4g}", wanted=f"{wanted:.4g}")


def judge_exactly(
    f: Any, given: list[int], right: list[int], mistakes: Mapping[str, list[int]], otherwise: str, **fields: object
) -> None:
    """As `judge`, for a few whole numbers, which the messages quote as `yours` and `wanted`."""
    if given != right:
        code = next((code for code, wrong in mistakes.items() if given == wrong), otherwise)
        fail(code, name=name_of(f), yours=given, wanted=right, **fields)


def _same(name: str, given: Any, wrong: Tensor) -> bool:
    try:
        return compare(name, given, wrong).equal
    except NnvizError:
        return False
