"""One pass through a network that reads layers on its way and ends at the last one asked for."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from typing import Any

from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from nnviz_widgets.engine.layers import Layer
from nnviz_widgets.engine.trace import function_name, tensor_of
from nnviz_widgets.errors import NnvizError


class _Finished(BaseException):
    """Everything asked for was read. Not an Exception, so that no `except Exception` of a model stops it."""


class _FunctionTaps(TorchFunctionMode):
    def __init__(self, reached: Callable[[str, int, Tensor], Tensor]) -> None:
        super().__init__()
        self.calls: Counter[str] = Counter()
        self.reached = reached

    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        name = function_name(func)
        self.calls[name] += 1
        tensor = tensor_of(out)
        if tensor is None:
            return out
        new = self.reached(name, self.calls[name], tensor)
        if new is not tensor and args and tensor is args[0]:  # in place: whoever holds the tensor must get it
            return tensor.copy_(new)
        return _with(out, tensor, new)


def read(
    module: nn.Module,
    x: Tensor,
    layers: Iterable[Layer],
    *,
    cut: Layer | None = None,
    swap: Callable[[Tensor], Tensor] | None = None,
    to_end: bool = False,
) -> tuple[dict[str, Tensor], Tensor | None]:
    """Run the module on x and return what each layer gave, raw, by name; and the output if the pass went `to_end`.

    At the layer `cut`, the value is replaced by what `swap` makes of it, or else by a leaf that requires a gradient:
    only the rest makes a graph.
    Without `to_end` the pass ends as soon as all layers were read.
    """
    found: dict[str, Tensor] = {}
    wanted = {layer.name: layer for layer in layers}
    if cut is not None:
        wanted[cut.name] = cut
    at_module: defaultdict[str, dict[int, Layer]] = defaultdict(dict)
    at_function: defaultdict[str, dict[int, Layer]] = defaultdict(dict)
    for layer in wanted.values():
        if layer.tap.module is not None:
            at_module[layer.tap.module][layer.tap.call] = layer
        elif layer.tap.function is not None:
            at_function[layer.tap.function][layer.tap.call] = layer

    def reached(layer: Layer | None, tensor: Tensor) -> Tensor:
        if layer is None:
            return tensor
        if cut is not None and layer.name == cut.name:
            leaf = swap(tensor) if swap else tensor.detach().clone().requires_grad_()
            found[layer.name] = leaf
            tensor = leaf.clone() if layer.tap.overwritten else leaf  # autograd forbids changing a leaf in place
        else:
            found[layer.name] = tensor.clone() if layer.tap.overwritten else tensor
        if len(found) == len(wanted) and not to_end:
            raise _Finished
        return tensor

    calls: Counter[str] = Counter()

    def hook(path: str, _module: nn.Module, _inputs: Any, output: Any) -> Any:
        tensor = tensor_of(output)
        if tensor is None:
            return output
        calls[path] += 1
        return _with(output, tensor, reached(at_module[path].get(calls[path]), tensor))

    output: Any = None
    with ExitStack() as stack:
        for path in at_module:
            part = module.get_submodule(path)
            handle = part.register_forward_hook(lambda m, i, o, p=path: hook(p, m, i, o))
            stack.callback(handle.remove)
        if at_function:
            stack.enter_context(_FunctionTaps(lambda name, call, t: reached(at_function[name].get(call), t)))
        stack.enter_context(suppress(_Finished))
        output = module(x)
    if len(found) < len(wanted):
        missing = next(name for name in wanted if name not in found)
        raise NnvizError("layer_not_reached", name=missing)
    return found, tensor_of(output)


def _with(output: Any, old: Tensor, new: Tensor) -> Any:
    """The module's output with the tensor that stands for it replaced."""
    if new is old:
        return output
    if output is old:
        return new
    if isinstance(output, list | tuple):
        rest = (new, *output[1:])
        return type(output)(*rest) if hasattr(output, "_fields") else type(output)(rest)
    output.logits = new
    return output
