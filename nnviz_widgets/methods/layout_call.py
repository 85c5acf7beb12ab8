"""One call that lays pictures out and says how far to trust the map, for a process of its own."""

from __future__ import annotations

from typing import Any

import torch

from nnviz_widgets.methods.layout_progress import Tell
from nnviz_widgets.methods.layouts import LAYOUTS, Layout, Points


def lay_out(vectors: Points, kind: str, options: dict[str, Any], *, tell: Tell) -> Layout:
    """`LAYOUTS[kind]` of vectors (N, units); tells (fraction done, the points so far or None)."""
    return LAYOUTS[kind](torch.from_numpy(vectors), tell=tell, **options)
