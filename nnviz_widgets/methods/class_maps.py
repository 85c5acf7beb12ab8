"""Grad-CAM without a backward, for networks that end in global average pooling and one linear layer."""

from __future__ import annotations

from torch import Tensor

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.engine.objectives import Objective
from nnviz_widgets.methods.head import find_head


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


def class_map(engine: Engine, x: Tensor, objective: Objective, layer: str) -> Tensor | None:
    """Grad-CAM of an objective of logits at the layer that enters the pooling: relu(w . A) / (h w), w of the head.

    Returns:
        (N, 1, h, w); None at another layer, for another objective or network, where w is 0, or while the network's
        operations are not recorded, which would take longer than a backward.
    """
    if {term.kind for term, _ in objective.terms} != {"logit"}:
        return None
    with engine.still():
        head = find_head(engine, record=False)
        if head is None or engine.layers.origin(layer).name != engine.layers.origin(head.layer).name:
            return None
        logits = engine.logits(x)
        maps = engine.activations(x, head.layer)
    wanted = objective.value(lambda _: logits)  # an unknown class is refused here
    classes = [(int(term.numbers[0]), weight) for term, weight in objective.terms]
    own = sum(weight * head.weight[c] for c, weight in classes)
    bias = sum(weight * head.bias[c] for c, weight in classes) if head.bias.ndim else 0.0
    assert isinstance(own, Tensor)
    products = (maps * own[:, None, None]).sum(1, keepdim=True)
    if not _alike(products.mean((1, 2, 3)) + bias, wanted) or not own.any():
        return None
    return products.clamp_min_(0).div_(maps[0, 0].numel())


def _alike(a: Tensor, b: Tensor) -> bool:
    return bool(((a - b).abs() <= 1e-3 * b.abs().max()).all())
