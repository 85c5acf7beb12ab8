"""The picture that goes into the network: a sample, a file, or anything that a picture can be."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import ipywidgets
import traitlets
from torch import Tensor

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.images.samples import SAMPLES, sample
from nnviz_widgets.lang import say
from nnviz_widgets.widgets.base import SIDE, LiveWidget
from nnviz_widgets.widgets.controls import dropdown
from nnviz_widgets.widgets.scene import Bitmap
from nnviz_widgets.widgets.validated import validate

OWN = "own"
SMALL = 96  # pixels: a smaller picture is shown in sharp cells, as the network sees it


class PhotoWidget(LiveWidget):
    """A widget that looks at one picture.

    Its `photo` is the name of a sample ("cat", "coffee", "rocket", "astronaut"), or any path, bytes, PIL image,
    array or tensor in 0..1. A picture that cannot be read is refused, and the one before stays.
    """

    # Not `Any`, which lets None pass unchecked.
    photo: Any = traitlets.TraitType("cat", help="sample name, path, bytes, PIL image, array or tensor").tag(live=True)

    def _start(self, state: dict[str, Any]) -> None:
        photo = state.pop("photo", None)
        self._prepared: tuple[Any, Tensor] | None = None
        if photo is not None:
            self.photo = photo
        self._photo_bitmap: tuple[Tensor, Bitmap] | None = None
        super()._start(state)

    @validate("photo")
    def _validate_photo(self, proposal: Any) -> Any:
        self._prepared = proposal["value"], self._prepare(proposal["value"])
        return proposal["value"]

    def _prepare(self, photo: Any) -> Tensor:
        return self.engine.prepare(sample(photo) if _is_sample(photo) else photo)

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
        samples = [(say(self.language, f"sample_{name}"), name) for name in SAMPLES]
        own = (say(self.language, "photo_own"), OWN)
        choice = dropdown(self.language, "photo", samples)
        upload = ipywidgets.FileUpload(
            accept="image/*",
            multiple=False,
            description=say(self.language, "upload"),
            tooltip=say(self.language, "upload_tip"),
            layout=ipywidgets.Layout(width="auto"),
        )

        def show(_change: Any = None) -> None:
            given = _is_sample(self.photo)
            choice.unobserve(choose, "value")  # a dropdown falls back to its first option when they change
            choice.options = samples if given else [*samples, own]
            choice.value = self.photo if given else OWN
            choice.observe(choose, "value")

        def choose(change: Any) -> None:
            if change["new"] not in (None, OWN):
                self.photo = change["new"]

        def take(change: Any) -> None:
            if change["new"]:
                try:
                    self.photo = bytes(change["new"][0]["content"])
                except NnvizError as error:
                    self._failed(error)
                upload.value = ()  # so that the same file can be uploaded again

        choice.observe(choose, "value")
        show()
        self.observe(show, "photo")
        upload.observe(take, "value")
        return [choice, upload]


def _is_sample(photo: Any) -> bool:
    return isinstance(photo, str) and photo in SAMPLES
