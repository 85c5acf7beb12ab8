"""What an ascent leaves behind: its picture, the animation of its run, and the recipe that makes it again."""

from __future__ import annotations

import html
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ipywidgets
from PIL import Image

from nnviz_widgets.lang import say_error
from nnviz_widgets.methods.recipe import Recipe
from nnviz_widgets.render.animation import write_animation
from nnviz_widgets.render.colormap import Pixels
from nnviz_widgets.widgets.ascent_panes import pixels_of
from nnviz_widgets.widgets.ascent_state import AscentState
from nnviz_widgets.widgets.ascent_timeline import Timeline
from nnviz_widgets.widgets.files import free_path, picture_path
from nnviz_widgets.widgets.run_widget import Moment

KINDS = ("png", "gif", "webp", "json")
HOLD = 1.5  # seconds for which an animation stays at its end


class AscentSaving(AscentState):
    """Files of an ascent. What takes long is written by a thread of its own while the run goes on."""

    _timeline: Timeline
    _writing: threading.Thread | None = None

    def save_picture(self, path: str | Path) -> Path:
        """Write the picture itself, one pixel for each of its own; the name's ending says which kind."""
        path = picture_path(path)
        Image.fromarray(pixels_of(self.engine.contract, self._moment_to_save().shown.x)).save(path)
        return path

    def save_animation(self, path: str | Path, *, rate: float = 16, size: int | None = None) -> Path:
        """Write the run as an animation, .gif or .webp: its kept moments up to the one that is shown.

        Args:
            rate: moments a second. size: longer side in pixels; that of the picture when left out.
        """
        return self._write(path, rate, size, lambda *_: None)

    def save_recipe(self, path: str | Path) -> Path:
        """Write the recipe that makes what is shown again; see `methods.recipe.Recipe`."""
        return self._recipe().save(path)

    def close(self) -> None:
        """Cancel, and free every comm, timer and thread of this widget."""
        super().close()
        if self._writing is not None:
            self._writing.join()

    def _moment_to_save(self) -> Moment:
        if self.moment is None:
            self.compute()
        assert self.moment is not None
        return self.moment

    def _recipe(self) -> Recipe:
        """Of what is shown."""
        moment = self._moment_to_save()
        assert self._latest is not None
        state = self._latest[0]
        asked = state.question.read if state.pictures == 1 else [state.question.read] * state.pictures
        return Recipe.of(moment.state, asked, state.began, network=self.engine.name)

    def _write(self, path: str | Path, rate: float, size: int | None, tell: Callable[[int, int], object]) -> Path:
        last = self._moment_to_save()
        moments = [moment for moment in self._timeline if moment.step < last.step] + [last]

        def frames() -> Iterator[Pixels]:
            for index, moment in enumerate(moments):
                if not self._open:
                    raise _Closed
                tell(index, len(moments))
                yield pixels_of(self.engine.contract, moment.shown.x)

        return write_animation(path, frames(), rate=rate, size=size, hold=HOLD)

    def _saving_row(self) -> ipywidgets.Widget:
        self._file_name = ipywidgets.Text(
            value="ascent",
            description=self._say("ascent_file"),
            tooltip=self._say("ascent_file_tip"),
            style={"description_width": "initial"},
            layout=ipywidgets.Layout(width="200px"),
        )
        self._save_buttons = {
            kind: ipywidgets.Button(
                description=self._say(f"ascent_save_{kind}"),
                tooltip=self._say(f"ascent_save_{kind}_tip"),
                icon="download",
                layout=ipywidgets.Layout(width="auto"),
            )
            for kind in KINDS
        }
        for kind, button in self._save_buttons.items():
            button.on_click(lambda _, kind=kind: self._save_as(kind))
        self._saved = ipywidgets.HTML()
        row = ipywidgets.HBox([self._file_name, *self._save_buttons.values(), self._saved])
        row.add_class("nnviz-row")
        return row

    def _save_as(self, kind: str) -> None:
        """Write a file of this kind beside the notebook, on a thread of its own; one at a time."""
        if self.moment is None or (self._writing is not None and self._writing.is_alive()):
            return
        path = free_path(Path(f"{self._file_name.value.strip() or 'ascent'}.{kind}"))
        self._writing = threading.Thread(
            target=self._save_and_tell, args=(kind, path), name="nnviz-saving", daemon=True
        )
        self._writing.start()

    def _save_and_tell(self, kind: str, path: Path) -> None:
        try:
            match kind:
                case "png":
                    self.save_picture(path)
                case "json":
                    self.save_recipe(path)
                case _:
                    self._write(path, 16, None, lambda done, of: self._tell_saved("ascent_saving", done=done, of=of))
        except _Closed:
            return
        except Exception as error:  # whatever it is, it is said where she looks
            line = html.escape(say_error(self.language, error))
            self._saved.value = f'<div class="nnviz-status nnviz-error">{line}</div>'
            return
        size = f"{path.stat().st_size / 1024:.0f}"
        self._tell_saved("ascent_saved", path=str(path), size=size)

    def _tell_saved(self, key: str, **fields: Any) -> None:
        if self._open:
            self._saved.value = f'<div class="nnviz-status nnviz-faint">{html.escape(self._say(key, **fields))}</div>'


class _Closed(Exception):
    """The widget was closed while a file was written."""
