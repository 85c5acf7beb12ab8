"""The end of a network that averages its last maps over space and then has one linear layer."""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.engine.graph import Graph, Step

SAME_VALUES = frozenset(
    ["_unsafe_view", "alias", "clone", "contiguous", "detach", "dropout", "flatten", "reshape", "squeeze", "unsqueeze"]
) | {"view", "lift_fresh", "_to_copy", "_reshape_alias", "native_dropout"}
"""Operations after which the pooled values are the same ones, in the same order."""


@dataclass(frozen=True, eq=False)
class Head:
    """The end of such a network: logits = weight @ mean over space of the layer's maps + bias.

    Attributes:
        layer: name of the layer whose maps enter the pooling.
        weight: (classes, channels). bias: (classes,), or 0.
        follows: they are the network's own, so that training shows in them.
    """

    layer: str
    weight: Tensor
    bias: Tensor
    follows: bool


_FOUND: WeakKeyDictionary[Graph, Head | None] = WeakKeyDictionary()


def find_head(engine: Engine, *, record: bool = True) -> Head | None:
    """Pooling and linear layer at the end of the network's recorded operations; None where it ends otherwise.

    Args:
        record: record the operations if they are not yet; without, there is no head before that.
    """
    if engine.outputs != "logits" or not (record or engine.recorded):
        return None
    graph = engine.graph()
    if graph is None:
        return None
    if graph not in _FOUND:
        head = _find(graph, engine)
        if head is not None and not head.follows:
            return head
        _FOUND[graph] = head
    return _FOUND[graph]


def _find(graph: Graph, engine: Engine) -> Head | None:
    last = _through(graph.logits)
    arguments = last.arguments
    if last.operation == "addmm" and arguments.get("alpha") == arguments.get("beta") == 1:
        pooled, weight, bias = arguments["mat1"], _constant(arguments["mat2"]), _constant(arguments["self"])
        weight = None if weight is None else weight.T
    elif last.operation == "mm":
        pooled, weight, bias = arguments["self"], _constant(arguments["mat2"]), torch.zeros(())
        weight = None if weight is None else weight.T
    elif last.operation == "linear":
        pooled, weight = arguments["input"], _constant(arguments["weight"])
        bias = torch.zeros(()) if arguments["bias"] is None else _constant(arguments["bias"])
    else:
        return None
    source = _pooled(_through(pooled))
    layer = None if source is None else _layer_of(graph, source, engine)
    if layer is None or weight is None or bias is None:
        return None
    follows = all(tensor._is_view() or isinstance(tensor, nn.Parameter) for tensor in (weight, bias) if tensor.ndim)
    return Head(layer, weight.detach(), bias.detach().to(weight.device), follows)


def _through(step: Step) -> Step:
    """The step whose values these are."""
    while step.operation in SAME_VALUES and len(step.inputs) == 1:
        (step,) = step.inputs
    return step


def _pooled(step: Step) -> Step | None:
    """What is averaged over the whole of its space, if anything is."""
    if step.operation not in ("mean", "_adaptive_avg_pool2d", "adaptive_avg_pool2d", "avg_pool2d"):
        return None
    source: Step = step.arguments["self"]
    if len(source.shape) != 4:
        return None
    if step.operation == "mean":
        axes = {axis % 4 for axis in step.arguments["dim"] or ()}
        return source if axes in ({2, 3}, {1, 2}) else None
    return source if step.shape[2:] == (1, 1) else None


def _layer_of(graph: Graph, source: Step, engine: Engine) -> str | None:
    """The spatial layer that gave this very value."""
    origin, layers = _through(source), engine.layers
    for name, step in reversed(list(graph.outputs.items())):
        if (step is source or _through(step) is origin) and layers[name].shape[1:] in _spaces(source):
            return str(name)
    return None


def _spaces(source: Step) -> tuple[tuple[int, ...], ...]:
    return source.shape[2:], source.shape[1:3]  # NCHW, NHWC


def _constant(step: Step) -> Tensor | None:
    """The value of what does not depend on the picture: a weight, or a view of one."""
    if step.live:
        return None
    if step.constant is not None or step.target is None:
        return step.constant
    arguments = {key: _constant(value) if isinstance(value, Step) else value for key, value in step.arguments.items()}
    with torch.no_grad():
        value = step.target(**arguments)
    return value if isinstance(value, Tensor) else None
