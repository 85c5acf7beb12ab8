"""Saliency: how a class, a channel or one neuron answers to each pixel, by three ways back through ReLUs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import ipywidgets
import numpy as np
import traitlets
from numpy.typing import NDArray
from torch import Tensor

from nnviz_widgets.engine.objectives import Objective, channel, logit, neuron
from nnviz_widgets.engine.relu_rules import RULES
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.live import Background, Partial
from nnviz_widgets.methods.saliency import saliency_steps
from nnviz_widgets.methods.saliency_picture import magnitude, signed
from nnviz_widgets.render.figure import Panel
from nnviz_widgets.render.numbers import format_number
from nnviz_widgets.render.scale import Scale, colourise, colours_of, scale_of
from nnviz_widgets.widgets.controls import bind, dropdown, index_slider
from nnviz_widgets.widgets.frame import Frame
from nnviz_widgets.widgets.map_layers import check_channel, check_layer, check_neuron, layer_options, layers_with_maps
from nnviz_widgets.widgets.pointer import Event
from nnviz_widgets.widgets.scene import Bitmap, Box, Scene, Sprite
from nnviz_widgets.widgets.target import TargetWidget
from nnviz_widgets.widgets.validated import validate

if TYPE_CHECKING:
    from nnviz_widgets.engine.engine import Engine
    from nnviz_widgets.engine.receptive_field import Rect

OF = ("class", "channel", "neuron")
VIEWS = ("magnitude", "signed", "times_input")
CLIP = 99.0  # percentile of the magnitudes at the end of the scale


@dataclass(frozen=True)
class Shown:
    """What was asked, and by rule the gradients (1, C, H, W) and their maps (H, W); or why a rule has none."""

    asked: str
    gradients: dict[str, Tensor]
    maps: dict[str, NDArray[np.float32]]
    refused: dict[str, NnvizError]
    field: Rect | None = None


class Saliency(TargetWidget):
    """Photo, and beside it the gradient of a class, a channel or one neuron at each pixel, by the three rules.

    State: `photo`, `of` ("class", "channel", "neuron"), `target` (class), `layer`, `channel`, `unit` ((row, column)),
    `rules` (which are shown), `view` ("magnitude", "signed", "times_input"), `smooth` (SmoothGrad's samples), `theme`.
    The result is a dictionary of the tensors of `methods.saliency`, by rule.

    Simonyan et al. 2014; Zeiler & Fergus 2014; Springenberg et al. 2015; Smilkov et al. 2017.
    """

    of = traitlets.Enum(OF, "class", help="whose gradient").tag(live=True)
    layer = traitlets.Unicode(help="layer of the channel or neuron").tag(live=True)
    channel = traitlets.Int(0, help="of the layer").tag(live=True)
    unit = traitlets.Any(None, help="(row, column) of the neuron; None for the strongest of the channel").tag(live=True)
    rules = traitlets.Tuple(RULES, help="which are shown").tag(live=True)
    view = traitlets.Enum(VIEWS, "magnitude", help="what is drawn of the gradient").tag(live=True)
    smooth = traitlets.Int(0, min=0, max=64, help="noisy copies of SmoothGrad, 0 for none").tag(live=True)

    def __init__(self, engine: Engine, picture: Any = None, *, language: str | None = None, **state: Any) -> None:
        super().__init__(engine, language=language, photo=picture, **state)

    def _start(self, state: dict[str, Any]) -> None:
        self._spatial = layers_with_maps(self.engine)
        self.layer = state.pop("layer", None) or self._spatial[len(self._spatial) // 2].name
        super()._start(state)

    @validate("layer")
    def _validate_layer(self, proposal: Any) -> str:
        return check_layer(self.engine, proposal["value"])

    @validate("channel")
    def _validate_channel(self, proposal: Any) -> int:
        return check_channel(self.engine, self.layer, proposal["value"])

    @validate("unit")
    def _validate_unit(self, proposal: Any) -> tuple[int, int] | None:
        return check_neuron(self.engine, self.layer, proposal["value"])

    @validate("rules")
    def _validate_rules(self, proposal: Any) -> tuple[str, ...]:
        for rule in proposal["value"]:
            if rule not in RULES:
                raise NnvizError("rule_unknown", rule=rule)
        return tuple(rule for rule in RULES if rule in proposal["value"])

    def _last_channel(self) -> int:
        return self.engine.layers[self.layer].channels - 1

    def _panes(self) -> dict[str, tuple[int, int]]:
        return dict.fromkeys(("photo", *RULES), self._photo_size())

    def _build(self) -> list[ipywidgets.Widget]:
        layers = layer_options(self._spatial)
        self._controls = {
            "of": dropdown(self.language, "of", [(self._say(f"of_{name}"), name) for name in OF]),
            "layer": dropdown(self.language, "layer", layers, width="420px"),
            "channel": index_slider(self.language, "channel", self._last_channel()),
            "view": dropdown(self.language, "view", [(self._say(f"view_{name}"), name) for name in VIEWS]),
            "smooth": index_slider(self.language, "smooth", 64),
        }
        self._controls["smooth"].continuous_update = False
        self._target = self._target_control()
        self.observe(self._on_of, "of")
        self.observe(self._on_layer, "layer")
        for trait, control in self._controls.items():
            bind(self, trait, control, self._failed)
        self._frames = {name: Frame(self._surface, name, bar=name != "photo") for name in self._surface.sizes}
        first = ipywidgets.HBox([*self._photo_controls(), self._controls["of"], self._target])
        second = ipywidgets.HBox([self._controls["layer"], self._controls["channel"]])
        third = ipywidgets.HBox([self._controls["view"], self._controls["smooth"]])
        pictures = ipywidgets.HBox([frame.box for frame in self._frames.values()])
        for row in (first, second, third):
            row.add_class("nnviz-row")
        pictures.add_class("nnviz-panes")
        self._on_of()
        return [first, second, third, pictures]

    def _on_of(self, _change: Any = None) -> None:
        """A control that cannot act now is not there to be tried."""
        self._target.disabled = self.of != "class"
        for name in ("layer", "channel"):
            self._controls[name].disabled = self.of == "class"

    def _on_layer(self, _change: Any) -> None:
        with self._together():
            self.unit = None
            last = self._last_channel()
            self.channel = min(self.channel, last)
            self._controls["channel"].max = last

    def _objective(self, state: SimpleNamespace) -> tuple[Objective, str, tuple[int, int] | None]:
        """What is asked, in code and in words, and the neuron if it is one. Worker's thread."""
        if state.of == "class":
            asked = self._asked(state)
            return (
                logit(asked),
                self._with_probability(asked, float(self.engine.probabilities(state.x)[0, asked])),
                None,
            )
        if state.of == "channel":
            words = self._say("asked_channel", layer=state.layer, channel=state.channel)
            return channel(state.layer, state.channel), words, None
        maps = self.engine.activations(state.x, state.layer)[0, state.channel]
        row, col = state.unit or divmod(int(maps.argmax()), maps.shape[1])
        value = format_number(float(maps[row, col]))
        words = self._say("asked_neuron", layer=state.layer, channel=state.channel, row=row, col=col, value=value)
        return neuron(state.layer, state.channel, row, col), words, (row, col)

    def _steps(self, state: SimpleNamespace) -> Iterator[Any]:
        objective, asked, unit = self._objective(state)
        field = None if unit is None else self.engine.receptive_field(state.layer, *unit)
        shown = Shown(asked, {}, {}, {}, field)
        for i, rule in enumerate(state.rules):
            steps = saliency_steps(
                self.engine,
                state.x,
                objective,
                rule=rule,
                smooth=state.smooth,
                times_input=state.view == "times_input",
            )
            try:
                for step in steps:
                    drawn = (magnitude if state.view == "magnitude" else signed)(step.gradient)
                    maps = shown.maps | {rule: drawn[0].float().cpu().numpy()}
                    shown = replace(shown, gradients=shown.gradients | {rule: step.gradient}, maps=maps)
                    yield Partial(shown, (i + step.done) / len(state.rules))
            except NnvizError as error:
                if error.code != "rule_no_relu":
                    raise
                shown = replace(shown, refused=shown.refused | {rule: error})
                yield Partial(shown, (i + 1) / len(state.rules))
        yield Background()

    def _scale(self, values: NDArray[np.float32], state: SimpleNamespace, shown: Shown) -> Scale:
        """Colours for what can differ from 0: all pixels, or those of the neuron's receptive field."""
        field = shown.field
        if field is not None:
            values = values[field.top : field.top + field.height, field.left : field.left + field.width]
        return scale_of(values, signed=state.view != "magnitude", clip_percentile=CLIP)

    def _draw(self, state: SimpleNamespace, shown: Shown) -> None:
        width, height = self._photo_size()
        whole: Box = (0, 0, width, height)
        photo, smooth = self._bitmap(state.x)
        outlines: tuple[Box, ...] = ()
        if shown.field is not None:
            zoom = width / self.engine.contract.size[1]
            field = shown.field
            outlines = ((field.left * zoom, field.top * zoom, field.width * zoom, field.height * zoom),)
        scenes = {"photo": Scene(Sprite(photo, whole, smooth), (), outlines)}
        self._frames["photo"].say(self._say("input_title"), self._say("asked", asked=shown.asked))
        labels = {"photo": self._say("photo_label", top=shown.asked)}
        for rule in RULES:
            frame = self._frames[rule]
            frame.box.layout.display = None if rule in state.rules else "none"
            if rule in shown.maps:
                values = shown.maps[rule]
                scale = self._scale(values, state, shown)
                scenes[rule] = Scene(
                    None, (Sprite(Bitmap(colourise(values, scale, dark=state.dark)), whole),), outlines
                )
                frame.say(self._say(f"rule_{rule}"), self._caption(values))
                frame.show_bar(scale, self._say(f"unit_{state.view}"), colours_of(scale, dark=state.dark))
                labels[rule] = f"{self._say(f'rule_{rule}')}. {self._caption(values)}"
            elif rule in shown.refused:
                scenes[rule] = Scene()
                frame.say(self._say(f"rule_{rule}"), self._say("rule_refused"))
        self._surface.show(scenes)
        self._pointer.labels = labels

    def _caption(self, values: NDArray[np.float32]) -> str:
        low, high = format_number(float(values.min())), format_number(float(values.max()))
        return self._say("saliency_caption", low=low, high=high, clip=f"{CLIP:g}")

    def _on_event(self, event: Event) -> None:
        if self._shown is None:
            return
        _, shown = self._shown
        if event.kind == "leave":
            for rule, values in shown.maps.items():
                self._frames[rule].say_below(self._caption(values))
        elif event.kind == "click" and self.of == "neuron":
            _, rows, cols = self.engine.layers[self.layer].shape
            self.unit = min(int(event.y * rows), rows - 1), min(int(event.x * cols), cols - 1)
        elif event.kind == "move" and event.pane in shown.maps:
            values = shown.maps[event.pane]
            row, col = (min(max(int(f * n), 0), n - 1) for f, n in zip((event.y, event.x), values.shape, strict=True))
            value = format_number(float(values[row, col]))
            self._frames[event.pane].say_below(self._say("map_unit", row=row, col=col, value=value))

    def _result(self, shown: Shown) -> dict[str, Tensor]:
        return shown.gradients

    def _spoken(self) -> dict[str, Any]:
        return {"of": self.of, "target": self.target, "view": self.view}

    def _panels(self, state: SimpleNamespace, shown: Shown) -> tuple[list[list[Panel]], str]:
        panels = [Panel(self._surface.picture("photo"), self._say("input_title"), smooth=True)]
        for rule, values in shown.maps.items():
            scale = self._scale(values, state, shown)
            title = self._say(f"rule_{rule}")
            panels.append(Panel(self._surface.picture(rule), title, scale, self._say(f"unit_{state.view}")))
        return [panels], self._say("asked", asked=shown.asked)
