"""The controls of a dream: what is dreamt of, how, and the rare ones folded away."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import ipywidgets

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.images.samples import SAMPLES
from nnviz_widgets.lang import say
from nnviz_widgets.widgets.controls import bind, dropdown
from nnviz_widgets.widgets.deepdream_state import LARGEST, OF

Refused = Callable[[NnvizError], object]
NONE, OWN = "none", "own"  # a dropdown takes None for no choice at all


def of_buttons(language: str) -> Any:
    """What is dreamt of."""
    return ipywidgets.ToggleButtons(
        options=[(say(language, f"dream_of_{name}"), name) for name in OF],
        tooltips=[say(language, f"dream_of_{name}_tip") for name in OF],
        style={"button_width": "auto"},
        layout=ipywidgets.Layout(width="auto"),
    )


def how_sliders(widget: Any, language: str, refused: Refused) -> list[Any]:
    """Octaves, scale, steps, step size, jitter."""
    whole, real = ipywidgets.IntSlider, ipywidgets.FloatSlider
    sliders = {
        "octaves": _slider(language, "octaves", whole, 1, 8, 1),
        "octave_scale": _slider(language, "octave_scale", real, 1.1, 2.0, 0.05),
        "steps": _slider(language, "steps", whole, 1, 60, 1),
        "step_size": _slider(language, "step_size", real, 0.0, 10.0, 0.1),
        "jitter": _slider(language, "jitter", whole, 0, 64, 1),
    }
    for name in ("octaves", "octave_scale", "steps"):  # they begin anew: asked for when the handle is let go
        sliders[name].continuous_update = False
    sliders["step_size"].readout_format = ".1f"
    for name, slider in sliders.items():
        _bind_wide(widget, name, slider, refused)
    return list(sliders.values())


def rare(widget: Any, language: str, refused: Refused) -> list[Any]:
    """Guide, sizes and seed."""
    numbers = {
        "side": _number(language, "side", 16, LARGEST),
        "tile": _number(language, "tile", 16, LARGEST),
        "seed": _number(language, "seed", 0, 2**31 - 1),
    }
    for name, control in numbers.items():
        bind(widget, name, control, refused)
    return [*guide_controls(widget, language, refused), *numbers.values()]


def channels_field(widget: Any, language: str, refused: Refused) -> Any:
    """The numbers of channels, as text."""
    field = ipywidgets.Text(
        description=say(language, "dream_channels"),
        tooltip=say(language, "dream_channels_tip"),
        continuous_update=False,
        style={"description_width": "initial"},
        layout=ipywidgets.Layout(width="200px", max_width="100%"),
    )

    def show(_change: Any = None) -> None:
        field.value = ", ".join(map(str, widget.channels))

    def choose(change: Any) -> None:
        try:
            words = re.split(r"[\s,;]+", change["new"].strip())
            widget.channels = tuple(int(word) if re.fullmatch(r"\d+", word) else word for word in words)
        except NnvizError as error:
            refused(error)
        show()

    show()
    field.observe(choose, "value")
    widget.observe(show, "channels")
    return field


def guide_controls(widget: Any, language: str, refused: Refused) -> list[Any]:
    """A list of samples, and a button for a file."""
    samples = [(say(language, "dream_guide_none"), NONE)]
    samples += [(say(language, f"sample_{name}"), name) for name in SAMPLES]
    own = (say(language, "photo_own"), OWN)
    choice = dropdown(language, "dream_guide", samples)
    upload = ipywidgets.FileUpload(
        accept="image/*",
        multiple=False,
        description=say(language, "dream_guide_upload"),
        tooltip=say(language, "upload_tip"),
        layout=ipywidgets.Layout(width="auto"),
    )

    def show(_change: Any = None) -> None:
        known = widget.guide is None or (isinstance(widget.guide, str) and widget.guide in SAMPLES)
        choice.unobserve(choose, "value")  # a dropdown falls back to its first option when they change
        choice.options = samples if known else [*samples, own]
        choice.value = (widget.guide or NONE) if known else OWN
        choice.observe(choose, "value")

    def choose(change: Any) -> None:
        if change["new"] != OWN:
            widget.guide = None if change["new"] == NONE else change["new"]

    def take(change: Any) -> None:
        if change["new"]:
            try:
                widget.guide = bytes(change["new"][0]["content"])
            except NnvizError as error:
                refused(error)
            upload.value = ()  # so that the same file can be uploaded again

    def act(_change: Any = None) -> None:
        idle = widget.of == "class"
        choice.disabled = upload.disabled = idle
        choice.tooltip = say(language, "dream_guide_not" if idle else "dream_guide_tip")

    choice.observe(choose, "value")
    show()
    act()
    widget.observe(show, "guide")
    widget.observe(act, "of")
    upload.observe(take, "value")
    return [choice, upload]


def _slider(language: str, name: str, kind: Any, low: float, high: float, step: float) -> Any:
    return kind(
        min=low,
        max=high,
        step=step,
        description=say(language, f"dream_{name}"),
        tooltip=say(language, f"dream_{name}_tip"),
        style={"description_width": "initial"},
        layout=ipywidgets.Layout(width="auto", max_width="100%"),
    )


def _number(language: str, name: str, low: int, high: int) -> Any:
    return ipywidgets.BoundedIntText(
        min=low,
        max=high,
        description=say(language, f"dream_{name}"),
        tooltip=say(language, f"dream_{name}_tip"),
        style={"description_width": "initial"},
        layout=ipywidgets.Layout(width="170px", max_width="100%"),
    )


def _bind_wide(widget: Any, trait: str, slider: Any, refused: Refused) -> None:
    """As `bind`; a value from code beyond the slider's ends moves them, for a slider would clamp it silently."""

    def widen(_change: Any = None) -> None:
        value = getattr(widget, trait)
        slider.min, slider.max = min(slider.min, value), max(slider.max, value)

    widen()
    widget.observe(widen, trait)  # before the binding sets the value
    bind(widget, trait, slider, refused)
