"""A student's function is called, and what it must leave alone is looked at afterwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from nnviz_widgets.labs.checking import fail
from nnviz_widgets.methods.own_method import name_of

HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


def call(f: Callable[..., Any], module: nn.Module, x: Tensor, *rest: Any) -> Any:
    """What f(module, x, *rest) gives, the same twice; module and x must be as before.

    Raises:
        LabError: for an x changed in place; for weights changed or given a gradient, a module left in training mode,
            with hooks or with other parts; for a second call that gives something else.
    """
    name, before = name_of(f), _State(module)
    mine = x.detach().clone()

    def once() -> Any:
        with torch.enable_grad():
            return f(module, mine, *rest)

    given = once()
    if mine.shape != x.shape or not torch.equal(mine.detach(), x):
        fail("lab_input_changed", name=name)
    before.check(name, module)
    kept = given.detach().clone() if isinstance(given, Tensor) else given
    if isinstance(kept, Tensor) and not _alike(kept, once()):
        fail("lab_second_call", name=name)
    return given


def call_on_tensors(f: Callable[..., Any], *given: Any) -> Any:
    """What f gives for tensors and numbers; the tensors must be as before.

    Raises:
        LabError: for a tensor changed in place.
    """
    mine = [value.detach().clone() if isinstance(value, Tensor) else value for value in given]
    answer = f(*mine)
    for before, after in zip(given, mine, strict=True):
        if isinstance(before, Tensor) and not torch.equal(before, after):
            fail("lab_input_changed", name=name_of(f))
    return answer


def hooks_of(module: nn.Module) -> int:
    """How many hooks stand on a module and its parts."""
    return sum(len(getattr(part, kind)) for part in module.modules() for kind in HOOKS)


class _State:
    """What a module was like."""

    def __init__(self, module: nn.Module) -> None:
        self.modes = [part.training for part in module.modules()]
        self.parts = list(module.modules())
        self.hooks = hooks_of(module)
        self.values = [value.detach().clone() for value in module.state_dict().values()]
        self.gradients = [parameter.grad is None for parameter in module.parameters()]
        self.asking = [parameter.requires_grad for parameter in module.parameters()]

    def check(self, name: str, module: nn.Module) -> None:
        if hooks_of(module) != self.hooks:
            fail("lab_hook_left", name=name)
        if [id(part) for part in module.modules()] != [id(part) for part in self.parts]:
            fail("lab_parts_changed", name=name)
        if [part.training for part in module.modules()] != self.modes:
            fail("lab_mode_changed", name=name)
        if not all(map(torch.equal, module.state_dict().values(), self.values)):
            fail("lab_weights_changed", name=name)
        if [parameter.grad is None for parameter in module.parameters()] != self.gradients:
            fail("lab_weights_gradient", name=name)
        if [parameter.requires_grad for parameter in module.parameters()] != self.asking:
            fail("lab_weights_frozen", name=name)


def _alike(first: Tensor, second: Any) -> bool:
    if not isinstance(second, Tensor) or second.shape != first.shape:
        return False
    limit = 1e-4 * float(first.abs().max()) if first.numel() else 0.0
    return not bool(((first - second.detach()).abs() > limit).any())
