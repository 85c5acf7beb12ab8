"""What a scan knows of the pictures that it has seen: mergeable in any order, and a safetensors file on disk."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.methods.channel_statistics import ChannelStatistics
from nnviz_widgets.methods.top_k import NOBODY, TopK, merged

VERSION = "1"


@dataclass(frozen=True, eq=False)
class LayerScan:
    """What is known of one layer's channels; `bottom` has the smallest values, with their sign turned."""

    top: TopK
    bottom: TopK | None
    statistics: ChannelStatistics


@dataclass(frozen=True, eq=False)
class ScanState:
    """Some pictures, seen.

    Attributes:
        ids: of the pictures, sorted; the numbers in `layers` are places in this list.
        marks: one a picture, hexadecimal: what tells it from a changed one.
        broken: why a picture could not be read, by id; such a picture is in `ids`, too, and has no vector.
        layers: by name.
        vectors: (pictures, units) of the penultimate layer, float32; NaN for the broken.
    """

    ids: tuple[str, ...]
    marks: tuple[str, ...]
    broken: Mapping[str, str]
    layers: Mapping[str, LayerScan]
    vectors: Tensor

    def __add__(self, other: ScanState) -> ScanState:
        """Both together, of disjoint pictures."""
        ids = sorted([*self.ids, *other.ids])
        number = {id: i for i, id in enumerate(ids)}
        places = [torch.tensor([number[id] for id in state.ids], dtype=torch.int64) for state in (self, other)]
        marks = dict(zip([*self.ids, *other.ids], [*self.marks, *other.marks], strict=True))
        vectors = torch.empty(len(ids), self.vectors.shape[1])
        for state, place in zip((self, other), places, strict=True):
            vectors[place] = state.vectors
        layers = {
            name: LayerScan(
                merged(_moved(mine.top, places[0]), _moved(yours.top, places[1])),
                None
                if mine.bottom is None or yours.bottom is None
                else merged(_moved(mine.bottom, places[0]), _moved(yours.bottom, places[1])),
                mine.statistics + yours.statistics,
            )
            for name, mine in self.layers.items()
            for yours in [other.layers[name]]
        }
        broken = {**self.broken, **other.broken}
        return ScanState(tuple(ids), tuple(marks[id] for id in ids), broken, layers, vectors)

    def save(self, path: Path) -> None:
        """Write the file whole or not at all, whatever happens meanwhile."""
        tensors: dict[str, Tensor] = {"vectors": self.vectors}
        pictures: dict[str, tuple[int, int]] = {}
        for name, layer in self.layers.items():
            for kind, top in (("top", layer.top), ("bottom", layer.bottom)):
                if top is not None:
                    tensors |= {f"{kind}/{part}/{name}": getattr(top, part) for part in TOP}
            tensors |= {f"statistics/{part}/{name}": getattr(layer.statistics, part) for part in STATISTICS}
            pictures[name] = layer.statistics.pictures, layer.statistics.cells
        words: dict[str, Any] = {"ids": self.ids, "marks": self.marks, "broken": dict(self.broken), "layers": pictures}
        content = save({k: t.contiguous() for k, t in tensors.items()}, {"nnviz": VERSION, "scan": json.dumps(words)})
        write_whole(path, content)


TOP = ("values", "pictures", "places")
STATISTICS = ("sums", "greatest", "zeros")


def write_whole(path: Path, content: bytes) -> None:
    """A file that is there whole or not at all, also after a power cut.

    Raises:
        NnvizError: when it cannot be written, such as on a full disk; nothing half written stays.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise NnvizError("index_unwritable", path=str(path), reason=error.strerror or str(error)) from error


def load(path: Path) -> ScanState:
    """A state that was saved.

    Raises:
        NnvizError: when the file is cut short, is none of ours, or was written by another version.
    """
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            if header.get("nnviz") != VERSION:
                raise NnvizError("index_version", path=path.name, found=header.get("nnviz"), known=VERSION)
            words = json.loads(header["scan"])
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, ValueError, KeyError) as error:
        raise NnvizError("index_unreadable", path=path.name, reason=str(error).splitlines()[0]) from error

    def top(kind: str, name: str) -> TopK | None:
        return TopK(*(tensors[f"{kind}/{part}/{name}"] for part in TOP)) if f"{kind}/values/{name}" in tensors else None

    layers = {}
    for name, (pictures, cells) in words["layers"].items():
        best = top("top", name)
        assert best is not None
        sums, greatest, zeros = (tensors[f"statistics/{part}/{name}"] for part in STATISTICS)
        statistics = ChannelStatistics(pictures, sums, greatest, zeros, cells)
        layers[name] = LayerScan(best, top("bottom", name), statistics)
    return ScanState(tuple(words["ids"]), tuple(words["marks"]), words["broken"], layers, tensors["vectors"])


def together(states: Sequence[ScanState]) -> ScanState:
    """All of them, at least one."""
    return reduce(ScanState.__add__, states)


def _moved(top: TopK, places: Tensor) -> TopK:
    """The same with its pictures numbered anew."""
    known = top.pictures != NOBODY
    numbers = torch.where(known, places[top.pictures.clamp_min(0)], NOBODY) if len(places) else top.pictures
    return replace(top, pictures=numbers)
