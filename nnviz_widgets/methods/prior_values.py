"""What the numbers of priors may be: a table, and the one check against it."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from numbers import Real
from typing import Any

from nnviz_widgets.errors import NnvizError


@dataclass(frozen=True)
class Limits:
    """The least and the greatest value, both allowed; `whole` for numbers that count something."""

    low: float
    high: float = inf
    whole: bool = False

    def __str__(self) -> str:
        kind = "a whole number" if self.whole else "a number"
        return f"{kind} from {self.low:g} " + ("up" if self.high == inf else f"to {self.high:g}")


LIMITS: dict[str, Limits] = {
    "step_size": Limits(0),
    "progress": Limits(0),
    "l2": Limits(0),
    "total_variation": Limits(0),
    "decay": Limits(0, 1),
    "sigma": Limits(0, 100),
    "every": Limits(1, whole=True),
    "small_value": Limits(0, 100),
    "small_norm": Limits(0, 100),
    "small_contribution": Limits(0, 100),
    "jitter": Limits(0, whole=True),
    "scale": Limits(0, 0.9),
    "rotate": Limits(0, 180),
    "redirected": Limits(0, whole=True),
    "diversity": Limits(0),
}
"""By the name of a field, which is a knob's name too."""


def checked(name: str, value: Any) -> float:
    """The value as a number of Python's own, NumPy's do not go with tensors; or an error that names the range."""
    limits = LIMITS[name]
    fits = isinstance(value, Real) and not isinstance(value, bool) and limits.low <= float(value) <= limits.high
    if not fits or float(value) == inf or (limits.whole and float(value) % 1):
        raise NnvizError("prior_value", name=name, value=value, expected=str(limits))
    return int(value) if limits.whole else float(value)


def check_value(name: str, value: Any) -> None:
    """An error that names the range, unless the value lies in it."""
    checked(name, value)


class Checked:
    """A prior whose numbers are looked at when it is made."""

    def __post_init__(self) -> None:
        for name, value in list(vars(self).items()):
            if name in LIMITS:
                object.__setattr__(self, name, checked(name, value))
