"""What every widget is: validated state, a job on the engine's worker, frames on a surface, a status line."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from difflib import get_close_matches
from pathlib import Path
from types import SimpleNamespace
from typing import Any, SupportsFloat

import ipywidgets
import traitlets
from PIL import Image

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.engine.idle_threads import release_idle_threads
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.lang import check_language, current_language, say
from nnviz_widgets.lang.classes import class_names
from nnviz_widgets.live import Background, Partial, Superseded, Ticket
from nnviz_widgets.render.figure import Panel, compose_rows
from nnviz_widgets.widgets.code import Script
from nnviz_widgets.widgets.copy_code import CopyCode
from nnviz_widgets.widgets.files import picture_path
from nnviz_widgets.widgets.number import decimal_mark, say_number
from nnviz_widgets.widgets.page import ENDINGS, in_words, page_of
from nnviz_widgets.widgets.pointer import Event, Pointer
from nnviz_widgets.widgets.scene import RATIO
from nnviz_widgets.widgets.status import Status
from nnviz_widgets.widgets.surface import Surface
from nnviz_widgets.widgets.workers import give_worker, take_worker

PNG = "image/png"
SIDE = 280  # CSS pixels of a photo's longer side: at twice that a whole multiple of 7, 14, 28, 56 and 112
FIRST_RESULT = 60  # seconds that a display waits for its first picture
LAST_RESULT = 3  # seconds that it waits for its last one, unless NNVIZ_PATIENCE says more: nobody watches a page made


class LiveWidget(ipywidgets.VBox):
    """Base of the widgets. State is traits tagged `live`; any change of one posts a job, and the newest job wins.

    A widget says what it shows in six methods: `_build` (controls and panes, once), `_steps` (the job, on the worker's
    thread: better and better values), `_draw` (a value to scenes and captions, also there), `_result` (what the method
    of the same name returns), `_panels` (the same as one picture) and `_code` (the lines that make it again).
    """

    theme = traitlets.Enum(["auto", "light", "dark"], "auto", help="colours for the page").tag(live=True)
    page_dark = traitlets.Bool(False).tag(live=True)

    _side = SIDE  # of the pictures in `picture`, in CSS pixels
    _two_themes = False  # whether `_panels` gives the view for a light and a dark page, whichever the widget is on
    _open = False  # until there is something to close: a half-made widget may be collected

    def __init__(self, engine: Engine, *, language: str | None = None, **state: Any) -> None:
        super().__init__(**({"layout": state.pop("layout")} if "layout" in state else {}))
        self.add_class("nnviz")
        self.engine = engine
        self.result: Any = None
        self._open = True
        self._shown: tuple[SimpleNamespace, Any] | None = None
        self._held = 1
        self._live = sorted(self.trait_names(live=True))
        try:
            # What a person may have got wrong comes before anything that would have to be closed again.
            self.language = check_language(language) if language else current_language()
            self._check_engine(engine)
            self._check_names(state)
            self._start(state)
            panes = self._panes()
            self._worker = take_worker(engine)
            self._view = self._worker.view(on_result=self._arrived, on_error=self._failed, on_state=self._progressed)
            self._status = Status(self.language, str(engine.device), self.cancel)
            self._pointer = Pointer(decimal=decimal_mark(self.language))
            self._pointer.listen(self._happened)
            self._copy = CopyCode(
                self.language,
                lambda: self.code,
                lambda text: self._pointer.send({"kind": "copy", "text": text}),
                self._failed,
            )
            self._status.box.children = (*self._status.box.children, self._copy.button)
            self._surface = Surface(panes)
            self._pointer.canvases = [*self._surface.canvases.values()]
            self._pointer.echo = self._surface.echo
            rows = self._build()
        except BaseException:
            self.close()
            raise
        self.children = (*rows, self._status.box, self._copy.room, self._pointer)
        self._held = 0
        self.observe(self._changed, self._live)
        self._ticket = self._post()

    # What a widget of its own says

    def _start(self, state: dict[str, Any]) -> None:
        """Set the initial state; what others depend on comes first."""
        for name, value in state.items():
            setattr(self, name, value)

    def _panes(self) -> dict[str, tuple[int, int]]:
        raise NotImplementedError

    def _build(self) -> list[ipywidgets.Widget]:
        raise NotImplementedError

    def _steps(self, state: SimpleNamespace) -> Iterator[Any]:
        raise NotImplementedError

    def _draw(self, state: SimpleNamespace, shown: Any) -> None:
        raise NotImplementedError

    def _result(self, shown: Any) -> Any:
        raise NotImplementedError

    def _panels(self, state: SimpleNamespace, shown: Any) -> tuple[list[list[Panel]], str]:
        raise NotImplementedError

    def _code(self, script: Script, state: SimpleNamespace) -> None:
        """Write the lines that end in `result`; a widget of one's own may have none."""
        raise NnvizError("code_none", widget=type(self).__name__)

    def _on_event(self, event: Event) -> None:
        """A person pointed at, clicked or pressed a key over a pane."""

    # What anyone may call

    def compute(self) -> Any:
        """Compute for the present state, with or without a browser, and return the result."""
        while True:
            self._ticket = ticket = self._post()
            try:
                return self._result(ticket.result()[1])
            except Superseded:
                continue  # the state has changed meanwhile; its own result counts

    def cancel(self) -> None:
        """Stop the computation under way; the last picture stays."""
        self._view.cancel()

    @property
    def picture(self) -> Image.Image:
        """The current view as one picture."""
        return self._in_picture_and_words()[0]

    def _in_picture_and_words(self) -> tuple[Image.Image, str]:
        if self._shown is None:
            self.compute()
        assert self._shown is not None
        state, shown = self._shown
        rows, caption = self._panels(state, shown)
        look = {"dark": state.dark, "height": self._side, "decimal": decimal_mark(self.language)}
        return Image.fromarray(compose_rows(rows, caption=caption, **look)), in_words(rows, caption)

    @property
    def code(self) -> str:
        """The lines of Python that make the present result again with the pure functions.

        What cannot be written, such as your module or an array, is a name that a comment explains.

        Raises:
            NnvizError: when a run has shown nothing yet, or the widget says no lines.
        """
        script = Script(self.language)
        self._code(script, self._snapshot())
        return str(script)

    def save(self, path: str | Path) -> Path:
        """Write the current view; the name's ending says as what.

        A picture (.png, .jpg, .webp, ...), or a page (.html) that needs nothing else: the picture, its caption, the
        state and the code that makes the result again.
        """
        if Path(path).suffix.lower() in ENDINGS:
            path = Path(path).expanduser()
            path.write_text(page_of(self), encoding="utf-8")
            return path
        path = picture_path(path)
        self.picture.save(path)
        return path

    def close(self) -> None:
        """Cancel, and free every comm, timer and thread of this widget."""
        if not self._open:
            return
        self._open = False
        if hasattr(self, "_view"):
            self._view.close()
            give_worker(self.engine)
        if hasattr(self, "_status"):
            self._status.close()
        if hasattr(self, "_copy"):
            self._copy.close()
        if hasattr(self, "_surface"):
            self._surface.close()
        if hasattr(self, "_pointer") and not self.children:  # half made
            self.children = (self._status.box, *([self._copy.room] if hasattr(self, "_copy") else []), self._pointer)
        _close_all(self)
        super().close()

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self._spoken().items())
        return f"{type(self).__name__}({shown})"

    def _spoken(self) -> dict[str, Any]:
        """The state that is worth a repr."""
        return {name: getattr(self, name) for name in ("layer", "channel") if name in self._live}

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        self._await_picture()
        bundle = super()._repr_mimebundle_(**kwargs)
        if self._shown is None or bundle is None:
            return bundle
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        picture, words = self._in_picture_and_words()
        picture.reduce(RATIO).save(stream := io.BytesIO(), "PNG", compress_level=3)
        return {**data, PNG: stream.getvalue()}, {**metadata, PNG: {"alt": words}}

    def _await_picture(self) -> None:
        """Wait for the first picture, and a little longer for the last: a cell that goes on has something to show."""
        end = time.monotonic() + FIRST_RESULT
        with suppress(Exception):  # a failure is shown in the status line; the widget is displayed all the same
            self._ticket.result(float(os.environ.get("NNVIZ_PATIENCE", LAST_RESULT)))
        while self._shown is None and not self._ticket.done and time.monotonic() < end:
            time.sleep(0.02)

    # From a changed trait to a picture

    def _changed(self, _change: Any) -> None:
        if not self._held and self._open:
            self._ticket = self._post()

    @contextmanager
    def _together(self) -> Iterator[None]:
        """Several traits change as one; the caller's own change posts."""
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1

    def _snapshot(self) -> SimpleNamespace:
        state = SimpleNamespace(**{name: getattr(self, name) for name in self._live})
        state.dark = self._is_dark()
        return state

    def _is_dark(self) -> bool:
        return bool(self.theme == "dark" or (self.theme == "auto" and self.page_dark))

    def _post(self) -> Ticket:
        state = self._snapshot()

        def job() -> Iterator[Any]:
            for step in self._work(state):
                if isinstance(step, Background):
                    yield step
                elif isinstance(step, Partial):
                    yield Partial((state, step.value), step.done)
                else:
                    yield state, step

        ticket = self._view.post(job)
        release_idle_threads()  # of the cell that made the engine: from here on the worker computes
        return ticket

    def _work(self, state: SimpleNamespace) -> Iterator[Any]:
        """The steps of a job, with what surrounds them. Worker's thread."""
        return self._steps(state)

    def _arrived(self, value: tuple[SimpleNamespace, Any], last: bool) -> None:
        if value is self._shown:
            return
        state, shown = value
        self._draw(state, shown)  # first: what cannot be drawn leaves the last good picture, and its result
        self._shown = value
        self.result = self._result(shown)

    def _failed(self, error: BaseException) -> None:
        self._status.error(error)

    def _progressed(self, state: Any) -> None:
        self._status.state(state)

    def _happened(self, event: Event) -> None:
        if not self._open:
            return
        if event.kind == "theme":
            self.page_dark = event.dark
            return
        if event.kind == "seen":
            self._view.aside = not event.seen
            return
        if event.kind in ("copied", "uncopied"):
            self._copy.answered(event.kind == "copied")
            return
        try:
            self._on_event(event)
        except NnvizError as error:
            self._failed(error)

    def _check_engine(self, engine: object) -> None:
        if not isinstance(engine, Engine):
            raise NnvizError("engine_type", widget=type(self).__name__, type=type(engine).__name__)

    def _check_names(self, state: dict[str, Any]) -> None:
        options = [*self._live, *self.trait_names(knob=True), *self.trait_names(option=True)]
        known = [*options, "layout"]
        for name in state:
            if name not in options:
                near = get_close_matches(name, known, n=3, cutoff=0.4) or [n for n in known if n != "page_dark"]
                raise NnvizError("option_unknown", widget=type(self).__name__, name=name, near=", ".join(near))

    def _say(self, key: str, **fields: object) -> str:
        return say(self.language, key, **fields)

    def _number(self, value: SupportsFloat, *, digits: int = 3) -> str:
        return say_number(self.language, value, digits=digits)

    @property
    def _class_names(self) -> tuple[str, ...]:
        """Of the network, in the language of the widget."""
        return class_names(self.language, self.engine.labels)


def _close_all(widget: ipywidgets.Widget) -> None:
    """Close a box's children with their layouts and styles: closing the box alone leaves them alive."""
    for child in getattr(widget, "children", ()):
        _close_all(child)
        child.close()
    for part in (getattr(widget, "layout", None), getattr(widget, "style", None)):
        if isinstance(part, ipywidgets.Widget):
            part.close()
