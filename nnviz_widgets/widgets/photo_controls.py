"""The controls that choose a picture: a sample, the camera, or a file of one's own."""

from __future__ import annotations

from typing import Any

import ipywidgets

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.images.samples import SAMPLES
from nnviz_widgets.lang import say
from nnviz_widgets.widgets.camera import Camera
from nnviz_widgets.widgets.controls import dropdown

CAMERA = "camera"
OWN = "own"


def photo_controls(widget: Any) -> list[ipywidgets.Widget]:
    """A list of samples, with the camera where a widget takes it, and a button for a file; both set `photo`."""
    samples = [(say(widget.language, f"sample_{name}"), name) for name in SAMPLES]
    if hasattr(widget, "_camera"):  # a widget of one still photo has none
        samples.append((say(widget.language, "photo_camera"), CAMERA))
    own = (say(widget.language, "photo_own"), OWN)
    choice = dropdown(widget.language, "photo", samples)
    upload = ipywidgets.FileUpload(
        accept="image/*",
        multiple=False,
        description=say(widget.language, "upload"),
        tooltip=say(widget.language, "upload_tip"),
        layout=ipywidgets.Layout(width="auto"),
    )

    def show(_change: Any = None) -> None:
        value = _option(widget.photo)
        choice.unobserve(choose, "value")  # a dropdown falls back to its first option when they change
        choice.options = [*samples, own] if value == OWN else samples
        choice.value = value
        choice.observe(choose, "value")

    def choose(change: Any) -> None:
        if change["new"] == CAMERA:
            widget.photo = Camera()
        elif change["new"] not in (None, OWN):
            widget.photo = change["new"]

    def take(change: Any) -> None:
        if change["new"]:
            try:
                widget.photo = bytes(change["new"][0]["content"])
            except NnvizError as error:
                widget._failed(error)
            upload.value = ()  # so that the same file can be uploaded again

    choice.observe(choose, "value")
    show()
    widget.observe(show, "photo")
    upload.observe(take, "value")
    return [choice, upload]


def is_sample(photo: Any) -> bool:
    return isinstance(photo, str) and photo in SAMPLES


def _option(photo: Any) -> str:
    if isinstance(photo, Camera):
        return CAMERA
    return str(photo) if is_sample(photo) else OWN
