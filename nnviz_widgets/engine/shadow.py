"""A copy of the user's module that the engine may hook and switch, over the same parameters."""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

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
            original = original.module if isinstance(original, WRAPPERS) else original._orig_mod
        self.original: nn.Module = original
        self.device = device
        self.generation = 0
        self._build()

    def sync(self) -> bool:
        """Follow the original where it changed; returns whether anything did."""
        structure, versions = _fingerprint(self.original)
        if structure == self._structure and versions == self._versions:
            return False
        if structure == self._structure:
            self._versions = versions
            with torch.no_grad():
                for theirs, ours in self._copies:
                    ours.copy_(theirs)
        else:
            self._build()
        self.generation += 1
        return True

    def refresh(self) -> None:
        """Copy the original anew, for changes that leave no trace (in a plain attribute, through `.data`)."""
        self._build()
        self.generation += 1

    def _build(self) -> None:
        memo: dict[int, Any] = {}
        copies: list[tuple[Tensor, Tensor]] = []
        for module in self.original.modules():
            for name in HOOKS:
                memo[id(hooks)] = _own_hooks(hooks) if (hooks := getattr(module, name, None)) is not None else None
            for value in vars(module).values():
                if isinstance(value, Tensor):  # a plain attribute; deepcopy refuses one that carries a graph
                    memo[id(value)] = value.detach().clone().to(self.device)
        for parameter in self.original.parameters():
            if is_lazy(parameter):
                raise NnvizError("module_lazy")
            shared = parameter.device == self.device
            # .data and not .detach(): its version counter is our own, so a training step in the middle of one of our
            # passes cannot make autograd refuse our backward.
            twin = nn.Parameter(parameter.data if shared else parameter.data.to(self.device), requires_grad=False)
            memo[id(parameter)] = twin
            if not shared:
                copies.append((parameter, twin))
        for buffer in self.original.buffers():
            memo[id(buffer)] = buffer.detach().clone().to(self.device)
            copies.append((buffer, memo[id(buffer)]))
        try:
            module = copy.deepcopy(self.original, memo)
        except Exception as error:
            raise NnvizError("module_copy", reason=_first_line(error)) from error
        for part in module.modules():
            # In-place activations would overwrite the layer before them. A copy of our own may do without.
            if type(part).__module__.startswith("torch.nn.") and getattr(part, "inplace", False):
                part.inplace = False
        self.module: nn.Module = module.eval()
        self._copies = copies
        self._kept = list(_tensors(self.original))  # ids stay unique while these are alive
        self._structure, self._versions = _fingerprint(self.original)


def _own_hooks(hooks: dict[int, Any]) -> OrderedDict[int, Any]:
    """Hooks that are part of the computation (weight and spectral norm of torch), without the user's own."""
    return OrderedDict((key, hook) for key, hook in hooks.items() if type(hook).__module__.startswith("torch.nn.utils"))


def _tensors(module: nn.Module) -> Iterator[Tensor]:
    for part in module.modules():
        for tensor in part._parameters.values():
            if tensor is not None:
                yield tensor
        for tensor in part._buffers.values():
            if tensor is not None:
                yield tensor


def _fingerprint(module: nn.Module) -> tuple[list[int], list[int]]:
    """What identifies the module's make-up, and what counts the in-place changes of its tensors."""
    structure = [id(part) for part in module.modules()]
    versions: list[int] = []
    for tensor in _tensors(module):
        structure += (id(tensor), tensor.data_ptr())
        versions.append(0 if tensor.is_inference() else tensor._version)
    return structure, versions


def _first_line(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__
