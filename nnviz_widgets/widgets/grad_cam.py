"""Grad-CAM: where in the picture a layer finds what speaks for a class."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import ipywidgets
import numpy as np
import traitlets
from numpy.typing import NDArray
from torch import Tensor

from nnviz_widgets.engine.objectives import logit
from nnviz_widgets.live import Background, Partial
from nnviz_widgets.methods.grad_cam import VARIANTS, grad_cam
from nnviz_widgets.methods.saliency import saliency
from nnviz_widgets.render.figure import Panel
from nnviz_widgets.render.numbers import format_number
from nnviz_widgets.render.resize import resize_smooth
from nnviz_widgets.render.scale import Scale, apply, colourise, colours_of, scale_of
from nnviz_widgets.widgets.controls import bind, dropdown, fraction_slider
from nnviz_widgets.widgets.frame import Frame
from nnviz_widgets.widgets.map_layers import check_layer, layer_options, layers_with_maps
from nnviz_widgets.widgets.pointer import Event
from nnviz_widgets.widgets.scene import Bitmap, Box, Scene, Sprite
from nnviz_widgets.widgets.target import TargetWidget
from nnviz_widgets.widgets.validated import validate

if TYPE_CHECKING:
    from nnviz_widgets.engine.engine import Engine


@dataclass(frozen=True)
class Shown:
    """The map (1, 1, h, w), its class and probability, and the guided map (h, w) where it was asked for."""

    cam: Tensor
    values: NDArray[np.float32]
    asked: int
    probability: float
    top: list[tuple[int, str, float]]
    guided: NDArray[np.float32] | None


class GradCam(TargetWidget):
    """Photo, and over it the map of a layer for one class; guided Grad-CAM beside it.

    State: `photo`, `target` (class), `layer`, `variant` (see `methods.grad_cam`), `overlay` (0..1), `guided` (bool),
    `theme`. The result is that of `methods.grad_cam`: (1, 1, h, w).

    Selvaraju et al. 2017, Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization.
    """

    layer = traitlets.Unicode(help="name of the layer").tag(live=True)
    variant = traitlets.Enum(VARIANTS, "grad_cam", help="of the method").tag(live=True)
    overlay = traitlets.Float(0.6, min=0.0, max=1.0, help="opacity of the map over the photo").tag(live=True)
    guided = traitlets.Bool(False, help="guided Grad-CAM beside the map").tag(live=True)

    def __init__(self, engine: Engine, picture: Any = None, *, language: str | None = None, **state: Any) -> None:
        super().__init__(engine, language=language, photo=picture, **state)

    def _start(self, state: dict[str, Any]) -> None:
        self._spatial = layers_with_maps(self.engine)
        last = next((x for x in reversed(self._spatial) if (x.height or 0) * (x.width or 0) > 1), self._spatial[-1])
        self.layer = state.pop("layer", None) or last.name
        super()._start(state)

    @validate("layer")
    def _validate_layer(self, proposal: Any) -> str:
        return check_layer(self.engine, proposal["value"])

    def _panes(self) -> dict[str, tuple[int, int]]:
        size = self._photo_size()
        return {"photo": size, "map": size, "guided": size}

    def _build(self) -> list[ipywidgets.Widget]:
        layers = layer_options(self._spatial)
        controls = {
            "layer": dropdown(self.language, "layer", layers, width="420px"),
            "variant": dropdown(self.language, "variant", [(self._say(f"variant_{v}"), v) for v in VARIANTS]),
            "overlay": fraction_slider(self.language, "overlay"),
            "guided": ipywidgets.Checkbox(
                description=self._say("guided"), tooltip=self._say("guided_tip"), indent=False
            ),
        }
        for trait, control in controls.items():
            bind(self, trait, control, self._failed)
        self._frames = {name: Frame(self._surface, name, bar=name == "map") for name in self._surface.sizes}
        first = ipywidgets.HBox([*self._photo_controls(), self._target_control(), controls["layer"]])
        second = ipywidgets.HBox([controls["variant"], controls["overlay"], controls["guided"]])
        pictures = ipywidgets.HBox([frame.box for frame in self._frames.values()])
        for row, name in ((first, "nnviz-row"), (second, "nnviz-row"), (pictures, "nnviz-panes")):
            row.add_class(name)
        return [first, second, pictures]

    def _steps(self, state: SimpleNamespace) -> Iterator[Any]:
        asked = self._asked(state)
        cam = grad_cam(self.engine, state.x, logit(asked), state.layer, variant=state.variant)
        values = cam[0, 0].float().cpu().numpy()
        probability = float(self.engine.probabilities(state.x)[0, asked])
        top = self.engine.top(state.x, 2)
        guided = None
        if state.guided:
            yield Shown(cam, values, asked, probability, top, None)
            backward = saliency(self.engine, state.x, logit(asked), rule="guided")[0].float().cpu().numpy()
            guided = _guided(backward, values)
        yield Partial(Shown(cam, values, asked, probability, top, guided), 1.0)
        yield Background()

    def _draw(self, state: SimpleNamespace, shown: Shown) -> None:
        width, height = self._photo_size()
        whole: Box = (0, 0, width, height)
        photo, smooth = self._bitmap(state.x)
        scale = scale_of(shown.values, signed=False)
        base = Sprite(photo, whole, smooth)
        heat = Sprite(Bitmap(_heat(shown.values, scale)), whole, smooth=True, alpha=state.overlay)
        scenes = {"photo": Scene(base), "map": Scene(base, (heat,))}
        self._frames["photo"].say(self._say("input_title"), self._top(shown))
        title = self._say("cam_title", variant=self._say(f"variant_{state.variant}"), layer=state.layer)
        self._frames["map"].say(title, self._map_caption(shown))
        self._frames["map"].show_bar(scale, self._say("cam_unit"), colours_of(scale))
        self._frames["guided"].box.layout.display = None if state.guided else "none"
        labels = {
            "photo": self._say("photo_label", top=self._top(shown)),
            "map": f"{title}. {self._map_caption(shown)}",
        }
        if shown.guided is not None:
            signed = scale_of(shown.guided, signed=True, clip_percentile=99.5)
            pixels = colourise(shown.guided, signed, dark=state.dark)
            scenes["guided"] = Scene(None, (Sprite(Bitmap(pixels), whole),))
            self._frames["guided"].say(self._say("guided_title"), self._say("guided_caption"))
            labels["guided"] = self._say("guided_title")
        self._surface.show(scenes)
        self._pointer.labels = labels

    def _top(self, shown: Shown) -> str:
        return " · ".join(self._with_probability(index, p) for index, _, p in shown.top)

    def _map_caption(self, shown: Shown) -> str:
        height, width = shown.values.shape
        asked = self._with_probability(shown.asked, shown.probability)
        maximum = format_number(float(shown.values.max()))
        key = "cam_caption" if shown.values.max() > 0 else "cam_nothing"
        return self._say(key, asked=asked, height=height, width=width, maximum=maximum)

    def _on_event(self, event: Event) -> None:
        if self._shown is None:
            return
        _, shown = self._shown
        if event.kind == "leave":
            self._frames["map"].say_below(self._map_caption(shown))
        elif event.kind == "move" and event.pane == "map":
            rows, cols = shown.values.shape
            row, col = (min(max(int(f * n), 0), n - 1) for f, n in ((event.y, rows), (event.x, cols)))
            value = format_number(float(shown.values[row, col]))
            self._frames["map"].say_below(self._say("map_unit", row=row, col=col, value=value))

    def _result(self, shown: Shown) -> Tensor:
        return shown.cam

    def _spoken(self) -> dict[str, Any]:
        return {"target": self.target, "layer": self.layer, "variant": self.variant}

    def _panels(self, state: SimpleNamespace, shown: Shown) -> tuple[list[list[Panel]], str]:
        scale = scale_of(shown.values, signed=False)
        title = self._say("cam_title", variant=self._say(f"variant_{state.variant}"), layer=state.layer)
        panels = [
            Panel(self._surface.picture("photo"), self._say("input_title"), smooth=True),
            Panel(self._surface.picture("map"), title, scale, self._say("cam_unit"), smooth=True),
        ]
        if shown.guided is not None:
            panels.append(Panel(self._surface.picture("guided"), self._say("guided_title"), smooth=True))
        return [panels], self._map_caption(shown)


def _heat(values: NDArray[np.float32], scale: Scale) -> NDArray[np.uint8]:
    """A map in colours, transparent where it is 0, (h, w, 4)."""
    strength = np.nan_to_num(apply(values, scale))
    return np.dstack([colourise(values, scale), np.rint(255 * np.sqrt(strength)).astype(np.uint8)])


def _guided(backward: NDArray[np.float32], cam: NDArray[np.float32]) -> NDArray[np.float32]:
    """Guided backpropagation (C, H, W), summed over channels, times the map brought to its size: (H, W)."""
    return np.asarray(backward.sum(0) * resize_smooth(cam, *backward.shape[1:]), dtype=np.float32)
