"""By what a changed module is told from an unchanged one, quickly: it is asked before every answer."""

from __future__ import annotations

from itertools import chain
from operator import attrgetter, is_
from typing import Any

from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from nnviz_widgets.errors import NnvizError

_VERSION = attrgetter("_version")


class Marks:
    """The make-up of a module at one time: its submodules and tensors, by identity and storage.

    Everything noted is held, so that no identity is used again while it is compared.

    Raises:
        NnvizError: for a lazy module that has no shapes yet.
    """

    def __init__(self, module: nn.Module) -> None:
        parts = list(module.modules())
        members: list[dict[str, Any]] = [d for part in parts for d in (part._modules, part._parameters, part._buffers)]
        self._members = [d for d in members if d]
        self._empty = [d for d in members if not d]  # most of them: to see that they still are takes next to no time
        self._held = self._members_now()
        self._tensors = [member for member in self._held if isinstance(member, Tensor)]
        if any(map(is_lazy, self._tensors)):
            raise NnvizError("module_lazy")
        self._counted = [tensor for tensor in self._tensors if not tensor.is_inference()]
        self._pointers = self._pointers_now()

    def same_structure(self) -> bool:
        """Whether every submodule and tensor is the very same object, on the same storage."""
        if any(self._empty):
            return False
        now = self._members_now()
        return len(now) == len(self._held) and all(map(is_, now, self._held)) and self._pointers_now() == self._pointers

    def versions(self) -> list[int]:
        """What counts the tensors' changes in place; inference tensors keep no count."""
        return list(map(_VERSION, self._counted))

    def _members_now(self) -> list[object]:
        # All in C, so that no other thread changes a dictionary meanwhile.
        return list(chain.from_iterable(map(dict.values, self._members)))

    def _pointers_now(self) -> list[int]:
        return list(map(Tensor.data_ptr, self._tensors))
