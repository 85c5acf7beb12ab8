"""A network as a flat list of ATen operations, recorded from one pass, with every layer's value found in it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import BaseTorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from nnviz_widgets.engine.axes import tensors_in
from nnviz_widgets.engine.layers import Layer
from nnviz_widgets.engine.taps import read


@dataclass(frozen=True, eq=False)
class Step:
    """One tensor of a network: its input, a weight or other constant, or what an operation gave.

    Attributes:
        operation: ATen name without its overload, such as "convolution"; "" for the input and constants.
        target: what to call with `arguments` to get the value; None for the input and constants.
        arguments: by the names of the operation's schema, defaults filled in; steps stand for tensors.
        index: which of several outputs this is; None where the operation gives one tensor.
        shape: of the value, for one picture.
        constant: the very tensor of the module, so that a training step in place shows through.
        live: whether the value can depend on the picture.
        inputs: the steps among the arguments.
    """

    operation: str
    shape: tuple[int, ...]
    target: Callable[..., Any] | None = field(default=None, repr=False)
    arguments: Mapping[str, Any] = field(default_factory=dict, repr=False)
    index: int | None = None
    constant: Tensor | None = field(default=None, repr=False)
    live: bool = False
    inputs: tuple[Step, ...] = field(default=(), repr=False)


@dataclass(frozen=True, eq=False)
class Graph:
    """The steps that some layer or the output needs, in execution order; none works in place.

    Attributes:
        picture: the step that stands for the input (1, C, H, W).
        outputs: the step of each distinct layer's raw output, by the layer's name.
        logits: the step of the network's output.
    """

    steps: tuple[Step, ...] = field(repr=False)
    picture: Step
    outputs: Mapping[str, Step] = field(repr=False)
    logits: Step


class Unrecordable(Exception):
    """What the network does depends on the values of the picture in a way that no fixed list of operations can say."""


def record(module: nn.Module, x: Tensor, layers: Iterable[Layer]) -> Graph:
    """Run the module on one picture x (1, C, H, W) and list what it computed.

    Recorded below autograd and functionalisation, which rewrites operations in place and follows views; unlike
    torch.export, neither changes anything outside this thread, so training may go on in another.

    Raises:
        Unrecordable: when the network reads values off tensors that depend on the picture, or is another for one
            picture than for two.
    """
    wanted = list(layers)
    # A network that keeps a tensor of this pass on itself would trip over it in the next: let a copy keep it.
    module = copy.deepcopy(module, {id(t): t for part in module.modules() for t in tensors_in(vars(part))})

    def run(picture: Tensor) -> tuple[Tensor, ...]:
        # The clone lets a network overwrite its input: functionalisation would write such a change back.
        found, output = read(module, picture.clone(), wanted, to_end=True)
        assert output is not None
        return (*(found[layer.name] for layer in wanted), output)

    recorder = _Recorder(x)
    # A function mode keeps torch's layers of attention off their fused path, which cannot be taken apart.
    with torch.inference_mode(False), torch.no_grad(), BaseTorchFunctionMode(), recorder:
        values = torch.func.functionalize(run)(x)
    for layer, value in zip(wanted, values, strict=False):
        if layer.spatial and value.ndim != len(layer.axes):
            raise Unrecordable(f"{layer.name} gives {value.ndim} axes for one picture")
    steps = [recorder.step_of(value) for value in values]
    outputs = {layer.name: step for layer, step in zip(wanted, steps[:-1], strict=True)}
    return Graph(_needed(recorder.steps, {recorder.picture, *steps}), recorder.picture, outputs, steps[-1])


def _needed(steps: list[Step], needed: set[Step]) -> tuple[Step, ...]:
    kept: list[Step] = []
    for step in reversed(steps):
        if step in needed:
            needed.update(step.inputs)
            kept.append(step)
    return tuple(reversed(kept))


class _Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    def __init__(self, x: Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.steps: list[Step] = []
        self.known: dict[int, tuple[Tensor, Step]] = {}  # holds the tensors: an id is unique only while its owner lives
        self.picture = self.add(x, Step("", tuple(x.shape), live=True))

    def add(self, tensor: Tensor, step: Step) -> Step:
        self.steps.append(step)
        self.known[id(tensor)] = (tensor, step)
        return step

    def step_of(self, tensor: Tensor) -> Step:
        if id(tensor) in self.known:
            return self.known[id(tensor)][1]
        return self.add(tensor, Step("", tuple(tensor.shape), constant=tensor))

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        schema = func._schema
        named = {a.name: a.default_value for a in schema.arguments if a.has_default_value()}
        named |= dict(zip((a.name for a in schema.arguments), args, strict=False)) | dict(kwargs or {})
        arguments = {name: self._with_steps(value) for name, value in named.items()}
        inputs = tuple(_steps_in(arguments.values()))
        live = any(step.live for step in inputs)
        operation = schema.name.removeprefix("aten::")
        if torch.Tag.inplace_view in func.tags:  # same values seen another way: as if it gave a new view
            operation = operation.removesuffix("_")
            func = getattr(getattr(torch.ops.aten, operation), func._overloadname)
        elif schema.is_mutable:
            if live:
                raise Unrecordable(f"{operation} in place")
            return out  # a constant that the network updates: its tensor is the record
        outputs = (
            [(None, out)] if isinstance(out, Tensor) else list(enumerate(out if isinstance(out, list | tuple) else ()))
        )
        if live and not any(isinstance(value, Tensor) for _, value in outputs) and not operation.startswith("_assert"):
            raise Unrecordable(operation)
        for index, value in outputs:
            if isinstance(value, Tensor):
                self.add(value, Step(operation, tuple(value.shape), func, arguments, index, None, live, inputs))
        return out

    def _with_steps(self, value: Any) -> Any:
        if isinstance(value, Tensor):
            return self.step_of(value)
        return [self._with_steps(part) for part in value] if isinstance(value, list | tuple) else value


def _steps_in(values: Iterable[Any]) -> Iterator[Step]:
    for value in values:
        if isinstance(value, Step):
            yield value
        elif isinstance(value, list):
            yield from _steps_in(value)
