"""The controls of a saliency, in rows: of what, how, the sanity check, and the rare ones folded away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets

from nnviz_widgets.engine.relu_rules import RULES
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.lang import say
from nnviz_widgets.methods.occluders import FILLS
from nnviz_widgets.widgets.controls import Options, bind, dropdown, fraction_slider, index_slider, more
from nnviz_widgets.widgets.saliency_state import MOST


def of_buttons(language: str, names: tuple[str, ...]) -> Any:
    """What the gradient is of, as buttons side by side: the first thing to choose."""
    return ipywidgets.ToggleButtons(
        options=[(say(language, f"of_{name}"), name) for name in names],
        tooltips=[say(language, f"of_{name}_tip") for name in names],
        style={"button_width": "auto"},
        layout=ipywidgets.Layout(width="auto"),
    )


def rule_buttons(widget: Any, language: str, refused: Callable[[NnvizError], object]) -> list[Any]:
    """A button with a tick for each rule, kept equal to the trait `rules`; unlike a checkbox it has a tooltip."""
    buttons = {
        rule: ipywidgets.ToggleButton(
            description=say(language, f"rule_{rule}"),
            tooltip=say(language, f"rule_{rule}_tip"),
            layout=ipywidgets.Layout(width="auto"),
        )
        for rule in RULES
    }

    def show(_change: Any = None) -> None:
        for rule, button in buttons.items():
            button.unobserve_all("value")  # one by one they would say things that nobody chose
            button.value = rule in widget.rules
            button.icon = "check-square-o" if button.value else "square-o"
            button.observe(choose, "value")

    def choose(_change: Any) -> None:
        try:
            widget.rules = tuple(rule for rule, button in buttons.items() if button.value)
        except NnvizError as error:
            show()
            refused(error)

    show()
    widget.observe(show, "rules")
    return list(buttons.values())


def redrawn_slider(language: str, layers: tuple[str, ...]) -> Any:
    """How many of the last layers have weights drawn anew, by the name of the one reached."""
    counts: Options = [
        (say(language, "redrawn_none"), 0),
        *((say(language, "redrawn_to", count=k, layer=layers[-k]), k) for k in range(1, len(layers) + 1)),
    ]
    slider = ipywidgets.SelectionSlider(
        options=counts,
        description=say(language, "redrawn"),
        tooltip=say(language, "redrawn_tip"),
        continuous_update=False,
        style={"description_width": "initial"},
        layout=ipywidgets.Layout(width="auto", max_width="100%"),
    )
    slider.add_class("nnviz-named")
    return slider


def rare(widget: Any, language: str, refused: Callable[[NnvizError], object]) -> Any:
    """SmoothGrad, Integrated Gradients and the end of the colours; what cannot act now is disabled."""
    controls = {
        "smooth": index_slider(language, "smooth", MOST, width="300px"),
        "noise": fraction_slider(language, "noise"),
        "integrated": index_slider(language, "integrated", MOST, width="300px"),
        "baseline": dropdown(language, "baseline", [(say(language, f"fill_{name}"), name) for name in FILLS]),
        "clip": ipywidgets.FloatSlider(
            min=50.0,
            max=100.0,
            step=0.5,
            readout_format=".1f",
            description=say(language, "clip"),
            tooltip=say(language, "clip_tip"),
            style={"description_width": "initial"},
            layout=ipywidgets.Layout(width="280px", max_width="100%"),
        ),
    }
    for name in ("smooth", "noise", "integrated"):  # many passes: asked for when the handle is let go
        controls[name].continuous_update = False
    for trait, control in controls.items():
        bind(widget, trait, control, refused)

    def act(_change: Any = None) -> None:
        for name, needs in (("noise", "smooth"), ("baseline", "integrated")):
            idle = not getattr(widget, needs)
            controls[name].disabled = idle
            why = say(language, "needs_first", control=say(language, needs))
            controls[name].tooltip = why if idle else say(language, f"{name}_tip")

    act()
    widget.observe(act, ["smooth", "integrated"])
    return more(language, list(controls.values()))
