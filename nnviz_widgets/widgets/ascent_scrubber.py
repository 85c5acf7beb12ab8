"""The slider that goes back and forth in a run, and the button that goes to its best moment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets

from nnviz_widgets.lang import say
from nnviz_widgets.widgets.ascent_timeline import Timeline
from nnviz_widgets.widgets.run_widget import Moment


class Scrubber:
    """The slider stands at the step that is shown; dragged, it shows the kept moment next before.

    Args:
        seek: shows a moment.
    """

    def __init__(self, language: str, timeline: Timeline, seek: Callable[[Moment], object]) -> None:
        self._language, self._timeline, self._seek = language, timeline, seek
        self._told = 0  # the step that was shown last: not a person's doing
        self.slider = ipywidgets.IntSlider(
            min=0,
            max=1,
            description=say(language, "ascent_timeline"),
            tooltip=say(language, "ascent_timeline_tip"),
            style={"description_width": "initial"},
            layout=ipywidgets.Layout(width="auto", flex="1 1 160px", max_width="480px"),
        )
        self.best = ipywidgets.Button(
            description=say(language, "ascent_best"),
            tooltip=say(language, "ascent_best_tip"),
            icon="star",
            layout=ipywidgets.Layout(width="auto"),
            disabled=True,
        )
        self.slider.observe(self._dragged, "value")
        self.best.on_click(lambda _: self.go_to_best())

    def show(self, step: int, last: int) -> None:
        """A moment is shown."""
        self._told = step
        self.slider.max = max(last, step, 1)
        self.slider.value = step
        best = self._timeline.best
        self.best.disabled = best is None or best.step == step

    def go_to_best(self) -> None:
        """Show the best moment."""
        if self._timeline.best is not None:
            self._seek(self._timeline.best)

    def move(self, direction: int) -> None:
        """Show the moment beside the one that is shown."""
        moment = self._timeline.beside(self._told, direction)
        if moment is not None:
            self._seek(moment)

    def move_to_end(self, direction: int) -> None:
        """Show the first moment, or the last one."""
        moments = list(self._timeline)
        if moments:
            self._seek(moments[0 if direction < 0 else -1])

    def _dragged(self, change: Any) -> None:
        step = change["new"]
        moment = None if step == self._told else self._timeline.at(step)
        if moment is not None:
            self._seek(moment)
