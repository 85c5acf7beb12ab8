"""Where the pictures of a set come from: each source lists ids and classes, and opens a picture by its number."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.images.datasets import Arrays, dataset_source
from nnviz_widgets.images.offline_sets import OFFLINE

SUFFIXES = frozenset({".bmp", ".gif", ".jfif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"})


class Source(Protocol):
    """What a set needs of its pictures."""

    @property
    def name(self) -> str: ...
    @property
    def ids(self) -> tuple[str, ...]: ...
    @property
    def labels(self) -> Sequence[int | None]: ...
    @property
    def classes(self) -> Sequence[str]: ...
    def open(self, index: int) -> Any:
        """The picture, as `open_picture` takes it."""

    def mark(self, index: int) -> bytes:
        """What changes when the picture does, found without decoding it."""


def source_of(source: Any) -> Source:
    """The source that an argument of `ImageSet` stands for."""
    if isinstance(source, str) and source in OFFLINE:
        offline: Source = OFFLINE[source]()
        return offline
    if isinstance(source, str | os.PathLike):
        return _folder(Path(source).expanduser())
    if isinstance(source, np.ndarray):
        return Arrays("array", source)
    if isinstance(source, list | tuple) and all(isinstance(item, str | os.PathLike) for item in source):
        return _files([Path(item).expanduser() for item in source])
    if hasattr(source, "__getitem__") and hasattr(source, "__len__"):
        return dataset_source(source)
    raise NnvizError("set_type", type=type(source).__name__)


@dataclass(frozen=True)
class Files:
    """Files; a picture's mark is its size and time of change."""

    name: str
    paths: tuple[Path, ...] = field(repr=False)
    ids: tuple[str, ...] = field(repr=False)
    labels: tuple[int | None, ...] = field(repr=False)
    classes: tuple[str, ...] = ()

    def open(self, index: int) -> Path:
        return self.paths[index]

    def mark(self, index: int) -> bytes:
        try:
            found = self.paths[index].stat()
        except OSError:
            return b"missing"
        return f"{found.st_size} {found.st_mtime_ns}".encode()


def _folder(folder: Path) -> Files:
    """Every picture below a folder, in the order of their paths; the first level of subfolders names the classes."""
    if not folder.is_dir():
        raise NnvizError("set_folder", path=str(folder))
    paths = sorted(
        (Path(home) / name for home, _, names in os.walk(folder, followlinks=True) for name in names),
        key=lambda path: path.relative_to(folder).as_posix(),
    )
    paths = [path for path in paths if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")]
    places = [path.relative_to(folder) for path in paths]
    classes = tuple(sorted({place.parts[0] for place in places if len(place.parts) > 1}))
    labels = tuple(classes.index(place.parts[0]) if len(place.parts) > 1 else None for place in places)
    return Files(folder.name, tuple(paths), tuple(place.as_posix() for place in places), labels, classes)


def _files(paths: Sequence[Path]) -> Files:
    """A list of files, each once; ids are their paths from the folder that holds all."""
    unique = list(dict.fromkeys(path.absolute() for path in paths))
    home = Path(os.path.commonpath([path.parent for path in unique])) if unique else Path()
    ids = tuple(path.relative_to(home).as_posix() for path in unique)
    return Files(home.name or "files", tuple(unique), ids, (None,) * len(unique))
