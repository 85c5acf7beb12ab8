"""A picture that goes into the network, or the camera, whose frames go there one after another."""

from __future__ import annotations

import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import ipywidgets
from torch import Tensor

from nnviz_widgets.images.samples import SAMPLES
from nnviz_widgets.live import Background, Partial, State, Ticket
from nnviz_widgets.widgets.camera import Camera, CameraFrame
from nnviz_widgets.widgets.camera_view import CameraView, camera_sign, frame_size
from nnviz_widgets.widgets.scene import Bitmap, Scene, Sprite
from nnviz_widgets.widgets.still import StillWidget
from nnviz_widgets.widgets.validated import validate

PATIENCE = 0.5  # seconds within which a frame of the camera is worked out to its end
WAITING = "nnviz-waiting"  # class of a widget that has no result to show


class PhotoWidget(StillWidget):
    """A widget that looks at one picture, still or moving.

    Its `photo` is the name of a sample ("cat", "coffee", "rocket", "astronaut"), any path, bytes, PIL image, array or
    tensor in 0..1, or a `Camera`. A picture that cannot be read is refused, and the one before stays.
    """

    _camera: CameraView | None = None

    def _start(self, state: dict[str, Any]) -> None:
        self._developed: tuple[CameraFrame, Tensor] | None = None
        self._to_the_end = 0  # how many callers wait for the last result, not the first
        super()._start(state)

    @validate("photo")
    def _validate_photo(self, proposal: Any) -> Any:
        if not isinstance(proposal["value"], Camera):
            return super()._validate_photo(proposal)
        if self._prepared is None:  # something to begin with, such as to choose a channel by; it is not shown
            super()._x_of(SAMPLES[0])
        return proposal["value"]

    def _x_of(self, photo: Any) -> Tensor:
        """The network's input for a photo; for a camera the last one, of a frame or of the picture before."""
        kept = self._developed or self._prepared
        return kept[1] if isinstance(photo, Camera) and kept is not None else super()._x_of(photo)

    def _snapshot(self) -> SimpleNamespace:
        state = super()._snapshot()
        state.frame = state.photo.frame if isinstance(state.photo, Camera) else None
        return state

    def _post(self) -> Ticket:
        if self._camera is not None and self._camera.empty:
            return self._camera.wait()
        return super()._post()

    def _work(self, state: SimpleNamespace) -> Iterator[Any]:
        if state.frame is None or self._camera is None:
            yield from self._steps(state)
            return
        try:
            start = time.monotonic()
            state.x = self._develop(state.frame)
            if layer := getattr(state, "layer", ""):  # one pass gives it and the classes
                self.engine.read_ahead(state.x, [layer])
            for step in self._steps(state):
                if isinstance(step, Background) and self._camera.live:  # what is read ahead of a frame nobody wants
                    return
                yield step  # it is shown before this goes on
                if not self._to_the_end and self._is_enough(step, time.monotonic() - start):
                    self._camera.taken(state.frame)
        finally:
            self._camera.taken(state.frame)

    def _is_enough(self, step: Any, elapsed: float) -> bool:
        """Whether a step is a first result, and the job's end too far away to wait for it."""
        value, done = (step.value, step.done) if isinstance(step, Partial) else (step, None)
        return elapsed / (done or 1) > PATIENCE and self._result(value) is not None

    def _develop(self, frame: CameraFrame) -> Tensor:
        """The network's input for a frame; what is kept of the frame before goes. Worker's thread."""
        kept = self._developed
        if kept is not None and kept[0] is frame:
            return kept[1]
        x = self.engine.prepare(frame.jpeg)
        self._developed = frame, x
        if kept is not None:
            self.engine.forget(kept[1])
        return x

    def compute(self) -> Any:
        """Compute for the present state, with or without a browser, and return the result.

        Raises:
            NnvizError: when the photo is a camera without a picture yet.
        """
        self._to_the_end += 1
        try:
            return super().compute()
        finally:
            self._to_the_end -= 1

    def cancel(self) -> None:
        """Stop the computation under way, and freeze the camera; the last picture stays."""
        if self._camera is not None:
            self._camera.freeze()
        super().cancel()

    def close(self) -> None:
        """Cancel, and free every comm, timer and thread of this widget."""
        if self._camera is not None:
            self._camera.look_at(None)
        super().close()

    def _arrived(self, value: tuple[SimpleNamespace, Any], last: bool) -> None:
        super()._arrived(value, last)
        if WAITING in self._dom_classes:
            self.remove_class(WAITING)
        if self._camera is not None and value[0].frame is not None:
            self._camera.showed(value[0].frame)

    def _progressed(self, state: State) -> None:
        if state.cancelled or self._camera is None or not self._camera.quick:
            super()._progressed(state)

    def _came(self) -> None:
        """A frame has come. While several traits change together, their change posts."""
        if self._open and not self._held:
            self._ticket = self._post()

    def _rested(self) -> None:
        """The camera's last frame stays: what was left out while it ran can be made up for."""

    def _look(self, _change: Any = None) -> None:
        """Look at the camera that `photo` is, or at none any more."""
        assert self._camera is not None
        self._developed = None
        camera = self.photo if isinstance(self.photo, Camera) else None
        self._camera.look_at(camera)
        if camera is not None and self._shown is None:
            self.add_class(WAITING)
            whole = (0, 0, *self._photo_size())
            self._surface.show({"photo": Scene(None, (Sprite(Bitmap(camera_sign(*self._photo_size())), whole),))})

    def _photo_controls(self) -> list[ipywidgets.Widget]:
        self._camera = CameraView(
            self._status, frame_size(self.engine.contract), self._came, self._rested, self._failed
        )
        self.observe(self._look, "photo")
        self._look()
        return [*super()._photo_controls(), self._camera.box]
