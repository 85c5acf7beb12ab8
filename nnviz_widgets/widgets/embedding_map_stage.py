"""The pane of a map: what is drawn now, how it glides to what comes, and what lies over it."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from nnviz_widgets.live.alarm import Alarm
from nnviz_widgets.widgets.embedding_map_overlay import Over, overlay
from nnviz_widgets.widgets.embedding_map_raster import Look, paint
from nnviz_widgets.widgets.embedding_map_thumbnails import Thumbnails
from nnviz_widgets.widgets.embedding_map_viewport import Viewport
from nnviz_widgets.widgets.scene import RATIO, Bitmap, Scene, Sprite
from nnviz_widgets.widgets.surface import Surface

FRAME = 0.03  # seconds from one frame of a glide to the next
GLIDE = 0.7  # seconds in which points go to their new places
SETTLED = 0.25  # seconds without a move after which the map is drawn sharp
DECODING = 0.05  # seconds of decoding before what is decoded is shown


@dataclass(frozen=True, eq=False)
class Glide:
    """Points on their way."""

    start: NDArray[np.float32]
    end: NDArray[np.float32]
    began: float
    seconds: float

    def now(self) -> tuple[NDArray[np.float32], bool]:
        """Where they are, and whether they have arrived."""
        share = min((time.monotonic() - self.began) / self.seconds, 1.0)
        eased = share * share * (3 - 2 * share)
        return (self.start + (self.end - self.start) * np.float32(eased)).astype(np.float32), share >= 1


class Stage:
    """Draws a map on the pane "map": coarse while it moves, sharp once it rests. From any thread."""

    def __init__(self, surface: Surface, thumbnails: Thumbnails, points: NDArray[np.float32], look: Look) -> None:
        self._surface = surface
        self._thumbnails = thumbnails
        self.points = points  # as drawn
        self.goal = points
        self.look = look
        self.view = Viewport(*surface.sizes["map"])
        self.over = Over()
        self._base: Sprite | None = None
        self._glide: Glide | None = None
        self._moved = 0.0
        self._coarse = False
        self._closed = False
        self._lock = threading.RLock()
        self._alarm = Alarm(self._tick)

    def show(self, points: NDArray[np.float32], look: Look, over: Over, *, glide: float = GLIDE) -> None:
        """Show other points, or the same in another look; points that moved glide there."""
        with self._lock:
            self.look, self.over = look, over
            if self._base is None:
                self.points = self.goal = points
            elif points is not self.goal:
                self.goal = points
                self._glide = Glide(self.points, points, time.monotonic(), glide)
            self._draw(coarse=self._glide is not None)
            self._alarm.set(FRAME)

    def look_at(self, view: Viewport) -> None:
        """Pan or zoom."""
        with self._lock:
            self.view, self._moved = view, time.monotonic()
            self._draw(coarse=True)
            self._alarm.set(SETTLED)

    def lay_over(self, over: Over) -> None:
        """Change what lies over the map; the map itself does not travel again."""
        with self._lock:
            self.over = over
            self._send()

    def shade(self, look: Look) -> None:
        """The same points in another look, such as with other ones faint."""
        with self._lock:
            self.look = look
            self._draw(coarse=self._coarse)
            self._alarm.set(FRAME)

    def at(self, x: float, y: float) -> int | None:
        """The picture at a point of the pane in CSS pixels: the nearest, if it is near enough."""
        with self._lock:
            places = self.view.to_pane(self.points)
            reach = max(8.0, 0.6 * min(self.look.side_at(self.view), 64))
        distances = np.square(places - np.array([x, y], np.float32)).sum(1)
        number = int(distances.argmin())
        return number if distances[number] <= reach**2 else None

    def whole(self) -> NDArray[np.uint8]:
        """What is in sight with all pictures decoded and at rest, for a page without a kernel."""
        with self._lock:
            view, look, points, over = self.view, self.look, self.goal, self.over
        self._thumbnails.load(look.chosen(points, view), look.pixels(view), np.inf)
        base = Sprite(Bitmap(paint(points, view, look, self._thumbnails, RATIO)), (0, 0, view.width, view.height))
        sprites, outlines = overlay(over, points, view)
        return Scene(base, sprites, outlines).paint(view.width, view.height)

    def close(self) -> None:
        """Draw no more."""
        with self._lock:
            self._closed = True
        self._alarm.cancel()

    def _draw(self, *, coarse: bool) -> None:
        pixels = paint(self.points, self.view, self.look, self._thumbnails, 1 if coarse else RATIO)
        exact = not coarse or not self.look.pictures
        self._base = Sprite(Bitmap(pixels, exact=exact), (0, 0, self.view.width, self.view.height), smooth=coarse)
        self._coarse = coarse
        self._send()

    def _send(self) -> None:
        if not self._closed:
            sprites, outlines = overlay(self.over, self.points, self.view)
            scene = Scene(self._base, sprites, outlines, self.view.lies(RATIO))
            if self._coarse and self._base is not None:  # it is gone with the next frame: no use in keeping it there
                scene = replace(scene, base=None, sprites=(self._base, *sprites))
            self._surface.show({"map": scene})

    def _tick(self) -> None:
        """One frame of a glide, then the pictures that are missing, then the sharp map."""
        with self._lock:
            if self._closed:
                return
            if self._glide is not None:
                self.points, arrived = self._glide.now()
                if arrived:
                    self.points, self._glide = self.goal, None
                self._draw(coarse=True)
                self._alarm.set(FRAME)
                return
            resting = SETTLED - (time.monotonic() - self._moved)
            if resting > 0:
                self._alarm.set(resting)
                return
            points, view, look = self.points, self.view, self.look
        more = self._thumbnails.load(look.chosen(points, view), look.pixels(view), DECODING)
        with self._lock:
            if self._closed or self._glide is not None:
                return
            self._draw(coarse=more)
            if more:
                self._alarm.set(0)


def counted(selected: Sequence[int], labels: Sequence[int | None]) -> dict[int | None, int]:
    """How many of each class, the most frequent first."""
    found: dict[int | None, int] = {}
    for number in selected:
        found[labels[number]] = found.get(labels[number], 0) + 1
    return dict(sorted(found.items(), key=lambda item: -item[1]))
