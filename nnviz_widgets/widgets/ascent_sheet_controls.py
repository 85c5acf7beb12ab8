"""The controls of a sheet: which channels of which layer, and how they are made."""

from __future__ import annotations

from typing import Any

from nnviz_widgets.methods.presets import PRESETS
from nnviz_widgets.widgets.ascent_columns_controls import Refused, how_fields, number_field, preset_name
from nnviz_widgets.widgets.ascent_sheet_strips import MOST
from nnviz_widgets.widgets.controls import bind, dropdown
from nnviz_widgets.widgets.map_layers import layer_options, layers_with_maps


def what_fields(widget: Any, refused: Refused) -> list[Any]:
    """Layer, first channel and count; another layer has other channels."""
    language, engine = widget.language, widget.engine
    layers = layer_options(layers_with_maps(engine))
    layer = dropdown(language, "layer", layers, tip="sheet_layer_tip", width="400px")
    last = engine.layers[widget.layer].channels - 1
    fields = {
        "first": number_field(language, "sheet_first", 0, last, width="190px"),
        "count": number_field(language, "sheet_count", 1, MOST),
    }

    def on_layer(_change: Any) -> None:
        with widget._together():
            last = engine.layers[widget.layer].channels - 1
            widget.first = min(widget.first, last)
            fields["first"].max = last

    bind(widget, "layer", layer, refused)
    widget.observe(on_layer, "layer")
    for trait, field in fields.items():
        bind(widget, trait, field, refused)
    return [layer, *fields.values()]


def made_fields(widget: Any, refused: Refused) -> list[Any]:
    """Priors, size, steps and seed."""
    language = widget.language
    names = [(preset_name(language, name), name) for name in PRESETS]
    priors = dropdown(language, "sheet_preset", names)
    bind(widget, "preset", priors, refused)
    return [priors, *how_fields(widget, refused)]
