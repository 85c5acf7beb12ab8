"""An ascent as lines of Python: its recipe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from types import SimpleNamespace
from typing import Any

from torch import Tensor

from nnviz_widgets.methods.priors import KNOBS, Prior
from nnviz_widgets.methods.recipe import Recipe
from nnviz_widgets.widgets.code import Expr, Script, call


def ascent_code(script: Script, recipe: Recipe, state: SimpleNamespace) -> None:
    """What comes after `engine`: the run up to the picture that is shown.

    Args:
        state: with the run's `question`, `pictures`, `start_from` and `photo`.
    """
    start: Any = recipe.start
    if isinstance(start, Tensor) and state.start_from == "photo":
        script.input(state.photo)
        start = Expr("x")
    elif isinstance(start, Tensor):
        script.note("code_start")
        start = Expr("start")
    objective_code(script, state.question)
    steered = {step: dict(told) for step, told in recipe.steered}
    priors = [
        script.need("methods.priors", type(prior).__name__) + repr(prior).removeprefix(type(prior).__name__)
        for prior in at_work(recipe.priors, {name for told in steered.values() for name in told})
    ]
    script.let("priors", [Expr(prior) for prior in priors])
    knobs = script.steered(steered)
    objective = "objective" if state.pictures == 1 else f"[objective] * {state.pictures}"
    options = {"size": recipe.size, "steps": recipe.steps, "step_size": recipe.step_size, "start": start}
    options |= {"priors": Expr("priors"), "seed": recipe.seed, **knobs}
    script.run(call("methods.ascent", Expr("engine"), Expr(objective), **options))


def objective_code(script: Script, question: Any) -> None:
    """The line that makes `objective`, read before an activation that bounds it."""
    asked: Any = question.objective
    script.let("objective", asked if asked == question.read else call("engine.before_activation", asked))


def at_work(priors: str | Sequence[Prior], steered: set[str]) -> list[Prior]:
    """Without those that are 0 from the beginning to the end, which are nothing."""
    assert not isinstance(priors, str)
    found = []
    for prior in priors:
        knobs = [field.name for field in fields(prior) if field.name in KNOBS and field.name != "every"]
        if not knobs or steered & set(knobs) or any(getattr(prior, name) for name in knobs):
            found.append(prior)
    return found
