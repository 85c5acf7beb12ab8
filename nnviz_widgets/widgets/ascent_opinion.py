"""What the network itself takes a picture for: its most probable classes, as bars."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.lang.classes import class_names
from nnviz_widgets.widgets.number import say_decimals

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


def opinion_html(probabilities: Vector, labels: Sequence[str], wanted: int | None, language: str) -> str:
    """A bar a class; the wanted one is bold."""
    names, bars = class_names(language, labels), []
    for index in leading(probabilities, wanted):
        share, bold = probabilities[index], " nnviz-first" if index == wanted else ""
        bars.append(
            f'<div class="nnviz-row-bar{bold}"><span style="width:{100 * share:.1f}%"></span>'
            f"<b>{html.escape(names[index])}</b><i>{say_decimals(language, share)}</i></div>"
        )
    return f'<div class="nnviz-bars">{"".join(bars)}</div>'


def opinion_words(probabilities: Vector, labels: Sequence[str], wanted: int | None, language: str) -> str:
    """The same in a line."""
    names, best = class_names(language, labels), leading(probabilities, wanted)[:3]
    return " · ".join(f"{names[index]} {say_decimals(language, probabilities[index])}" for index in best)
