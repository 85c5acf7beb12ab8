"""The controls of an ascent that ask anew: what is raised, from where, by whose priors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.lang import say
from nnviz_widgets.methods.presets import PRESETS
from nnviz_widgets.widgets.ascent_priors import RULES
from nnviz_widgets.widgets.ascent_question import OF, parse, spell
from nnviz_widgets.widgets.ascent_state import LONGEST, PICTURES, STARTS
from nnviz_widgets.widgets.controls import bind, dropdown, index_slider
from nnviz_widgets.widgets.map_layers import layer_options

SIDES = (64, 96, 128, 160, 192, 224, 256, 299, 320, 384, 448, 512)
LAST_SEED = 2**31 - 1
Refused = Callable[[NnvizError], object]


class WhatControls:
    """What is raised: buttons, and beside them the fields that the choice needs."""

    def __init__(self, widget: Any, target: ipywidgets.Widget, refused: Refused) -> None:
        self._widget = widget
        language = widget.language
        self._of = ipywidgets.ToggleButtons(style={"button_width": "auto"}, layout=ipywidgets.Layout(width="auto"))
        self._of.observe(self._choose, "value")
        self._offer()
        layers = list(widget.engine.layers.distinct())
        self._fields = {
            "target": target,
            "layer": dropdown(language, "layer", layer_options(layers), tip="ascent_layer_tip", width="400px"),
            "channel": index_slider(language, "channel", self._last_channel(), width="300px"),
            "unit": text_field(language, "ascent_unit", "ascent_unit_middle", width="190px"),
            "direction": text_field(language, "ascent_direction", "ascent_direction_example", width="330px"),
        }
        self._fields["channel"].tooltip = say(language, "ascent_channel_tip")
        bind(widget, "layer", self._fields["layer"], refused)
        widget.observe(self._on_layer, "layer")
        bind(widget, "channel", self._fields["channel"], refused)
        bind_text(widget, "unit", self._fields["unit"], _unit_of, _spell_unit, refused)
        bind_text(widget, "direction", self._fields["direction"], parse, spell, refused)
        widget.observe(self._on_objective, "objective")
        widget.observe(self._on_of, "of")
        self._on_of()
        self.row = [ipywidgets.Label(say(language, "ascent_of")), self._of, *self._fields.values()]

    def _offer(self) -> None:
        """The buttons; an expression is among them once there is one."""
        language, names = self._widget.language, OF if self._widget.objective is not None else OF[:-1]
        self._of.unobserve(self._choose, "value")  # new options choose the first of them
        self._of.options = [(say(language, f"ascent_of_{name}_button"), name) for name in names]
        self._of.tooltips = [say(language, f"ascent_of_{name}_tip") for name in names]
        self._of.value = self._widget.of
        self._of.observe(self._choose, "value")

    def _choose(self, change: Any) -> None:
        self._widget.of = change["new"]

    def _on_objective(self, _change: Any) -> None:
        widget = self._widget
        with widget._together():
            if widget.objective is not None:
                self._offer()
                widget.of = "expression"
            elif widget.of == "expression":
                widget.of = "class"
        self._offer()

    def _last_channel(self) -> int:
        return int(self._widget.engine.layers[self._widget.layer].channels) - 1

    def _on_layer(self, _change: Any) -> None:
        widget, last = self._widget, self._last_channel()
        with widget._together():
            widget.unit = None
            widget.direction = {k: w for k, w in widget.direction.items() if k <= last} or {0: 1.0}
            widget.channel = min(widget.channel, last)
            self._fields["channel"].max = last

    def _on_of(self, _change: Any = None) -> None:
        """A field that has no say now is not there to be tried."""
        self._of.value = self._widget.of
        for name, field in self._fields.items():
            acts = self._widget._acts(name)
            field.disabled = not acts
            field.layout.display = None if acts else "none"


def how_controls(widget: Any, language: str, refused: Refused) -> dict[str, Any]:
    """What asks anew, by trait: start and preset in sight, the others for the folded row."""
    controls = {
        "preset": dropdown(language, "ascent_preset", [(_preset(language, name), name) for name in PRESETS]),
        "start_from": dropdown(language, "ascent_start_from", _named(language, "start", STARTS)),
        "rule": dropdown(language, "ascent_rule", _named(language, "rule", RULES)),
        "fourier": _tick(language, "fourier"),
        "decay_power": _power(language),
        "decorrelated": _tick(language, "decorrelated"),
        "size": dropdown(language, "ascent_size", []),
        "pictures": dropdown(language, "ascent_pictures", [(str(n), n) for n in PICTURES]),
        "steps": _number(language, "steps", 1, LONGEST),
        "seed": _number(language, "seed", 0, LAST_SEED),
    }

    def sizes(_change: Any = None) -> None:
        known = {*((side, side) for side in SIDES), widget.size, widget.engine.contract.size}
        controls["size"].options = [(f"{h} × {w}", (h, w)) for h, w in sorted(known)]

    def waves(_change: Any = None) -> None:
        power = controls["decay_power"]
        power.disabled = not widget.fourier
        power.tooltip = say(language, "ascent_decay_power_tip" if widget.fourier else "ascent_decay_power_not")

    sizes()
    waves()
    widget.observe(sizes, "size")
    widget.observe(waves, "fourier")
    for trait, control in controls.items():
        bind(widget, trait, control, refused)
    return controls


def text_field(language: str, key: str, placeholder: str, *, width: str) -> Any:
    """A line of text that counts when it is left."""
    return ipywidgets.Text(
        description=say(language, key),
        placeholder=say(language, placeholder),
        tooltip=say(language, f"{key}_tip"),
        continuous_update=False,
        style={"description_width": "initial"},
        layout=ipywidgets.Layout(width=width, max_width="100%"),
    )


def bind_text(
    widget: Any, trait: str, field: Any, read: Callable[[str], Any], spelled: Callable[[Any], str], refused: Refused
) -> None:
    """Keep a trait and a line of text equal; what cannot be read, or is refused, goes back to what it was."""

    def show(_change: Any = None) -> None:
        field.value = spelled(getattr(widget, trait))

    def choose(change: Any) -> None:
        if change["new"] == spelled(getattr(widget, trait)):
            return
        try:
            setattr(widget, trait, read(change["new"]))
        except NnvizError as error:
            refused(error)
        show()

    show()
    field.observe(choose, "value")
    widget.observe(show, trait)


def _spell_unit(unit: tuple[int, int] | None) -> str:
    return "" if unit is None else f"{unit[0]}, {unit[1]}"


def _unit_of(text: str) -> tuple[int, int] | None:
    if not text.strip():
        return None
    try:
        row, col = map(int, text.strip(" ()").split(","))
    except ValueError as error:
        raise NnvizError("unit_value", value=text) from error
    return row, col


def _preset(language: str, name: str) -> str:
    return say(language, "ascent_preset_none") if name == "None" else name


def _named(language: str, kind: str, names: Any) -> list[tuple[str, str]]:
    return [(say(language, f"ascent_{kind}_{name}"), name) for name in names]


def _tick(language: str, name: str) -> Any:
    return ipywidgets.Checkbox(
        description=say(language, f"ascent_{name}"),
        tooltip=say(language, f"ascent_{name}_tip"),
        indent=False,
        layout=ipywidgets.Layout(width="auto"),
    )


def _power(language: str) -> Any:
    return ipywidgets.BoundedFloatText(
        min=0.5,
        max=2.5,
        step=0.1,
        description=say(language, "ascent_decay_power"),
        tooltip=say(language, "ascent_decay_power_tip"),
        style={"description_width": "initial"},
        layout=ipywidgets.Layout(width="150px"),
    )


def _number(language: str, name: str, low: int, high: int) -> Any:
    return ipywidgets.BoundedIntText(
        min=low,
        max=high,
        description=say(language, f"ascent_{name}"),
        tooltip=say(language, f"ascent_{name}_tip"),
        style={"description_width": "initial"},
        layout=ipywidgets.Layout(width="150px"),
    )
