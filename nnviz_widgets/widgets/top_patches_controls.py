"""The controls of a widget of patches: what is looked at, and how."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets

from nnviz_widgets.engine.layers import Layer
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.lang import say
from nnviz_widgets.methods.winners import KINDS
from nnviz_widgets.widgets.controls import bind, dropdown, index_slider
from nnviz_widgets.widgets.map_layers import layer_options

PAGES = ("channel", "all")
RULES = ("guided", "deconvnet", "vanilla", "none")
Refused = Callable[[NnvizError], object]


def what_row(widget: Any, layers: Sequence[Layer], refused: Refused) -> tuple[list[Any], Any]:
    """Layer, channel and page; and the slider of the channel, whose end is the layer's."""
    language = widget.language
    layer = dropdown(language, "layer", layer_options(list(layers)), tip="patches_layer_tip", width="420px")
    last = widget.engine.layers[widget.layer].channels - 1
    channel = index_slider(language, "channel", last)
    channel.tooltip = say(language, "patches_channel_tip")
    page = dropdown(language, "patches_page", [(say(language, f"patches_page_{name}"), name) for name in PAGES])
    for trait, control in (("layer", layer), ("channel", channel), ("page", page)):
        bind(widget, trait, control, refused)
    return [layer, channel, page], channel


def how_row(widget: Any, refused: Refused) -> list[Any]:
    """Which pictures, which reconstruction, whole or cropped; each only where it means something."""
    language = widget.language
    kind = dropdown(language, "patches_kind", [(say(language, f"patches_kind_{name}"), name) for name in KINDS])
    others = ipywidgets.Button(description=say(language, "patches_others"), layout=ipywidgets.Layout(width="auto"))
    rule = dropdown(language, "patches_rule", [(say(language, f"patches_rule_{name}"), name) for name in RULES])
    whole = ipywidgets.Checkbox(
        description=say(language, "patches_whole"),
        tooltip=say(language, "patches_whole_tip"),
        indent=False,
        layout=ipywidgets.Layout(width="auto"),
    )

    def draw_others(_button: Any) -> None:
        widget.seed += 1

    def on_state(_change: Any = None) -> None:
        random = widget.kind == "random"
        others.disabled = not random
        others.tooltip = say(language, "patches_others_tip" if random else "patches_others_not")
        rule.layout.display = whole.layout.display = None if widget.page == "channel" else "none"

    others.on_click(draw_others)
    for trait, control in (("kind", kind), ("rule", rule), ("whole", whole)):
        bind(widget, trait, control, refused)
    widget.observe(on_state, ["kind", "page"])
    on_state()
    return [kind, others, rule, whole]
