"""All panes of an occlusion: the photo with its square, the maps of all positions, and what changes with the square."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import ipywidgets
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.lang import say
from nnviz_widgets.methods.occluders import Fill
from nnviz_widgets.render.figure import Panel
from nnviz_widgets.render.legend import legend
from nnviz_widgets.widgets.frame import Frame
from nnviz_widgets.widgets.number import decimal_mark
from nnviz_widgets.widgets.occlusion_bars import steady_classes
from nnviz_widgets.widgets.occlusion_classes import ClassColours
from nnviz_widgets.widgets.occlusion_features import FEATURES, FeaturePanes
from nnviz_widgets.widgets.occlusion_panes import MAPS, MapPanes, Shown
from nnviz_widgets.widgets.occlusion_photo import SquarePane
from nnviz_widgets.widgets.occlusion_questions import Answer, Question
from nnviz_widgets.widgets.occlusion_square import Cell, Corner, Ground
from nnviz_widgets.widgets.scene import RATIO, Scene, Sprite
from nnviz_widgets.widgets.surface import Surface

BARS = ("probability", "activation", "predicted", *FEATURES)  # panes with something beside them


@dataclass(frozen=True, eq=False)
class Seen:
    """What is looked at, and what is known of it."""

    x: Tensor
    photo: Sprite
    ground: Ground
    fill: Fill
    layer: str
    dark: bool
    shown: Shown

    @property
    def telling(self) -> Corner:
        """Where the square takes most of the class's probability, as far as is known; first the middle."""
        found = self.shown.map
        if found is None:
            return self.ground.around(0.5, 0.5)
        values = np.where(found.known.numpy(), self.shown.probability(), np.inf)
        row, col = np.unravel_index(int(values.argmin()), values.shape)
        return self.ground.corner((int(row), int(col)))


class OcclusionView:
    """Draws from any thread, one at a time: a pointer moves the square while the worker draws the next map."""

    def __init__(self, engine: Engine, surface: Surface, language: str) -> None:
        self._engine, self._surface, self._language = engine, surface, language
        decimal = decimal_mark(language)
        frames = self.frames = {n: Frame(surface, n, bar=n in BARS, decimal=decimal) for n in surface.sizes}
        for frame in frames.values():
            frame.title.layout.max_width = f"{frame.width + (92 if frame.bar else 0)}px"
        self.square = SquarePane(frames["photo"], engine, language)
        self.maps = MapPanes({name: frames[name] for name in MAPS}, engine, language)
        self.features = FeaturePanes({name: frames[name] for name in FEATURES}, language)
        pair = ipywidgets.VBox([frames[name].box for name in FEATURES])
        self._below = ipywidgets.HBox([frames["activation"].box, pair])
        upper = [frames[name].box for name in ("photo", "probability", "own", "predicted")]
        self.rows = [ipywidgets.HBox(upper), self._below]
        for row in self.rows:
            row.add_class("nnviz-panes")
        surface.canvases["photo"].add_class("nnviz-grab")
        self._lock = threading.RLock()
        self._seen: Seen | None = None
        self.corner: Corner = (0, 0)  # where the square stands
        self._question: Question | None = None
        self._answer: Answer | None = None

    def draw(self, seen: Seen) -> None:
        """Something new is known; maps of before stay until there are others."""
        with self._lock:
            before, self._seen = self._seen, seen
            if before is None or before.x is not seen.x or not np.array_equal(before.shown.clean, seen.shown.clean):
                self._question = self._answer = None
                self.maps.colours = ClassColours(steady_classes(seen.shown.clean, seen.shown.asked))
            if seen.shown.map is not None:
                self.maps.take(seen.shown, seen.ground, seen.layer, dark=seen.dark)
                self._below.layout.display = None if seen.layer else "none"

    @property
    def ground(self) -> Ground | None:
        """The picture and positions that are shown; None before anything is."""
        return None if self._seen is None else self._seen.ground

    def place(self, corner: Corner | None) -> Question | None:
        """Put the square there, or where it tells most, with all that is known; what is to be asked for the rest."""
        with self._lock:
            seen = self._seen
            if seen is None:
                return None
            found = seen.shown.map
            if corner is None:  # until there is a map that tells more, the square stays
                corner = self.corner if found is None and self.maps.ready else seen.telling
            corner = self.corner = seen.ground.clamp(*corner)
            cell = seen.ground.nearest(corner)
            question = self._question = self._question_at(seen, corner, cell)
            if self._answer is None or not self._answer.question.same(question):
                if question.known is not None:
                    self._answer = Answer(question, question.known).with_map_of(self._answer)
                ask = question.known is None or question.channel is not None
            else:
                ask = False
            scenes = {"photo": self.square.scene(seen.photo, seen.x, seen.fill, seen.ground, corner)}
            if found is not None:
                scenes |= self.maps.scenes(cell)
                self.maps.say_at(cell)
            self._surface.show(scenes | self._say(seen))
            return question if ask else None

    def answered(self, answer: Answer) -> None:
        """The network has spoken; an answer that comes after the square has moved on is shown if there is no other."""
        with self._lock:
            seen, question = self._seen, self._question
            if seen is None or question is None or answer.question.x is not seen.x:
                return
            if self._answer is not None and self._answer.question.same(question) and not answer.question.same(question):
                return
            self._answer = answer.with_map_of(self._answer)
            self._surface.show(self._say(seen))

    def _question_at(self, seen: Seen, corner: Corner, cell: Cell) -> Question:
        found, known = seen.shown.map, None
        if found is not None and seen.ground.corner(cell) == corner and bool(found.known[cell]):
            known = found.logits[cell].double().softmax(0).numpy()
        channel = None if found is None or not seen.layer else found.channel
        return Question(seen.x, corner, seen.ground.size, seen.fill, known, seen.layer, channel)

    def _say(self, seen: Seen) -> dict[str, Scene]:
        """Bars and words for the present answer; the maps of the layer to be drawn."""
        answer = self._answer
        now: NDArray[np.float64] | None = None if answer is None else answer.probabilities
        self.square.say(seen.shown, now, self.maps.colours.of)
        if seen.shown.feature is None:
            return {}
        of = None if answer is None else answer.question
        mine = of is not None and seen.shown.map is not None and of.source == (seen.layer, seen.shown.map.channel)
        hidden = answer.feature if answer is not None and mine else None
        return self.features.scenes(seen.shown.feature, hidden, dark=seen.dark)

    def labels(self) -> dict[str, str]:
        """What a screen reader says of each pane."""
        with self._lock:
            seen = self._seen
            if seen is None:
                return {}
            titled = {name: self.maps.title(name, seen.shown, seen.layer) for name in MAPS}
            small = {name: say(self._language, f"occlusion_{name}") for name in FEATURES}
            return {"photo": say(self._language, "photo_label", top=self.square.heading), **titled, **small}

    def panels(self) -> tuple[list[list[Panel]], str]:
        """The same as a figure, and its caption."""
        with self._lock:
            seen = self._seen
            assert seen is not None
            rows = [[Panel(self._surface.picture("photo"), self.square.heading, smooth=True)]]
            if seen.shown.map is None:
                return rows, ""
            rows[0].append(self._panel("probability", "probability"))
            if seen.shown.own is not None and seen.shown.own.compared is not None:
                title = say(self._language, "own_title", name=seen.shown.own.name)
                scale = self.maps.scales["probability"]
                rows[0].append(Panel(self._surface.picture("own"), title, scale, say(self._language, "probability")))
            rows[0] += [self._panel("predicted"), self._legend(seen)]
            if seen.layer:
                rows.append([self._panel("activation", "activation_total")])
                rows[1] += [
                    self._panel(name, "activation") for name in FEATURES if self._surface.picture(name) is not None
                ]
            return rows, self.maps.words()

    def _panel(self, name: str, unit: str | None = None) -> Panel:
        seen = self._seen
        assert seen is not None
        title = self.labels()[name]
        scale = self.features.scale if name in FEATURES else self.maps.scales.get(name)
        return Panel(self._surface.picture(name), title, scale, say(self._language, unit) if unit else None)

    def _legend(self, seen: Seen) -> Panel:
        height = self.frames["photo"].height * RATIO
        return Panel(legend(self.maps.marks(), height=height, dark=seen.dark, pixel_ratio=RATIO))
