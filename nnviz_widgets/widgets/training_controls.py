"""The controls of a training: what is looked at, what steers, and what begins anew."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.lang import say
from nnviz_widgets.widgets.controls import bind, dropdown, more
from nnviz_widgets.widgets.map_layers import layer_options

LONGEST = 10_000  # epochs
LARGEST = 4096  # pictures a step
LAST_SEED = 2**31 - 1
SLOWEST, FASTEST = -5, 1  # powers of ten of the learning rate
MOST_DECAY, MOST_MOMENTUM = 0.1, 0.99


def training_controls(widget: Any, refused: Callable[[NnvizError], object]) -> list[ipywidgets.Widget]:
    """The rows above the pictures, bound to the widget's traits; the buttons of the run are in the last."""
    language = widget.language
    controls = {
        "example": _number(language, "example", 0, len(widget.image_set) - 1),
        "learning_rate": ipywidgets.FloatLogSlider(
            value=0.05, min=SLOWEST, max=FASTEST, step=0.1, readout_format=".3g", **_common(language, "learning_rate")
        ),
        "weight_decay": ipywidgets.FloatSlider(
            min=0, max=MOST_DECAY, step=0.0005, readout_format=".4f", **_common(language, "weight_decay")
        ),
        "epochs": _number(language, "epochs", 1, LONGEST),
        "momentum": ipywidgets.FloatSlider(
            min=0, max=MOST_MOMENTUM, step=0.01, readout_format=".2f", **_common(language, "momentum")
        ),
        "batch": _number(language, "batch", 1, LARGEST),
        "seed": _number(language, "seed", 0, LAST_SEED),
    }
    shown = [controls["example"]]
    if widget.spatial:
        controls["layer"] = dropdown(
            language, "layer", layer_options(widget.spatial), tip="training_layer_tip", width="360px"
        )
        shown.append(controls["layer"])
    for trait, control in controls.items():
        bind(widget, trait, control, refused)
    rare = more(language, [controls[name] for name in ("batch", "seed", "momentum")])
    steered = [controls["learning_rate"], controls["weight_decay"]]
    rows = [ipywidgets.HBox(row) for row in (shown, steered, [widget.run_bar.box, controls["epochs"]])]
    for row in rows:
        row.add_class("nnviz-row")
    return [*rows[:2], rare, rows[2]]


def _common(language: str, name: str, *, width: str = "340px") -> dict[str, Any]:
    return {
        "description": say(language, f"training_{name}"),
        "tooltip": say(language, f"training_{name}_tip"),
        "style": {"description_width": "initial"},
        "layout": ipywidgets.Layout(width=width, max_width="100%"),
    }


def _number(language: str, name: str, low: int, high: int) -> Any:
    return ipywidgets.BoundedIntText(min=low, max=high, **_common(language, name, width="136px"))
