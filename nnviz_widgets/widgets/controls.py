"""Controls out of plain ipywidgets, and the binding of a trait to a control."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.lang import say

Options = Sequence[tuple[str, Any]]


def dropdown(language: str, key: str, options: Options, *, tip: str | None = None, width: str = "auto") -> Any:
    """A dropdown called by a string of the language; options are (shown, value)."""
    return ipywidgets.Dropdown(
        options=list(options),
        value=None,
        description=say(language, key),
        tooltip=say(language, tip or f"{key}_tip"),
        style={"description_width": "initial"},
        layout=ipywidgets.Layout(width=width, max_width="100%"),
    )


def index_slider(language: str, key: str, last: int, *, width: str = "340px") -> Any:
    """A slider over 0..last that moves while it is dragged."""
    return ipywidgets.IntSlider(
        value=0,
        min=0,
        max=last,
        description=say(language, key),
        tooltip=say(language, f"{key}_tip"),
        style={"description_width": "initial"},
        layout=ipywidgets.Layout(width=width, max_width="100%"),
    )


def fraction_slider(language: str, key: str, *, width: str = "240px") -> Any:
    """A slider over 0..1."""
    return ipywidgets.FloatSlider(
        value=0.0,
        min=0.0,
        max=1.0,
        step=0.05,
        readout_format=".2f",
        description=say(language, key),
        tooltip=say(language, f"{key}_tip"),
        style={"description_width": "initial"},
        layout=ipywidgets.Layout(width=width, max_width="100%"),
    )


def more(language: str, controls: Sequence[Any]) -> Any:
    """Rare controls, folded away."""
    row = ipywidgets.HBox(list(controls))
    row.add_class("nnviz-row")
    folded = ipywidgets.Accordion([row], titles=(say(language, "more"),), selected_index=None)
    folded.add_class("nnviz-more")
    return folded


def bind(widget: Any, trait: str, control: Any, refused: Callable[[NnvizError], object]) -> None:
    """Keep a trait and a control's value equal; a value that the trait refuses goes back to what it was."""

    def from_control(change: Any) -> None:
        try:
            setattr(widget, trait, change["new"])
        except NnvizError as error:
            control.value = getattr(widget, trait)
            refused(error)

    def from_trait(change: Any) -> None:
        control.value = change["new"]

    control.value = getattr(widget, trait)
    control.observe(from_control, "value")
    widget.observe(from_trait, trait)
