"""Recipes: all that an ascent was made from, as JSON, so that it can be made again."""

from __future__ import annotations

import json
import zlib
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.engine.objectives import Objective
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.methods.ascent import ascent
from nnviz_widgets.methods.ascent_step import AscentState, AscentStep
from nnviz_widgets.methods.priors import Prior
from nnviz_widgets.methods.recipe_json import from_json, to_json

FORMAT = "nnviz_widgets ascent 1"


@dataclass(frozen=True, eq=False)
class Recipe:
    """What `ascent` was given, and how it was steered.

    Attributes:
        objective, size, steps, step_size, priors, seed, half: as `ascent` takes them.
        start: "zeros", "noise", an x, or another recipe, whose last picture it is.
        steered: what the knobs changed, as (step, changes); `step.state.steered` is it.
        network: its name, for people; any engine may run the recipe.
    """

    objective: Objective | Sequence[Objective]
    size: int | tuple[int, int] | None = None
    steps: int = 256
    step_size: float | None = None
    start: str | Tensor | Recipe = field(default="noise", repr=False)
    priors: str | Sequence[Prior] = "Distill"
    seed: int = 0
    steered: Sequence[tuple[int, Mapping[str, Any]]] = ()
    half: bool = False
    network: str = ""

    @classmethod
    def of(
        cls,
        state: AscentState,
        objective: Objective | Sequence[Objective],
        start: str | Tensor | Recipe,
        *,
        half: bool = False,
        network: str = "",
    ) -> Recipe:
        """The recipe of the picture of a state, given what the run that came to it was asked and began with."""
        return cls(
            objective,
            state.size,
            state.step,
            state.begun.step_size,
            start,
            state.begun.priors,
            state.seed,
            state.steered,
            half,
            network,
        )

    def run(self, engine: Engine) -> Iterator[AscentStep]:
        """The same steps: on the same device with the same libraries the same to the last digit."""
        start = self.start
        if isinstance(start, Recipe):
            start = deque(start.run(engine), maxlen=1).pop().x
        changes = dict(self.steered)
        step = -1

        def knobs() -> Mapping[str, Any]:
            nonlocal step
            step += 1
            return changes.get(step, {})

        return ascent(
            engine,
            self.objective,
            size=self.size,
            steps=self.steps,
            step_size=self.step_size,
            start=start,
            priors=self.priors,
            seed=self.seed,
            knobs=knobs,
            half=self.half,
        )

    def save(self, path: str | Path) -> Path:
        """Write it as JSON; a start that is a picture stands in it whole."""
        path = Path(path).expanduser()
        path.write_text(json.dumps({"format": FORMAT, **to_json(self)}, indent=1) + "\n", encoding="utf-8")
        return path

    @classmethod
    def load(cls, path: str | Path) -> Recipe:
        """Read what `save` wrote.

        Raises:
            NnvizError: recipe_unreadable, with what is wrong.
        """
        path = Path(path).expanduser()
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(found, dict) or found.pop("format", None) != FORMAT:
                raise ValueError(f"its format is not {FORMAT!r}")
            return from_json(cls, found)
        except (OSError, ValueError, TypeError, KeyError, AttributeError, zlib.error) as error:
            reason = f"{type(error).__name__}: {error}" if isinstance(error, KeyError) else str(error)
            raise NnvizError("recipe_unreadable", name=path.name, reason=reason) from error
