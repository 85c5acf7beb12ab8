"""A copy of the user's module that the engine may hook and switch, over the same parameters."""

from __future__ import annotations

import copy
from collections import OrderedDict
from typing import Any

import torch
from torch import Tensor, nn

from nnviz_widgets.engine.axes import tensors_in
from nnviz_widgets.engine.marks import Marks
from nnviz_widgets.errors import NnvizError

HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
WRAPPERS = (nn.DataParallel, nn.parallel.DistributedDataParallel)


class Shadow:
    """Deep copy of a module in eval mode, its parameters those of the original where the device allows.

    The original is only ever read. Parameters on the engine's device share storage with the original's, so that a
    training step shows through at once; buffers (which a forward may write to) and parameters on another device are
    copied, and copied again when `sync` finds that the original changed.
    """

    def __init__(self, original: nn.Module, device: torch.device) -> None:
        if isinstance(original, torch.jit.ScriptModule):
            raise NnvizError("module_scripted")
        while isinstance(original, WRAPPERS) or hasattr(original, "_orig_mod"):
            inner = original.module if isinstance(original, WRAPPERS) else original._orig_mod
            assert isinstance(inner, nn.Module)
            original = inner
        self.original = original
        self.device = device
        self._versions: list[int] = []
        self._rebuild()

    def sync(self) -> bool:
        """Follow the original where it changed; returns whether anything did."""
        versions = self._marks.versions()
        same = self._marks.same_structure()
        if same and versions == self._versions:
            return False
        if same:
            with torch.inference_mode(False), torch.no_grad():
                for theirs, ours in self._copies:
                    ours.copy_(theirs)
            self._versions = versions
        else:
            self._rebuild()
        return True

    def refresh(self) -> None:
        """Copy the original anew, for changes that leave no trace (in a plain attribute, through `.data`)."""
        self._rebuild()

    def allow_in_place(self, allowed: bool) -> bool:
        """Let torch's activations work in place where the original's do, or not; returns whether any does."""
        for part in self._in_place:
            part.inplace = allowed  # type: ignore[assignment]
        return bool(self._in_place)

    def plain_copy(self) -> nn.Module:
        """A copy that shares nothing with the original or with this one; its parameters require gradients."""
        try:
            with torch.inference_mode(False):
                memo = _plain_tensors(self.module, self.device)
                for tensor in (*self.module.parameters(), *self.module.buffers()):
                    memo.pop(id(tensor), None)
                module = copy.deepcopy(self.module, memo)
        except Exception as error:
            raise NnvizError("module_copy", reason=_first_line(error)) from error
        for parameter in module.parameters():
            parameter.requires_grad_(parameter.is_floating_point() or parameter.is_complex())
        return module.eval()

    def _rebuild(self) -> None:
        try:
            with torch.inference_mode(False):
                self._build()
        except NnvizError:
            raise
        except Exception as error:
            raise NnvizError("module_copy", reason=_first_line(error)) from error

    def _build(self) -> None:
        memo: dict[int, Any] = {}
        copies: list[tuple[Tensor, Tensor]] = []
        marks = Marks(self.original)  # first: what changes from here on is noticed by the next sync
        versions = marks.versions()
        for module in self.original.modules():
            for name in HOOKS:
                hooks = getattr(module, name, None)
                memo[id(hooks)] = None if hooks is None else _own_hooks(hooks)
        memo |= _plain_tensors(self.original, self.device)
        for parameter in self.original.parameters():
            # Autograd cannot use inference tensors, so we need copies of such.
            shared = parameter.device == self.device and not parameter.is_inference()
            # .data and not .detach(): its version counter is our own, so a training step in the middle of one of our
            # passes cannot make autograd refuse our backward.
            twin = nn.Parameter(parameter.data if shared else _copy(parameter, self.device), requires_grad=False)
            memo[id(parameter)] = twin
            if not shared:
                copies.append((parameter, twin))
        for buffer in self.original.buffers():
            memo[id(buffer)] = _copy(buffer, self.device)
            copies.append((buffer, memo[id(buffer)]))
        module = copy.deepcopy(self.original, memo)
        # In-place activations overwrite the layer before them: the engine switches them off where that is the same.
        self._in_place = [
            part
            for part in module.modules()
            if type(part).__module__.startswith("torch.nn.") and getattr(part, "inplace", False)
        ]
        self.module: nn.Module = module.eval()
        self._copies = copies
        self._marks, self._versions = marks, versions


def _own_hooks(hooks: dict[int, Any]) -> OrderedDict[int, Any]:
    """Hooks that are part of the computation (weight and spectral norm of torch), without the user's own."""
    return OrderedDict((key, hook) for key, hook in hooks.items() if type(hook).__module__.startswith("torch.nn.utils"))


def _plain_tensors(module: nn.Module, device: torch.device) -> dict[int, Any]:
    """Copies of the tensors in plain attributes, by identity: deepcopy refuses one that carries a graph."""
    plain = [
        value
        for part in module.modules()
        for key, value in list(vars(part).items())
        if key not in ("_parameters", "_buffers")
    ]
    return {id(value): value.detach().clone().to(device) for value in tensors_in(plain)}


def _copy(tensor: Tensor, device: torch.device) -> Tensor:
    return tensor.detach().clone().to(device)


def _first_line(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__
