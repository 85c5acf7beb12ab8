"""The panes of a Grad-CAM widget: the photo, the maps of one class or two, guided, yours, and the strip of classes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from types import SimpleNamespace

import numpy as np

from nnviz_widgets.methods.cam_variants import FROM_GRADIENTS
from nnviz_widgets.methods.own_method import name_of
from nnviz_widgets.render.figure import Panel
from nnviz_widgets.render.scale import Scale, apply, colourise, colours_of, scale_of
from nnviz_widgets.widgets.frame import Frame
from nnviz_widgets.widgets.grad_cam_maps import ClassMap, Map, Shown, Strip
from nnviz_widgets.widgets.grad_cam_strip import StripLayout, strip_scene, strip_words
from nnviz_widgets.widgets.number import decimal_mark, say_number
from nnviz_widgets.widgets.own_method import Own, own_caption, say_own, worst_cell
from nnviz_widgets.widgets.scene import Bitmap, Box, Scene, Sprite
from nnviz_widgets.widgets.surface import Surface

MAPS = ("map", "second")
UNITS = {"grad_cam": "cam_unit", "xgrad_cam": "cam_unit", "layer_cam": "cam_unit"}
"""What a variant's numbers are, where they are in units of the logit."""
Cell = tuple[int, int]


class GradCamPanes:
    """Draws what is shown.

    Args:
        labels: names of the classes.
    """

    def __init__(
        self, surface: Surface, layout: StripLayout, language: str, say: Callable[..., str], labels: Sequence[str]
    ) -> None:
        decimal, bars = decimal_mark(language), (*MAPS, "guided")
        self.frames = {pane: Frame(surface, pane, bar=pane in bars, decimal=decimal) for pane in surface.sizes}
        self.layout = layout
        self._surface = surface
        self._language = language
        self._say = say
        self._labels = labels
        self._scenes: dict[str, Scene] = {}
        self._strip: tuple[tuple[object, ...], Scene] | None = None

    def draw(
        self, state: SimpleNamespace, shown: Shown, photo: Bitmap, *, smooth: bool, cell: Cell | None
    ) -> dict[str, str]:
        """Show it all, a cell outlined; the labels of the panes for who does not see them."""
        width, height = self._surface.sizes["photo"]
        whole: Box = (0, 0, width, height)
        base = Sprite(photo, whole, smooth)
        scale, unit = shown.scale, self._say(UNITS.get(state.variant, "cam_unit_plain"))

        def over(values: Map) -> Scene:
            return Scene(base, (Sprite(Bitmap(heat(values, scale)), whole, smooth=True, alpha=state.overlay),))

        top = " · ".join(self._name(*each) for each in shown.top[:2])
        self.frames["photo"].say(self._say("input_title"), top)
        labels = {"photo": self._say("photo_label", top=top)}
        outlines = self._outlines(shown, cell)
        scenes = {"photo": Scene(base, (), outlines)}
        for pane, each in zip(MAPS, shown.maps, strict=False):
            scenes[pane] = replace(over(each.values), outlines=outlines)
            title, caption = self.title(shown, each), self.caption(state, each)
            self.frames[pane].say(title, self.caption(state, each, cell))
            labels[pane] = f"{title}. {caption}"
        self._show("second", shown=len(shown.maps) > 1)
        for pane in MAPS:  # one bar for both, beside the last
            self._show_bar(pane, shown=pane == MAPS[len(shown.maps) - 1])
        self.frames[MAPS[len(shown.maps) - 1]].show_bar(scale, unit, colours_of(scale))
        if state.guided:
            labels["guided"] = self._draw_guided(state, shown, scenes, whole)
        self._show("guided", shown=state.guided)
        own = shown.own if shown.own is not None or state.method is None else Own(name_of(state.method))
        labels["own"] = say_own(self.frames["own"], self._language, own)
        compared = None if own is None else own.compared
        self.frames["own"].cut_to(width, 0 if own is not None and own.failed else height)
        if own is None or own.failed:
            scenes["own"] = Scene()
        elif compared is not None:
            drawn = over(compared.values[0, 0].numpy())
            scenes["own"] = replace(drawn, outlines=worst_cell(compared, width, height))
        if shown.strip is not None:
            scenes["strip"] = self._draw_strip(state, shown, shown.strip, photo, smooth=smooth)
            labels["strip"] = self._say("strip_label", classes=", ".join(self._name(*c) for c in shown.strip.classes))
            self.frames["strip"].say(
                self._say("strip_title", count=len(shown.strip.classes)), self.strip_caption(shown.strip)
            )
        # While a strip is being computed, the one before stays.
        self._show("strip", shown=shown.strip is not None or state.variant in FROM_GRADIENTS)
        self._scenes |= scenes
        self._surface.show(scenes)
        return labels

    def point(self, shown: Shown, cell: Cell | None) -> None:
        """The same cell of all maps and of the photo outlined, or none."""
        outlines = self._outlines(shown, cell)
        panes = ("photo", *MAPS[: len(shown.maps)])
        self._surface.show({pane: replace(self._scenes[pane], outlines=outlines) for pane in panes})

    def _outlines(self, shown: Shown, cell: Cell | None) -> tuple[Box, ...]:
        if cell is None:
            return ()
        width, height = self._surface.sizes["photo"]
        rows, cols = shown.maps[0].values.shape
        return ((cell[1] * width / cols, cell[0] * height / rows, width / cols, height / rows),)

    def title(self, shown: Shown, each: ClassMap) -> str:
        """The class, and the one that is taken away."""
        name = self._name(each.index, each.probability)
        return name if shown.against is None else f"{name} \N{MINUS SIGN} {self._name(*shown.against)}"

    def caption(self, state: SimpleNamespace, each: ClassMap, cell: Cell | None = None) -> str:
        """What the map is, or its value at a cell; what to try where there is nothing in it."""
        height, width = each.values.shape
        if cell is not None:
            value = say_number(self._language, float(each.values[cell]))
            return self._say("map_unit", row=cell[0], col=cell[1], value=value)
        method = self._say("cam_title", variant=self._say(f"variant_{state.variant}"), layer=state.layer)
        maximum = float(each.values.max())
        key = "cam_caption" if maximum > 0 else "cam_nothing"
        return self._say(key, method=method, height=height, width=width, maximum=say_number(self._language, maximum))

    def own_caption(self, own: Own, cell: Cell | None) -> str:
        """How a person's map compares, or its value at a cell."""
        if own.compared is None or cell is None:
            return own_caption(self._language, own)
        value = say_number(self._language, float(own.compared.values[0, 0][cell]))
        return self._say("map_unit", row=cell[0], col=cell[1], value=value)

    def strip_caption(self, strip: Strip, index: int | None = None) -> str:
        """Their scale and how they were made, or one class with the maximum of its map."""
        if index is not None:
            maximum = say_number(self._language, float(strip.values[index].max()))
            return self._say("strip_hover", name=self._name(*strip.classes[index]), maximum=maximum)
        key = "strip_at_once" if strip.at_once else "strip_caption"
        return self._say(key, maximum=say_number(self._language, float(strip.values.max())))

    def panels(self, state: SimpleNamespace, shown: Shown) -> list[list[Panel]]:
        """The same as pictures for a page without a kernel."""
        unit = self._say(UNITS.get(state.variant, "cam_unit_plain"))
        panels = [Panel(self._surface.picture("photo"), self._say("input_title"), smooth=True)]
        for pane, each in zip(MAPS, shown.maps, strict=False):
            scale = shown.scale if each is shown.maps[-1] else None
            picture = self._surface.picture(pane)
            panels.append(Panel(picture, self.title(shown, each), scale, unit, smooth=True))
        if shown.guided is not None:
            panels.append(Panel(self._surface.picture("guided"), self._say("guided_title"), smooth=True))
        if shown.own is not None and shown.own.compared is not None:
            title = self._say("own_title", name=shown.own.name)
            panels.append(Panel(self._surface.picture("own"), title, smooth=True))
        if shown.strip is None:
            return [panels]
        title = self._say("strip_title", count=len(shown.strip.classes))
        return [panels, [Panel(self._surface.picture("strip"), title)]]

    def _draw_guided(self, state: SimpleNamespace, shown: Shown, scenes: dict[str, Scene], whole: Box) -> str:
        """Guided Grad-CAM, or why there is none; until that is known, what was there before."""
        title = self._say("guided_title")
        frame = self.frames["guided"]
        frame.cut_to(frame.width, 0 if shown.unguided else frame.height)
        if shown.unguided:
            scenes["guided"] = Scene()
            frame.say(title, self._say("guided_refused"))
        if shown.guided is None:
            return title
        signed = scale_of(shown.guided, signed=True, clip_percentile=99.5)
        pixels = colourise(shown.guided, signed, dark=state.dark)
        scenes["guided"] = Scene(None, (Sprite(Bitmap(pixels), whole),))
        frame.say(title, self._say("guided_caption"))
        frame.show_bar(signed, self._say("guided_unit"), colours_of(signed, dark=state.dark))
        return title

    def _draw_strip(self, state: SimpleNamespace, shown: Shown, strip: Strip, photo: Bitmap, *, smooth: bool) -> Scene:
        """The strip as it was, if it is the same, with the chosen classes outlined."""
        key = (strip, state.overlay, state.dark)
        if self._strip is None or self._strip[0] != key:
            scale = Scale(0.0, float(strip.values.max()))
            heats = [heat(values, scale) for values in strip.values]
            words = [(self._labels[index], say_number(self._language, p, digits=2)) for index, p in strip.classes]
            text = strip_words(self.layout, words, dark=state.dark)
            scene = strip_scene(self.layout, photo.pixels, heats, text, overlay=state.overlay, smooth=smooth)
            self._strip = key, scene
        chosen = {each.index for each in shown.maps}
        places = [place for place, (index, _) in enumerate(strip.classes) if index in chosen]
        return replace(self._strip[1], outlines=tuple(self.layout.box(place) for place in places))

    def _name(self, index: int, probability: float) -> str:
        return f"{self._labels[index]} {say_number(self._language, probability, digits=2)}"

    def _show(self, pane: str, *, shown: bool) -> None:
        self.frames[pane].box.layout.display = None if shown else "none"

    def _show_bar(self, pane: str, *, shown: bool) -> None:
        bar = self.frames[pane].bar
        if bar is not None:
            bar.layout.display = None if shown else "none"


def heat(values: Map, scale: Scale) -> np.ndarray:
    """A map in colours, transparent where it is 0, (h, w, 4)."""
    strength = np.nan_to_num(apply(values, scale))
    return np.dstack([colourise(values, scale), np.rint(255 * np.sqrt(strength)).astype(np.uint8)])
