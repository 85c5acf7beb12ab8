"""A saliency as lines of Python."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.methods.randomise import layers_with_weights
from nnviz_widgets.widgets.code import Expr, Script, call, indented, write
from nnviz_widgets.widgets.saliency_question import question_of


def saliency_code(script: Script, engine: Engine, state: SimpleNamespace) -> None:
    """What comes after `engine` and `x`: a dictionary of gradients by rule, of the rules that have one."""
    question = question_of(engine, state)
    for index, _ in question.classes:
        script.note("code_class", name=engine.labels[index])
    script.let("objective", question.objective)
    rules = tuple(r for r in state.rules if r == "vanilla" or engine.relus(state.x, question.objective, rule=r))
    network = "engine"
    if state.randomised:
        script.need("methods.randomise", "randomised")
        share = Expr(f"{state.randomised} / {layers_with_weights(engine)}")
        network = script.let("redrawn", call("randomised", Expr("engine"), share))
    options: dict[str, Any] = {"rule": Expr("rule")}
    if state.smooth:
        options |= {"smooth": state.smooth, "noise": state.noise}
    if state.integrated:
        script.need("methods.occluders", "occluder")
        script.let("baseline", call("occluder", Expr("engine.contract"), Expr("x"), state.baseline))
        options |= {"integrated": state.integrated, "baseline": Expr("baseline")}
    if state.view == "times_input":
        options["times_input"] = True
    script.let("result", {})
    each = call("methods.saliency", Expr(network), Expr("x"), Expr("objective"), **options)
    script.add(f"for rule in {write(rules or state.rules)}:\n    result[rule] = {indented(each)}")
