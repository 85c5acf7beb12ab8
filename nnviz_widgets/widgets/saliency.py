"""Saliency: how a class, a channel or one neuron answers to each pixel, by three ways back through ReLUs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import ipywidgets
from torch import Tensor

from nnviz_widgets.engine.relu_rules import RULES
from nnviz_widgets.live import Background, Partial
from nnviz_widgets.render.figure import Panel
from nnviz_widgets.widgets.code import Script
from nnviz_widgets.widgets.controls import bind, dropdown, fraction_slider, index_slider
from nnviz_widgets.widgets.map_layers import layer_options
from nnviz_widgets.widgets.pointer import Event
from nnviz_widgets.widgets.saliency_code import saliency_code
from nnviz_widgets.widgets.saliency_controls import of_buttons, rare, redrawn_slider, rule_buttons
from nnviz_widgets.widgets.saliency_maps import Shown, rule_maps
from nnviz_widgets.widgets.saliency_panes import SaliencyPanes, cell_at, comparable
from nnviz_widgets.widgets.saliency_question import Question, question_of
from nnviz_widgets.widgets.saliency_state import OF, VIEWS, SaliencyState
from nnviz_widgets.widgets.saliency_words import SaliencyWords

if TYPE_CHECKING:
    from nnviz_widgets.engine.engine import Engine

SIDE = 224  # CSS pixels: three rules beside each other, and whole multiples of 7, 14, 28, 32, 56 and 112


class Saliency(SaliencyState):
    """Photo, and beside it the gradient of a class, a channel or one neuron at each pixel, by the three rules.

    Click the photo or the activation map to choose a neuron; arrow keys move it, Escape goes back to the channel.

    State: `photo`, `of` ("class", "channel", "neuron"), `target` (class), `against` (a class whose logit is taken
    away), `layer`, `channel`, `unit` ((row, column); None for the strongest), `rules` (which are shown), `view`
    ("magnitude", "signed", "times_input"), `overlay` (1 the map alone .. 0 the photo), `clip` (percentile at the end of
    the colours), `smooth` and `noise` (SmoothGrad), `integrated` and `baseline` (Integrated Gradients), `randomised`
    (how many of the last layers have weights drawn anew), `method` (your own f(module, x, target), for one class; it is
    held against the first of `rules`), `theme`.
    The result is a dictionary of the tensors of `methods.saliency`, by rule; with `randomised`, of that network.

    Simonyan et al. 2014; Zeiler & Fergus 2014; Springenberg et al. 2015; Smilkov et al. 2017; Sundararajan et al. 2017;
    Adebayo et al. 2018.
    """

    _side = SIDE

    def __init__(self, engine: Engine, picture: Any = None, *, language: str | None = None, **state: Any) -> None:
        super().__init__(engine, language=language, photo=picture, **state)

    def _photo_size(self) -> tuple[int, int]:
        height, width = self.engine.contract.size
        longest = max(height, width)
        return round(self._side * width / longest), round(self._side * height / longest)

    def _panes(self) -> dict[str, tuple[int, int]]:
        return dict.fromkeys(("photo", "map", *RULES, "own"), self._photo_size())

    def _build(self) -> list[ipywidgets.Widget]:
        layers = layer_options(list(self.engine.layers.distinct()))
        self._controls = {
            "of": of_buttons(self.language, OF),
            "layer": dropdown(self.language, "layer", layers, width="400px"),
            "channel": index_slider(self.language, "channel", self._last_channel(), width="300px"),
            "view": dropdown(self.language, "view", [(self._say(f"view_{name}"), name) for name in VIEWS]),
            "overlay": fraction_slider(self.language, "overlay"),
            "randomised": redrawn_slider(self.language, self._redrawn.layers),
        }
        self._classes = [self._target_control(), self._class_field("against", "against_none")]
        self.observe(self._on_of, "of")
        self.observe(self._on_averaging, ["smooth", "integrated"])
        bind(self, "of", self._controls["of"], self._failed)
        bind(self, "layer", self._controls["layer"], self._failed)
        self.observe(self._on_layer, "layer")
        for trait in ("channel", "view", "overlay", "randomised"):
            bind(self, trait, self._controls[trait], self._failed)
        folded = rare(self, self.language, self._failed)
        self._said = SaliencyWords(self.language, self._class_names)
        self._drawing = SaliencyPanes(self._surface, self._said, self.engine.contract.size, self._say_own)
        self._frames = self._drawing.frames
        rows = [
            [*self._photo_controls(), ipywidgets.Label(self._say("of")), self._controls["of"]],
            [*self._classes, self._controls["layer"], self._controls["channel"]],
            [*rule_buttons(self, self.language, self._failed), self._controls["view"]],
            [self._controls["overlay"], self._controls["randomised"]],
        ]
        boxes = [ipywidgets.HBox(row) for row in rows]
        for box in boxes:
            box.add_class("nnviz-row")
        self._sides = [
            ipywidgets.HBox([self._frames[name].box for name in names]) for names in (("photo", "map"), (*RULES, "own"))
        ]
        self._sides[1].add_class("nnviz-right")
        pictures = ipywidgets.HBox(self._sides)
        pictures.add_class("nnviz-panes")
        self._on_of()
        return [*boxes, folded, pictures]

    def _last_channel(self) -> int:
        return self.engine.layers[self.layer].channels - 1

    def _on_of(self, _change: Any = None) -> None:
        """Classes, or a layer and its channel; a control that cannot act now is not there to be tried."""
        classes = self.of == "class"
        for control, acts in (
            *((control, classes) for control in self._classes),
            *((self._controls[name], not classes) for name in ("layer", "channel")),
        ):
            control.disabled = not acts
            control.layout.display = None if acts else "none"
        for side in self._sides:  # a neuron's map stands under the photo, and the rules beside both
            side.remove_class("nnviz-sides" if not classes else "nnviz-grouped")
            side.add_class("nnviz-sides" if classes else "nnviz-grouped")

    def _on_layer(self, _change: Any) -> None:
        with self._together():
            self.unit = None
            last = self._last_channel()
            self.channel = min(self.channel, last)
            self._controls["channel"].max = last

    def _on_averaging(self, change: Any) -> None:
        """Either SmoothGrad or Integrated Gradients."""
        if change["new"]:
            with self._together():
                setattr(self, "integrated" if change["name"] == "smooth" else "smooth", 0)

    def _steps(self, state: SimpleNamespace) -> Iterator[Any]:
        shown = Shown(question_of(self.engine, state))
        if not state.randomised:
            self._redrawn.forget()
        unit = shown.question.unit
        late = unit is not None and not self._field_known  # the first field of a network takes a moment
        if unit is not None and not late:
            shown = replace(shown, seen=self.engine.receptive_field(state.layer, *unit))
        redrawn = (lambda: self._redrawn.network(state.randomised)) if state.randomised else None
        own = state.method is not None and comparable(state)
        share = len(state.rules) / (len(state.rules) + own + late)
        for step in rule_maps(self.engine, state, shown, redrawn, share):
            shown = step.value
            yield step
        if unit is not None and late:
            shown = replace(shown, seen=self.engine.receptive_field(state.layer, *unit))
            self._field_known = True
            yield Partial(shown, 1.0)
        if own:
            reference = next(iter(shown.maps.values())).gradient
            for found in self._own_steps(state, shown.question.classes[0][0], reference):
                yield Partial(replace(shown, own=found), 1.0 if found.compared else share)
        yield Background()

    def _draw(self, state: SimpleNamespace, shown: Shown) -> None:
        photo, smooth = self._bitmap(state.x)
        self._pointer.labels = self._drawing.draw(state, shown, photo, smooth=smooth)

    def _on_event(self, event: Event) -> None:
        if self._shown is None:
            return
        state, shown = self._shown
        if event.kind == "leave":
            self._drawing.rest(state, shown)
        elif event.kind == "move":
            self._drawing.point_at(event.pane, state, shown, event.x, event.y)
        elif event.pane in ("photo", "map") and self.of != "class" and self.engine.layers[self.layer].spatial:
            self._choose(event, shown.question)

    def _choose(self, event: Event, question: Question) -> None:
        """A click or a key on the photo or the activation map: the neuron there, or the one beside."""
        _, rows, cols = self.engine.layers[self.layer].shape
        if event.kind == "click":
            unit = cell_at(event.x, event.y, rows, cols)
        elif event.kind == "key" and event.key.startswith("Arrow"):
            row, col = self.unit or question.unit or (rows // 2, cols // 2)
            row += {"ArrowUp": -1, "ArrowDown": 1}.get(event.key, 0)
            col += {"ArrowLeft": -1, "ArrowRight": 1}.get(event.key, 0)
            unit = min(max(row, 0), rows - 1), min(max(col, 0), cols - 1)
        elif event.kind == "key" and event.key == "Escape":
            self.of = "channel"
            return
        else:
            return
        if self.of == "neuron":
            self.unit = unit
            return
        with self._together():
            self.unit = unit
        self.of = "neuron"

    def _code(self, script: Script, state: SimpleNamespace) -> None:
        script.engine(self.engine)
        script.input(state.photo)
        saliency_code(script, self.engine, state)

    def _result(self, shown: Shown) -> dict[str, Tensor]:
        return {rule: found.gradient for rule, found in shown.maps.items()}

    def _spoken(self) -> dict[str, Any]:
        if self.of == "class":
            return {"of": self.of, "target": self.target, "against": self.against, "view": self.view}
        return {"of": self.of, "layer": self.layer, "channel": self.channel, "unit": self.unit, "view": self.view}

    def _panels(self, state: SimpleNamespace, shown: Shown) -> tuple[list[list[Panel]], str]:
        words = self._say("asked", asked=self._said.asked(state, shown.question))
        return [self._drawing.panels(state, shown)], words
