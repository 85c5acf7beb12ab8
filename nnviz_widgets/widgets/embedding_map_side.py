"""The side of a map: how far to trust it, its classes, the picture that is pointed at with its neighbours."""

from __future__ import annotations

import html
from types import SimpleNamespace
from typing import Any, ClassVar

import ipywidgets
import numpy as np
from numpy.typing import NDArray

from nnviz_widgets.methods.layouts import JUDGED
from nnviz_widgets.methods.nearest import Nearest
from nnviz_widgets.render.scale import Scale
from nnviz_widgets.widgets.embedding_map_facts import MOST, SIZE, legend_of, neighbours_in_words, portrait
from nnviz_widgets.widgets.embedding_map_looks import most_of
from nnviz_widgets.widgets.embedding_map_marks import seam_colours
from nnviz_widgets.widgets.embedding_map_stage import counted
from nnviz_widgets.widgets.embedding_map_thumbnails import Thumbnails
from nnviz_widgets.widgets.frame import Frame, colour_bar
from nnviz_widgets.widgets.number import decimal_mark, say_number
from nnviz_widgets.widgets.scene import Scene, Sprite
from nnviz_widgets.widgets.surface import Surface


class Side:
    """Words and a pane beside the map of a widget."""

    PANES: ClassVar[dict[str, tuple[int, int]]] = {"near": SIZE}

    def __init__(self, widget: Any, surface: Surface, thumbnails: Thumbnails) -> None:
        self._widget, self._surface, self._thumbnails = widget, surface, thumbnails
        totals = counted(range(len(widget.embedding.ids)), widget.embedding.labels)
        few = len(totals) <= MOST  # in the order of the classes, else the most frequent
        self._totals = dict(sorted(totals.items(), key=lambda item: item[0] or 0)) if few else totals
        self._frame = Frame(surface, "near")
        self._frame.box.layout.display = "none"
        self._words = ipywidgets.HTML()
        self._colours = "class"
        self.box = ipywidgets.VBox([self._words, self._frame.box])

    def look(self, colours: str) -> None:
        """Whether classes or seams are shown."""
        self._colours = colours

    def tell(
        self,
        state: SimpleNamespace,
        trust: tuple[float, float] | None,
        seams: NDArray[np.float32] | None,
        selected: tuple[int, ...],
    ) -> None:
        """Trust, and the classes or the colour bar of the seams; of a selection its classes."""
        widget, say = self._widget, self._widget._say
        parts = []
        if trust is not None and len(widget.embedding.ids) >= JUDGED:
            fields = {
                "trust": say_number(widget.language, trust[0]),
                "recall": say_number(widget.language, 100 * trust[1], digits=2),
            }
            parts.append(f"<p>{html.escape(say('map_trust', k=widget._k, **fields))}</p>")
        if selected:
            parts.append(f"<p>{html.escape(say('map_selected', count=len(selected)))}</p>")
        if self._colours == "seams" and seams is not None:
            bar = colour_bar(
                Scale(0.0, most_of(seams)),
                say("seam_unit"),
                seam_colours,
                height=120,
                decimal=decimal_mark(widget.language),
            )
            parts.append(f"<p>{html.escape(say('seam_words', percent=round(100 * float(seams.mean()))))}</p>{bar}")
        if selected or self._colours == "class":
            counts = counted(selected, widget.embedding.labels) if selected else self._totals
            classes = widget._set_classes
            others = say("class_others", count=len(counts) - MOST)
            parts.append(legend_of(counts, self._totals, classes, say("class_none"), others, dark=state.dark))
        self._words.value = f'<div class="nnviz-facts">{"".join(parts)}</div>'

    def show(self, number: int, near: Nearest) -> None:
        """A picture, and its nearest neighbours."""
        widget = self._widget
        bitmap = portrait(self._thumbnails.now(number, 256), near, self._thumbnails)
        self._surface.show({"near": Scene(None, (Sprite(bitmap, (0, 0, *SIZE)),))})
        names = [widget._name(other) for other in near.numbers.tolist()]
        self._frame.box.layout.display = None
        title = widget._say("near_title", name=widget._name(number), count=len(names))
        self._frame.say(title, neighbours_in_words(near, names, widget.language))
        widget._pointer.labels = {**widget._pointer.labels, "near": title}
