"""The panes of a training: picture, filters, maps, the curves, and the surest mistake."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import ipywidgets
import numpy as np

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.images.image_set import ImageSet
from nnviz_widgets.lang import say
from nnviz_widgets.lang.classes import class_names
from nnviz_widgets.methods.filters import shape_of
from nnviz_widgets.methods.train_score import Wrong
from nnviz_widgets.render.colormap import Pixels
from nnviz_widgets.render.curve import LINES
from nnviz_widgets.render.figure import Panel
from nnviz_widgets.render.scale import Colours, Scale, colours_of
from nnviz_widgets.widgets.filter_sheet import filter_grid, filter_tiles, signed_grey, weight_scale
from nnviz_widgets.widgets.frame import Frame
from nnviz_widgets.widgets.map_sheet import MapSheet
from nnviz_widgets.widgets.number import decimal_mark, say_number
from nnviz_widgets.widgets.scene import RATIO, Bitmap, Scene, Sprite
from nnviz_widgets.widgets.still import SMALL
from nnviz_widgets.widgets.surface import Surface
from nnviz_widgets.widgets.tiles import Tiles, tile_grid
from nnviz_widgets.widgets.training_course import Course, smoothed
from nnviz_widgets.widgets.training_curves import HELD_OUT, Line, curves
from nnviz_widgets.widgets.training_look import MAPS, Look

# CSS pixels
SIDE, SHEET, CURVE = 150, (170, 150), (262, 136)
BAR = 120  # a colour bar is never less high
WINDOW = 20  # steps over which a curve is smoothed


def pane_sizes(engine: Engine, first: str | None, spatial: list[Any]) -> dict[str, tuple[int, int]]:
    """(width, height) of each; sheets as high as the largest layer needs."""
    width, room = SHEET
    height = widest = room
    if first is not None:
        count, _, *kernel = shape_of(engine, first)
        grid = filter_grid(count, (kernel[0], kernel[1]), width=width, height=room)
        height = max(room, grid.height // RATIO + 1)
    for layer in spatial:
        grid = tile_grid(min(MAPS, layer.shape[0]), *layer.shape[1:], width=width, height=room)
        widest = max(widest, grid.height // RATIO + 1)
    rows, columns = engine.contract.size
    longest = max(rows, columns)
    picture = round(SIDE * columns / longest), round(SIDE * rows / longest)
    return {
        "photo": picture,
        "filters": (width, height),
        "maps": (width, widest),
        "loss": CURVE,
        "accuracy": CURVE,
        "wrong": picture,
    }


class TrainingPanes:
    """Draws a moment of a training, from any thread; `_drawing` of the widget keeps them apart."""

    def __init__(self, surface: Surface, engine: Engine, image_set: ImageSet, language: str) -> None:
        self._surface, self._engine, self._set, self._language = surface, engine, image_set, language
        self._names = class_names(language, engine.labels)  # of the set: see Training
        self._decimal = decimal_mark(language)
        bars = "filters", "maps"
        self.frames = {n: Frame(surface, n, bar=n in bars, decimal=self._decimal) for n in surface.sizes}
        rows = [ipywidgets.HBox([self.frames[n].box for n in names]) for names in (TOP_ROW, LOW_ROW)]
        for row in rows:
            row.add_class("nnviz-panes")
        self.rows = rows
        self.filters: Tiles | None = None
        self.sheet: MapSheet | None = None
        self.seen: Look | None = None
        self._scales: dict[str, tuple[Scale, Colours, str]] = {}
        self._words: dict[str, tuple[str, str]] = {}
        self._mistake: tuple[int, Bitmap] | None = None

    def draw(self, state: SimpleNamespace, view: SimpleNamespace, course: Course) -> dict[str, str]:
        """Show a look and the course so far; what the panes show, in words.

        Args:
            view: what is looked at: example, x, layer, first, look, epochs, rate.
        """
        self.seen = view.look
        scenes = {"photo": self._picture("photo", Bitmap(self._engine.contract.picture(view.x)))}
        self._say_of_example(view)
        self._draw_filters(view, scenes)
        self._draw_maps(state, view, scenes)
        self._draw_curves(state, view, course, scenes)
        self._draw_wrong(course, scenes)
        self._surface.show(scenes)
        return {name: " · ".join(words) for name, words in self._words.items()}

    def caption(self, name: str) -> str:
        """The calm caption of a pane."""
        return self._words[name][1]

    def panels(self) -> tuple[list[list[Panel]], str]:
        """The same as one picture."""
        rows = [[self._panel(name) for name in names if name in self._words] for names in (TOP_ROW, LOW_ROW)]
        return rows, " · ".join(f"{self._words[name][0]}: {self.caption(name)}" for name in ("photo", *LOW_ROW))

    def _panel(self, name: str) -> Panel:
        pixels = self._surface.picture(name)
        if pixels is None:
            pixels = np.zeros((RATIO, RATIO, 4), np.uint8)
        tiles = {"filters": self.filters, "maps": None if self.sheet is None else self.sheet.tiles}.get(name)
        if tiles is not None:
            pixels = pixels[: tiles.grid.height, : tiles.grid.width]
        scale, colours, label = self._scales.get(name, (None, None, None))
        return Panel(pixels, self._words[name][0], scale, label, colours=colours)

    def _picture(self, name: str, bitmap: Bitmap) -> Scene:
        smooth = max(bitmap.pixels.shape[:2]) >= SMALL
        return Scene(None, (Sprite(bitmap, (0, 0, *self._surface.sizes[name]), smooth),))

    def _say_of_example(self, view: SimpleNamespace) -> None:
        place = self._set.labels[view.example]
        label = None if place is None else self._names[place]
        key = "training_example_title_bare" if label is None else "training_example_title"
        top = " · ".join(f"{self._names[i]} {say_number(self._language, p, digits=2)}" for i, _, p in view.look.top)
        caption = self._say("training_example_caption", top=top)
        self._tell("photo", self._say(key, index=view.example, label=label), caption)

    def _draw_filters(self, view: SimpleNamespace, scenes: dict[str, Scene]) -> None:
        weights = view.look.filters
        if weights is None:
            self.frames["filters"].refuse("", self._say("training_filters_none"))
            return
        self.filters = tiles = filter_tiles(weights, scale="shared", width=SHEET[0], height=SHEET[1])
        scenes["filters"] = tiles.scene()
        count, _, height, width = weights.shape
        caption = self._say("training_filters_caption", count=count, height=height, width=width)
        self._tell("filters", self._say("training_filters_title", layer=view.first), caption)
        self._bar("filters", weight_scale(weights), signed_grey, say(self._language, "weight"), tiles)

    def _draw_maps(self, state: SimpleNamespace, view: SimpleNamespace, scenes: dict[str, Scene]) -> None:
        maps = view.look.maps
        if maps is None:
            self.frames["maps"].refuse("", self._say("training_maps_none"))
            return
        look = {"order": "index", "scale": "shared", "dark": state.dark}
        if self.sheet is None or self.sheet.maps is not maps or self.sheet.look != look:
            self.sheet = MapSheet(maps, **look, width=SHEET[0], height=SHEET[1])
        tiles, scale = self.sheet.tiles, self.sheet.scales[0]
        scenes["maps"] = tiles.scene()
        count = self._engine.layers[view.layer].channels
        key = "training_maps_caption" if count == len(maps) else "training_maps_caption_some"
        caption = self._say(key, shown=len(maps), count=count, height=maps.shape[1], width=maps.shape[2])
        self._tell("maps", self._say("training_maps_title", layer=view.layer), caption)
        self._bar("maps", scale, colours_of(scale, dark=state.dark), say(self._language, "activation"), tiles)

    def _bar(self, name: str, scale: Scale, colours: Colours, label: str, tiles: Tiles) -> None:
        self._scales[name] = scale, colours, label
        self.frames[name].cut_to(*tiles.size)
        self.frames[name].show_bar(scale, label, colours, height=max(BAR, tiles.size[1]))

    def _draw_curves(
        self, state: SimpleNamespace, view: SimpleNamespace, course: Course, scenes: dict[str, Scene]
    ) -> None:
        losses, accuracies = course.losses, course.accuracies
        means, right, tests = smoothed(losses, WINDOW), smoothed(accuracies, WINDOW), course.tests
        drawn = {
            "loss": ([Line(losses, LINES, faint=True), Line(means, LINES)], max(means[1], default=1.0) * 1.08),
            "accuracy": ([Line(right, LINES), Line(tests, HELD_OUT, dots=True)], 1.0),
        }
        for name, (lines, high) in drawn.items():
            width, height = self._surface.sizes[name]
            last = max(view.epochs, losses[0][-1] if len(losses[0]) else 0)
            axis = self._say("training_axis")
            look = {"width": width, "height": height, "dark": state.dark, "decimal": self._decimal}
            pixels = curves(lines, last=last, high=high, below=axis, **look)
            scenes[name] = Scene(None, (Sprite(Bitmap(pixels), (0, 0, width, height)),))
        caption = self._say(
            "training_loss_caption", loss=self._last(means[1]), count=min(WINDOW, max(1, len(means[1])))
        )
        if view.rate is not None:
            caption += f" · {self._say('training_loss_rate', rate=say_number(self._language, round(view.rate)))}"
        self._tell("loss", self._say("training_loss_title"), caption)
        fields = {"train": self._last(right[1]), "test": self._last(tests[1])}
        self._tell("accuracy", self._say("training_accuracy_title"), self._say("training_accuracy_caption", **fields))

    def _last(self, values: Any) -> str:
        return say_number(self._language, values[-1]) if len(values) else self._say("training_not_yet")

    def _draw_wrong(self, course: Course, scenes: dict[str, Scene]) -> None:
        title, wrong = self._say("training_wrong_title"), course.wrong
        if wrong is None:
            reason = self._say("training_wrong_none" if len(course.tests[0]) else "training_wrong_not")
            self._words["wrong"] = title, reason
            self.frames["wrong"].refuse(title, reason)
            return
        scenes["wrong"] = self._picture("wrong", self._bitmap_of(wrong))
        caption = self._say(
            "training_wrong_caption",
            predicted=self._names[wrong.predicted],
            true=self._names[wrong.true],
            probability=say_number(self._language, wrong.probability, digits=2),
            index=wrong.index,
        )
        self._tell("wrong", title, caption)

    def _bitmap_of(self, wrong: Wrong) -> Bitmap:
        if self._mistake is None or self._mistake[0] != wrong.index:
            pixels: Pixels = self._engine.contract.picture(self._engine.prepare(self._set[wrong.index]))
            self._mistake = wrong.index, Bitmap(pixels)
        return self._mistake[1]

    def _tell(self, name: str, title: str, caption: str) -> None:
        self._words[name] = title, caption
        self.frames[name].say(title, caption)

    def _say(self, key: str, **fields: object) -> str:
        return say(self._language, key, **fields)


TOP_ROW, LOW_ROW = ("photo", "filters", "maps"), ("loss", "accuracy", "wrong")
