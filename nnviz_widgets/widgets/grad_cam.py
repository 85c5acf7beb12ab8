"""Grad-CAM: where in the picture a layer finds what speaks for a class."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import ipywidgets
import torch
import traitlets
from torch import Tensor

from nnviz_widgets.engine.objectives import logit
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.live import Partial
from nnviz_widgets.methods.default_layer import default_layer
from nnviz_widgets.methods.grad_cam import VARIANTS, grad_cam
from nnviz_widgets.render.figure import Panel
from nnviz_widgets.widgets.code import Expr, Script, call
from nnviz_widgets.widgets.controls import bind, dropdown, fraction_slider
from nnviz_widgets.widgets.grad_cam_maps import (
    CLASSES,
    Shown,
    Strip,
    class_maps,
    guided_map,
    objective_of,
    strip_by_passes,
)
from nnviz_widgets.widgets.grad_cam_panes import MAPS, GradCamPanes
from nnviz_widgets.widgets.grad_cam_pointing import GradCamPointing
from nnviz_widgets.widgets.grad_cam_strip import StripLayout
from nnviz_widgets.widgets.map_layers import check_layer, layer_options, layers_with_maps
from nnviz_widgets.widgets.own_method import OwnMethodWidget
from nnviz_widgets.widgets.target import TargetWidget
from nnviz_widgets.widgets.validated import validate

if TYPE_CHECKING:
    from nnviz_widgets.engine.engine import Engine

CALM = 0.5  # seconds that the most probable classes of a moving picture stand still, to be read


class GradCam(GradCamPointing, OwnMethodWidget, TargetWidget):
    """Photo, and over it the map of a layer for one class or two; below, those of the most probable classes.

    Point at a map to read its values, with arrow keys too; click one of the classes below to ask about it.

    State: `photo`, `target` (class), `second` (a class to stand beside it, on the same scale), `against` (a class whose
    logit is taken away), `layer`, `variant` (see `methods.grad_cam`), `overlay` (0..1), `guided` (bool), `method`
    (your own f(module, x, target), shown beside the map), `theme`.
    The result is that of `methods.grad_cam`, (1, 1, h, w); with `second`, both classes' (2, 1, h, w).

    Selvaraju et al. 2017, Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization.
    """

    second = traitlets.Any(None, help="class beside the first, or None").tag(live=True)
    against = traitlets.Any(None, help="class whose logit is taken away, or None").tag(live=True)
    layer = traitlets.Unicode(help="name of the layer").tag(live=True)
    variant = traitlets.Enum(VARIANTS, "grad_cam", help="of the method").tag(live=True)
    overlay = traitlets.Float(0.6, min=0.0, max=1.0, help="opacity of the map over the photo").tag(live=True)
    guided = traitlets.Bool(False, help="guided Grad-CAM beside the map").tag(live=True)

    def __init__(self, engine: Engine, picture: Any = None, *, language: str | None = None, **state: Any) -> None:
        super().__init__(engine, language=language, photo=picture, **state)

    def _start(self, state: dict[str, Any]) -> None:
        self._spatial = layers_with_maps(self.engine)
        self._strip: Strip | None = None
        self._strip_made = 0.0
        self._cell = None
        layer = state.pop("layer", None)
        super()._start(state)
        self.layer = layer or self._last_layer()

    @validate("layer")
    def _validate_layer(self, proposal: Any) -> str:
        return check_layer(self.engine, proposal["value"])

    @validate("second")
    def _validate_second(self, proposal: Any) -> int:
        return self._class_index(proposal["value"])  # None comes past without a check

    @validate("against")
    def _validate_against(self, proposal: Any) -> int:
        return self._class_index(proposal["value"])

    def _last_layer(self) -> str:
        """The last layer with places on which the most probable class depends."""
        x = self._x_of(self.photo)
        try:
            return default_layer(self.engine, x, logit(self.engine.top(x, 1)[0][0]))
        except NnvizError:  # the first job meets it again, and there is a line for it
            return self._spatial[-1].name

    def _panes(self) -> dict[str, tuple[int, int]]:
        size = self._photo_size()
        self._layout = StripLayout.of(min(CLASSES, len(self.engine.labels)), self.engine.contract.size)
        return {**dict.fromkeys(("photo", *MAPS, "guided", "own"), size), "strip": self._layout.size}

    def _build(self) -> list[ipywidgets.Widget]:
        controls = {
            "layer": dropdown(self.language, "layer", layer_options(self._spatial), width="420px"),
            "variant": dropdown(self.language, "variant", [(self._say(f"variant_{v}"), v) for v in VARIANTS]),
            "overlay": fraction_slider(self.language, "overlay"),
            "guided": ipywidgets.Checkbox(
                description=self._say("guided"),
                tooltip=self._say("guided_tip"),
                indent=False,
                layout=ipywidgets.Layout(width="auto"),
            ),
        }
        for trait, control in controls.items():
            bind(self, trait, control, self._failed)
        self._drawing = GradCamPanes(self._surface, self._layout, self.language, self._say, self._class_names)
        self._frames = frames = self._drawing.frames
        classes = [
            self._target_control(),
            self._class_field("second", "second_none"),
            self._class_field("against", "against_none"),
        ]
        for control, width in zip(classes, (190, 240, 210), strict=True):  # three in the row of a notebook's column
            control.layout.width = f"{width}px"
        rows = [
            [*self._photo_controls(), controls["layer"]],
            classes,
            [controls["variant"], controls["overlay"], controls["guided"]],
        ]
        boxes = [ipywidgets.HBox(row) for row in rows]
        both = ipywidgets.HBox([frames[pane].box for pane in MAPS])  # side by side also where the page is narrow
        pictures = ipywidgets.HBox([frames["photo"].box, both, frames["guided"].box, frames["own"].box])
        for box in boxes:
            box.add_class("nnviz-row")
        for box in (both, pictures):
            box.add_class("nnviz-panes")
        both.layout.margin = "0"
        return [*boxes, pictures, frames["strip"].box]

    def _steps(self, state: SimpleNamespace) -> Iterator[Any]:
        moving = self._camera is not None and self._camera.live
        calm = moving and time.monotonic() - self._strip_made < CALM
        shown = class_maps(self.engine, state, self._strip, calm=calm)
        if shown.strip is None:
            yield Partial(shown, 0.3)
            shown = replace(shown, strip=strip_by_passes(self.engine, state, shown))
        if shown.strip is not self._strip:
            self._strip, self._strip_made = shown.strip, time.monotonic()
        if state.guided:
            yield Partial(shown, 0.5)
            guided = guided_map(self.engine, state, shown.maps[0])
            shown = replace(shown, guided=guided, unguided=guided is None)
        if state.method is not None:
            asked = shown.maps[0].index
            reference = shown.maps[0].cam
            if state.against is not None:
                reference = grad_cam(self.engine, state.x, logit(asked), state.layer, variant=state.variant)
            yield Partial(shown, 0.7)
            for own in self._own_steps(state, asked, reference):
                shown = replace(shown, own=own)
                yield Partial(shown, 1.0 if own.compared else 0.7)
        else:
            yield Partial(shown, 1.0)

    def _rested(self) -> None:
        self._came()  # the strip may be that of an earlier frame

    def _draw(self, state: SimpleNamespace, shown: Shown) -> None:
        photo, smooth = self._bitmap(state.x)
        rows, cols = shown.maps[0].values.shape
        if self._cell is not None and (self._cell[0] >= rows or self._cell[1] >= cols):
            self._cell = None
        self._pointer.labels = self._drawing.draw(state, shown, photo, smooth=smooth, cell=self._cell)

    def _code(self, script: Script, state: SimpleNamespace) -> None:
        script.engine(self.engine)
        script.input(state.photo)
        asked = self._asked(state)
        classes = [index for index in (asked, state.second) if index is not None]
        for index in classes:
            script.note("code_class", name=self.engine.labels[index])
        objectives = [objective_of(self.engine, state, index) for index in classes]
        maps = [
            call("methods.grad_cam", Expr("engine"), Expr("x"), objective, state.layer, variant=state.variant)
            for objective in objectives
        ]
        if len(maps) == 1:
            script.let("result", maps[0])
        else:
            script.let("first", maps[0])
            script.let("second", maps[1])
            script.let("result", Expr("torch.cat([first, second])"))
            script.need("", "torch")
        if state.guided:
            back = call("methods.saliency", Expr("engine"), Expr("x"), objectives[0], rule="guided")
            script.let("guided", back)

    def _result(self, shown: Shown) -> Tensor:
        return torch.cat([each.cam for each in shown.maps])

    def _spoken(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("target", "second", "layer", "variant")}

    def _panels(self, state: SimpleNamespace, shown: Shown) -> tuple[list[list[Panel]], str]:
        captions = dict.fromkeys(self._drawing.caption(state, each) for each in shown.maps)
        return self._drawing.panels(state, shown), " · ".join(captions)
