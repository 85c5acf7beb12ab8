"""Forward passes kept ready to be differentiated again, so that another class costs only a backward."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor

from nnviz_widgets.engine.layers import Layer
from nnviz_widgets.engine.objectives import Objective
from nnviz_widgets.engine.passes import AsLogits, LiveGraph, Passes
from nnviz_widgets.engine.relu_rules import Rule
from nnviz_widgets.errors import NnvizError

PICTURES = 2
GRAPHS = 8


class GraphKey(NamedTuple):
    """What a graph can be used for again: equal picture, cut, rule and tapped layers."""

    picture: bytes
    cut: str | None
    rule: Rule
    names: tuple[str, ...]


class KeptGraphs:
    """The graphs of the last few pictures, bounded in number and bytes; least recently used out first.

    Used under the engine's lock. A graph holds activations of the weights as they were and reads the weights as they
    are: drop all when the module changes.

    Args:
        max_bytes: of all graphs together, by the outputs of the layers that they pass; a larger one is not kept.
        opened: told of each graph that is kept.
    """

    def __init__(self, max_bytes: int, opened: Callable[[GraphKey, LiveGraph], None]) -> None:
        self.max_bytes = max_bytes
        self.bytes = 0
        self._opened = opened
        self._graphs: OrderedDict[GraphKey, tuple[LiveGraph, int]] = OrderedDict()

    def gradient(
        self,
        passes: Passes,
        x: Callable[[], Tensor],
        picture: bytes | None,
        objective: Objective,
        cut: Layer | None,
        rule: Rule,
        as_logits: AsLogits,
    ) -> Tensor:
        """d objective / d x, or at the layer `cut`, raw, on a kept graph if there is one.

        Args:
            x: gives the input, asked only for a forward.
            picture: what tells the input from others; None keeps nothing.
        """
        names = passes.names_of(objective)
        key = None if picture is None else GraphKey(picture, cut.name if cut else None, rule, names)
        if key is not None and key in self._graphs:
            try:
                return passes.differentiate(self._again(key), objective, cut, rule, keep=True)
            except NnvizError as error:
                if error.code not in ("module_raised", "out_of_memory"):
                    raise
            self._drop(key)  # overwritten by a later pass of a network that writes to itself, or in want of memory
        try:
            return self._fresh(passes, x(), key, names, objective, cut, rule, as_logits)
        except NnvizError as error:
            if error.code != "out_of_memory" or not self._graphs:
                raise
        self.clear()  # and try again with all memory there is
        return self._fresh(passes, x(), None, names, objective, cut, rule, as_logits)

    def relus(self, key: GraphKey) -> int | None:
        """How many ReLUs the rule of a kept graph overrides; None where none is kept."""
        return self._graphs[key][0].relus if key in self._graphs else None

    def drop(self, picture: bytes) -> None:
        """Let go of the graphs of a picture."""
        for key in [key for key in self._graphs if key.picture == picture]:
            self._drop(key)

    def clear(self) -> None:
        self._graphs.clear()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._graphs)

    def _again(self, key: GraphKey) -> LiveGraph:
        self._graphs.move_to_end(key)
        return self._graphs[key][0]

    def _fresh(
        self,
        passes: Passes,
        x: Tensor,
        key: GraphKey | None,
        names: tuple[str, ...],
        objective: Objective,
        cut: Layer | None,
        rule: Rule,
        as_logits: AsLogits,
    ) -> Tensor:
        graph = passes.open_graph(x, names, cut, rule, as_logits)
        size = passes.bytes_after(cut, x)
        keep = key is not None and size <= self.max_bytes
        if key is not None and keep:
            self._put(key, graph, size)
        return passes.differentiate(graph, objective, cut, rule, keep=keep)

    def _put(self, key: GraphKey, graph: LiveGraph, size: int) -> None:
        self._graphs[key] = graph, size
        self.bytes += size
        newest = list(dict.fromkeys(kept.picture for kept in reversed(self._graphs)))[:PICTURES]
        for old in [kept for kept in self._graphs if kept.picture not in newest]:
            self._drop(old)
        while len(self._graphs) > GRAPHS or self.bytes > self.max_bytes:
            self._drop(next(iter(self._graphs)))
        self._opened(key, graph)

    def _drop(self, key: GraphKey) -> None:
        _, size = self._graphs.pop(key)
        self.bytes -= size
