"""One pass that finds a network's layers: modules and functions, in the order in which they finish."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from nnviz_widgets.engine.axes import Meaning, meaning_of, propagate, remember, tensors_in
from nnviz_widgets.engine.layers import Layer, Layers, Tap

ACTIVATIONS = frozenset(
    [
        "relu",
        "relu6",
        "leaky_relu",
        "elu",
        "selu",
        "celu",
        "gelu",
        "silu",
        "mish",
        "hardswish",
        "hardtanh",
        "hardsigmoid",
        "sigmoid",
        "tanh",
        "softplus",
        "prelu",
        "rrelu",
        "clamp",
        "clamp_min",
        "threshold",
    ]
)
FLATTENING = frozenset(
    ["relu", "relu6", "hardtanh", "hardsigmoid", "hardswish", "sigmoid", "tanh", "clamp", "clamp_min", "threshold"]
)
"""Activations that rectify or bound: where they do, nothing of a gradient gets through."""
POOLING = frozenset(["max_pool2d", "avg_pool2d", "adaptive_avg_pool2d", "adaptive_max_pool2d", "lp_pool2d"])


def function_name(function: Callable[..., Any]) -> str:
    """Name of a torch function or method, the same in place or not: relu_ -> relu, _threshold -> threshold."""
    return getattr(function, "__name__", "").strip("_")


def tensor_of(output: Any) -> Tensor | None:
    """The tensor that a module's output stands for: itself, the first of a tuple, or the logits of a record."""
    if isinstance(output, Tensor):
        return output
    if isinstance(getattr(output, "logits", None), Tensor):
        return output.logits  # type: ignore[no-any-return]
    if isinstance(output, list | tuple) and output and isinstance(output[0], Tensor):
        return output[0]
    return None


@dataclass
class _Record:
    name: str
    kind: str
    tap: Tap
    tensor: Tensor
    version: int
    meaning: Meaning
    first: bool
    activation: str | None = None
    origin: int | None = None
    bounds: int | None = None


class _Recorder(TorchFunctionMode):
    def __init__(self, root: nn.Module, batch: int) -> None:
        super().__init__()
        self.root = root
        self.batch = batch
        self.records: list[_Record] = []
        self.stack: list[tuple[str, nn.Module]] = []
        self.calls: Counter[str] = Counter()
        self.paths = {name for name, _ in root.named_modules()}
        self.names: Counter[str] = Counter()

    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        name = function_name(func)
        activated = self._last_record(args) if name in ACTIVATIONS else None  # before it may be overwritten
        meanings = [(t, meaning_of(t)) for t in tensors_in(args)] if name else []
        out = func(*args, **kwargs)
        if name in ACTIVATIONS or name in POOLING:
            self.calls["()" + name] += 1
        if not meanings:
            return out
        for made in tensors_in(out):
            remember(made, propagate(name, args, kwargs, made))
        if activated is not None:
            self.records[activated].activation = _plain_activation(name, args, kwargs)
            if name in FLATTENING:
                out._nnviz_bounds = activated, out._version
        if (name in ACTIVATIONS or name in POOLING) and self._is_a_step(args):
            tensor = tensor_of(out)
            path = self.stack[-1][0]
            base = f"{path}.{name}" if path else name
            if base in self.paths:
                base += "()"
            self.names[base] += 1
            unique = base if self.names[base] == 1 else f"{base}@{self.names[base]}"
            if tensor is not None:
                self._record(unique, name, Tap(None, name, self.calls["()" + name]), tensor, first=False)
        return out

    def _is_a_step(self, args: Any) -> bool:
        """A function called between modules, and not the inside of a module that is a layer itself."""
        path, module = self.stack[-1] if self.stack else ("", self.root)
        return bool(self.stack) and (path == "" or next(module.children(), None) is not None)

    def enter(self, path: str, module: nn.Module) -> None:
        self.stack.append((path, module))

    def leave(self, path: str, module: nn.Module, inputs: Any, output: Any) -> None:
        self.stack.pop()
        tensor = tensor_of(output)
        if tensor is None or path == "":
            return
        self.calls[path] += 1
        call = self.calls[path]
        if meaning_of(tensor).axes is None:
            source = next(tensors_in(inputs), None)
            if source is not None and source.shape == tensor.shape:
                remember(tensor, meaning_of(source))
        name = path if call == 1 else f"{path}@{call}"
        self._record(name, type(module).__name__, Tap(path, None, call), tensor, first=call == 1)

    def _record(self, name: str, kind: str, tap: Tap, tensor: Tensor, *, first: bool) -> None:
        if tensor.ndim not in (2, 3, 4) or tensor.shape[0] != self.batch or not tensor.is_floating_point():
            return
        version = tensor._version
        known = self._last_record((tensor,))
        source, then = getattr(tensor, "_nnviz_bounds", (None, version))
        bounds = source if then == version else None
        self.records.append(_Record(name, kind, tap, tensor, version, meaning_of(tensor), first, None, known, bounds))
        if known is None:
            tensor._nnviz_record = len(self.records) - 1  # type: ignore[attr-defined]

    def _last_record(self, args: Any) -> int | None:
        """Number of the first argument's record, if it still holds the value that was recorded."""
        tensor = next(tensors_in(args), None)
        index: int | None = getattr(tensor, "_nnviz_record", None)
        if tensor is None or index is None or self.records[index].version != tensor._version:
            return None
        return index


def trace(module: nn.Module, x: Tensor) -> tuple[Layers, Any]:
    """Run the module once and list its layers; also returns its raw output.

    The batch must hold at least two pictures, so that an axis of length one is not taken for it.
    """
    recorder = _Recorder(module, x.shape[0])
    handles = []
    try:
        for path, part in module.named_modules():
            handles.append(part.register_forward_pre_hook(lambda m, _, p=path: recorder.enter(p, m)))
            # always_call: a network may go on after an error of a part of it
            leave = part.register_forward_hook(lambda m, i, o, p=path: recorder.leave(p, m, i, o), always_call=True)
            handles.append(leave)
        with torch.no_grad(), recorder:
            remember(x, Meaning("nchw", (x.shape[2], x.shape[3])))
            output = module(x)
    finally:
        for handle in handles:
            handle.remove()
    return _layers(recorder.records), output


def _layers(records: list[_Record]) -> Layers:
    """Records -> layers; of those with one tensor, the first that get_submodule would find stands for all."""
    groups: dict[int, list[int]] = {}
    for index, record in enumerate(records):
        groups.setdefault(index if record.origin is None else record.origin, []).append(index)
    origin_of: dict[int, int] = {}
    for group in groups.values():
        chosen = next((i for i in group if records[i].first), group[0])
        origin_of.update(dict.fromkeys(group, chosen))
    return Layers(_layer(record, records, index, origin_of[index]) for index, record in enumerate(records))


def _layer(record: _Record, records: list[_Record], index: int, origin: int) -> Layer:
    shape = tuple(record.tensor.shape)
    grid = record.meaning.grid
    axes = record.meaning.axes or ("nchw" if len(shape) == 4 else "nc")
    height: int | None = None
    width: int | None = None
    if len(axes) != len(shape) or axes not in ("nchw", "nhwc", "ntc", "nct"):
        axes = "nchw" if len(shape) == 4 else "nc"
    if axes in ("ntc", "nct"):
        tokens = shape[axes.index("t")]
        if grid is None or tokens < grid[0] * grid[1]:
            axes = "nc"
        else:
            height, width = grid
    elif len(shape) == 4:
        height, width = shape[axes.index("h")], shape[axes.index("w")]
    channels = shape[axes.index("c")] if axes != "nc" else record.tensor[0].numel()
    overwritten = record.tensor._version != record.version
    tap = Tap(
        record.tap.module,
        record.tap.function,
        record.tap.call,
        overwritten,
        shape[axes.index("t")] if "t" in axes else 0,
    )
    activation = next((records[i].activation for i in (index, origin) if records[i].activation), None)
    same_as = None if origin == index else records[origin].name
    bounds = None if record.bounds is None else records[record.bounds].name
    return Layer(record.name, record.kind, axes, channels, height, width, activation, same_as, bounds, tap)


def _plain_activation(name: str, args: Any, kwargs: Mapping[str, Any]) -> str:
    """The activation's usual name: hardtanh(0, 6) is ReLU6, and clamp(min=0) is ReLU."""
    values = [value for value in (*args[1:], *kwargs.values()) if isinstance(value, int | float) and value is not True]
    numbers = [value for value in values if not isinstance(value, bool)]
    if name == "hardtanh" and numbers[:2] == [0, 6]:
        return "relu6"
    if name in ("clamp", "clamp_min", "threshold") and numbers[:1] == [0]:
        return "relu6" if numbers[1:2] == [6] and name == "clamp" else "relu"
    return name
