"""Whether a function that shall convolve by hand lets torch do it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch.overrides import TorchFunctionMode


class Convolutions(TorchFunctionMode):
    """While active, notes calls of torch's convolutions; `called` is the name of the last, or empty."""

    def __init__(self) -> None:
        super().__init__()
        self.called = ""

    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        name = getattr(func, "__name__", "")
        if "conv" in name:
            self.called = name
        return func(*args, **(kwargs or {}))
