"""The drawing surface of a widget, and the only file that knows ipycanvas.

ipycanvas shares one manager among all canvases of a page, and one failing command stops them all; so each surface has
a manager of its own, and replaces it when the browser falls silent. `_CanvasManager` is private to ipycanvas 0.14.
"""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Mapping
from math import ceil, floor
from typing import Any

import ipywidgets
from ipycanvas import Canvas
from ipycanvas.canvas import COMMANDS, _CanvasManager
from PIL import Image

from nnviz_widgets.live.alarm import Alarm
from nnviz_widgets.live.pacing import Frame, FramePacer
from nnviz_widgets.render.cells import cells
from nnviz_widgets.render.encode import encode_png
from nnviz_widgets.widgets.scene import LINE, RATIO, Box, Scene, Sprite

SETTLED = 0.4  # seconds without a new frame after which the saved state is brought up to date
PARTING = 1.0  # seconds that close waits at most for the frames in flight
RENEWALS = 5  # new managers in a row without a sign of a browser: with more, nobody is there
Scenes = Mapping[str, Scene]


class Surface:
    """Several canvases ("panes") that are drawn together, at the pace of the browser.

    At most two frames are on their way to the browser; of the rest only the newest is kept. The browser acknowledges
    a frame through a hidden canvas of one pixel, whose colour is the frame's number. After a page reload everything is
    drawn anew. A frame that never was acknowledged met a command that failed, which stops its manager for good, or a
    browser that is slow, hidden or not there: it is sent once more, on a new manager.

    Args:
        panes: (width, height) in CSS pixels, by name.
    """

    def __init__(self, panes: Mapping[str, tuple[int, int]]) -> None:
        self.sizes = dict(panes)
        self._manager = _new_manager()
        self._old: list[Any] = []  # managers given up, to which a page that is being loaded may yet refer
        self.canvases = {name: self._canvas(w * RATIO, h * RATIO) for name, (w, h) in panes.items()}
        for name, canvas in self.canvases.items():
            canvas.layout.width = f"{panes[name][0]}px"
            canvas.add_class("nnviz-pane")
            canvas.add_class(f"nnviz-pane-{name}")
        # Kept in the browser, drawn from there: a mosaic need not travel again because its selection moved.
        self._bases = {name: self._canvas(w * RATIO, h * RATIO) for name, (w, h) in panes.items()}
        self.echo = self._canvas(1, 1, sync_image_data=True)
        self.echo.observe(self._acknowledged, "image_data")
        self._pacer: FramePacer[Scenes] = FramePacer()
        self._alarm = Alarm(self._rang)
        self._lock = threading.RLock()
        self._calm = threading.Condition(self._lock)  # told of every acknowledgement
        self._shown: dict[str, Scene] = {}
        self._good: dict[str, Scene] = {}  # the last frame that could be drawn
        self._kept: dict[str, object] = {}  # the bases that the browser has, by pane
        self._ready: set[int] = set()
        self._met = False  # whether a browser was ever there
        self._drawn: dict[str, Scene] = {}  # the scenes that the browser has, by pane
        self._sent = self._told = 0  # the numbers of the last frame sent and of the newest acknowledged
        self._lost = False  # whether a frame of this manager was given up
        self._given_up = 0  # frames up to this number may yet be drawn over newer ones
        self._mixed = False  # nothing was acknowledged since frames were given up
        self._again = False  # whether what is shown may go out once more if it is lost
        self._saved = True
        self._closed = False
        for canvas in self._all():
            canvas.on_client_ready(lambda _=None, c=canvas: self._client_ready(c))

    def show(self, scenes: Scenes) -> None:
        """Show these scenes, as soon as the browser has taken the frames before; panes not named stay as they are."""
        with self._lock:
            if self._closed:
                return
            self._shown.update(scenes)
            self._saved = False
            self._again = True
            self._send(self._pacer.offer(dict(self._shown)))

    def picture(self, name: str) -> Any:
        """What a pane shows, as pixels (h, w, 4); None when nothing was shown."""
        scene = self._shown.get(name)
        return None if scene is None else scene.paint(*self.sizes[name])

    def close(self) -> None:
        """Close all canvases, the manager and the timer."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            if self._met:  # a browser that draws on a closed canvas raises an error in the page
                self._calm.wait_for(lambda: self._pacer.deadline() is None, PARTING)
        self._alarm.cancel()
        for canvas in self._all():
            canvas.layout.close()
            canvas.close()
        self._forget_old()
        self._manager.close()

    def save_state(self) -> None:
        """Put what is shown into the widgets' state, so that a saved notebook opens with it."""
        with self._lock:
            if self._saved or self._closed:
                return
            self._saved = True
            shown = dict(self._shown)
        for name, scene in shown.items():
            self.canvases[name].set_trait("image_data", encode_png(scene.paint(*self.sizes[name])))

    def _canvas(self, width: int, height: int, **options: Any) -> Any:
        layout = ipywidgets.Layout(max_width="100%")
        return Canvas(width=width, height=height, layout=layout, _canvas_manager=self._manager, **options)

    def _all(self) -> list[Any]:
        return [*self.canvases.values(), *self._bases.values(), self.echo]

    def _send(self, frame: Frame[Scenes] | None) -> None:
        try:
            if frame is not None:
                self._draw_whole(frame)
        finally:
            self._wind()

    def _draw_whole(self, frame: Frame[Scenes]) -> None:
        """Draw a frame; of one that cannot be drawn nothing travels, and the panes stay as they were."""
        if self._lost:
            self._renew()
        before = dict(self._kept), dict(self._drawn)
        try:
            self._draw(frame)
        except Exception:
            self._manager._commands_cache, self._manager._buffers_cache = [], []
            self._kept, self._drawn = before
            self._shown = dict(self._good)
            self._pacer.acknowledge(frame.number)
            raise
        self._good = dict(frame.content)

    def _wind(self) -> None:
        """Set the alarm for what comes next: a frame that is overdue, or saving the state."""
        deadline = self._pacer.deadline()
        if deadline is not None:
            self._alarm.set(max(0.0, deadline - time.monotonic()))
        elif not self._saved:
            self._alarm.set(SETTLED)

    def _draw(self, frame: Frame[Scenes]) -> None:
        self._manager._current_canvas = None  # the browser may have been loaded anew since
        # Told when the whole batch has run, wherever in it the command stands.
        self.echo.fill_style = f"#{frame.number % 2**24:06x}"
        self.echo.fill_rect(0, 0, 1, 1)
        for name, scene in frame.content.items():
            if self._drawn.get(name) != scene:
                self._draw_pane(name, scene)
                self._drawn[name] = scene
        # The browser shows a batch's last canvas once more with the next batch: let it be one that nobody sees.
        next(iter(self._bases.values())).fill_rect(0, 0, 0, 0)
        self._manager.flush()
        self._sent = frame.number

    def _draw_pane(self, name: str, scene: Scene) -> None:
        canvas, base = self.canvases[name], self._bases[name]
        width, height = self.sizes[name]
        for _ in range(2):  # a frame that got stuck in the browser may have left a clip behind
            canvas.restore()
        canvas.save()
        canvas.reset_transform()
        moved = _moved(self._drawn.get(name), scene)
        if moved:  # a large sheet whose selection moved: painting it all again would cost the browser a frame
            canvas.begin_path()
            for x, y, w, h in moved:  # in whole pixels, or the edges of the clip would be half painted
                left, top = floor((x - 2 * LINE) * RATIO), floor((y - 2 * LINE) * RATIO)
                right, bottom = ceil((x + w + 2 * LINE) * RATIO), ceil((y + h + 2 * LINE) * RATIO)
                canvas.rect(left, top, right - left, bottom - top)
            canvas.clip()
        canvas.scale(RATIO, RATIO)
        canvas.clear_rect(0, 0, width, height)
        if scene.base is not None:
            if self._kept.get(name) is not scene.base.bitmap:
                base.reset_transform()
                base.clear_rect(0, 0, width * RATIO, height * RATIO)
                base.scale(RATIO, RATIO)
                self._draw_sprite(base, scene.base)
                self._kept[name] = scene.base.bitmap
            canvas.image_smoothing_enabled = False
            canvas.draw_image(base, 0, 0, width, height)
        for sprite in scene.sprites:
            self._draw_sprite(canvas, sprite)
        for box in scene.outlines:
            _outline(canvas, box, width, height)
        canvas.restore()
        if scene.lies is not None:  # told with the frame itself, in what draws nothing: see moving.js
            canvas.shadow_blur, canvas.shadow_offset_x, canvas.shadow_offset_y = scene.lies

    def _draw_sprite(self, canvas: Any, sprite: Sprite) -> None:
        x, y, width, height = sprite.box
        rows, columns = sprite.bitmap.pixels.shape[:2]
        canvas.save()
        canvas.image_smoothing_enabled = sprite.smooth
        canvas.global_alpha = sprite.alpha
        canvas.translate(x, y)
        small = None if sprite.smooth else cells(sprite.bitmap.pixels, round(width * RATIO), round(height * RATIO))
        if small is not None:
            canvas.scale(1 / RATIO, 1 / RATIO)
            canvas.fill_styled_rects(small.x, small.y, small.width, small.height, small.colours)
        else:
            canvas.scale(width / columns, height / rows)
            self._manager.send_draw_command(canvas, COMMANDS["putImageData"], [0, 0], [sprite.bitmap.encoded])
        canvas.restore()

    def _acknowledged(self, change: Any) -> None:
        if not change["new"]:
            return
        red, green, blue = Image.open(io.BytesIO(bytes(change["new"]))).convert("RGB").tobytes()
        number = (red << 16) + (green << 8) + blue
        with self._lock:
            frame = self._pacer.acknowledge(number)
            self._calm.notify_all()
            self._forget_old()
            if self._closed:
                return
            # A frame that was given up may only have been slow. Then it came over a newer one, or two managers drew on
            # the same canvases at once, each between the other's commands; the browser may tell of the last alone.
            late = number < self._told and number <= self._given_up
            if late or self._mixed:
                self._mixed = False
                self._kept.clear()
                self._drawn.clear()
                frame = frame or self._pacer.offer(dict(self._shown))
            self._told = max(self._told, number)
            self._send(frame)

    def _rang(self) -> None:
        """The alarm: a frame was not acknowledged in time, or nothing has moved for a while."""
        with self._lock:
            if self._closed:
                return
            deadline = self._pacer.deadline()
            if deadline is not None and deadline <= time.monotonic():
                self._lost = True
                self._given_up, self._mixed = self._sent, True
                frame = self._pacer.tick()
                if frame is None and self._again:
                    self._again = False
                    frame = self._pacer.offer(dict(self._shown))
                self._send(frame)
            if self._pacer.deadline() is not None:
                return
        self.save_state()

    def _renew(self) -> None:
        """A new manager, for a command that failed in the browser stops its manager for good."""
        if len(self._old) < RENEWALS:
            self._old.append(self._manager)
            self._manager = _new_manager()
            for canvas in self._all():
                canvas._canvas_manager = self._manager
        self._kept.clear()
        self._drawn.clear()
        self._lost = False

    def _forget_old(self) -> None:
        """A page is there, whose canvases all have their manager."""
        while self._old:
            self._old.pop().close()

    def _client_ready(self, canvas: Any) -> None:
        """A page has made this canvas; once it has made them all, it needs everything."""
        with self._lock:
            self._met = True
            self._ready.add(id(canvas))
            if self._closed or len(self._ready) < len(self._all()):
                return
            self._ready.clear()
            self._forget_old()
            self._mixed = False
            self._kept.clear()
            self._drawn.clear()
            self._lost = False
            self._pacer.reset()
            if self._shown:
                self._send(self._pacer.offer(dict(self._shown)))


def _new_manager() -> Any:
    manager = _CanvasManager()
    manager._caching = True  # commands wait for flush: a frame travels whole
    return manager


def _moved(before: Scene | None, now: Scene) -> tuple[Box, ...]:
    """The outlines before and now, if nothing else of the pane is different; else nothing."""
    if before is None or (before.base, before.sprites) != (now.base, now.sprites):
        return ()
    return (*before.outlines, *now.outlines)


def _outline(canvas: Any, box: Box, width: float, height: float) -> None:
    """A dark and a light line around a box, moved inwards at the edges of the pane."""
    x, y, w, h = box
    left, top = max(0.0, x - 2 * LINE), max(0.0, y - 2 * LINE)
    right, bottom = min(width, x + w + 2 * LINE), min(height, y + h + 2 * LINE)
    canvas.line_width = LINE
    for inset, colour in ((LINE / 2, "#000000"), (LINE * 1.5, "#ffffff")):
        canvas.stroke_style = colour
        canvas.stroke_rect(left + inset, top + inset, right - left - 2 * inset, bottom - top - 2 * inset)
