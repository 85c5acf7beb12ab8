"""A picture of one's own among those of a set: the trait `photo`, and the button that uploads one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import ipywidgets
import traitlets
from torch import Tensor

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.images.samples import sample
from nnviz_widgets.lang.classes import class_names
from nnviz_widgets.methods.embeddings import Embedding
from nnviz_widgets.widgets.base import LiveWidget
from nnviz_widgets.widgets.code import Expr, Script, call
from nnviz_widgets.widgets.photo_controls import is_sample
from nnviz_widgets.widgets.validated import validate


class EmbeddingWidget(LiveWidget):
    """A widget that looks at the pictures of an `Embedding`.

    Its `photo` is a picture of one's own beside them: the name of a sample, any path, bytes, PIL image, array or tensor
    in 0..1; None for none. A picture that cannot be read is refused, and the one before stays.
    """

    photo: Any = traitlets.Any(None, help="your picture: sample name, path, bytes, PIL image, array; None").tag(
        live=True
    )
    metric = traitlets.Enum(["euclidean", "cosine"], "euclidean", help="distance between vectors").tag(live=True)

    def __init__(self, engine: Any, embedding: Embedding, *, language: str | None = None, **state: Any) -> None:
        self.embedding = embedding
        super().__init__(engine, language=language, **state)

    def _start(self, state: dict[str, Any]) -> None:
        if not isinstance(self.embedding, Embedding):
            raise NnvizError("embedding_type", widget=type(self).__name__, type=type(self.embedding).__name__)
        self._prepared: tuple[Any, Tensor] | None = None
        super()._start(state)

    @validate("photo")
    def _validate_photo(self, proposal: Any) -> Any:
        if proposal["value"] is not None:
            self._x_of(proposal["value"])
        return proposal["value"]

    def _x_of(self, photo: Any) -> Tensor:
        if self._prepared is None or self._prepared[0] is not photo:
            x = self.embedding.engine.prepare(sample(photo) if is_sample(photo) else photo)
            self._prepared = photo, x
        return self._prepared[1]

    def _snapshot(self) -> SimpleNamespace:
        state = super()._snapshot()
        state.x = None if state.photo is None else self._x_of(state.photo)
        return state

    def _embedding_code(self, script: Script) -> None:
        """The lines that make `embedding`."""
        found = self.embedding
        script.engine(found.engine)
        script.let("embedding", call("methods.embed", Expr("engine"), script.images(found.images), found.layer))

    def _name(self, number: int) -> str:
        """The class of a picture, by its place in the embedding; its id where it has none."""
        label = self.embedding.labels[number]
        return self.embedding.ids[number] if label is None else self._set_classes[label]

    @property
    def _set_classes(self) -> tuple[str, ...]:
        """Of the pictures, in the language of the widget."""
        return class_names(self.language, self.embedding.images.classes)

    def _vectors_in_words(self) -> list[str]:
        """Whose values the vectors are, and whether maps were averaged; which pictures have none."""
        key = "embedding_pooled" if self.embedding.pooled else "embedding_plain"
        told = [self._say(key, layer=self.embedding.layer, units=self.embedding.vectors.shape[1])]
        broken = self.embedding.broken
        if broken:
            told.append(self._say("set_broken", count=len(broken), reason=next(iter(broken.values()))))
        return told

    def _own_controls(self) -> list[ipywidgets.Widget]:
        """A button that uploads a picture, and one that takes it away again."""
        upload = ipywidgets.FileUpload(
            accept="image/*",
            multiple=False,
            description=self._say("own_picture"),
            tooltip=self._say("upload_tip"),
            layout=ipywidgets.Layout(width="auto"),
        )
        away = ipywidgets.Button(
            description=self._say("own_picture_away"),
            tooltip=self._say("own_picture_away_tip"),
            layout=ipywidgets.Layout(width="auto"),
        )

        def take(change: Any) -> None:
            if change["new"]:
                try:
                    self.photo = bytes(change["new"][0]["content"])
                except NnvizError as error:
                    self._failed(error)
                upload.value = ()  # so that the same file can be uploaded again

        def show(_change: Any = None) -> None:
            away.layout.display = "none" if self.photo is None else None

        def forget(_button: Any) -> None:
            self.photo = None

        upload.observe(take, "value")
        away.on_click(forget)
        self.observe(show, "photo")
        show()
        return [upload, away]
