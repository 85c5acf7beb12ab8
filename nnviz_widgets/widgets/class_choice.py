"""A class of the network, found by its name."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import ipywidgets
import traitlets

from nnviz_widgets.engine.labels import find_class
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.widgets.base import LiveWidget
from nnviz_widgets.widgets.validated import validate


class ClassChoice(LiveWidget):
    """A widget that asks about a class.

    Its `target` is the class's index, or its name in English or in the widget's language, which becomes the index.
    """

    target = traitlets.Any(None, help="class index or name; None for the most probable").tag(live=True)

    @validate("target")
    def _validate_target(self, proposal: Any) -> int:
        return self._class_index(proposal["value"])  # None, the default, comes past without a check

    def _snapshot(self) -> SimpleNamespace:
        state = super()._snapshot()
        state.class_names = self._class_names
        return state

    def _class_index(self, wanted: int | str) -> int:
        """Index of a class by its index or either of its names."""
        labels, names = self.engine.labels, self._class_names
        if not isinstance(wanted, str):
            return find_class(labels, wanted)
        known = tuple(dict.fromkeys((*names, *labels)))
        name = known[find_class(known, wanted)]
        return (names if name in names else labels).index(name)

    def _name_of(self, index: int) -> str:
        return f"{self._class_names[index]} ({index})"

    def _option_of(self, index: int) -> str:
        """Both names, that either is found by what is typed: "chat tigré · tabby (281)"."""
        both = dict.fromkeys((self._class_names[index], self.engine.labels[index]))
        return f"{' · '.join(both)} ({index})"

    def _with_probability(self, index: int, probability: float) -> str:
        """A class and how probable it is: "tabby 0.31"; in French "chat tigré 0,31"."""
        return f"{self._class_names[index]} {self._number(probability, digits=2)}"

    def _class_field(self, trait: str, nothing: str) -> ipywidgets.Widget:
        """A field that completes class names as they are typed, for a trait; `nothing` says what None stands for."""
        control = ipywidgets.Combobox(
            options=[self._option_of(i) for i in range(len(self.engine.labels))],
            placeholder=self._say(nothing),
            description=self._say(trait),
            tooltip=self._say(f"{trait}_tip"),
            continuous_update=False,
            style={"description_width": "initial"},
            layout=ipywidgets.Layout(width="300px", max_width="100%"),
        )
        indices = {name: i for i, option in enumerate(control.options) for name in (option, self._name_of(i))}

        def choose(change: Any) -> None:
            text = change["new"].strip()
            try:
                setattr(self, trait, indices.get(text, text) if text else None)
            except NnvizError as error:
                self._failed(error)
            show()

        def show(_change: Any = None) -> None:
            value = getattr(self, trait)
            control.value = "" if value is None else self._name_of(value)

        show()
        control.observe(choose, "value")
        self.observe(show, trait)
        return control
