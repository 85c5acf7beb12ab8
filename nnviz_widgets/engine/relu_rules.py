"""Ways to go backwards through a ReLU: vanilla, deconvnet, guided, and redirected for an ascent.

With a the input of the ReLU and g the gradient from above (bounded: ReLU6 and the like, u their upper bound):

- vanilla (Simonyan et al. 2014): g where 0 < a (and a < u)
- deconvnet (Zeiler & Fergus 2014): max(g, 0)
- guided (Springenberg et al. 2015): max(g, 0) where 0 < a (and a < u)
- redirected (Olah et al. 2017, in Lucid): vanilla; for a picture whose units all block it, g but where it would push a
  unit further away from being active (g < 0 where a <= 0; g > 0 where a >= u)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from nnviz_widgets.engine.trace import function_name
from nnviz_widgets.errors import NnvizError

Rule = Literal["vanilla", "deconvnet", "guided"]
RULES: tuple[Rule, ...] = ("vanilla", "deconvnet", "guided")
AscentRule = Literal["vanilla", "redirected"]


class ReluRule(TorchFunctionMode):
    """While active in a thread, every ReLU of a pass gets another gradient, however it is called.

    Modules, functions and methods, in place or not, reused or not; `clamp(min=0)` and `threshold` are ReLUs too.
    Touches no module.

    Attributes:
        overridden: how many ReLUs on the way of a gradient were met so far.
    """

    def __init__(self, rule: Rule | AscentRule) -> None:
        super().__init__()
        if rule not in (*RULES, "redirected"):
            raise NnvizError("rule_unknown", rule=rule)
        self.rule = rule
        self.overridden = 0

    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        upper = None if self.rule == "vanilla" else _upper_bound(function_name(func), args, kwargs)
        if upper is None or not args[0].requires_grad:
            return func(*args, **kwargs)
        self.overridden += 1
        if self.rule == "redirected":
            out = _Redirected.apply(args[0], upper)
        else:
            out = _Relu.apply(args[0], upper, self.rule == "guided")
        return args[0].copy_(out) if _in_place(func, args, kwargs) else out


class _Relu(torch.autograd.Function):
    """ReLU bounded above, whose gradient is deconvnet's or guided backpropagation's."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, upper: float, guided: bool) -> Tensor:
        if guided:  # the mask and not the input, which may be overwritten
            ctx.save_for_backward((a > 0) & (a < upper))
        return a.clamp(0, upper)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None, None]:
        positive = g.clamp_min(0)
        for mask in ctx.saved_tensors:
            positive = positive * mask
        return positive, None, None


class _Redirected(torch.autograd.Function):
    """ReLU bounded above, which lets a gradient through to a picture's units where all of them would block it."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, upper: float) -> Tensor:
        ctx.save_for_backward(a <= 0, *([] if upper == torch.inf else [a >= upper]))
        return a.clamp(0, upper)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None]:
        low, *high = ctx.saved_tensors
        usual = g.masked_fill(low, 0)
        redirected = torch.where(low, g.clamp_min(0), g)
        for mask in high:
            usual = usual.masked_fill(mask, 0)
            redirected = torch.where(mask, redirected.clamp_max(0), redirected)
        through = usual.reshape(len(usual), -1).any(1).view(-1, *[1] * (usual.ndim - 1))
        return torch.where(through, usual, redirected), None


def _upper_bound(name: str, args: Any, kwargs: Mapping[str, Any]) -> float | None:
    """Infinity for a call that is a ReLU, its bound for one that is bounded above, None for any other call."""
    if name == "relu":
        return torch.inf
    if name == "relu6":
        return 6.0
    if name == "threshold":
        low, value = _arguments(args, kwargs, "threshold", "value")
        return torch.inf if low == 0 and value == 0 else None
    if name in ("hardtanh", "clamp", "clip", "clamp_min"):
        first, second = ("min_val", "max_val") if name == "hardtanh" else ("min", "max")
        low, high = _arguments(args, kwargs, first, second)
        if low == 0 and not isinstance(low, bool | Tensor):
            return torch.inf if high is None else float(high)
    return None


def _in_place(func: Callable[..., Any], args: Any, kwargs: Mapping[str, Any]) -> bool:
    return func.__name__.endswith("_") or kwargs.get("inplace") is True or any(value is True for value in args[1:])


def _arguments(args: Any, kwargs: Mapping[str, Any], *names: str) -> list[Any]:
    """The arguments after the tensor, given by place or by name."""
    return [args[i] if i < len(args) else kwargs.get(name) for i, name in enumerate(names, start=1)]
