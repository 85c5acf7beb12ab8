"""The sliders that steer an ascent: those of its preset in sight, the others folded away, what cannot act disabled."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import ipywidgets

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.lang import say
from nnviz_widgets.methods.presets import preset
from nnviz_widgets.widgets.ascent_priors import idle_knobs, knobs_of
from nnviz_widgets.widgets.number import say_number


@dataclass(frozen=True)
class Reach:
    """Of a slider: from `low` to `high` by `step`; without a step 0, and from `low` on a few for each power of ten."""

    high: float
    step: float | None = None
    low: float = 0.0


REACHES = {
    "step_size": Reach(100_000, low=1e-4),
    "progress": Reach(10, 0.1),
    "l2": Reach(1, low=1e-6),
    "total_variation": Reach(1, low=1e-5),
    "decay": Reach(0.5, low=1e-5),
    "sigma": Reach(3, 0.05),
    "every": Reach(16, 1, low=1),
    "small_value": Reach(95, 1),
    "small_norm": Reach(95, 1),
    "small_contribution": Reach(95, 1),
    "jitter": Reach(32, 1),
    "scale": Reach(0.5, 0.01),
    "rotate": Reach(45, 1),
    "redirected": Reach(64, 1),
    "diversity": Reach(1000, low=0.01),
}
SERIES = (1, 1.5, 2, 3, 5, 7)


class KnobSliders:
    """One slider a knob, kept equal to the widget's trait.

    Attributes:
        main: the row of those that the preset speaks of, or that are at work when it is chosen.
        rest: the row of all others.
    """

    def __init__(self, widget: Any, language: str, refused: Callable[[NnvizError], object]) -> None:
        self._widget, self._language = widget, language
        self._sliders = {name: _slider(language, name) for name in REACHES}
        for name, slider in self._sliders.items():
            _bind(widget, name, slider, refused)
        self.main, self.rest = ipywidgets.HBox(), ipywidgets.HBox()
        for row in (self.main, self.rest):
            row.add_class("nnviz-knobs")
        widget.observe(self._arrange, ["preset", "rule"])
        widget.observe(self._act, ["rule", "fourier", "decorrelated", "pictures", "sigma"])
        self._arrange()
        self._act()

    def _arrange(self, _change: Any = None) -> None:
        idle = idle_knobs(self._widget)
        at_work = {name for name in REACHES if getattr(self._widget, name) and name not in idle}
        chosen = {*knobs_of(preset(self._widget.preset).priors), *at_work}
        rows = [
            [slider for name, slider in self._sliders.items() if (name in chosen) is main] for main in (True, False)
        ]
        self.main.children, self.rest.children = rows

    def _act(self, _change: Any = None) -> None:
        idle = idle_knobs(self._widget)
        for name, slider in self._sliders.items():
            slider.disabled = name in idle
            slider.tooltip = say(self._language, idle.get(name, f"ascent_{name}_tip"))


def _slider(language: str, name: str) -> Any:
    reach = REACHES[name]
    common = {
        "description": say(language, f"ascent_{name}"),
        "tooltip": say(language, f"ascent_{name}_tip"),
        "style": {"description_width": "104px"},
        "layout": ipywidgets.Layout(width="auto"),
    }
    if reach.step is None:
        return ipywidgets.SelectionSlider(
            options=[(_spell(language, value), value) for value in _series(reach)], **common
        )
    if reach.step == 1:
        return ipywidgets.IntSlider(min=int(reach.low), max=int(reach.high), **common)
    return ipywidgets.FloatSlider(min=reach.low, max=reach.high, step=reach.step, readout_format=".2f", **common)


def _series(reach: Reach) -> list[float]:
    """0 and 1, 1.5, 2, 3, 5, 7 of every power of ten within reach."""
    values = [0.0]
    power = -9
    while True:
        for digit in SERIES:
            value = float(f"{digit}e{power}")
            if value > reach.high:
                return values
            if value >= reach.low:
                values.append(value)
        power += 1


def _spell(language: str, value: float) -> str:
    return say_number(language, int(value) if value == int(value) else value, digits=2)


def _bind(widget: Any, name: str, slider: Any, refused: Callable[[NnvizError], object]) -> None:
    """As `controls.bind`, for a slider that makes room for any value that comes from code."""

    def from_slider(change: Any) -> None:
        try:
            setattr(widget, name, change["new"])
        except NnvizError as error:
            show()
            refused(error)

    def show(_change: Any = None) -> None:
        value = getattr(widget, name)
        slider.unobserve(from_slider, "value")
        if isinstance(slider, ipywidgets.SelectionSlider):
            known = [each for _, each in slider.options]
            place = bisect_left(known, value)
            if known[place : place + 1] != [value]:
                slider.options = [
                    *slider.options[:place],
                    (_spell(widget.language, value), value),
                    *slider.options[place:],
                ]
        else:
            slider.max = max(slider.max, value)
        slider.value = value
        slider.observe(from_slider, "value")

    slider.observe(from_slider, "value")
    show()
    widget.observe(show, name)
