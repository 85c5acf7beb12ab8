"""What a person changed on the way of a run, so that the run can be made again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Steered:
    """The knobs of a run, and what was changed of them, by the number of steps before.

    Attributes:
        begun: the knobs at its beginning.
    """

    def __init__(self, knobs: Mapping[str, Any]) -> None:
        self.begun = dict(knobs)
        self._changes: dict[int, dict[str, Any]] = {}

    def cut(self, step: int) -> None:
        """The run goes on from this step: what came later never was."""
        self._changes = {at: told for at, told in self._changes.items() if at < step}

    def note(self, step: int, knobs: Mapping[str, Any]) -> dict[str, Any]:
        """Take down the knobs before a step; returns them."""
        held = self.begun | {name: value for told in self._changes.values() for name, value in told.items()}
        changed = {name: knobs[name] for name in held if knobs[name] != held[name]}
        if changed:
            self._changes[step] = changed
        return dict(knobs)

    def before(self, step: int) -> dict[int, dict[str, Any]]:
        """The changes that led to the picture after so many steps."""
        return {at: told for at, told in sorted(self._changes.items()) if at < step}
