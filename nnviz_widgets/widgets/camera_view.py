"""A widget's view of the camera: the button that freezes it, and what the status line says of it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

import ipywidgets
import numpy as np
from PIL import Image, ImageDraw

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.images.contract import InputContract
from nnviz_widgets.lang import say
from nnviz_widgets.live import Ticket
from nnviz_widgets.render.colormap import Pixels
from nnviz_widgets.widgets.camera import Camera, CameraFrame, Watcher
from nnviz_widgets.widgets.status import Status

LEAST = 128  # pixels of a frame's shorter side: below, the JPEG would spoil what a small network sees
NOTE = 1.0  # seconds between two words on the frame rate
QUICK = 2.0  # frames a second above which a frame's own progress would only flicker


class CameraView:
    """Looks at one camera at a time for a widget.

    Args:
        status: the widget's line.
        size: (width, height) of the frames.
        on_frame: called when one has come; see `Watcher`.
        on_rest: called when the last frame stays.
        on_trouble: told why there is no camera.
    """

    def __init__(
        self,
        status: Status,
        size: tuple[int, int],
        on_frame: Callable[[], object],
        on_rest: Callable[[], object],
        on_trouble: Callable[[NnvizError], object],
    ) -> None:
        self.camera: Camera | None = None
        self._status = status
        self._on_rest = on_rest
        self._on_trouble = on_trouble
        self._watcher = Watcher(size, on_frame, self._changed)
        self._times: deque[float] = deque(maxlen=30)  # when the last frames were shown
        self._last: CameraFrame | None = None
        self._noted = 0.0
        self._button = ipywidgets.Button(layout=ipywidgets.Layout(width="auto", min_width="108px"))
        self._button.on_click(self._clicked)
        self.box = ipywidgets.HBox([self._button], layout=ipywidgets.Layout(display="none"))

    def look_at(self, camera: Camera | None) -> None:
        """Look at this camera instead, or at none."""
        if camera is self.camera:
            return
        old, self.camera = self.camera, camera
        self.box.children = (self._button,)  # the lens may belong to other widgets too
        if old is not None:
            old.leave(self._watcher)
        self.box.layout.display = "none" if camera is None else None
        self._times.clear()
        if camera is not None:
            self.box.children = (self._button, camera.join(self._watcher, self._status.language))
            self._show_button()

    @property
    def live(self) -> bool:
        """Whether another frame is to come."""
        return self.camera is not None and not self.camera.frozen

    @property
    def empty(self) -> bool:
        """Whether the first frame is yet to come."""
        return self.camera is not None and self.camera.frame is None

    @property
    def quick(self) -> bool:
        """Whether frames follow each other so fast that the progress of one is no news."""
        return self.live and self._rate() > QUICK

    def freeze(self) -> None:
        if self.live and self.camera is not None:
            self.camera.frozen = True

    def wait(self) -> Ticket:
        """What a widget without a picture has instead of a job: a word in its line, and a ticket that says so too."""
        trouble = self.camera.trouble if self.camera else None
        if trouble is not None:
            self._on_trouble(trouble)
        else:
            self._status.note(self._say("camera_waiting"))
        ticket = Ticket(lambda _ticket: None)
        ticket.reject(trouble or NnvizError("camera_empty"))
        return ticket

    def taken(self, frame: CameraFrame) -> None:
        if self.camera is not None:
            self.camera.taken(self._watcher, frame)

    def showed(self, frame: CameraFrame) -> None:
        """A result for this frame is shown, maybe not the first."""
        if frame is self._last or not self.live:
            return
        self._last = frame
        now = time.monotonic()
        self._times.append(now)
        if self.quick and now - self._noted >= NOTE:
            self._noted = now
            rate = f"{self._rate():.0f}"
            self._status.note(self._say("camera_rate", rate=rate, device=self._status.device))

    def _rate(self) -> float:
        """Frames a second of late."""
        times = tuple(self._times)
        return (len(times) - 1) / max(times[-1] - times[0], 1e-6) if len(times) > 2 else 0.0

    def _changed(self) -> None:
        self._times.clear()
        self._show_button()
        if self.camera is None:
            return
        if self.camera.trouble is not None:
            self._on_trouble(self.camera.trouble)
        else:
            self._status.note(self._say("camera_frozen" if self.camera.frozen else "camera_waiting"))
            if self.camera.frozen and not self.empty:
                self._on_rest()

    def _clicked(self, _button: ipywidgets.Button) -> None:
        if self.camera is not None:
            self.camera.frozen = not self.camera.frozen

    def _show_button(self) -> None:
        frozen = self.camera is not None and self.camera.frozen
        self._button.description = self._say("camera_resume" if frozen else "camera_freeze")
        self._button.tooltip = self._say("camera_resume_tip" if frozen else "camera_freeze_tip")
        self._button.icon = "play" if frozen else "pause"

    def _say(self, key: str, **fields: object) -> str:
        return say(self._status.language, key, **fields)


def frame_size(contract: InputContract) -> tuple[int, int]:
    """(width, height) of a camera's frame for a network: what its contract would make of any picture, uncropped."""
    height, width = contract.size
    zoom = max(contract.resize or min(height, width), LEAST) / min(height, width)
    return round(width * zoom), round(height * zoom)


def camera_sign(width: int, height: int) -> Pixels:
    """A quiet camera, grey on nothing, for a pane that waits: (2 height, 2 width, 4)."""
    grey, side = (128, 128, 128, 150), min(width, height)
    picture = Image.new("RGBA", (4 * width, 4 * height), (128, 128, 128, 28))
    draw, x, y, u = ImageDraw.Draw(picture), 2 * width, 2 * height, side / 5
    draw.rounded_rectangle((x - 2 * u, y - 1.3 * u, x + 2 * u, y + 1.5 * u), 0.35 * u, grey)
    draw.rounded_rectangle((x - 0.8 * u, y - 1.8 * u, x + 0.8 * u, y - 1.0 * u), 0.2 * u, grey)
    for radius, colour in ((0.95 * u, (128, 128, 128, 28)), (0.6 * u, grey)):
        draw.ellipse((x - radius, y + 0.1 * u - radius, x + radius, y + 0.1 * u + radius), colour)
    return np.asarray(picture.reduce(2))
