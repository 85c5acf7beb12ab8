"""The state of a map of pictures: its traits, and what they refuse."""

from __future__ import annotations

from typing import Any

import traitlets

from nnviz_widgets.widgets.neighbours_own import EmbeddingWidget

KINDS = ("pca", "tsne", "umap")
SHOWN = ("pictures", "marks")
COLOURS = ("class", "seams")
TOOLS = ("pan", "lasso")
CROWD = 3000  # pictures: more begin as marks


class EmbeddingMapState(EmbeddingWidget):
    """The traits of `EmbeddingMap`; what each means stands there."""

    kind = traitlets.Enum(KINDS, "pca", help="of the map").tag(live=True)
    filled = traitlets.Bool(False, help="pulled onto a filled grid").tag(live=True)
    perplexity = traitlets.Float(30.0, min=2.0, max=200.0, help="of t-SNE").tag(live=True)
    neighbours = traitlets.Int(15, min=2, max=200, help="of UMAP").tag(live=True)
    minimal_distance = traitlets.Float(0.1, min=0.0, max=0.99, help="of UMAP").tag(live=True)
    seed = traitlets.Int(0, min=0, help="of t-SNE and UMAP").tag(live=True)
    show = traitlets.Enum(SHOWN, "pictures", help="as what pictures are drawn").tag(live=True)
    colours = traitlets.Enum(COLOURS, "class", help="of what is drawn").tag(live=True)
    side = traitlets.Int(30, min=10, max=96, help="of a thumbnail in CSS pixels").tag(live=True)
    width = traitlets.Int(464, min=240, max=1600, help="of the map in CSS pixels").tag(option=True)
    tool = traitlets.Enum(TOOLS, "pan", help="what dragging does").tag(option=True)

    def _start(self, state: dict[str, Any]) -> None:
        super()._start({})  # that the embedding is one
        if "show" not in state and len(self.embedding.ids) > CROWD:
            self.show = "marks"
        super()._start(state)
