"""Sets of pictures: a folder, files, a dataset, an array or the samples, with stable ids, labels and thumbnails."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from os import PathLike
from typing import Any

import numpy as np
from PIL import Image

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.images.decode import open_picture
from nnviz_widgets.images.sources import Source, source_of


@dataclass(frozen=True)
class Broken:
    """A picture that cannot be read, and why."""

    id: str
    reason: str


class ImageSet(Sequence[Any]):
    """Pictures by number; picklable, so that workers can decode.

    Args:
        source: a folder (its subfolders, if any, are the classes), a list of files, a map-style dataset of (picture,
            class) or of pictures, an array (N, h, w) or (N, h, w, channels), or the name of an offline set: "samples"
            (crops of the sample photos) or "digits" (scikit-learn's 1797 handwritten digits).
        labels: class names, one a picture, or indices into `classes`; taken from the source when left out.
        classes: the names of the classes, in the order of their indices.
        name: of the set, for captions.

    Attributes:
        ids: one a picture, the same wherever and whenever the set is made: relative paths of files, else numbers.
        labels: class index of each picture, or None.
        classes: names of the classes.
        made_of: the folder or the name that it was made of, where that alone makes it again.

    Raises:
        NnvizError: when there is no picture, or labels do not fit.
    """

    def __init__(
        self,
        source: Any,
        *,
        labels: Sequence[str | int] | None = None,
        classes: Sequence[str] | None = None,
        name: str | None = None,
    ) -> None:
        self._source: Source = source_of(source)
        said = isinstance(source, str | PathLike) and labels is None and classes is None
        self.made_of: str | None = str(source) if said else None
        self.ids = self._source.ids
        if not self.ids:
            raise NnvizError("set_empty", name=self._source.name)
        self.name = name or self._source.name
        given = self._source.labels if labels is None else _indices(labels, classes)
        names = self._source.classes if labels is None else _names(labels)
        if len(given) != len(self.ids):
            raise NnvizError("set_labels", given=len(given), pictures=len(self.ids))
        self.labels: tuple[int | None, ...] = tuple(given)
        self.classes: tuple[str, ...] = tuple(names if classes is None else classes)
        most = max((label for label in self.labels if label is not None), default=-1)
        if most >= len(self.classes):
            self.classes += tuple(str(i) for i in range(len(self.classes), most + 1))

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: Any) -> Any:
        """The picture itself, as whatever the engine's `prepare` takes: a path, a PIL image, an array or a tensor."""
        if isinstance(index, slice):
            return [self._source.open(i) for i in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        return self._source.open(int(index) % len(self))

    def __iter__(self) -> Iterator[Any]:
        return (self._source.open(i) for i in range(len(self)))

    def label(self, index: int) -> str | None:
        """The name of a picture's class."""
        label = self.labels[index]
        return None if label is None else self.classes[label]

    def index(self, id: str, *_: Any) -> int:
        """The number of the picture with an id."""
        try:
            return self._numbers[id]
        except KeyError:
            raise NnvizError("set_id", id=id, name=self.name) from None

    def thumbnail(self, index: int, side: int = 64) -> np.ndarray:
        """A small copy, uint8 (h, w, 3) whose longer side has `side` pixels at most."""
        picture = open_picture(self[index], channels=3)
        if not isinstance(picture, Image.Image):
            picture = Image.fromarray((picture.permute(1, 2, 0).numpy() * 255).round().astype(np.uint8))
        picture.thumbnail((side, side), Image.Resampling.BICUBIC)
        return np.asarray(picture)

    def mark(self, index: int) -> bytes:
        """What tells a picture from a changed one of the same id, without decoding it: 16 bytes."""
        return blake2b(self._source.mark(index), digest_size=16, person=b"nnviz.picture").digest()

    def __repr__(self) -> str:
        return f"ImageSet({self.name}: {len(self)} pictures, {len(self.classes)} classes)"

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_by_id"}

    @property
    def _numbers(self) -> dict[str, int]:
        if "_by_id" not in vars(self):
            self._by_id = {id: i for i, id in enumerate(self.ids)}
        return self._by_id


def _names(labels: Sequence[str | int]) -> list[str]:
    return sorted({label for label in labels if isinstance(label, str)})


def _indices(labels: Sequence[str | int], classes: Sequence[str] | None) -> list[int | None]:
    order = {name: i for i, name in enumerate(_names(labels) if classes is None else classes)}
    try:
        return [None if x is None else order[x] if isinstance(x, str) else int(x) for x in labels]
    except KeyError as error:
        raise NnvizError("class_unknown", name=error.args[0], near=", ".join(list(order)[:3])) from None
