"""The class that is asked about: the most probable one, or any, found by its name."""

from __future__ import annotations

from types import SimpleNamespace

import ipywidgets

from nnviz_widgets.widgets.class_choice import ClassChoice
from nnviz_widgets.widgets.photo import PhotoWidget


class TargetWidget(ClassChoice, PhotoWidget):
    """A widget that asks about one class of one picture.

    Its `target` is the class's index, or its name, which becomes the index; None asks about the most probable class.
    """

    def _asked(self, state: SimpleNamespace) -> int:
        """The class that a state asks about. Worker's thread."""
        return int(self.engine.top(state.x, 1)[0][0] if state.target is None else state.target)

    def _target_control(self) -> ipywidgets.Widget:
        """A field for the class; empty asks about the most probable one."""
        return self._class_field("target", "target_top")
