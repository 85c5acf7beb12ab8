"""Activation maps: what each channel of a layer makes of a picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import ipywidgets
import numpy as np
import traitlets
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.live import Background, Partial
from nnviz_widgets.methods.activation_maps import activation_maps
from nnviz_widgets.methods.own_method import name_of
from nnviz_widgets.render.figure import Panel
from nnviz_widgets.render.scale import colourise, colours_of
from nnviz_widgets.widgets.activation_maps_pointing import ActivationMapsPointing
from nnviz_widgets.widgets.activation_maps_words import ActivationMapsWords, Shown
from nnviz_widgets.widgets.code import Expr, Script, call
from nnviz_widgets.widgets.controls import bind, dropdown, fraction_slider, index_slider
from nnviz_widgets.widgets.frame import Frame
from nnviz_widgets.widgets.map_layers import check_channel, check_layer, check_neuron, layer_options, layers_with_maps
from nnviz_widgets.widgets.map_sheet import ORDERS, SCALES, MapSheet
from nnviz_widgets.widgets.number import decimal_mark
from nnviz_widgets.widgets.own_method import Own, OwnMethodWidget, own_caption, worst_cell
from nnviz_widgets.widgets.photo import PhotoWidget
from nnviz_widgets.widgets.scene import RATIO, Bitmap, Box, Scene, Sprite
from nnviz_widgets.widgets.tiles import tile_grid
from nnviz_widgets.widgets.validated import validate

if TYPE_CHECKING:
    from nnviz_widgets.engine.receptive_field import Rect

MOSAIC = (860, 330)  # CSS pixels; the mosaic of a large layer is higher


class ActivationMaps(ActivationMapsPointing, OwnMethodWidget, PhotoWidget):
    """Photo, the maps that a layer makes of it, one of them large, and what a neuron of it looks at.

    State: `photo`, `layer` (name), `channel`, `unit` ((row, column) of a neuron of the large map, or None), `order`
    ("index", "mean", "maximum"), `scale` ("shared", "each"), `overlay` (0..1), `method` (your own f(module, x, layer),
    which gives all maps, (channels, h, w); shown beside the large one), `theme` ("auto", "light", "dark").
    The result is that of `methods.activation_maps`: (channels, h, w).

    Yosinski et al. 2015, Understanding Neural Networks Through Deep Visualization.
    """

    layer = traitlets.Unicode(help="name of the layer").tag(live=True)
    channel = traitlets.Int(0, help="index of the map shown large").tag(live=True)
    unit = traitlets.Any(None, help="(row, column) of a neuron, or None").tag(live=True)
    order = traitlets.Enum(ORDERS, "index", help="layout of the mosaic").tag(live=True)
    scale = traitlets.Enum(SCALES, "shared", help="of the colours").tag(live=True)
    overlay = traitlets.Float(0.0, min=0.0, max=1.0, help="opacity of the map over the photo").tag(live=True)

    def __init__(self, engine: Engine, picture: Any = None, *, language: str | None = None, **state: Any) -> None:
        super().__init__(engine, language=language, **{"photo": picture, **state})

    def _start(self, state: dict[str, Any]) -> None:
        self._spatial = layers_with_maps(self.engine)
        self._values: tuple[Tensor, int, NDArray[np.float32]] | None = None
        self._sheet: MapSheet | None = None
        self._ahead: Tensor | None = None
        self._own_of: tuple[NDArray[np.float32], Any, Own] | None = None
        self.layer = state.pop("layer", None) or _telling_layer(self._spatial)
        super()._start(state)
        if "channel" not in state:  # begin with a map that has something to show
            maps = activation_maps(self.engine, self._x_of(self.photo), self.layer)
            self.channel = _telling_channel(maps.float())

    @validate("layer")
    def _validate_layer(self, proposal: Any) -> str:
        return check_layer(self.engine, proposal["value"])

    @validate("channel")
    def _validate_channel(self, proposal: Any) -> int:
        return check_channel(self.engine, self.layer, proposal["value"])

    @validate("unit")
    def _validate_unit(self, proposal: Any) -> tuple[int, int] | None:
        return check_neuron(self.engine, self.layer, proposal["value"])

    def _panes(self) -> dict[str, tuple[int, int]]:
        size = self._photo_size()
        grids = [tile_grid(*layer.shape, width=MOSAIC[0], height=MOSAIC[1]) for layer in self._spatial]
        return {
            "photo": size,
            "map": size,
            "own": size,
            "mosaic": (MOSAIC[0], max(grid.height for grid in grids) // RATIO + 1),
        }

    def _build(self) -> list[ipywidgets.Widget]:
        self._words = ActivationMapsWords(self.language, self._class_names)
        layers = layer_options(self._spatial)
        self._layer_control = dropdown(self.language, "layer", layers, width="420px")
        self._channel_control = index_slider(self.language, "channel", self._last_channel())
        order = dropdown(self.language, "order", [(self._say(f"order_{name}"), name) for name in ORDERS])
        scales = [(self._say(f"scale_{name}"), name) for name in SCALES]
        scale = dropdown(self.language, "scale", scales, tip="maps_scale_tip")
        overlay = fraction_slider(self.language, "overlay")
        bind(self, "layer", self._layer_control, self._failed)
        self.observe(self._on_layer, "layer")
        bind(self, "channel", self._channel_control, self._failed)
        for trait, control in (("order", order), ("scale", scale), ("overlay", overlay)):
            bind(self, trait, control, self._failed)
        decimal = decimal_mark(self.language)
        self._frames = {n: Frame(self._surface, n, bar=n == "map", decimal=decimal) for n in self._surface.sizes}
        first = ipywidgets.HBox([*self._photo_controls(), self._layer_control, self._channel_control])
        second = ipywidgets.HBox([order, scale, overlay])
        pictures = ipywidgets.HBox([frame.box for frame in self._frames.values()])
        for row, name in ((first, "nnviz-row"), (second, "nnviz-row"), (pictures, "nnviz-panes")):
            row.add_class(name)
        return [first, second, pictures]

    def _last_channel(self) -> int:
        return self.engine.layers[self.layer].channels - 1

    def _on_layer(self, _change: Any) -> None:
        """Another layer has other channels and another grid: what no longer fits is brought into range."""
        with self._together():
            self.unit = None
            last = self._last_channel()
            self.channel = min(self.channel, last)
            self._channel_control.max = last

    def _steps(self, state: SimpleNamespace) -> Iterator[Any]:
        maps = activation_maps(self.engine, state.x, state.layer)
        shown = Shown(maps, self._on_host(maps), None, self.engine.top(state.x, 2))
        if state.unit is not None:
            if self._shown is None or self._shown[0].unit != state.unit:
                yield shown  # the first field of a network takes a moment
            shown = replace(shown, field=self.engine.receptive_field(state.layer, *state.unit))
        yield Partial(shown, 1.0 if state.method is None else 0.5)
        if state.method is not None:
            for own in self._own_maps(state, shown):
                yield Partial(replace(shown, own=own), 1.0 if own.compared else 0.5)
        if self._ahead is not state.x:
            yield Background()
            self.engine.read_ahead(state.x)
            self._ahead = state.x

    def _own_maps(self, state: SimpleNamespace, shown: Shown) -> Iterator[Own]:
        """Run once for the maps of a layer and a picture, whichever of them is large."""
        if self._own_of is not None and self._own_of[0] is shown.values and self._own_of[1] is state.method:
            yield self._own_of[2]
            return
        for own in self._own_steps(state, state.layer, shown.maps):
            if own.compared is not None:
                self._own_of = shown.values, state.method, own
            yield own

    def _on_host(self, maps: Tensor) -> NDArray[np.float32]:
        """Maps as an array, copied from the device once while they are the same."""
        if self._values is None or not _same(self._values[0], self._values[1], maps):
            self._values = maps, maps._version, maps.float().contiguous().cpu().numpy()
        return self._values[2]

    def _draw(self, state: SimpleNamespace, shown: Shown) -> None:
        sheet = self._sheet_of(state, shown)
        width, height = self._photo_size()
        photo, smooth = self._bitmap(state.x)
        whole: Box = (0, 0, width, height)
        heat: tuple[Sprite, ...] = ()
        if state.overlay:
            heat = (Sprite(Bitmap(sheet.heat(state.channel)), whole, smooth=True, alpha=state.overlay),)
        large = Sprite(Bitmap(sheet.pixels(state.channel)), whole)
        self._surface.show(
            {
                "photo": Scene(
                    Sprite(photo, whole, smooth),
                    heat,
                    (self._field_box(shown.field),) if shown.field else (),
                ),
                "map": Scene(None, (large,), (self._unit_box(state, shown),) if state.unit else ()),
                "own": self._own_scene(state, shown, sheet),
                "mosaic": sheet.scene(state.channel),
            }
        )
        self._frames["mosaic"].cut_to(*sheet.tiles.size)
        self._caption(state, shown, sheet)

    def _own_scene(self, state: SimpleNamespace, shown: Shown, sheet: MapSheet) -> Scene:
        """A person's map in the colours of the large one; the worst cell outlined where it is of this channel."""
        compared = None if shown.own is None else shown.own.compared
        if compared is None:
            return Scene()
        width, height = self._photo_size()
        pixels = colourise(compared.values[state.channel].numpy(), sheet.scales[state.channel], dark=state.dark)
        worst = worst_cell(compared, width, height) if compared.place[0] == state.channel else ()
        return Scene(None, (Sprite(Bitmap(pixels), (0, 0, width, height)),), worst)

    def _sheet_of(self, state: SimpleNamespace, shown: Shown) -> MapSheet:
        look = {"order": state.order, "scale": state.scale, "dark": state.dark}
        if self._sheet is None or self._sheet.maps is not shown.values or self._sheet.look != look:
            self._sheet = MapSheet(shown.values, **look, width=MOSAIC[0], height=MOSAIC[1])
        return self._sheet

    def _caption(self, state: SimpleNamespace, shown: Shown, sheet: MapSheet) -> None:
        top = self._words.top(shown)
        self._frames["photo"].say(self._say("input_title"), self._say("input_caption", top=top))
        self._frames["map"].say(
            self._say("map_title", layer=state.layer, channel=state.channel), self._words.large(state, shown, sheet)
        )
        count = len(shown.values)
        self._frames["mosaic"].say(
            self._say("mosaic_title", count=count, layer=state.layer), self._say("mosaic_caption")
        )
        own = self._say_own_maps(state, shown)
        scale = sheet.scales[state.channel]
        self._frames["map"].show_bar(scale, self._say("activation"), colours_of(scale, dark=state.dark))
        self._pointer.labels = {
            "photo": self._say("photo_label", top=top),
            "map": self._say("map_label", layer=state.layer, channel=state.channel),
            "mosaic": self._say("mosaic_label", layer=state.layer),
        } | ({"own": own} if own else {})

    def _say_own_maps(self, state: SimpleNamespace, shown: Shown) -> str:
        """As `_say_own`; a difference that is largest in another map names that one."""
        own = shown.own if shown.own is not None or state.method is None else Own(name_of(state.method))
        label, compared = self._say_own(self._frames["own"], own), None if own is None else own.compared
        if own is None or compared is None or compared.equal or compared.place[0] == state.channel:
            return label
        where = self._say("own_channel", channel=compared.place[0])
        self._frames["own"].say_below(" · ".join([own_caption(self.language, own), where]))
        return f"{label} · {where}"

    def _field_box(self, field: Rect) -> Box:
        zoom = self._photo_size()[0] / self.engine.contract.size[1]
        return field.left * zoom, field.top * zoom, field.width * zoom, field.height * zoom

    def _unit_box(self, state: SimpleNamespace, shown: Shown) -> Box:
        rows, cols = shown.values.shape[1:]
        width, height = self._photo_size()
        return state.unit[1] * width / cols, state.unit[0] * height / rows, width / cols, height / rows

    def _code(self, script: Script, state: SimpleNamespace) -> None:
        script.engine(self.engine)
        script.input(state.photo)
        script.let("result", call("methods.activation_maps", Expr("engine"), Expr("x"), state.layer))
        script.let("large", Expr(f"result[{state.channel}]"))
        if state.unit is not None:
            script.let("field", call("engine.receptive_field", state.layer, *state.unit))

    def _result(self, shown: Shown) -> Tensor:
        return shown.maps

    def _panels(self, state: SimpleNamespace, shown: Shown) -> tuple[list[list[Panel]], str]:
        sheet = self._sheet_of(state, shown)
        title = self._say("map_title", layer=state.layer, channel=state.channel)
        count = self._say("mosaic_title", count=len(shown.values), layer=state.layer)
        mosaic = self._surface.picture("mosaic")
        large = [
            Panel(self._surface.picture("photo"), self._say("input_title"), smooth=True),
            Panel(self._surface.picture("map"), title, sheet.scales[state.channel], self._say("activation")),
        ]
        if shown.own is not None and shown.own.compared is not None:
            large.append(Panel(self._surface.picture("own"), self._say("own_title", name=shown.own.name)))
        return [
            large,
            [Panel(mosaic[: sheet.tiles.grid.height, : sheet.tiles.grid.width], count)],
        ], f"{self._words.top(shown)} · {self._words.large(state, shown, sheet)}"


def _same(kept: Tensor, version: int, now: Tensor) -> bool:
    """Whether two tensors are the same values in memory; the first is held, so its memory is not used again."""
    return (
        kept.data_ptr() == now.data_ptr() and kept.shape == now.shape and kept.stride() == now.stride()
    ) and version == now._version


def _telling_layer(spatial: list[Any]) -> str:
    """A layer to begin with: an activation about a third of the way in, where maps are still pictures."""
    kinds = [layer.name for layer in spatial if "relu" in layer.kind.lower()] or [layer.name for layer in spatial]
    return str(kinds[min(len(kinds) - 1, max(1, len(kinds) // 6))])


def _telling_channel(maps: Tensor) -> int:
    """A map to begin with: one that stands out, and in places rather than everywhere."""
    side = min(14, *maps.shape[1:])
    coarse, fine = adaptive_avg_pool2d(maps, side).flatten(1), maps.flatten(1)
    peak = fine.amax(1) - fine.mean(1)
    return int((peak * coarse.std(1, correction=0) / (fine.std(1, correction=0) + 0.1)).argmax())
