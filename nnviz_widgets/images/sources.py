"""Where the pictures of a set come from: each source lists ids and classes, and opens a picture by its number."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PIL import Image

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.images.samples import SAMPLES, sample

SUFFIXES = frozenset({".bmp", ".gif", ".jfif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"})
CROP, STEP = 160, 40  # pixels of a sample's crops, and from one to the next


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
    if isinstance(source, str) and source in _OFFLINE:
        return _OFFLINE[source]()
    if isinstance(source, str | os.PathLike):
        return _folder(Path(source).expanduser())
    if isinstance(source, np.ndarray):
        return Arrays("array", source)
    if isinstance(source, list | tuple) and all(isinstance(item, str | os.PathLike) for item in source):
        return _files([Path(item).expanduser() for item in source])
    if hasattr(source, "__getitem__") and hasattr(source, "__len__"):
        return _dataset(source)
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
        return _numbers(len(self.pictures))

    def open(self, index: int) -> Any:
        return self.pictures[index]

    def mark(self, index: int) -> bytes:
        return np.ascontiguousarray(self.pictures[index]).tobytes()


@dataclass(frozen=True, eq=False)
class Dataset:
    """A map-style dataset: of pictures, or of (picture, class, ...).

    A picture's mark is its number alone: what a dataset holds cannot be known without decoding it.
    """

    name: str
    dataset: Any = field(repr=False)
    labels: Sequence[int | None] = field(repr=False)
    classes: tuple[str, ...] = ()

    @property
    def ids(self) -> tuple[str, ...]:
        return _numbers(len(self.dataset))

    def open(self, index: int) -> Any:
        item = self.dataset[index]
        return item[0] if isinstance(item, list | tuple) else item

    def mark(self, index: int) -> bytes:
        return f"{self.name} {len(self.dataset)}".encode()


def _dataset(dataset: Any) -> Dataset:
    """Labels come from `targets` or `labels`, as torchvision's datasets have them, else there are none."""
    count = len(dataset)
    found = next((getattr(dataset, n) for n in ("targets", "labels", "_labels") if hasattr(dataset, n)), None)
    labels: Sequence[int | None] = (None,) * count
    if found is not None and len(found) == count:
        labels = tuple(int(label) for label in found)
    classes = tuple(str(name) for name in getattr(dataset, "classes", ()))
    return Dataset(type(dataset).__name__, dataset, labels, classes)


@dataclass(frozen=True)
class Crops:
    """Overlapping crops of the sample photos, row by row; the photo is the class."""

    name: str = "samples"
    classes: tuple[str, ...] = SAMPLES

    @property
    def _places(self) -> tuple[tuple[int, int, int], ...]:
        """(sample, top, left) of each."""
        sizes = [sample(name).size for name in SAMPLES]
        return tuple(
            (k, top, left)
            for k, (width, height) in enumerate(sizes)
            for top in range(0, height - CROP + 1, STEP)
            for left in range(0, width - CROP + 1, STEP)
        )

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(f"{SAMPLES[k]}/{top:03d}-{left:03d}" for k, top, left in self._places)

    @property
    def labels(self) -> tuple[int, ...]:
        return tuple(k for k, _, _ in self._places)

    def open(self, index: int) -> Image.Image:
        k, top, left = self._places[index]
        return sample(SAMPLES[k]).crop((left, top, left + CROP, top + CROP))

    def mark(self, index: int) -> bytes:
        return b"sample"


def _digits() -> Arrays:
    """scikit-learn's digits, 1797 of 8 x 8 pixels."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    pixels = (digits.images * (255 / 16)).round().astype(np.uint8)
    return Arrays("digits", pixels, tuple(int(k) for k in digits.target), tuple(map(str, range(10))))


_OFFLINE: dict[str, Callable[[], Source]] = {"samples": Crops, "digits": _digits}


def _numbers(count: int) -> tuple[str, ...]:
    width = len(str(max(0, count - 1)))
    return tuple(f"{i:0{width}d}" for i in range(count))
