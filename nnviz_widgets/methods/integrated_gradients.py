"""Integrated Gradients: the mean gradient on the way from a baseline to the picture, times that way."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.errors import NnvizError


def black(engine: Engine, x: Tensor) -> Tensor:
    """The paper's baseline for pictures: black, in the network's units; like x."""
    pixels = torch.zeros((1, *x.shape[1:]), dtype=torch.float32)
    return engine.contract.normalise(pixels).to(x.device, x.dtype).expand_as(x)


def baseline_like(engine: Engine, x: Tensor, baseline: Tensor | float | None) -> Tensor:
    """A baseline in the network's units -> like x; None is black."""
    if baseline is None:
        return black(engine, x)
    try:
        return torch.as_tensor(baseline, dtype=x.dtype, device=x.device).expand_as(x)
    except (RuntimeError, TypeError, ValueError) as error:
        given = f"shape {tuple(baseline.shape)}" if isinstance(baseline, Tensor) else repr(baseline)
        expected = f"a number, or a tensor like x {tuple(x.shape)}"
        raise NnvizError("contract_value", field="baseline", value=given, expected=expected) from error


def straight_path(x: Tensor, baseline: Tensor, steps: int) -> tuple[Callable[[int], Tensor], list[float]]:
    """Points from the baseline to x, and the weight of each: Gauss-Legendre, exact for polynomials of 2 steps - 1."""
    places, weights = np.polynomial.legendre.leggauss(steps)
    shares = ((places + 1) / 2).tolist()
    return lambda i: baseline + shares[i] * (x - baseline), (weights / 2).tolist()
