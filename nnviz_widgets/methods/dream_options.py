"""What may be asked of a dream, and the two knobs that steer it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import inf, isfinite
from typing import Any

import numpy as np

from nnviz_widgets.errors import NnvizError

Steering = Callable[[], Mapping[str, float]]

LIMITS: dict[str, tuple[float, bool]] = {
    "octaves": (1, True),
    "octave_scale": (1.01, False),
    "steps": (1, True),
    "step_size": (0, False),
    "jitter": (0, True),
    "tile": (1, True),
    "max_side": (1, True),
    "seed": (0, True),
    "frames": (1, True),
}
"""The least value of each number, and whether it counts something."""

MOST = {"octaves": 20, "octave_scale": 10}


def check_number(name: str, value: Any) -> None:
    """An error that names the range, unless the value lies in it."""
    low, whole = LIMITS[name]
    high = MOST.get(name, inf)
    fits = (
        isinstance(value, int | float | np.number)
        and not isinstance(value, bool)
        and isfinite(value)
        and low <= value <= high
    )
    if not fits or (whole and value % 1):
        kind = "a whole number" if whole else "a number"
        expected = f"{kind} from {low:g} " + ("up" if high == inf else f"to {high:g}")
        raise NnvizError("prior_value", name=name, value=value, expected=expected)


class Knobs:
    """What steers a dream while it runs; a value holds until it is changed again."""

    def __init__(self, step_size: float, jitter: int, steering: Steering | None) -> None:
        self._held: dict[str, float] = {}
        self._steering = steering
        self._take({"step_size": step_size, "jitter": jitter})

    def read(self) -> tuple[float, int]:
        """The step size and the jitter of the next step."""
        if self._steering is not None:
            self._take(self._steering())
        return float(self._held["step_size"]), int(self._held["jitter"])

    def _take(self, changed: Mapping[str, float]) -> None:
        for name, value in changed.items():
            if name not in ("step_size", "jitter"):
                raise NnvizError("option_unknown", widget="deepdream", name=name, near="step_size, jitter")
            check_number(name, value)
        self._held |= changed
