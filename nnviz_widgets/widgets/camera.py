"""The browser's webcam as a picture that moves: a frame at a time, the next when all widgets have taken the last."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.lang import say

HERE = Path(__file__).parent
TROUBLES = {
    "insecure": "camera_insecure",
    "none": "camera_none",
    "denied": "camera_denied",
    "taken": "camera_taken",
    "gone": "camera_gone",
    "failed": "camera_failed",
}


@dataclass(frozen=True, eq=False)
class CameraFrame:
    """One picture of the camera, as the browser sent it."""

    number: int
    jpeg: bytes


@dataclass(frozen=True, eq=False)
class Watcher:
    """A widget that looks at a camera; called on the thread of the kernel's messages, so return at once.

    Attributes:
        size: (width, height) in pixels of the frames that it wants.
        on_frame: a frame has come; answer with `Camera.taken`.
        on_change: the camera was frozen, goes on, or cannot be opened.
    """

    size: tuple[int, int]
    on_frame: Callable[[], object]
    on_change: Callable[[], object]


class Lens(anywidget.AnyWidget):
    """The camera's side of the browser; shows nothing but a line when the kernel falls silent."""

    _esm = HERE / "camera.js"
    frozen = traitlets.Bool(False).tag(sync=True)
    mirror = traitlets.Bool(True).tag(sync=True)
    size = traitlets.List(traitlets.Int(), [224, 224]).tag(sync=True)
    silent = traitlets.Unicode().tag(sync=True)


class Camera:
    """The webcam of the browser that shows a widget, in place of a picture: `nnviz.GradCam(engine, nnviz.Camera())`.

    Each frame is grabbed when all widgets that look at this camera have taken the one before, so what is shown is never
    older than one frame and one pass. The camera is off while it is frozen, its page is hidden or nothing looks at it.

    Args:
        mirror: left and right as in a mirror.
    """

    def __init__(self, *, mirror: bool = True) -> None:
        self.mirror = bool(mirror)
        self.frame: CameraFrame | None = None
        self.trouble: NnvizError | None = None
        self._frozen = False
        self._lens: Lens | None = None
        self._watchers: list[Watcher] = []
        self._pending: list[Watcher] = []  # those that have yet to take the frame
        self._lock = threading.RLock()

    @property
    def frozen(self) -> bool:
        """Whether the camera is off and its last frame stays; may be set."""
        return self._frozen

    @frozen.setter
    def frozen(self, frozen: bool) -> None:
        with self._lock:
            self._frozen = bool(frozen)
            self._pending.clear()
            if not frozen:
                self.trouble = None
            if self._lens is not None:
                self._lens.frozen = self._frozen
            watchers = list(self._watchers)
        for watcher in watchers:
            watcher.on_change()

    def join(self, watcher: Watcher, language: str) -> Lens:
        """A widget begins to look; shows what it gets anywhere in itself, and must `leave`."""
        with self._lock:
            self._watchers.append(watcher)
            if self._lens is None:
                self._lens = Lens(frozen=self._frozen, mirror=self.mirror, silent=say(language, "camera_silent"))
                self._lens.on_msg(self._receive)
            self._lens.size = [max(side) for side in zip(*(w.size for w in self._watchers), strict=True)]
            return self._lens

    def leave(self, watcher: Watcher) -> None:
        """A widget looks no more; with the last one the camera goes off, and is as new."""
        with self._lock:
            self._watchers.remove(watcher)
            self._take(watcher)
            lens = self._lens
            if self._watchers or lens is None:
                return
            self._lens = self.frame = self.trouble = None
            self._frozen = False
        lens.layout.close()
        lens.close()

    def taken(self, watcher: Watcher, frame: CameraFrame) -> None:
        """A widget shows what it made of a frame, or could make nothing of it."""
        with self._lock:
            if frame is self.frame:
                self._take(watcher)

    def __repr__(self) -> str:
        return f"Camera(mirror={self.mirror})"

    def _take(self, watcher: Watcher) -> None:
        if watcher in self._pending:
            self._pending.remove(watcher)
            if not self._pending:
                self._answer()

    def _answer(self) -> None:
        if self._lens is not None and self.frame is not None:
            self._lens.send({"kind": "taken", "number": self.frame.number})

    def _receive(self, _lens: Any, content: dict[str, Any], buffers: list[Any]) -> None:
        kind = content.get("kind")
        if kind == "frame":
            self._come(CameraFrame(content["number"], bytes(buffers[0])))
        elif kind == "trouble":
            code = TROUBLES[content["cause"]]
            self.trouble = NnvizError(code, reason=content["reason"])
            self.frozen = True
        elif kind == "ping" and self._lens is not None:
            self._lens.send({"kind": "pong"})

    def _come(self, frame: CameraFrame) -> None:
        with self._lock:
            if self._frozen or self._lens is None:
                return
            if self._pending:  # from a second page of the same notebook: its own waits no longer
                self._answer()
            self.frame = frame
            self._pending = list(self._watchers)
            watchers = list(self._watchers)
        for watcher in watchers:
            watcher.on_frame()
