"""Filters: the weights of a convolution as pictures; several networks side by side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import ipywidgets
import numpy as np
import traitlets
from numpy.typing import NDArray
from torch import Tensor

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.live import Partial
from nnviz_widgets.methods.filters import filters, inputs_of, layers_with_filters, shape_of
from nnviz_widgets.render.figure import Panel
from nnviz_widgets.render.scale import Scale
from nnviz_widgets.widgets.base import LiveWidget
from nnviz_widgets.widgets.code import Expr, Script, call
from nnviz_widgets.widgets.controls import bind, dropdown, index_slider
from nnviz_widgets.widgets.filter_sheet import (
    SCALES,
    filter_grid,
    filter_tiles,
    input_tiles,
    signed_grey,
    weight_scale,
)
from nnviz_widgets.widgets.frame import Frame
from nnviz_widgets.widgets.number import decimal_mark
from nnviz_widgets.widgets.pointer import Event
from nnviz_widgets.widgets.scene import RATIO
from nnviz_widgets.widgets.tiles import Tiles
from nnviz_widgets.widgets.validated import validate

ROOM = (400, 300)  # CSS pixels for the filters of one network, and for one filter's inputs; either may become higher

BAR = 120  # CSS pixels: a colour bar is never less high


@dataclass(frozen=True)
class Shown:
    """Weights (out, in / groups, kh, kw) of the chosen layer, and of the first layers of the other networks."""

    weights: Tensor
    values: NDArray[np.float32]
    inputs: range
    others: tuple[NDArray[np.float32], ...]


@dataclass(frozen=True)
class Drawn:
    """The tiles on the panes: of all filters, if they can be shown in colour, and of one filter's inputs."""

    every: Tiles | None
    inputs: Tiles
    scale: Scale


class Filters(LiveWidget):
    """The filters of a convolution, all at once in colour where they read one or three channels; one of them by input.

    Filters of the first layer are pictures; deeper ones read many channels, and are shown as one grey tile for each.
    Further engines show the filters of their own first layers beside.

    State: `layer` (name), `filter` (index), `scale` ("each" filter its own, or "shared"), `theme`.
    The result is that of `methods.filters`: (out, in / groups, kernel height, kernel width).

    Krizhevsky et al. 2012, figure 3; Zeiler & Fergus 2014.
    """

    _two_themes = True

    layer = traitlets.Unicode(help="name of a convolution").tag(live=True)
    filter = traitlets.Int(0, help="index of the filter shown by input").tag(live=True)
    scale = traitlets.Enum(SCALES, "each", help="of the grey values").tag(live=True)

    def __init__(self, engine: Engine, *others: Engine, language: str | None = None, **state: Any) -> None:
        self.others = others
        super().__init__(engine, language=language, **state)

    def _start(self, state: dict[str, Any]) -> None:
        for other in self.others:
            self._check_engine(other)
        self._names = layers_with_filters(self.engine)
        if not self._names:
            raise NnvizError("network_no_filters", name=self.engine.name)
        self._firsts = tuple(_first(other) for other in self.others)
        self.layer = state.pop("layer", None) or self._names[0]
        self._drawn: Drawn | None = None
        super()._start(state)

    @validate("layer")
    def _validate_layer(self, proposal: Any) -> str:
        record = self.engine.layers[proposal["value"]]
        if record.tap.function is not None or record.tap.module not in self._names:
            raise NnvizError("layer_no_filters", name=record.name, kind=record.kind)
        return str(record.tap.module)  # a module that runs again has the same filters

    @validate("filter")
    def _validate_filter(self, proposal: Any) -> int:
        index, last = proposal["value"], self._last()
        if not 0 <= index <= last:
            raise NnvizError("option_range", name="filter", value=index, layer=self.layer, last=last)
        return int(index)

    def _last(self) -> int:
        return self.engine.layers[self.layer].channels - 1

    def _panes(self) -> dict[str, tuple[int, int]]:
        shapes = [shape_of(self.engine, name) for name in self._names]
        return {
            "all": _room([(out, (kh, kw)) for out, inputs, kh, kw in shapes if inputs in (1, 3)]),
            **{f"other{i}": _room([_size(*other)]) for i, other in enumerate(self._others())},
            "inputs": _room([(inputs, (kh, kw)) for _, inputs, kh, kw in shapes]),
        }

    def _others(self) -> list[tuple[Engine, str]]:
        return list(zip(self.others, self._firsts, strict=True))

    def _build(self) -> list[ipywidgets.Widget]:
        shapes = {name: shape_of(self.engine, name) for name in self._names}
        options = [(f"{name} · {' × '.join(map(str, shape))}", name) for name, shape in shapes.items()]
        layer = dropdown(self.language, "layer", options, tip="filters_layer_tip", width="380px")
        self._filter_control = index_slider(self.language, "filter", self._last())
        scales = [(self._say(f"scale_filter_{name}"), name) for name in SCALES]
        scale = dropdown(self.language, "scale", scales, tip="filters_scale_tip")
        bind(self, "layer", layer, self._failed)
        self.observe(self._on_layer, "layer")
        bind(self, "filter", self._filter_control, self._failed)
        bind(self, "scale", scale, self._failed)
        self._frames = {
            name: Frame(self._surface, name, bar=name == "inputs", decimal=decimal_mark(self.language))
            for name in self._surface.sizes
        }
        controls = ipywidgets.HBox([layer, self._filter_control, scale])
        controls.add_class("nnviz-row")
        pictures = ipywidgets.HBox([frame.box for frame in self._frames.values()])
        pictures.add_class("nnviz-panes")
        return [controls, pictures]

    def _on_layer(self, _change: Any) -> None:
        """Another layer has another number of filters."""
        with self._together():
            last = self._last()
            self.filter = min(self.filter, last)
            self._filter_control.max = last

    def _steps(self, state: SimpleNamespace) -> Iterator[Any]:
        weights = filters(self.engine, state.layer)
        others = tuple(filters(other, first).numpy() for other, first in self._others())
        inputs = inputs_of(self.engine, state.layer, state.filter)
        yield Partial(Shown(weights, weights.numpy(), inputs, others), 1.0)

    def _draw(self, state: SimpleNamespace, shown: Shown) -> None:
        drawn = self._drawn = self._tiles(state, shown)
        scenes = {"inputs": drawn.inputs.scene()}
        labels = {"inputs": self._say("inputs_label", filter=state.filter, layer=state.layer)}
        self._frames["inputs"].cut_to(*drawn.inputs.size)
        self._frames["inputs"].say(*self._input_words(state, shown))
        bar = max(drawn.inputs.size[1], BAR)
        self._frames["inputs"].show_bar(drawn.scale, self._say("weight"), signed_grey, height=bar)
        self._frames["all"].box.layout.display = None if drawn.every else "none"
        every: list[tuple[str, Engine, str, Tiles | None, int | None]]
        every = [("all", self.engine, state.layer, drawn.every, state.filter)]
        for i, (other, first) in enumerate(self._others()):
            beside = filter_tiles(shown.others[i], scale=state.scale, width=ROOM[0], height=ROOM[1])
            every.append((f"other{i}", other, first, beside, None))
        for name, engine, layer, tiles, chosen in every:
            if tiles is not None:
                scenes[name] = tiles.scene(chosen)
                labels[name] = self._say("all_label", layer=layer, network=engine.name)
                self._frames[name].cut_to(*tiles.size)
                self._frames[name].say(*self._all_words(engine, layer))
        self._surface.show(scenes)
        self._pointer.labels = labels

    def _tiles(self, state: SimpleNamespace, shown: Shown) -> Drawn:
        width, height = ROOM
        every = None
        if shown.values.shape[1] in (1, 3):
            every = filter_tiles(shown.values, scale=state.scale, width=width, height=height)
        scale = weight_scale(shown.values if state.scale == "shared" else shown.values[state.filter])
        return Drawn(every, input_tiles(shown.values[state.filter], scale, width=width, height=height), scale)

    def _all_words(self, engine: Engine, layer: str) -> tuple[str, str]:
        count, inputs, height, width = shape_of(engine, layer)
        caption = self._say("all_caption", count=count, height=height, width=width, inputs=inputs)
        return self._say("all_title", network=engine.name, layer=layer), caption

    def _input_words(self, state: SimpleNamespace, shown: Shown) -> tuple[str, str]:
        inputs, height, width = shown.values.shape[1:]
        grouped = shown.inputs != range(inputs)
        fields = {"inputs": inputs, "height": height, "width": width}
        fields |= {"first": shown.inputs[0], "last": shown.inputs[-1]}
        key = "inputs_caption_one" if inputs == 1 else "inputs_caption_grouped" if grouped else "inputs_caption"
        if shown.inputs == range(3) and state.layer == self._names[0] and self.engine.contract.channels == 3:
            key = "inputs_caption_colours"
        caption = self._say(key, **fields)
        return self._say("inputs_title", filter=state.filter, layer=state.layer), caption

    def _on_event(self, event: Event) -> None:
        if self._shown is None or self._drawn is None:
            return
        state, shown = self._shown
        if event.kind == "leave":
            self._frames["inputs"].say_below(self._input_words(state, shown)[1])
            self._frames["all"].say_below(self._all_words(self.engine, state.layer)[1])
        elif event.pane == "inputs" and event.kind == "move":
            self._point_at_input(event, state, shown)
        elif event.pane == "all" and self._drawn.every is not None:
            self._on_all(event, self._drawn.every, shown)

    def _point_at_input(self, event: Event, state: SimpleNamespace, shown: Shown) -> None:
        assert self._drawn is not None
        width, height = self._surface.sizes["inputs"]
        cell = self._drawn.inputs.cell_at(event.x * width, event.y * height, *shown.values.shape[2:])
        if cell is not None:
            index, row, col = cell
            value = self._number(shown.values[state.filter, index, row, col])
            caption = self._say("inputs_hover", input=shown.inputs[index], row=row, col=col, value=value)
            self._frames["inputs"].say_below(caption)

    def _on_all(self, event: Event, tiles: Tiles, shown: Shown) -> None:
        if event.kind == "key":
            self.filter = tiles.step(self.filter, event.key)
            return
        width, height = self._surface.sizes["all"]
        index = tiles.at(event.x * width, event.y * height)
        if index is not None and event.kind == "click":
            self.filter = index
        elif index is not None and event.kind == "move":
            low, high = (self._number(value) for value in (shown.values[index].min(), shown.values[index].max()))
            self._frames["all"].say_below(self._say("all_hover", filter=index, low=low, high=high))

    def _result(self, shown: Shown) -> Tensor:
        return shown.weights

    def _code(self, script: Script, state: SimpleNamespace) -> None:
        script.engine(self.engine)
        script.let("result", call("methods.filters", Expr("engine"), state.layer))

    def _spoken(self) -> dict[str, Any]:
        return {"layer": self.layer, "filter": self.filter}

    def _panels(self, state: SimpleNamespace, shown: Shown) -> tuple[list[list[Panel]], str]:
        drawn = self._tiles(state, shown)
        title, caption = self._input_words(state, shown)
        panels = []
        if drawn.every is not None:
            pixels = drawn.every.scene(state.filter).paint(*drawn.every.size)
            panels.append(Panel(pixels, self._all_words(self.engine, state.layer)[0]))
        for (other, first), weights in zip(self._others(), shown.others, strict=True):
            tiles = filter_tiles(weights, scale=state.scale, width=ROOM[0], height=ROOM[1])
            panels.append(Panel(tiles.bitmap.pixels, self._all_words(other, first)[0]))
        pixels = drawn.inputs.scene().paint(*drawn.inputs.size)
        panels.append(Panel(pixels, title, drawn.scale, self._say("weight"), colours=signed_grey))
        return [panels], caption


def _first(engine: Engine) -> str:
    """A network's first layer of filters, the one that reads the picture."""
    names = layers_with_filters(engine)
    if not names:
        raise NnvizError("network_no_filters", name=engine.name)
    return names[0]


def _size(engine: Engine, layer: str) -> tuple[int, tuple[int, int]]:
    count, _, height, width = shape_of(engine, layer)
    return count, (height, width)


def _room(sheets: list[tuple[int, tuple[int, int]]]) -> tuple[int, int]:
    """A pane that holds the highest of these sheets of (count, kernel size)."""
    grids = [filter_grid(count, kernel, width=ROOM[0], height=ROOM[1]) for count, kernel in sheets]
    return ROOM[0], max((grid.height // RATIO + 1 for grid in grids), default=1)
