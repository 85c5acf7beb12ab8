"""The unchanged picture's values, which windows of changed ones are set into."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor

from nnviz_widgets.engine.device import precision
from nnviz_widgets.engine.layouts import from_rows, repeated, stacked, to_rows, whole_maps
from nnviz_widgets.engine.lowering import Program
from nnviz_widgets.engine.nodes import Node


@dataclass(frozen=True)
class Clean:
    """What the nodes give for the unchanged picture.

    Attributes:
        half: whether in half precision.
        rows: of maps, a row a cell, by node and by the value of the row after the last, which stands for padding.
        values: of nodes without maps, for one picture.
    """

    program: Program
    half: bool
    rows: dict[tuple[Node, float], Tensor] = field(repr=False)
    values: dict[Node, Tensor] = field(repr=False)
    logits: Tensor = field(repr=False)

    def table(self, node: Node, pad: float = 0.0) -> Tensor:
        found = self.rows.get((node, pad))
        if found is None:
            base = next(rows for (owner, _), rows in self.rows.items() if owner is node)
            found = self.rows[node, pad] = torch.cat([base[:-1], torch.full_like(base[:1], pad)])
        return found

    def whole(self, node: Node, n: int) -> Tensor:
        """Its unchanged value, for n pictures."""
        assert node.layout is None or node in self.values or node.spatial
        one = whole_maps(1, node.size)
        value = self.values[node] if node in self.values else from_rows(self.table(node)[:-1], node.layout or (), one)
        return repeated(value, node.layout, one, n)


def clean_pass(program: Program, x: Tensor, *, half: bool = False) -> Clean:
    """Run the picture x (1, C, H, W), and keep what windows read."""
    readers: dict[Node, list[Node]] = {node: [] for node in program.nodes}
    for node in program.nodes:
        for source in node.sources:
            readers.setdefault(source, []).append(node)
    with quietly(x.device, half):
        clean = Clean(program, half, {}, {}, torch.empty(0))
        values: dict[Node, Tensor] = {}
        for node in program.nodes:
            if node.kind == "picture":
                values[node] = x.contiguous(memory_format=torch.channels_last)
            elif node.constant is not None:
                values[node] = node.constant
            else:
                compute = node.run_whole or node.run
                values[node] = compute([values[source] for source in node.sources], whole_maps(1, node.size))
            for source in node.sources:
                if readers[source][-1] is node:
                    _keep(clean, source, values.pop(source), readers[source])
        for node, value in values.items():
            _keep(clean, node, value, readers[node])
        logits = flat_logits(program, clean.whole(program.logits, 1), 1)
    return Clean(program, half, clean.rows, clean.values, logits)


def _keep(clean: Clean, node: Node, value: Tensor, readers: Sequence[Node]) -> None:
    if not node.spatial:
        clean.values[node] = value
        return
    alone = all(reader.kind == "aligned" and len(reader.sources) == 1 for reader in readers)
    if alone and readers and node is not clean.program.kept and node.kind != "picture":
        return  # what reads it has the same windows
    assert node.layout is not None
    rows = to_rows(value, node.layout, whole_maps(1, node.size))
    clean.rows[node, 0.0] = torch.cat([rows, rows.new_zeros(1, rows.shape[1])])


def flat_logits(program: Program, value: Tensor, n: int) -> Tensor:
    """The output as (n, classes)."""
    node = program.logits
    return stacked(value, node.layout, whole_maps(n, node.size)).flatten(1)


@contextmanager
def quietly(device: torch.device, half: bool) -> Iterator[None]:
    """No graph, whatever the caller's modes are."""
    with torch.inference_mode(False), torch.no_grad(), precision(device, half):
        yield
