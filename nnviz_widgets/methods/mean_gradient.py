"""Weighted means of an objective's gradients over many variants of each picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.engine.objectives import Objective
from nnviz_widgets.engine.relu_rules import Rule
from nnviz_widgets.methods.batches import in_batches


@dataclass(frozen=True, eq=False)
class SaliencyStep:
    """What is known of a saliency so far.

    Attributes:
        done: share of the passes made, 0..1.
        gradient: (N, C, H, W), of the passes made; the last is the result.
    """

    done: float
    gradient: Tensor


def mean_gradients(
    engine: Engine,
    variant: Callable[[int], Tensor],
    weights: Sequence[float],
    objective: Objective,
    rule: Rule,
) -> Iterator[SaliencyStep]:
    """Weighted mean of the gradients at `variant(0)`, `variant(1)`, ..., all (N, C, H, W); better with each batch.

    The variants are asked for in order, and again where a batch did not fit into memory.
    """
    total, weight = None, 0.0

    def gradients(batch: range) -> Tensor:
        variants = torch.cat([variant(i) for i in batch])
        gradient = engine.gradient(variants, objective, rule=rule, keep=False)
        return gradient.reshape(len(batch), -1, *gradient.shape[1:])

    for batch, found in in_batches(engine, len(weights), gradients):
        part = torch.tensor([weights[i] for i in batch], dtype=torch.float64)
        weighted = torch.tensordot(part.to(found.device, found.dtype), found, 1)
        total = weighted if total is None else total + weighted
        weight += float(part.sum())
        yield SaliencyStep(batch.stop / len(weights), total / weight)
