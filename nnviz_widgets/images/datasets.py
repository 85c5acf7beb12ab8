"""Sets of pictures in memory, and datasets that give pictures by their number."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from typing import Any

import numpy as np
from torch import Tensor

from nnviz_widgets.errors import NnvizError

SAMPLE = 4  # pictures of a dataset that stand for what it holds


@dataclass(frozen=True, eq=False)
class Arrays:
    """Pictures in memory, (N, h, w) or (N, h, w, channels)."""

    name: str
    pictures: np.ndarray = field(repr=False)
    labels: Sequence[int | None] = field(default=(), repr=False)
    classes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.pictures.ndim not in (3, 4):
            raise NnvizError("set_array", shape=self.pictures.shape)
        if not len(self.labels):
            object.__setattr__(self, "labels", (None,) * len(self.pictures))

    @property
    def ids(self) -> tuple[str, ...]:
        return numbers(len(self.pictures))

    def open(self, index: int) -> Any:
        return self.pictures[index]

    def mark(self, index: int) -> bytes:
        return np.ascontiguousarray(self.pictures[index]).tobytes()


@dataclass(frozen=True, eq=False)
class Dataset:
    """A map-style dataset: of pictures, or of (picture, class, ...).

    What it holds cannot be known without decoding it, so a few of its pictures stand for all: their content is part of
    every picture's mark, unless they come out another way each time, as under random augmentation.
    """

    name: str
    dataset: Any = field(repr=False)
    labels: Sequence[int | None] = field(repr=False)
    classes: tuple[str, ...] = ()

    @property
    def ids(self) -> tuple[str, ...]:
        return numbers(len(self.dataset))

    def open(self, index: int) -> Any:
        try:
            item = self.dataset[index]
        except NnvizError:
            raise
        except Exception as error:  # a person's own code, or torchvision's on a damaged file
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise NnvizError("picture_unreadable", name=f"{self.name}[{index}]", reason=reason) from error
        return item[0] if isinstance(item, list | tuple) else item

    def mark(self, index: int) -> bytes:
        return f"{self.name} {len(self.dataset)} ".encode() + self._content

    @cached_property
    def _content(self) -> bytes:
        last, found = len(self.dataset) - 1, b""
        for i in sorted({k * last // (SAMPLE - 1) for k in range(SAMPLE)}):
            once, again = (self._content_of(i) for _ in range(2))
            if once != again:
                return b""
            found += once
        return found

    def _content_of(self, index: int) -> bytes:
        try:
            picture = self.open(index)
        except NnvizError as error:  # told by whoever wants the picture
            return str(error).encode()
        if isinstance(picture, str | os.PathLike):
            return os.fsencode(picture)
        array = np.asarray(picture.detach().cpu() if isinstance(picture, Tensor) else picture)
        return blake2b(f"{array.shape} {array.dtype}".encode() + array.tobytes(), digest_size=16).digest()


def dataset_source(dataset: Any) -> Dataset:
    """Labels come from `targets` or `labels`, as torchvision's datasets have them, else there are none."""
    count = len(dataset)
    found = next((getattr(dataset, n) for n in ("targets", "labels", "_labels") if hasattr(dataset, n)), None)
    labels: Sequence[int | None] = (None,) * count
    if isinstance(found, list | tuple | np.ndarray | Tensor):
        given = np.asarray(found.cpu() if isinstance(found, Tensor) else found)
        if given.shape == (count,) and given.dtype.kind in "biu":
            labels = tuple(int(label) for label in given)
    classes = tuple(str(name) for name in getattr(dataset, "classes", ()))
    return Dataset(type(dataset).__name__, dataset, labels, classes)


def numbers(count: int) -> tuple[str, ...]:
    """Ids of pictures that have no name."""
    width = len(str(max(0, count - 1)))
    return tuple(f"{i:0{width}d}" for i in range(count))
