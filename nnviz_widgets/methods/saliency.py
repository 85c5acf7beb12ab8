"""Saliency: how an objective answers to a small change of each pixel."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import wraps
from typing import ParamSpec

from torch import Tensor

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.engine.objectives import Objective
from nnviz_widgets.engine.relu_rules import Rule
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.methods.integrated_gradients import baseline_like, straight_path
from nnviz_widgets.methods.mean_gradient import SaliencyStep, mean_gradients
from nnviz_widgets.methods.smooth_grad import noisy_copies

Options = ParamSpec("Options")


def saliency_steps(
    engine: Engine,
    x: Tensor,
    objective: Objective,
    *,
    rule: Rule = "vanilla",
    smooth: int = 0,
    noise: float = 0.15,
    seed: int = 0,
    integrated: int = 0,
    baseline: Tensor | float | None = None,
    times_input: bool = False,
) -> Iterator[SaliencyStep]:
    """Gradient of an objective at the input (Simonyan et al. 2014; the rules: Zeiler & Fergus, Springenberg et al.).

    Args:
        rule: how to go back through ReLUs, "vanilla", "deconvnet" or "guided".
        smooth: number of noisy copies to take the mean over (SmoothGrad, Smilkov et al. 2017); 0 for none.
        noise: their standard deviation, as a share of the picture's range.
        integrated: number of steps from the baseline (Integrated Gradients, Sundararajan et al. 2017); 0 for none.
            The result is in units of the objective: its sum is what the objective gains from the baseline to x.
        baseline: where that path begins, in the network's units; black when left out.
        times_input: multiply by x; integrated gradients are multiplied by the way from the baseline anyway.

    Returns:
        (N, C, H, W), like x: see `saliency_picture.py` for what can be drawn. `saliency_steps` comes to it in steps,
        one a batch of passes, so that a caller can show how far it is, or stop.

    Raises:
        NnvizError: for an option out of its range, a rule without a ReLU on the way, or a gradient that is 0 all over.
    """
    _check("smooth", smooth, whole=True)
    _check("integrated", integrated, whole=True)
    _check("noise", noise)
    if smooth and integrated:
        raise NnvizError(
            "contract_value", field="integrated", value=integrated, expected="0 with smooth, or the reverse"
        )
    factor = x.detach() if times_input else None
    if integrated:
        start = baseline_like(engine, x, baseline)
        factor = x.detach() - start
        steps = mean_gradients(engine, *straight_path(x.detach(), start, integrated), objective, rule)
    elif smooth:
        steps = mean_gradients(engine, noisy_copies(x.detach(), noise, seed), [1.0] * smooth, objective, rule)
    else:
        steps = iter([SaliencyStep(1.0, engine.gradient(x, objective, rule=rule))])
    for step in steps:
        if step.done == 1 and not step.gradient.any():
            raise NnvizError("gradient_zero", objective=repr(objective), of="input")
        yield step if factor is None else SaliencyStep(step.done, step.gradient * factor.to(step.gradient))


def _check(field: str, value: float, *, whole: bool = False) -> None:
    number = isinstance(value, int) if whole else isinstance(value, int | float)
    if isinstance(value, bool) or not number or not 0 <= value < float("inf"):
        expected = "a whole number from 0 up" if whole else "a number from 0 up"
        raise NnvizError("contract_value", field=field, value=value, expected=expected)


def _whole(steps: Callable[Options, Iterator[SaliencyStep]]) -> Callable[Options, Tensor]:
    """The function that goes through all steps for the gradient of the last; the options stand in one place."""

    @wraps(steps)
    def saliency(*args: Options.args, **kwargs: Options.kwargs) -> Tensor:
        *_, last = steps(*args, **kwargs)
        return last.gradient

    saliency.__name__ = saliency.__qualname__ = "saliency"
    saliency.__signature__ = inspect.signature(steps).replace(return_annotation="Tensor")  # type: ignore[attr-defined]
    return saliency


saliency = _whole(saliency_steps)
