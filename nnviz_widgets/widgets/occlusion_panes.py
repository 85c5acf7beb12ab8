"""The maps of an occlusion, and the numbers at the position where the square stands."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.lang import say
from nnviz_widgets.lang.classes import class_names
from nnviz_widgets.methods.occlusion_map import OcclusionMap
from nnviz_widgets.methods.own_method import Comparison
from nnviz_widgets.render.scale import Scale, colourise, colours_of, scale_of
from nnviz_widgets.widgets.frame import Frame
from nnviz_widgets.widgets.number import say_number
from nnviz_widgets.widgets.occlusion_classes import ClassColours, Mark, legend_html
from nnviz_widgets.widgets.occlusion_square import Cell, Ground
from nnviz_widgets.widgets.own_method import Own, worst_cell
from nnviz_widgets.widgets.scene import Bitmap, Box, Scene, Sprite

MAPS = ("probability", "predicted", "activation")
"""The panes that have a cell for every position."""


@dataclass(frozen=True, eq=False)
class Shown:
    """The map so far (None before the first), the class asked about, and what the whole picture gives.

    Attributes:
        clean: probabilities (classes,).
        feature: the map (h, w) whose total the activation is; None without a layer.
        own: a person's own function, where there is one.
    """

    map: OcclusionMap | None
    asked: int
    clean: NDArray[np.float64]
    feature: NDArray[np.float32] | None = None
    own: Own | None = None

    def probability(self) -> NDArray[np.float32]:
        """Of the class asked about, (rows, cols)."""
        assert self.map is not None
        return np.asarray(self.map.probability(self.asked).float().numpy())


class MapPanes:
    """Draws a new map once; when only the square moves, outlines and captions follow."""

    def __init__(self, frames: dict[str, Frame], engine: Engine, language: str) -> None:
        self.frames, self._engine, self._language = frames, engine, language
        self.colours = ClassColours()  # of the present picture
        self.scales: dict[str, Scale] = {}
        self._values: dict[str, NDArray[Any]] = {}
        self._bitmaps: dict[str, Bitmap] = {}
        self._lines: dict[str, str] = {}
        self._ground: Ground | None = None

    @property
    def _names(self) -> tuple[str, ...]:
        return class_names(self._language, self._engine.labels)

    @property
    def ready(self) -> bool:
        """Whether there is a map."""
        return self._ground is not None

    def title(self, name: str, shown: Shown, layer: str) -> str:
        channel = None if shown.map is None else shown.map.channel
        fields = {"asked": self._names[shown.asked], "layer": layer, "channel": channel}
        return self._say(f"occlusion_{name}", **fields)

    def take(self, shown: Shown, ground: Ground, layer: str, *, dark: bool) -> None:
        """A new map: its colours, and the words that hold for all of it."""
        found = shown.map
        assert found is not None
        self._ground = ground
        self._values = {"probability": shown.probability(), "predicted": found.predicted.numpy()}
        units = {"probability": "probability"}
        if found.activation is not None:
            self._values["activation"] = found.activation.float().numpy()
            units["activation"] = "activation_total"
        for name, unit in units.items():
            values = self._values[name]
            scale = self.scales[name] = scale_of(values)
            self._bitmaps[name] = Bitmap(colourise(values, scale, dark=dark))
            self.frames[name].show_bar(scale, self._say(unit), colours_of(scale, dark=dark))
            self._lines[name] = self._range(values)
        winners = self._values["predicted"]
        self.colours.take(winners)
        self._bitmaps["predicted"] = Bitmap(self.colours.paint(winners))
        self._lines["predicted"] = self._say("occlusion_won", count=len(np.unique(winners)))
        self._lines["probability"] += f" · {self._how(found)}"
        for name in self._values:
            self.frames[name].say_above(self.title(name, shown, layer))
        bar = self.frames["predicted"].bar
        assert bar is not None
        bar.value = legend_html(self.marks())

    def scenes(self, cell: Cell) -> dict[str, Scene]:
        """The maps, that cell outlined in each."""
        assert self._ground is not None
        found = {}
        for name in self._values:
            frame = self.frames[name]
            size = frame.width, frame.height
            whole: Box = (0, 0, *size)
            # At the bottom: it stays in the browser while the outline moves.
            found[name] = Scene(Sprite(self._bitmaps[name], whole), (), (self._ground.cell_box(cell, size),))
        return found

    def say_at(self, cell: Cell) -> None:
        """Captions: the numbers of a cell, and those of the whole map."""
        for name, values in self._values.items():
            value = (
                self._names[values[cell]] if name == "predicted" else say_number(self._language, float(values[cell]))
            )
            here = self._say("map_unit", row=cell[0], col=cell[1], value=value)
            self.frames[name].say_below(self._lines[name], before=f'<div class="nnviz-here">{html.escape(here)}</div>')

    def marks(self) -> list[Mark]:
        """The legend of the most probable classes."""
        return self.colours.marks(self._values["predicted"], self._names, self._language)

    def words(self) -> str:
        """What is known of the map of probabilities."""
        return self._lines["probability"]

    def own_scene(self, compared: Comparison | None, *, dark: bool) -> Scene:
        """A person's own map in the colours of the probabilities; empty before there is one."""
        if compared is None:
            return Scene()
        frame = self.frames["probability"]
        size = frame.width, frame.height
        pixels = Bitmap(colourise(compared.values.numpy(), self.scales["probability"], dark=dark))
        return Scene(None, (Sprite(pixels, (0, 0, *size)),), worst_cell(compared, *size))

    def _range(self, values: NDArray[Any]) -> str:
        low, high = say_number(self._language, float(values.min())), say_number(self._language, float(values.max()))
        return self._say("occlusion_range", low=low, high=high)

    def _how(self, found: OcclusionMap) -> str:
        if found.done < 1:
            return self._say("occlusion_coarse")
        if found.half_cost:
            return self._say("occlusion_half", cost=say_number(self._language, found.half_cost, digits=2))
        return self._say(f"occlusion_{found.exact_by}", gain=say_number(self._language, found.gain, digits=2))

    def _say(self, key: str, **fields: object) -> str:
        return say(self._language, key, **fields)
