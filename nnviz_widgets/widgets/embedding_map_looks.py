"""How pictures are drawn: in the colours of their classes or of the map's seams, some of them faint."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnviz_widgets.manifold.layout import Layout
from nnviz_widgets.methods.embeddings import Embedding
from nnviz_widgets.widgets.embedding_map_marks import (
    FAINT,
    class_codes,
    class_palette,
    seam_codes,
    seam_palette,
    shape_of,
)
from nnviz_widgets.widgets.embedding_map_raster import Look


def most_of(seams: NDArray[np.float32]) -> float:
    """The share at which the seams' colours end: chance, or the largest there is."""
    return max(0.05, float(seams.max()))


class Looks:
    """The looks of an embedding's pictures."""

    def __init__(self, embedding: Embedding) -> None:
        self._codes = class_codes(embedding.labels)
        self._shapes = np.array([shape_of(label) for label in embedding.labels], np.uint8)

    def colours(self, state: Any, seams: NDArray[np.float32] | None) -> str:
        """Whether classes or seams are shown: seams only once they are known."""
        return "seams" if state.colours == "seams" and seams is not None else "class"

    def of(
        self,
        state: SimpleNamespace,
        layout: Layout | None,
        seams: NDArray[np.float32] | None,
        selected: tuple[int, ...],
    ) -> Look:
        """How the pictures of a state are drawn; without a layout, as on no grid."""
        if state.colours == "seams" and seams is not None:
            codes, palette = seam_codes(seams, most_of(seams)), seam_palette(dark=state.dark)
        else:
            codes, palette = self._codes, class_palette(dark=state.dark)
        if selected:
            faint = np.full_like(codes, FAINT)
            faint[list(selected)] = codes[list(selected)]
            codes = faint
        cell = None
        if layout is not None and layout.cells is not None:
            cell = 1 / (1 + int(layout.cells.max()))
        return Look(state.show == "pictures", state.side, codes, self._shapes, palette, cell)
