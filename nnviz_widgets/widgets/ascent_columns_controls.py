"""The controls of pictures made side by side: what they raise, with which priors, how many steps, how large."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.lang import say
from nnviz_widgets.methods.presets import PRESETS
from nnviz_widgets.widgets.ascent_controls import LAST_SEED
from nnviz_widgets.widgets.controls import bind, dropdown, index_slider
from nnviz_widgets.widgets.map_layers import layer_options

SIDES = (64, 96, 128, 160, 192, 224, 256, 320)
LONGEST = 2048  # steps
OF = ("class", "channel")
Refused = Callable[[NnvizError], object]


def number_field(language: str, key: str, low: int, high: int, *, width: str = "140px") -> Any:
    """A whole number, typed or stepped."""
    return ipywidgets.BoundedIntText(
        value=low,
        min=low,
        max=high,
        description=say(language, key),
        tooltip=say(language, f"{key}_tip"),
        style={"description_width": "initial"},
        layout=ipywidgets.Layout(width=width, max_width="100%"),
    )


def how_fields(widget: Any, refused: Refused) -> list[Any]:
    """Size, steps and seed, bound to the traits of those names."""
    language = widget.language
    size = dropdown(language, "ascent_view_size", [])

    def sizes(_change: Any = None) -> None:
        own = max(widget.engine.contract.size)
        size.options = [(f"{side} × {side}", side) for side in sorted({*SIDES, own, widget.size})]

    sizes()
    widget.observe(sizes, "size")
    fields = {
        "size": size,
        "steps": number_field(language, "ascent_view_steps", 1, LONGEST),
        "seed": number_field(language, "ascent_view_seed", 0, LAST_SEED),
    }
    for trait, field in fields.items():
        bind(widget, trait, field, refused)
    return list(fields.values())


def contrast_tick(widget: Any, refused: Refused) -> Any:
    """Whether faint pictures are shown with more contrast."""
    tick = ipywidgets.Checkbox(
        description=say(widget.language, "columns_stretch"),
        tooltip=say(widget.language, "columns_stretch_tip"),
        indent=False,
        layout=ipywidgets.Layout(width="auto"),
    )
    bind(widget, "contrast", tick, refused)
    return tick


class ObjectiveControls:
    """Class or channel, and beside them the fields that the choice needs."""

    def __init__(self, widget: Any, target: ipywidgets.Widget, refused: Refused) -> None:
        self._widget, language = widget, widget.language
        self._of = ipywidgets.ToggleButtons(
            options=[(say(language, f"columns_of_{name}"), name) for name in OF],
            tooltips=[say(language, f"columns_of_{name}_tip") for name in OF],
            style={"button_width": "auto"},
            layout=ipywidgets.Layout(width="auto"),
        )
        layers = layer_options(list(widget.engine.layers.distinct()))
        self._target = target
        self._layer = dropdown(language, "layer", layers, tip="columns_layer_tip", width="380px")
        self._channel = index_slider(language, "channel", self._last(), width="280px")
        self._channel.tooltip = say(language, "columns_channel_tip")
        self._channel.continuous_update = False  # a run begins anew
        bind(widget, "of", self._of, refused)
        bind(widget, "layer", self._layer, refused)
        widget.observe(self._on_layer, "layer")
        bind(widget, "channel", self._channel, refused)
        widget.observe(self._on_of, "of")
        self._on_of()
        label = ipywidgets.Label(say(language, "columns_of"))
        self.row = [label, self._of, self._target, self._layer, self._channel]

    def _last(self) -> int:
        return int(self._widget.engine.layers[self._widget.layer].channels) - 1

    def _on_layer(self, _change: Any) -> None:
        """Another layer has other channels."""
        with self._widget._together():
            last = self._last()
            self._widget.channel = min(self._widget.channel, last)
            self._channel.max = last

    def _on_of(self, _change: Any = None) -> None:
        classes = self._widget.of == "class"
        for field, acts in ((self._target, classes), (self._layer, not classes), (self._channel, not classes)):
            field.disabled = not acts
            field.layout.display = None if acts else "none"


def preset_name(language: str, name: str) -> str:
    """What a preset is called; the papers' names are the same in every language."""
    return say(language, "columns_None") if name == "None" else name


def preset_ticks(widget: Any, refused: Refused) -> list[Any]:
    """A button with a tick for each preset, kept equal to the trait `columns`."""
    buttons = {
        name: ipywidgets.ToggleButton(
            description=preset_name(widget.language, name),
            tooltip=say(widget.language, "columns_add_tip"),
            layout=ipywidgets.Layout(width="auto"),
        )
        for name in PRESETS
    }
    showing = False

    def show(_change: Any = None) -> None:
        nonlocal showing
        showing = True
        for name, button in buttons.items():
            button.value = name in widget.columns
            button.icon = "check-square-o" if button.value else "square-o"
        showing = False

    def choose(_change: Any) -> None:
        if showing:
            return
        wanted: Sequence[str] = tuple(name for name, button in buttons.items() if button.value)
        try:
            widget.columns = wanted
        except NnvizError as error:
            show()
            refused(error)

    show()
    for button in buttons.values():
        button.observe(choose, "value")
    widget.observe(show, "columns")
    return list(buttons.values())
