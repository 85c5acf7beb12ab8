"""Grad-CAM of all classes at once, for networks that end in global average pooling and one linear layer."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

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
    """

    layer: str
    weight: Tensor
    bias: Tensor


def all_class_maps(engine: Engine, x: Tensor) -> Tensor | None:
    """Grad-CAM of every class for the first picture of x, by one matrix product: relu(W . A) / (h w).

    Returns:
        (classes, h, w), the maps of `grad_cam` at `find_head(engine).layer`; None where the network does not end in
        global average pooling and one linear layer, which is told by its operations and checked by its logits.
    """
    with engine.still():
        head = find_head(engine)
        if head is None:
            return None
        first = x if x.shape[0] == 1 else x[:1]  # a view of x would be hashed anew each time
        logits = engine.logits(first)[0]
        maps = engine.activations(first, head.layer)[0]
    products = head.weight @ maps.flatten(1)
    if not _alike(products.mean(1) + head.bias, logits):
        return None
    return products.clamp_min_(0).div_(maps[0].numel()).view(-1, *maps.shape[1:])


def find_head(engine: Engine) -> Head | None:
    """Pooling and linear layer at the end of the network's recorded operations; None where it ends otherwise."""
    graph = engine.graph()
    if graph is None or engine.outputs != "logits":
        return None
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
    return Head(layer, weight.detach(), bias.detach().to(weight.device))


def _alike(a: Tensor, b: Tensor) -> bool:
    return bool(((a - b).abs() <= 1e-3 * b.abs().max()).all())


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
    names = [name for name, step in graph.outputs.items() if step is source or _through(step) is _through(source)]
    return next((name for name in reversed(names) if engine.layers[name].shape[1:] in _spaces(source)), None)


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
