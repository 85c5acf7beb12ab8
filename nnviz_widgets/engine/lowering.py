"""From a recorded network to nodes that can be computed window by window."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from nnviz_widgets.engine.convolution_rules import CONVOLUTION_RULES
from nnviz_widgets.engine.graph import Graph, Step
from nnviz_widgets.engine.layouts import Place, nchw, stacked, whole_maps
from nnviz_widgets.engine.moving_windows import MOVING_WINDOWS
from nnviz_widgets.engine.nodes import Node, caller
from nnviz_widgets.engine.pooling_rules import POOLING_RULES
from nnviz_widgets.engine.window_rules import ALIASES, RULES, Known, pointwise

ALL_RULES = {**RULES, **CONVOLUTION_RULES, **POOLING_RULES, **MOVING_WINDOWS}


@dataclass(frozen=True)
class Program:
    """Nodes in execution order; those that neither the logits nor a kept layer needs are left out.

    Attributes:
        kept: the node of the layer asked for.
        tail: nodes without maps after the last node with maps; they cost little memory, so large batches suit them.
        frontier: those outside the tail that it reads, the logits where there is no tail.
        overwriting: those that may work in the memory of their source, which nobody else reads.
        understood: whether every operation is known to treat pictures alike whatever the batch.
    """

    nodes: tuple[Node, ...]
    picture: Node
    logits: Node
    kept: Node | None
    tail: tuple[Node, ...]
    frontier: tuple[Node, ...]
    overwriting: frozenset[Node]
    understood: bool


def lower(graph: Graph, keep: Step | None = None) -> Program | None:
    """The network as nodes, batch norms folded and paddings merged into the convolutions beside them.

    Weights are copied where they are folded and otherwise shared, so lower again after a training step.

    Args:
        keep: a step whose own value must be among the nodes' values.

    Returns:
        None where pictures of a batch are not alike, where nothing depends on the picture, or where the step to keep
        has no maps.
    """
    if not pictures_alike(graph):
        return None
    known = Known(readers=_readers(graph))
    for step in graph.steps:
        if step is graph.picture:
            shape = step.shape
            known.nodes[step] = Node(step, "picture", nchw(shape[1]), (shape[2], shape[3]))
        elif not step.live:
            known.constants[step] = _constant(step, known)
        else:
            known.nodes[step] = _node(step, known, keep)
    logits = known.nodes[graph.logits]
    kept = None if keep is None else known.nodes[keep]
    nodes = _needed([logits, *([] if kept is None else [kept])])
    if known.nodes[graph.picture] not in nodes or (kept is not None and not kept.spatial):
        return None
    if logits.layout is not None and logits.layout[0][:1] != ("n",):
        return None
    tail = _tail(nodes, logits, kept)
    frontier = {source: None for node in tail for source in node.sources if source not in tail}
    return Program(
        nodes,
        known.nodes[graph.picture],
        logits,
        kept,
        tail,
        tuple(frontier) or (logits,),
        frozenset(_overwriting(nodes, logits)),
        all(node.layout is not None for node in nodes),
    )


def pictures_alike(graph: Graph) -> bool:
    """Whether a picture's values are the same in any batch: no random numbers, no statistics of the batch."""
    return not any(
        torch.Tag.nondeterministic_seeded in getattr(step.target, "tags", ()) or step.arguments.get("training")
        for step in graph.steps
    )


def _node(step: Step, known: Known, keep: Step | None) -> Node:
    if step.operation in ALIASES and step.shape == step.inputs[0].shape:
        return known.nodes[step.inputs[0]]
    rule = ALL_RULES.get(step.operation)
    if rule is None and torch.Tag.pointwise in getattr(step.target, "tags", ()):
        rule = pointwise
    known.foldable = keep is None or known.nodes.get(keep) is not known.nodes[_first_live(step)]
    node = rule(step, known) if rule is not None else None
    return node or _unknown(step, known)


def _first_live(step: Step) -> Step:
    return next(source for source in step.inputs if source.live)


def _unknown(step: Step, known: Known) -> Node:
    """Picture by picture from whole maps, whatever the operation does."""
    live = tuple(dict.fromkeys(source for source in step.inputs if source.live))
    sources = tuple(known.nodes[source] for source in live)
    where: dict[Step, int | Tensor] = {s: known.constants[s] for s in step.inputs if not s.live}
    call = caller(step, where | {source: i for i, source in enumerate(live)})

    def run(values: Sequence[Tensor], place: Place) -> Tensor:
        each = []
        for source, value in zip(sources, values, strict=True):
            each.append(stacked(value, source.layout, whole_maps(place.n, source.size)))
        result: Tensor = torch.vmap(lambda *one: call(one))(*each)
        return result

    return Node(step, "whole", None, (1, 1), sources, run)


def _constant(step: Step, known: Known) -> Tensor:
    if step.constant is not None:
        return step.constant
    return caller(step, {source: known.constants[source] for source in step.inputs})(())


def _readers(graph: Graph) -> Counter[Step]:
    """How many operations read a step; aliases read for those that read them."""
    readers: Counter[Step] = Counter()
    for step in reversed(graph.steps):
        alias = step.operation in ALIASES and step.inputs and step.shape == step.inputs[0].shape
        for source in set(step.inputs):
            readers[source] += readers[step] if alias else 1
    return readers


def _needed(ends: list[Node]) -> tuple[Node, ...]:
    found: dict[Node, None] = {}

    def visit(node: Node) -> None:
        pending = [(node, iter(node.sources))]
        while pending:
            current, sources = pending[-1]
            source = next((s for s in sources if s not in found), None)
            if source is None:
                found[current] = None
                pending.pop()
            else:
                pending.append((source, iter(source.sources)))

    for end in ends:
        if end not in found:
            visit(end)
    return tuple(found)


FRESH = frozenset(["convolution", "add", "native_batch_norm"])
"""Operations whose result is a tensor of its own, whatever they are made of here."""


def _overwriting(nodes: tuple[Node, ...], logits: Node) -> Iterator[Node]:
    readers = Counter(source for node in nodes for source in node.sources)
    for node in nodes:
        if node.overwrite is not None:
            (source,) = node.sources
            if readers[source] == 1 and source is not logits and source.step.operation in FRESH:
                yield node


def _tail(nodes: tuple[Node, ...], logits: Node, kept: Node | None) -> tuple[Node, ...]:
    found: set[Node] = set()
    for node in reversed(nodes):
        readers = [reader for reader in nodes if node in reader.sources]
        plain = all(part.layout is not None and not part.spatial for part in (node, *node.sources))
        ahead = plain and all((part.layout or ((),))[0][:1] == ("n",) for part in (node, *node.sources))
        if ahead and node is not kept and (readers or node is logits) and all(r in found for r in readers):
            found.add(node)
    return tuple(node for node in nodes if node in found)
