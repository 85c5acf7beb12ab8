"""A class of the network, found by its name."""

from __future__ import annotations

from typing import Any

import ipywidgets
import traitlets

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.render.numbers import format_number
from nnviz_widgets.widgets.base import LiveWidget
from nnviz_widgets.widgets.validated import validate


class ClassChoice(LiveWidget):
    """A widget that asks about a class. Its `target` is the class's index, or its name, which becomes the index."""

    target = traitlets.Any(None, help="class index or name; None for the most probable").tag(live=True)

    @validate("target")
    def _validate_target(self, proposal: Any) -> int:
        return self.engine.class_index(proposal["value"])  # None, the default, comes past without a check

    def _name_of(self, index: int) -> str:
        return f"{self.engine.labels[index]} ({index})"

    def _with_probability(self, index: int, probability: float) -> str:
        """A class and how probable it is: "tabby .31" in the deck's manner."""
        return f"{self.engine.labels[index]} {format_number(probability, digits=2)}"

    def _class_field(self, trait: str, nothing: str) -> ipywidgets.Widget:
        """A field that completes class names as they are typed, for a trait; `nothing` says what None stands for."""
        control = ipywidgets.Combobox(
            options=[self._name_of(i) for i in range(len(self.engine.labels))],
            placeholder=self._say(nothing),
            description=self._say(trait),
            tooltip=self._say(f"{trait}_tip"),
            continuous_update=False,
            style={"description_width": "initial"},
            layout=ipywidgets.Layout(width="300px", max_width="100%"),
        )
        indices = {name: i for i, name in enumerate(control.options)}

        def choose(change: Any) -> None:
            text = change["new"].strip()
            try:
                setattr(self, trait, indices.get(text, text) if text else None)
            except NnvizError as error:
                show()
                self._failed(error)

        def show(_change: Any = None) -> None:
            value = getattr(self, trait)
            control.value = "" if value is None else self._name_of(value)

        show()
        control.observe(choose, "value")
        self.observe(show, trait)
        return control
