"""Which layers a scan looks at when nobody says: every spatial block, and the vector before the classifier."""

from __future__ import annotations

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.engine.layers import Layer
from nnviz_widgets.errors import NnvizError

PLAIN = frozenset({"Sequential", "ModuleList"})
"""Containers that only hold others: not what a network's author would call a block."""


def spatial_blocks(engine: Engine) -> list[str]:
    """Names of the blocks that give maps, in execution order; of a network without blocks, what each activation takes.

    A block is a module of several layers with a name of its own (BasicBlock, InvertedResidual, ...) that lies in no
    other such module. The network's first maps are always among them, before their activation.
    """
    layers = engine.layers
    own = {layer.name for layer in layers if layer.kind not in PLAIN}
    blocks = [
        layer.name
        for layer in layers
        if layer.spatial and layer.name in own and _holds_others(layer, engine) and not own & _above(layer.name)
    ]
    activated = [layer.name for layer in layers.distinct() if layer.spatial and layer.activation is not None]
    if len(blocks) < 2:
        found = activated or [layer.name for layer in layers.distinct() if layer.spatial]
    else:
        order = {layer.name: i for i, layer in enumerate(layers)}
        first = [n for n in activated[:1] if order[n] < order[blocks[0]] and blocks[0] not in _above(n)]
        found = [*first, *blocks]
    if not found:
        raise NnvizError("network_no_maps", name=engine.name)
    return found


def _above(name: str) -> set[str]:
    """The modules that one lies in."""
    parts = name.split(".")
    return {".".join(parts[:i]) for i in range(1, len(parts))}


def _holds_others(layer: Layer, engine: Engine) -> bool:
    return any(other.name.startswith(f"{layer.name}.") for other in engine.layers)


def penultimate(engine: Engine) -> str:
    """Name of the layer whose value the last linear layer takes; the last maps where there is no linear layer."""
    layers = list(engine.layers.distinct())
    linear = [i for i, layer in enumerate(layers) if layer.kind == "Linear" and not layer.spatial]
    if linear and linear[-1] > 0:
        return layers[linear[-1] - 1].name
    spatial = [layer for layer in layers if layer.spatial and layer.channels != len(engine.labels)]
    return (spatial or layers)[-1].name
