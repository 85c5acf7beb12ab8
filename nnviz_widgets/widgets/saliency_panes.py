"""The panes of a saliency: the photo, the map that the neuron is in, and one picture a rule."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnviz_widgets.engine.receptive_field import Rect
from nnviz_widgets.engine.relu_rules import RULES
from nnviz_widgets.lang import say, say_error
from nnviz_widgets.render.colormap import Pixels
from nnviz_widgets.render.figure import Panel
from nnviz_widgets.render.scale import colourise, colours_of, scale_of
from nnviz_widgets.widgets.frame import Frame
from nnviz_widgets.widgets.number import decimal_mark
from nnviz_widgets.widgets.own_method import Own, worst_cell
from nnviz_widgets.widgets.saliency_heat import heat, scale_for
from nnviz_widgets.widgets.saliency_maps import RuleMap, Shown, picture
from nnviz_widgets.widgets.saliency_words import SaliencyWords
from nnviz_widgets.widgets.scene import Bitmap, Box, Scene, Sprite
from nnviz_widgets.widgets.surface import Surface


class SaliencyPanes:
    """Draws what is shown on a surface with the panes "photo", "map", "own" and one a rule.

    Args:
        input_size: (height, width) of the network's input.
        say_own: title and caption of the pane "own".
    """

    def __init__(
        self,
        surface: Surface,
        words: SaliencyWords,
        input_size: tuple[int, int],
        say_own: Callable[[Frame, Own | None], str],
    ) -> None:
        decimal = decimal_mark(words.language)
        self.frames = {name: Frame(surface, name, bar=name != "photo", decimal=decimal) for name in surface.sizes}
        for frame in self.frames.values():
            frame.box.add_class("nnviz-slim")
            frame.caption.layout.width = width = f"{frame.width + (60 if frame.bar else 0)}px"
            frame.title.layout.max_width = width
        self._surface, self._words, self._input_size, self._say_own = surface, words, input_size, say_own
        self._painted: dict[str, tuple[tuple[Any, ...], Bitmap]] = {}

    def draw(self, state: SimpleNamespace, shown: Shown, photo: Bitmap, *, smooth: bool) -> dict[str, str]:
        """Show it all; the panes' words for screen readers, by name."""
        width, height = self._surface.sizes["photo"]
        whole: Box = (0, 0, width, height)
        base = Sprite(photo, whole, smooth)
        outlines = (self._box(shown.seen),) if shown.seen else ()
        words = self._words.asked(state, shown.question)
        scenes = {"photo": Scene(base, (), outlines)}
        labels = {"photo": self._say("photo_label", top=words)}
        self.frames["photo"].say(self._say("input_title"), self._say("asked", asked=words))
        if shown.question.maps is not None:
            scenes["map"] = self._map(state, shown, whole)
            labels["map"] = self._say("map_label", layer=state.layer, channel=state.channel)
        _show(self.frames["map"], shown.question.maps is not None)
        for rule in RULES:
            _show(self.frames[rule], rule in state.rules)
            found = shown.maps.get(rule)
            if found is not None:
                sprite = Sprite(self._heat(rule, found, state, shown), whole)
                scenes[rule] = Scene(base if state.overlay < 1 else None, (sprite,), outlines)
                title, caption = self._words.title(rule, state), self._words.caption(found, state, shown)
                self.frames[rule].say(title, caption)
                scale = scale_for(found, state, shown)
                self.frames[rule].show_bar(scale, "", colours_of(scale, dark=state.dark))
                labels[rule] = f"{title}. {caption}".replace("\n", " · ")
            elif rule in shown.refused:
                reason = say_error(self._words.language, shown.refused[rule])
                self.frames[rule].refuse(self._words.title(rule, state), reason)
                labels[rule] = f"{self._words.title(rule, state)}. {reason}"
        own = self._say_own(self.frames["own"], shown.own)
        if state.method is not None and not comparable(state):
            _show(self.frames["own"], True)
            self.frames["own"].refuse(self._say("own_label"), self._say("own_not_here"))
        elif own:
            labels["own"] = own
            scenes["own"] = self._own(state, shown, base, whole)
        self._surface.show(scenes)
        return labels

    def values(self, pane: str, state: SimpleNamespace, shown: Shown) -> NDArray[np.float32] | None:
        """The numbers behind a pane's picture."""
        if pane == "map" and shown.question.maps is not None:
            return shown.question.maps[state.channel]  # type: ignore[no-any-return]
        if pane == "own" and shown.own and shown.own.compared:
            return picture(shown.own.compared.values, state.view).float().numpy()
        return shown.maps[pane].values if pane in shown.maps else None

    def point_at(self, pane: str, state: SimpleNamespace, shown: Shown, x: float, y: float) -> None:
        """Say the value at a point, in fractions of a pane, below it."""
        values = self.values(pane, state, shown)
        if values is not None:
            self.frames[pane].say_below(self._words.value_at(values, *cell_at(x, y, *values.shape)))

    def rest(self, state: SimpleNamespace, shown: Shown) -> None:
        """Say what stands below the panes while nobody points at one."""
        for rule, found in shown.maps.items():
            self.frames[rule].say_below(self._words.caption(found, state, shown))
        if shown.question.maps is not None:
            self.frames["map"].say_below(self._words.map_caption(state, shown))
        if shown.own is not None:
            self._say_own(self.frames["own"], shown.own)

    def _say(self, key: str, **fields: object) -> str:
        return say(self._words.language, key, **fields)

    def panels(self, state: SimpleNamespace, shown: Shown) -> list[Panel]:
        """The same as panels of one picture."""
        found = [Panel(self._surface.picture("photo"), self._say("input_title"), smooth=True)]
        if shown.question.maps is not None:
            values = shown.question.maps[state.channel]
            title = self._say("map_title", layer=state.layer, channel=state.channel)
            found.append(Panel(self._surface.picture("map"), title, scale_of(values), self._say("activation")))
        unit = self._words.unit(state, shown)
        for rule, each in shown.maps.items():
            scale = scale_for(each, state, shown)
            found.append(Panel(self._surface.picture(rule), self._words.title(rule, state), scale, unit))
        if self.values("own", state, shown) is not None:
            scale = scale_for(_reference(shown), state, shown)
            found.append(Panel(self._surface.picture("own"), self._say("own_label"), scale, unit))
        return found

    def _own(self, state: SimpleNamespace, shown: Shown, base: Sprite, whole: Box) -> Scene:
        """What a person's function gave, in the colours of the reference."""
        values = self.values("own", state, shown)
        if values is None or shown.own is None or shown.own.compared is None:
            return Scene()
        scale = scale_for(_reference(shown), state, shown)
        self.frames["own"].show_bar(scale, "", colours_of(scale, dark=state.dark))
        bitmap = Bitmap(heat(values, scale, state.overlay, dark=state.dark))
        worst = worst_cell(shown.own.compared, whole[2], whole[3])
        return Scene(base if state.overlay < 1 else None, (Sprite(bitmap, whole),), worst)

    def _map(self, state: SimpleNamespace, shown: Shown, whole: Box) -> Scene:
        assert shown.question.maps is not None
        values, unit = shown.question.maps[state.channel], shown.question.unit
        scale = scale_of(values)
        title = self._say("map_title", layer=state.layer, channel=state.channel)
        self.frames["map"].say(title, self._words.map_caption(state, shown))
        self.frames["map"].show_bar(scale, "", colours_of(scale, dark=state.dark))
        key = (values.tobytes(), scale, state.dark)
        bitmap = self._bitmap("map", key, lambda: colourise(values, scale, dark=state.dark))
        height, width = whole[3] / values.shape[0], whole[2] / values.shape[1]
        outlines = ((unit[1] * width, unit[0] * height, width, height),) if unit else ()
        return Scene(None, (Sprite(bitmap, whole),), outlines)

    def _heat(self, rule: str, found: RuleMap, state: SimpleNamespace, shown: Shown) -> Bitmap:
        scale = scale_for(found, state, shown)
        key = (found, scale, state.dark, state.overlay)
        return self._bitmap(rule, key, lambda: heat(found.values, scale, state.overlay, dark=state.dark))

    def _bitmap(self, pane: str, key: tuple[Any, ...], paint: Callable[[], Pixels]) -> Bitmap:
        """A pane's picture, painted and sent anew only when it is another."""
        if pane not in self._painted or self._painted[pane][0] != key:
            self._painted[pane] = key, Bitmap(paint())
        return self._painted[pane][1]

    def _box(self, seen: Rect) -> Box:
        zoom = self._surface.sizes["photo"][0] / self._input_size[1]
        return seen.left * zoom, seen.top * zoom, seen.width * zoom, seen.height * zoom


def cell_at(x: float, y: float, rows: int, cols: int) -> tuple[int, int]:
    """(row, column) at a point in fractions of a pane; at its very edge the last one."""
    return min(max(int(y * rows), 0), rows - 1), min(max(int(x * cols), 0), cols - 1)


def comparable(state: SimpleNamespace) -> bool:
    """Whether a function of a module, an input and a class can be asked what a state asks."""
    return state.of == "class" and state.against is None and not state.randomised


def _reference(shown: Shown) -> RuleMap:
    """What a person's function is held against: the first rule that has a map."""
    return next(iter(shown.maps.values()))


def _show(frame: Frame, shown: bool) -> None:
    frame.box.layout.display = None if shown else "none"
