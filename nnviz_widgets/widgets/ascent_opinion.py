"""What the network itself takes a picture for: its most probable classes, as bars."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from nnviz_widgets.engine.engine import Engine

BARS = 5
Vector = NDArray[np.float64]


def opinion(engine: Engine, x: Tensor) -> Vector:
    """Probabilities (classes,) of a picture shown to the network at the network's own size; the mean of several."""
    if tuple(x.shape[2:]) != engine.contract.size:
        x = F.interpolate(x.float(), engine.contract.size, mode="bilinear", align_corners=False, antialias=True)
    found = engine.probabilities(x).mean(0).double().cpu().numpy()
    engine.forget(x)
    return np.asarray(found)


def leading(probabilities: Vector, wanted: int | None) -> list[int]:
    """The most probable classes, the wanted one among them."""
    found: list[int] = np.argsort(-probabilities, kind="stable")[:BARS].tolist()
    if wanted is not None and wanted not in found:
        found[-1] = wanted
    return found


def opinion_html(probabilities: Vector, labels: Sequence[str], wanted: int | None) -> str:
    """A bar a class; the wanted one is bold."""
    bars = []
    for index in leading(probabilities, wanted):
        share, bold = probabilities[index], " nnviz-first" if index == wanted else ""
        bars.append(
            f'<div class="nnviz-row-bar{bold}"><span style="width:{100 * share:.1f}%"></span>'
            f"<b>{html.escape(labels[index])}</b><i>{share:.2f}</i></div>"
        )
    return f'<div class="nnviz-bars">{"".join(bars)}</div>'


def opinion_words(probabilities: Vector, labels: Sequence[str], wanted: int | None) -> str:
    """The same in a line."""
    return " · ".join(f"{labels[index]} {probabilities[index]:.2f}" for index in leading(probabilities, wanted)[:3])
