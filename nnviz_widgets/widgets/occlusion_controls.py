"""The rows of controls over an occlusion: what is looked at, and how."""

from __future__ import annotations

from typing import Any

import ipywidgets

from nnviz_widgets.lang import say
from nnviz_widgets.widgets.controls import bind, dropdown, index_slider, more
from nnviz_widgets.widgets.map_layers import layer_options, layers_with_maps
from nnviz_widgets.widgets.occlusion_fill import fill_controls
from nnviz_widgets.widgets.occlusion_square import ground_of


def occlusion_controls(widget: Any) -> list[ipywidgets.Widget]:
    """Rows that set `photo`, `target`, `layer`; `size`, `stride`, `fill`; and, folded, `half`."""
    language = widget.language
    layers = [(say(language, "layer_none"), ""), *layer_options(layers_with_maps(widget.engine))]
    layer = dropdown(language, "layer", layers, tip="occlusion_layer_tip", width="300px")
    bind(widget, "layer", layer, widget._failed)
    first = ipywidgets.HBox([*widget._photo_controls(), widget._target_control(), layer])
    side = min(widget.engine.contract.size)
    size = _pixel_slider(widget, "size", side)
    stride = _pixel_slider(widget, "stride", max(2, side // 4))
    second = ipywidgets.HBox([size, stride, _positions(widget), *fill_controls(widget)])
    for row in (first, second):
        row.add_class("nnviz-row")
    return [first, second, more(language, [_half_control(widget)])]


def _pixel_slider(widget: Any, trait: str, last: int) -> Any:
    slider = index_slider(widget.language, trait, last, width="205px")
    slider.min = 1

    def make_room(_change: Any = None) -> None:
        slider.max = max(last, getattr(widget, trait))  # a slider clamps in silence what code has set

    make_room()
    widget.observe(make_room, trait)
    bind(widget, trait, slider, widget._failed)
    return slider


def _positions(widget: Any) -> ipywidgets.HTML:
    """How many positions the square has: what the map costs."""
    text = ipywidgets.HTML()

    def show(_change: Any = None) -> None:
        rows, cols = ground_of(widget).shape
        line = say(widget.language, "positions", rows=rows, cols=cols)
        text.value = f'<span class="nnviz-caption nnviz-faint">{line}</span>'

    show()
    widget.observe(show, ["size", "stride"])
    return text


def _half_control(widget: Any) -> ipywidgets.Checkbox:
    cpu = widget.engine.device.type == "cpu"
    control = ipywidgets.Checkbox(
        description=say(widget.language, "half"),
        tooltip=say(widget.language, "half_cpu" if cpu else "half_tip"),
        disabled=cpu,
        indent=False,
        layout=ipywidgets.Layout(width="auto"),
    )
    bind(widget, "half", control, widget._failed)
    return control
