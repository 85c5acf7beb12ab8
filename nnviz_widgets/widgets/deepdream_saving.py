"""What a dream leaves behind: its picture, and the flight into it."""

from __future__ import annotations

import html
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ipywidgets
from PIL import Image

from nnviz_widgets.lang import say_error
from nnviz_widgets.methods.deepdream import DreamStep
from nnviz_widgets.methods.dream_zoom import zoom
from nnviz_widgets.render.animation import write_animation
from nnviz_widgets.render.colormap import Pixels
from nnviz_widgets.widgets.deepdream_state import DreamTraits
from nnviz_widgets.widgets.files import free_path, picture_path

RATE = 12  # frames a second of a flight


class DreamSaving(DreamTraits):
    """Files of a dream. A flight is dreamt and written by a thread of its own, and can be cancelled."""

    _flight: threading.Thread | None = None

    def save_dream(self, path: str | Path) -> Path:
        """Write the dream itself in all its pixels; the name's ending says which kind."""
        path = picture_path(path)
        Image.fromarray(dream_pixels(self._step_to_save())).save(path)
        return path

    def save_flight(self, path: str | Path, *, frames: int = 60, rate: float = RATE) -> Path:
        """Fly into the dream, dreaming on, and write it as an animation, .gif or .webp; see `methods.dream_zoom`."""
        self._cancelled.clear()
        return self._fly(path, frames, rate, lambda _: None)

    def close(self) -> None:
        """Cancel, and free every comm, timer and thread of this widget."""
        if self._flight is not None:
            self._cancelled.set()
            self._flight.join()
        super().close()

    def _start(self, state: dict[str, Any]) -> None:
        self._cancelled = threading.Event()
        super()._start(state)

    def _step_to_save(self) -> DreamStep:
        if self.moment is None:
            self.compute()
        assert self.moment is not None
        step: DreamStep = self.moment.shown
        return step

    def _fly(self, path: str | Path, frames: int, rate: float, tell: Callable[[int], object]) -> Path:
        step = self._step_to_save()
        plan = step.plan
        made = zoom(
            self.engine,
            whole(step),
            plan.objective,
            frames=frames,
            tile=plan.tile,
            seed=plan.seed,
            **self._knobs(),
        )

        def told() -> Iterator[Pixels]:
            for number, frame in enumerate(made, 1):
                if self._cancelled.is_set():
                    raise _Cancelled
                tell(number)
                yield frame

        return write_animation(path, told(), rate=rate, hold=1)

    def _saving_controls(self) -> list[ipywidgets.Widget]:
        self._save_buttons = {
            name: _button(self._say(f"dream_{name}"), self._say(f"dream_{name}_tip"), icon)
            for name, icon in (("save", "download"), ("zoom_gif", "film"), ("zoom_webp", "film"))
        }
        self._save_buttons["save"].on_click(
            lambda _: self._tell_of(lambda: self.save_dream(free_path(Path("deepdream.png"))))
        )
        for kind in ("gif", "webp"):
            self._save_buttons[f"zoom_{kind}"].on_click(lambda _, kind=kind: self._begin_flight(kind))
        self._frames = ipywidgets.BoundedIntText(
            value=60,
            min=2,
            max=5000,
            description=self._say("dream_frames"),
            tooltip=self._say("dream_frames_tip"),
            style={"description_width": "initial"},
            layout=ipywidgets.Layout(width="130px"),
        )
        self._cancel_flight = _button(self._say("dream_flight_cancel"), self._say("dream_flight_cancel_tip"), "times")
        self._cancel_flight.on_click(lambda _: self._cancelled.set())
        self._cancel_flight.layout.display = "none"
        self._told = ipywidgets.HTML()
        return [*self._save_buttons.values(), self._frames, self._cancel_flight]

    def _save_beside(self) -> Path:
        """The dream, beside the notebook."""
        return self.save_dream(free_path(Path("deepdream.png")))

    def _begin_flight(self, kind: str) -> None:
        if self._flight is not None and self._flight.is_alive():
            return
        self._cancelled.clear()
        self._set_flying(True)
        frames, path = self._frames.value, free_path(Path(f"deepdream.{kind}"))

        def tell(number: int) -> None:
            self._tell_saving(self._say("dream_flight_at", frame=number, frames=frames))

        def fly() -> None:
            try:
                self._tell_of(lambda: self._fly(path, frames, RATE, tell))
            finally:
                self._set_flying(False)

        self._flight = threading.Thread(target=fly, name="nnviz-flight", daemon=True)
        self._flight.start()

    def _tell_of(self, write: Callable[[], Path]) -> None:
        """Write a file and say where it is, or what went wrong."""
        try:
            path = write()
        except _Cancelled:
            self._tell_saving(self._say("dream_flight_cancelled"))
        except Exception as error:  # whatever it is, it is said where she looks
            self._tell_saving(say_error(self.language, error), kind="nnviz-error")
        else:
            self._tell_saving(self._say("dream_saved", path=str(path), size=round(path.stat().st_size / 1024)))

    def _tell_saving(self, text: str, kind: str = "nnviz-faint") -> None:
        if self._open:
            self._told.value = f'<div class="nnviz-status {kind}">{html.escape(text)}</div>'

    def _set_flying(self, flying: bool) -> None:
        if self._open:
            self._cancel_flight.layout.display = None if flying else "none"
            for kind in ("gif", "webp"):
                self._save_buttons[f"zoom_{kind}"].disabled = flying


class _Cancelled(Exception):
    """A person has cancelled the flight, or closed the widget."""


def whole(step: DreamStep) -> Any:
    """The photo (1, C, H, W) at its own size, with all that has been dreamt so far."""
    plan = step.plan
    return plan.clipped(plan.carried(step.state, len(plan.sizes) - 1))


def dream_pixels(step: DreamStep) -> Pixels:
    """The same as uint8 (H, W, 3)."""
    return step.plan.engine.contract.picture(whole(step))


def _button(text: str, tip: str, icon: str) -> ipywidgets.Button:
    return ipywidgets.Button(description=text, tooltip=tip, icon=icon, layout=ipywidgets.Layout(width="auto"))
