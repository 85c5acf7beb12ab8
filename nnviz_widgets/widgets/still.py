"""The picture that goes into the network: a sample, a file, or anything that a picture can be."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import ipywidgets
import traitlets
from torch import Tensor

from nnviz_widgets.images.samples import sample
from nnviz_widgets.widgets.base import SIDE, LiveWidget
from nnviz_widgets.widgets.photo_controls import is_sample, photo_controls
from nnviz_widgets.widgets.scene import Bitmap
from nnviz_widgets.widgets.validated import validate

SMALL = 96  # pixels: a smaller picture is shown in sharp cells, as the network sees it


class StillWidget(LiveWidget):
    """A widget that looks at one picture that does not move; `PhotoWidget` adds the camera."""

    # Not `Any`, which lets None pass unchecked.
    photo: Any = traitlets.TraitType("cat", help="sample name, path, bytes, PIL image, array, tensor or Camera").tag(
        live=True
    )

    def _start(self, state: dict[str, Any]) -> None:
        photo = state.pop("photo", None)
        self._prepared: tuple[Any, Tensor] | None = None
        if photo is not None:
            self.photo = photo
        self._photo_bitmap: tuple[Tensor, Bitmap] | None = None
        super()._start(state)

    @validate("photo")
    def _validate_photo(self, proposal: Any) -> Any:
        photo = proposal["value"]
        self._prepared = photo, self._prepare(photo)
        return photo

    def _prepare(self, photo: Any) -> Tensor:
        return self.engine.prepare(sample(photo) if is_sample(photo) else photo)

    def _x_of(self, photo: Any) -> Tensor:
        """The network's input for a photo; another one when a change of several traits was taken back."""
        if self._prepared is None or self._prepared[0] is not photo:
            self._prepared = photo, self._prepare(photo)
        return self._prepared[1]

    def _snapshot(self) -> SimpleNamespace:
        state = super()._snapshot()
        state.x = self._x_of(state.photo)
        return state

    def _photo_size(self) -> tuple[int, int]:
        """(width, height) of the photo's pane in CSS pixels."""
        height, width = self.engine.contract.size
        longest = max(height, width)
        return round(SIDE * width / longest), round(SIDE * height / longest)

    def _bitmap(self, x: Tensor) -> tuple[Bitmap, bool]:
        """What the network sees, and whether to show it smoothly."""
        if self._photo_bitmap is None or self._photo_bitmap[0] is not x:
            self._photo_bitmap = x, Bitmap(self.engine.contract.picture(x), exact=max(x.shape[-2:]) < SMALL)
        return self._photo_bitmap[1], max(x.shape[-2:]) >= SMALL

    def _photo_controls(self) -> list[ipywidgets.Widget]:
        return photo_controls(self)
