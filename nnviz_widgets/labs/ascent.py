"""Checks of the lab on activation maximisation and its priors: the step, the loop, and the whole recipe."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import torch
from torch import Tensor, nn

from nnviz_widgets.engine.objectives import logit
from nnviz_widgets.labs.checking import Guess, fail, judge, passed
from nnviz_widgets.labs.networks import engine_of, picture, second_class, small_network
from nnviz_widgets.labs.observed import call
from nnviz_widgets.methods.ascent import ascent
from nnviz_widgets.methods.own_method import name_of
from nnviz_widgets.methods.pixel_priors import gaussian_blur
from nnviz_widgets.methods.priors import L2, Blur, Plain, Prior, SmallNorm

SIZE, PENALTY = 0.7, 0.06  # of a step, and of the squared norm
Score = Callable[[Tensor], Tensor]


def check_ascent_step(f: Callable[..., Any], *, seed: int = 0) -> str:
    """f(module, x, target, step_size, l2) -> x + step_size (g - 2 l2 x), g the gradient of the logit of a class at x
    (Simonyan et al. 2014).

    Raises:
        LabError: says what is wrong.
    """
    module, x, target = _question(seed)
    given = call(_without_graph(f), module, x, target, SIZE, PENALTY)
    mistakes: dict[str, Guess] = {**_steps(module, x, target, _gradient(module, x, target))}
    judge(f, given, _reference(module, x, target, 1), mistakes, target=target)
    return passed(f)


def check_climb(f: Callable[..., Any], *, seed: int = 0) -> str:
    """f(module, x, target, steps, step_size, l2) -> (x, scores): the picture after so many steps, and the logit of the
    class at the start and after each of them, steps + 1 numbers.

    Raises:
        LabError: says what is wrong.
    """
    name, steps = name_of(f), 4
    module, x, target = _question(seed)
    given = call(_without_graph(f), module, x, target, steps, SIZE, PENALTY)
    if not isinstance(given, tuple | list) or len(given) != 2:
        fail("lab_climb_pair", name=name)
    path = _path(module, x, target, steps + 1)
    mistakes: dict[str, Guess] = {
        "lab_climb_start": path[0],
        "lab_climb_one_step": path[1],
        "lab_climb_fewer": path[steps - 1],
        "lab_climb_more": path[steps + 1],
        "lab_climb_same_gradient": x + steps * SIZE * (_gradient(module, x, target) - 2 * PENALTY * x),
        "lab_climb_accumulated": _accumulated(module, x, target, steps),
        "lab_step_descent": _path(module, x, target, steps, size=-SIZE)[-1],
        "lab_step_no_penalty": _path(module, x, target, steps, penalty=0.0)[-1],
    }
    judge(f, given[0], _reference(module, x, target, steps), mistakes, target=target)
    scores = torch.stack([module(each)[0, target].detach() for each in path])
    told = _numbers(given[1], name)
    chances = torch.stack([module(each).softmax(1)[0, target].detach() for each in path])
    norms = torch.stack([PENALTY * each.square().sum() for each in path])
    wrong: dict[str, Guess] = {
        "lab_climb_scores_start": scores[1:-1],
        "lab_climb_scores_end": scores[:-2],
        "lab_climb_scores_late": scores[1:],
        "lab_climb_scores_softmax": chances[:-1],
        "lab_climb_scores_penalty": (scores - norms)[:-1],
    }
    judge(f, told, scores[:-1], wrong, target=target)
    return passed(f)


def check_prior_step(f: Callable[..., Any], *, seed: int = 0) -> str:
    """f(module, x, target, step, step_size, l2, sigma, every, small_norm) -> the next x: the step, then a blur where
    step % every is 0, then pixels of small norm set to 0 (Yosinski et al. 2015). step: how many came before.

    Raises:
        LabError: says what is wrong.
    """
    module, x, target = _question(seed)
    sigma, every, small = 0.8, 3, 40.0
    blur, clip = Blur(sigma).rework, SmallNorm(small).rework
    g = _gradient(module, x, target)
    plain = x + SIZE * (g - 2 * PENALTY * x)
    soft = blur(plain, g, 0)
    for step in (0, 1, every - 1, every):
        given = call(_without_graph(f), module, x, target, step, SIZE, PENALTY, sigma, every, small)
        now = step % every == 0
        made = soft if now else plain
        mistakes: dict[str, Guess] = {"lab_prior_no_clip": made}
        if now:
            mistakes |= {
                "lab_prior_no_blur" if step else "lab_prior_not_at_0": clip(plain, g, step),
                "lab_prior_nothing": plain,
                "lab_prior_clip_first": blur(clip(plain, g, step), g, 0),
                "lab_prior_blur_first": clip(_after(module, gaussian_blur(x, sigma), target), g, 0),
            }
        else:
            mistakes["lab_prior_off_by_one" if step == every - 1 else "lab_prior_every"] = clip(soft, g, step)
        for key, value in _steps(module, x, target, g).items():
            mistakes[key] = clip(blur(value, g, 0) if now else value, g, step)
        judge(f, given, clip(made, g, step), mistakes, target=target, step=step, every=every)
    return passed(f)


def _question(seed: int) -> tuple[nn.Sequential, Tensor, int]:
    """A network, a picture, and a class that is not the most probable."""
    module, x = small_network(seed), picture(seed)
    return module, x, second_class(module, x)


def _gradient(module: nn.Module, x: Tensor, target: int, score: Score | None = None) -> Tensor:
    own = x.detach().clone().requires_grad_()
    y = module(own)
    return torch.autograd.grad(y[0, target] if score is None else score(y), own)[0]


def _after(module: nn.Module, x: Tensor, target: int) -> Tensor:
    return x + SIZE * (_gradient(module, x, target) - 2 * PENALTY * x)


def _reference(module: nn.Module, x: Tensor, target: int, steps: int) -> Tensor:
    priors: list[Prior] = [Plain(), L2(PENALTY)]
    (*_, last) = ascent(engine_of(module), logit(target), steps=steps, step_size=SIZE, start=x, priors=priors)
    return last.x


def _path(
    module: nn.Module, x: Tensor, target: int, steps: int, *, size: float = SIZE, penalty: float = PENALTY
) -> list[Tensor]:
    found = [x]
    for _ in range(steps):
        found.append(found[-1] + size * (_gradient(module, found[-1], target) - 2 * penalty * found[-1]))
    return found


def _accumulated(module: nn.Module, x: Tensor, target: int, steps: int) -> Tensor:
    """Without setting x.grad to zero between steps."""
    total = torch.zeros_like(x)
    for _ in range(steps):
        total = total + _gradient(module, x, target)
        x = x + SIZE * (total - 2 * PENALTY * x)
    return x


def _steps(module: nn.Module, x: Tensor, target: int, g: Tensor) -> dict[str, Tensor]:
    """What mistakes in one step would give, by the key of their messages."""

    def climbed(score: Score) -> Tensor:
        return x + SIZE * (_gradient(module, x, target, score) - 2 * PENALTY * x)

    return {
        "lab_step_descent": x - SIZE * (g - 2 * PENALTY * x),
        "lab_step_descent_gradient": x + SIZE * (-g - 2 * PENALTY * x),
        "lab_step_added_penalty": x + SIZE * (g + 2 * PENALTY * x),
        "lab_step_factor_2": x + SIZE * (g - PENALTY * x),
        "lab_step_no_penalty": x + SIZE * g,
        "lab_step_penalty_outside": x + SIZE * g - 2 * PENALTY * x,
        "lab_step_norm": x + SIZE * (g - PENALTY * x / x.norm()),
        "lab_step_change": SIZE * (g - 2 * PENALTY * x),
        "lab_step_gradient": g,
        "lab_step_normalised": x + SIZE * (g / g.norm() - 2 * PENALTY * x),
        "lab_step_softmax": climbed(lambda y: y.softmax(1)[0, target]),
        "lab_step_log_softmax": climbed(lambda y: y.log_softmax(1)[0, target]),
        "lab_step_top": climbed(lambda y: y.max()),
        "lab_step_all": climbed(lambda y: y.sum()),
    }


def _without_graph(f: Callable[..., Any]) -> Callable[..., Any]:
    """f, which must not give a picture that still hangs on the graph of its making."""

    @wraps(f)
    def looked_at(*arguments: Any) -> Any:
        given = f(*arguments)
        parts: Sequence[Any] = given if isinstance(given, tuple | list) else [given]
        if any(isinstance(part, Tensor) and part.grad_fn is not None for part in parts):
            fail("lab_step_graph", name=name_of(f))
        return given

    return looked_at


def _numbers(given: Any, name: str) -> Tensor:
    try:
        return torch.tensor([float(torch.as_tensor(each).detach()) for each in given])
    except (TypeError, ValueError, RuntimeError):
        fail("lab_climb_numbers", name=name, type=type(given).__name__)
