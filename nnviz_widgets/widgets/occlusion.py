"""Occlusion: hide a square of the photo and see what the network says then; at every position, or where one points."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import ipywidgets
import numpy as np
import traitlets
from numpy.typing import NDArray

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.live import Background, Partial
from nnviz_widgets.methods.occluders import FILLS, occluder
from nnviz_widgets.methods.occlusion import occlusion
from nnviz_widgets.methods.occlusion_map import OcclusionMap
from nnviz_widgets.render.colormap import CLASS_COLOURS, classes
from nnviz_widgets.render.figure import Panel
from nnviz_widgets.render.numbers import format_number
from nnviz_widgets.render.scale import Scale, colourise, colours_of, scale_of
from nnviz_widgets.widgets.controls import bind, dropdown, index_slider
from nnviz_widgets.widgets.frame import Frame
from nnviz_widgets.widgets.map_layers import check_layer, layer_options, layers_with_maps
from nnviz_widgets.widgets.pointer import Event
from nnviz_widgets.widgets.scene import Bitmap, Box, Scene, Sprite
from nnviz_widgets.widgets.target import TargetWidget
from nnviz_widgets.widgets.validated import validate

if TYPE_CHECKING:
    from nnviz_widgets.engine.engine import Engine

BARS = 5  # classes under the photo
LEGEND = 8  # classes named beside the map of the most probable class


@dataclass(frozen=True)
class Shown:
    """The map so far, the class asked about, and the network's opinion of the whole picture."""

    map: OcclusionMap
    asked: int
    top: list[tuple[int, str, float]]


@dataclass(frozen=True)
class Probe:
    """What the network says with the square at one place."""

    box: tuple[int, int]
    top: list[tuple[int, str, float]]


class Occlusion(TargetWidget):
    """Photo with a square that hides a part of it; maps of what the network says at each of its positions.

    Point at the photo to put the square there: bars show the most probable classes at once. Point at a map to put it
    at that position.

    State: `photo`, `target` (class), `size` and `stride` of the square in pixels, `fill` ("grey", "black", "white",
    "blur", "noise"), `layer` (whose strongest map is added up; "" for none), `theme`.
    The result is the last `OcclusionMap` of `methods.occlusion`.

    Zeiler & Fergus 2014, Visualizing and Understanding Convolutional Networks, figure 7.
    """

    size = traitlets.Int(help="side of the square in pixels").tag(live=True)
    stride = traitlets.Int(help="pixels from one position to the next").tag(live=True)
    fill = traitlets.Enum(FILLS, "grey", help="of the square").tag(live=True)
    layer = traitlets.Unicode("", help="whose strongest map is added up; empty for none").tag(live=True)

    def __init__(self, engine: Engine, picture: Any = None, *, language: str | None = None, **state: Any) -> None:
        super().__init__(engine, language=language, photo=picture, **state)
        self._probes = self._worker.view(on_result=self._probed, on_error=self._failed)

    def _start(self, state: dict[str, Any]) -> None:
        self._spatial = layers_with_maps(self.engine)
        self._side = min(self.engine.contract.size)
        self._probe: Probe | None = None
        self._pointed: tuple[int, int] | None = None
        self.size = state.pop("size", max(1, round(self._side / 7)))
        self.stride = state.pop("stride", max(1, round(self._side / 28)))
        super()._start(state)

    @validate("size")
    def _validate_size(self, proposal: Any) -> int:
        height, width = self.engine.contract.size
        if not 1 <= proposal["value"] <= self._side:
            raise NnvizError("occluder_size", size=proposal["value"], height=height, width=width, most=self._side)
        return int(proposal["value"])

    @validate("stride")
    def _validate_stride(self, proposal: Any) -> int:
        if proposal["value"] < 1:
            raise NnvizError("occluder_number", name="stride", value=proposal["value"])
        return int(proposal["value"])

    @validate("layer")
    def _validate_layer(self, proposal: Any) -> str:
        return check_layer(self.engine, proposal["value"]) if proposal["value"] else ""

    def _panes(self) -> dict[str, tuple[int, int]]:
        return dict.fromkeys(("photo", "probability", "predicted", "activation"), self._photo_size())

    def _build(self) -> list[ipywidgets.Widget]:
        layers = [(self._say("layer_none"), ""), *layer_options(self._spatial)]
        controls = {
            "size": index_slider(self.language, "size", self._side, width="260px"),
            "stride": index_slider(self.language, "stride", max(self._side // 2, self.stride), width="260px"),
            "fill": dropdown(self.language, "fill", [(self._say(f"fill_{name}"), name) for name in FILLS]),
            "layer": dropdown(self.language, "layer", layers, tip="occlusion_layer_tip", width="420px"),
        }
        for name in ("size", "stride"):
            controls[name].min = 1
        for trait, control in controls.items():
            bind(self, trait, control, self._failed)
        self._frames = {n: Frame(self._surface, n, bar=n in ("probability", "activation")) for n in self._surface.sizes}
        first = ipywidgets.HBox([*self._photo_controls(), self._target_control()])
        second = ipywidgets.HBox([controls["size"], controls["stride"], controls["fill"], controls["layer"]])
        pictures = ipywidgets.HBox([frame.box for frame in self._frames.values()])
        for row, name in ((first, "nnviz-row"), (second, "nnviz-row"), (pictures, "nnviz-panes")):
            row.add_class(name)
        return [first, second, pictures]

    def _steps(self, state: SimpleNamespace) -> Iterator[Any]:
        asked = self._asked(state)
        top = self.engine.top(state.x, BARS)
        layer = state.layer or None
        maps = occlusion(self.engine, state.x, size=state.size, stride=state.stride, fill=state.fill, layer=layer)
        for found in maps:
            yield Partial(Shown(found, asked, top), found.done)
        yield Background()

    # The square where one points

    def _point(self, top: float, left: float) -> None:
        """Put the square with its corner there, and ask what the network says then."""
        height, width = self.engine.contract.size
        corner = (
            min(max(round(top), 0), height - self.size),
            min(max(round(left), 0), width - self.size),
        )
        if corner != self._pointed and self._shown is not None:
            self._pointed = corner
            state = self._snapshot()
            self._probing = self._probes.post(lambda: self._ask(state, corner))

    def _ask(self, state: SimpleNamespace, corner: tuple[int, int]) -> Probe:
        top, left = corner
        hidden = state.x.clone()
        square = (..., slice(top, top + state.size), slice(left, left + state.size))
        hidden[square] = occluder(self.engine.contract, state.x, state.fill)[square]
        return Probe(corner, self.engine.top(hidden, BARS))

    def _probed(self, probe: Probe, last: bool) -> None:
        if probe is not self._probe:
            self._probe = probe
            if self._shown is not None:
                self._surface.show({"photo": self._photo_scene(*self._shown)})

    def _photo_scene(self, state: SimpleNamespace, shown: Shown) -> Scene:
        """The photo with the square where one points, and its bars."""
        width, height = self._photo_size()
        whole: Box = (0, 0, width, height)
        photo, smooth = self._bitmap(state.x)
        probe = self._probe if self._pointed is not None else None
        sprites: tuple[Sprite, ...] = ()
        outlines: tuple[Box, ...] = ()
        if probe is not None:
            zoom = width / state.x.shape[3]
            box: Box = (probe.box[1] * zoom, probe.box[0] * zoom, state.size * zoom, state.size * zoom)
            sprites, outlines = (Sprite(Bitmap(self._square(state, probe.box)), box, smooth),), (box,)
        self._say_bars(shown, probe)
        return Scene(Sprite(photo, whole, smooth), sprites, outlines)

    def _draw(self, state: SimpleNamespace, shown: Shown) -> None:
        whole: Box = (0, 0, *self._photo_size())
        scenes = {"photo": self._photo_scene(state, shown)}
        values = self._probability(shown)
        panels = {"probability": (values, "probability", "occlusion_probability")}
        if shown.map.activation is not None:
            panels["activation"] = (shown.map.activation.float().numpy(), "activation_total", "occlusion_activation")
        for name, (numbers, unit, title) in panels.items():
            scale = scale_of(numbers)
            scenes[name] = Scene(None, (Sprite(Bitmap(colourise(numbers, scale, dark=state.dark)), whole),))
            fields = {"asked": self.engine.labels[shown.asked], "layer": state.layer, "channel": shown.map.channel}
            self._frames[name].say(self._say(title, **fields), self._map_caption(shown, numbers))
            self._frames[name].show_bar(scale, self._say(unit), colours_of(scale, dark=state.dark))
        self._frames["activation"].box.layout.display = None if "activation" in panels else "none"
        ranks = self._ranks(shown)
        scenes["predicted"] = Scene(None, (Sprite(Bitmap(classes(ranks)), whole),))
        self._say_legend(shown)
        self._surface.show(scenes)
        top = self._with_probability(*_first(shown.top))
        self._pointer.labels = {
            "photo": self._say("photo_label", top=top),
            "probability": self._say("occlusion_probability", asked=self.engine.labels[shown.asked]),
            "predicted": self._say("occlusion_predicted"),
            "activation": self._say("occlusion_activation", layer=state.layer, channel=shown.map.channel),
        }

    def _square(self, state: SimpleNamespace, corner: tuple[int, int]) -> NDArray[np.uint8]:
        top, left = corner
        pixels = self.engine.contract.picture(occluder(self.engine.contract, state.x, state.fill))
        return np.ascontiguousarray(pixels[top : top + state.size, left : left + state.size])

    def _probability(self, shown: Shown) -> NDArray[np.float32]:
        return np.asarray(shown.map.probability(shown.asked).float().numpy())

    def _ranks(self, shown: Shown) -> NDArray[np.int64]:
        """Most probable classes by how many positions they win: 0 for the most."""
        predicted = shown.map.predicted.numpy()
        order = [c for c, _ in Counter(predicted.flatten().tolist()).most_common()]
        ranks = {c: i for i, c in enumerate(order)}
        return np.asarray([[ranks[c] for c in row] for row in predicted.tolist()])

    def _say_bars(self, shown: Shown, probe: Probe | None) -> None:
        """The most probable classes as bars, and what became of the first one in the deck's manner."""
        before = self._with_probability(*_first(shown.top))
        top = shown.top if probe is None else probe.top
        title = before if probe is None else f"{before} → {self._with_probability(*_first(top))}"
        rows = "".join(
            f'<div class="nnviz-row-bar"><span style="width:{100 * p:.1f}%"></span>'
            f"<b>{html.escape(label)}</b><i>{format_number(p, digits=2)}</i></div>"
            for _, label, p in top
        )
        self._frames["photo"].say_above(title)
        self._frames["photo"].say_below(self._say("occlusion_hint"), before=rows)

    def _say_legend(self, shown: Shown) -> None:
        counts = Counter(shown.map.predicted.flatten().tolist())
        total = shown.map.predicted.numel()
        marks = " ".join(
            f'<span class="nnviz-mark"><span style="background:rgb{CLASS_COLOURS[i % len(CLASS_COLOURS)]}"></span>'
            f"{html.escape(self.engine.labels[c])} {100 * n / total:.0f} %</span>"
            for i, (c, n) in enumerate(counts.most_common(LEGEND))
        )
        self._frames["predicted"].say_above(self._say("occlusion_predicted"))
        self._frames["predicted"].say_below(self._say("occlusion_won", count=len(counts)), before=marks)

    def _map_caption(self, shown: Shown, values: NDArray[np.float32]) -> str:
        rows, cols = values.shape
        low, high = format_number(float(values.min())), format_number(float(values.max()))
        key = f"occlusion_{shown.map.exact_by}" if shown.map.done == 1 else "occlusion_coarse"
        how = self._say(key, gain=format_number(shown.map.gain, digits=2))
        return self._say("occlusion_caption", rows=rows, cols=cols, low=low, high=high, how=how)

    def _on_event(self, event: Event) -> None:
        if self._shown is None:
            return
        state, shown = self._shown
        if event.kind == "leave":
            self._pointed = None
            self._draw(state, shown)
        elif event.kind in ("move", "click") and event.pane == "photo":
            height, width = self.engine.contract.size
            self._point(event.y * height - self.size / 2, event.x * width - self.size / 2)
        elif event.kind in ("move", "click"):
            rows, cols = shown.map.boxes.shape[:2]
            row, col = min(max(int(event.y * rows), 0), rows - 1), min(max(int(event.x * cols), 0), cols - 1)
            top, left = shown.map.boxes[row, col, :2].tolist()
            self._point(top, left)
            values = shown.map.activation if event.pane == "activation" else shown.map.probability(shown.asked)
            if values is not None and event.pane != "predicted":
                value = format_number(float(values[row, col]))
                self._frames[event.pane].say_below(self._say("map_unit", row=row, col=col, value=value))

    def close(self) -> None:
        """Cancel, and free every comm, timer and thread of this widget."""
        if self._open and hasattr(self, "_probes"):
            self._probes.close()
        super().close()

    def _result(self, shown: Shown) -> OcclusionMap:
        return shown.map

    def _spoken(self) -> dict[str, Any]:
        return {"target": self.target, "size": self.size, "stride": self.stride, "fill": self.fill}

    def _panels(self, state: SimpleNamespace, shown: Shown) -> tuple[list[list[Panel]], str]:
        values = self._probability(shown)
        asked = self.engine.labels[shown.asked]
        scale: Scale = scale_of(values)
        panels = [
            Panel(self._surface.picture("photo"), self._with_probability(*_first(shown.top)), smooth=True),
            Panel(
                self._surface.picture("probability"),
                self._say("occlusion_probability", asked=asked),
                scale,
                self._say("probability"),
            ),
            Panel(self._surface.picture("predicted"), self._say("occlusion_predicted")),
        ]
        return [panels], self._map_caption(shown, values)


def _first(top: list[tuple[int, str, float]]) -> tuple[int, float]:
    index, _, probability = top[0]
    return index, probability
