"""What the square is made of: a choice of names, and a grey of one's own."""

from __future__ import annotations

from typing import Any

import ipywidgets

from nnviz_widgets.lang import say
from nnviz_widgets.methods.occluders import FILLS
from nnviz_widgets.widgets.controls import dropdown, fraction_slider

OWN = "own"
OTHER = "other"


def fill_controls(widget: Any) -> list[ipywidgets.Widget]:
    """A list, and a slider that is there for an own grey alone; both set the widget's `fill`.

    A grey is pixel values, one a channel; what else was set from code stands in the list as it is.
    """
    language, channels = widget.language, widget.engine.contract.channels
    names = [(say(language, f"fill_{name}"), name) for name in (*FILLS, OWN)]
    choice = dropdown(language, "fill", names)
    slider = fraction_slider(language, "grey", width="200px")
    slider.value = 0.5

    def show(_change: Any = None) -> None:
        kind = _kind(widget.fill)
        choice.unobserve(choose, "value")  # a dropdown falls back to its first option when they change
        slider.unobserve(slide, "value")
        choice.options = names
        if kind == OTHER:
            choice.options = [*names, (say(language, "fill_other", value=_spoken(widget.fill)), OTHER)]
        choice.value = kind
        if kind == OWN:
            slider.value = widget.fill[0]
        slider.layout.display = None if kind == OWN else "none"
        choice.observe(choose, "value")
        slider.observe(slide, "value")

    def choose(change: Any) -> None:
        if change["new"] == OWN:
            widget.fill = (slider.value,) * channels
        elif change["new"] not in (None, OTHER):
            widget.fill = change["new"]

    def slide(change: Any) -> None:
        widget.fill = (change["new"],) * channels

    choice.observe(choose, "value")
    slider.observe(slide, "value")
    show()
    widget.observe(show, "fill")
    return [choice, slider]


def _kind(fill: str | float | tuple[float, ...]) -> str:
    if isinstance(fill, str):
        return fill
    return OWN if isinstance(fill, tuple) and len(set(fill)) == 1 else OTHER


def _spoken(fill: float | tuple[float, ...]) -> str:
    return ", ".join(f"{value:g}" for value in (fill if isinstance(fill, tuple) else (fill,)))
