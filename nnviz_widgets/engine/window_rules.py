"""For ATen operations: the node that computes them window by window; None where that is not known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import torch.nn.functional as F
from torch import Tensor

from nnviz_widgets.engine.graph import Step
from nnviz_widgets.engine.layouts import Axis, Layout, Place, is_nchw, is_spatial, is_units, nchw, units, without_cells
from nnviz_widgets.engine.nodes import Node, caller, overwriter

ALIASES = frozenset(["alias", "clone", "contiguous", "detach", "expand", "lift_fresh", "lift_fresh_copy"])


@dataclass
class Known:
    """What is known of a recorded network so far.

    Attributes:
        foldable: whether the source of the step at hand may lose its own value to the step.
    """

    readers: Counter[Step]
    nodes: dict[Step, Node] = field(default_factory=dict)
    constants: dict[Step, Tensor] = field(default_factory=dict)
    foldable: bool = True

    def constant(self, argument: object) -> Tensor | None:
        return self.constants.get(argument) if isinstance(argument, Step) else None


Rule = Callable[[Step, Known], Node | None]


def only(step: Step, known: Known, name: str = "self") -> Node | None:
    """The one source that depends on the picture, where it is the argument `name` and its axes are known."""
    live = {source for source in step.inputs if source.live}
    argument = step.arguments.get(name, step.arguments.get("input"))
    if len(live) != 1 or argument not in live:
        return None
    node = known.nodes[argument]
    return None if node.layout is None else node


def direct(step: Step, known: Known, source: Node, layout: Layout, *, macs: float = 0, weights: int = 0) -> Node:
    """The recorded operation on the same cells of its one source."""
    where: dict[Step, int | Tensor] = {s: 0 if s.live else known.constants[s] for s in step.inputs}
    call = caller(step, where)
    size = source.size if is_spatial(layout) else (1, 1)
    return Node(step, "aligned", layout, size, (source,), lambda v, _: call(v), macs=macs, weights=weights)


def over_whole_maps(step: Step, known: Known, source: Node, layout: Layout) -> Node:
    """The recorded operation, which treats pictures alike, on whole maps."""
    node = replace(direct(step, known, source, layout), kind="whole")
    return replace(node, size=_size(step, layout)) if ("h",) in layout and ("w",) in layout else node


def _size(step: Step, layout: Layout) -> tuple[int, int]:
    """Rows and columns, each on an axis of their own."""
    return step.shape[layout.index(("h",))], step.shape[layout.index(("w",))]


def pointwise(step: Step, known: Known) -> Node | None:
    rank = len(step.shape)
    tensors = list(dict.fromkeys(step.inputs))
    padded = {s: _padded(known.nodes[s].layout, rank) for s in tensors if s.live}
    if any(layout is None for layout in padded.values()):
        return None
    layouts = [layout for layout in padded.values() if layout is not None]
    merged: list[Axis] = []
    for axis in range(rank):
        named = list(dict.fromkeys(layout[axis] for layout in layouts if layout[axis]))
        if len(named) > 1:
            return None
        merged.append(named[0] if named else units(step.shape[axis]))
    layout = tuple(merged)
    if sum(axis.count("n") for axis in layout) != 1:
        return None
    spatial = next((known.nodes[s] for s in tensors if s.live and known.nodes[s].spatial), None)
    sources: list[Node] = []
    where: dict[Step, int | Tensor] = {}
    for tensor in tensors:
        if tensor.live:
            where[tensor] = len(sources)
            sources.append(known.nodes[tensor])
            continue
        value = known.constants[tensor]
        shape = (1,) * (rank - value.ndim) + tuple(value.shape)
        if all(size == 1 or is_units(axis) for size, axis in zip(shape, layout, strict=True)):
            where[tensor] = value
        elif ("h",) in layout and ("w",) in layout and ("n",) in layout:
            where[tensor] = len(sources)
            cells = [s if is_units(a) else full for s, a, full in zip(shape, layout, step.shape, strict=True)]
            axes = tuple(units(s) if is_units(a) else a for s, a in zip(shape, layout, strict=True))
            maps = value.reshape(shape).expand(cells)
            sources.append(Node(tensor, "constant", axes, _size(step, layout), constant=maps))
        else:
            return None
    call = caller(step, where)
    size = spatial.size if spatial is not None else (1, 1)
    in_place = overwriter(step, where)
    return Node(step, "aligned", layout, size, tuple(sources), lambda v, _: call(v), overwrite=in_place)


def _padded(layout: Layout | None, rank: int) -> Layout | None:
    return None if layout is None else ((),) * (rank - len(layout)) + layout


def _layer_norm(step: Step, known: Known) -> Node | None:
    source = only(step, known, "input")
    if source is None or source.layout is None or step.index not in (None, 0):
        return None
    axes = source.layout[len(source.layout) - len(step.arguments["normalized_shape"]) :]
    if any("n" in axis for axis in axes):
        return None
    make = direct if all(is_units(axis) for axis in axes) else over_whole_maps
    return make(step, known, source, source.layout)


def _group_norm(step: Step, known: Known) -> Node | None:
    source, values = only(step, known, "input"), step.arguments
    if source is None or source.layout is None or step.index not in (None, 0) or source.layout[0] != ("n",):
        return None
    weight, bias = known.constant(values["weight"]), known.constant(values["bias"])
    groups, eps = values["group"], values["eps"]

    def run(found: Sequence[Tensor], _: Place) -> Tensor:
        return F.group_norm(found[0], groups, weight, bias, eps)

    return Node(step, "whole", source.layout, source.size, (source,), run)


def _reduce(step: Step, known: Known) -> Node | None:
    source, dims = only(step, known), step.arguments.get("dim")
    if source is None or source.layout is None or step.index is not None or dims is None:
        return None
    rank = len(source.layout)
    gone = {dim % rank for dim in ([dims] if isinstance(dims, int) else dims)} or set(range(rank))
    atoms = {atom for axis in gone for atom in source.layout[axis]}
    if "n" in atoms:
        return None
    keep = bool(step.arguments.get("keepdim"))
    layout = tuple(() if i in gone else axis for i, axis in enumerate(source.layout) if keep or i not in gone)
    if not atoms & {"h", "w"}:
        return direct(step, known, source, layout)
    if atoms == {"h", "w"} and step.operation in ("mean", "sum") and not step.arguments.get("dtype"):
        return replace(over_whole_maps(step, known, source, layout), kind="mean")
    sizes = dict(zip("hw", source.size, strict=True))
    return over_whole_maps(step, known, source, without_cells(layout, sizes))


def _softmax(step: Step, known: Known) -> Node | None:
    source = only(step, known)
    if source is None or source.layout is None:
        return None
    axis = source.layout[step.arguments["dim"]]
    if "n" in axis:
        return None
    make = direct if is_units(axis) else over_whole_maps
    return make(step, known, source, source.layout)


def _whole_nchw(step: Step, known: Known) -> Node | None:
    source = only(step, known)
    if source is None or not is_nchw(source.layout) or step.index not in (None, 0):
        return None
    return over_whole_maps(step, known, source, nchw(step.shape[1]))


RULES: dict[str, Rule] = {
    "native_layer_norm": _layer_norm,
    "native_group_norm": _group_norm,
    **dict.fromkeys(["mean", "sum", "amax", "amin"], _reduce),
    **dict.fromkeys(["_softmax", "_log_softmax"], _softmax),
    **dict.fromkeys(["_to_copy", "_prelu_kernel", "hardswish"], pointwise),
    **dict.fromkeys(["pixel_shuffle", "pixel_unshuffle", "reflection_pad2d", "replication_pad2d"], _whole_nchw),
    **dict.fromkeys(["upsample_nearest2d", "_upsample_nearest_exact2d", "upsample_bilinear2d"], _whole_nchw),
    **dict.fromkeys(["upsample_bicubic2d", "_upsample_bilinear2d_aa", "_upsample_bicubic2d_aa"], _whole_nchw),
}
