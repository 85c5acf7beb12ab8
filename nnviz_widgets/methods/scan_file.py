"""What a scan knows as a safetensors file, which any reader of that format opens: there whole or not at all.

Tensors:
    vectors: (pictures, units) of the penultimate layer; NaN for a broken picture.
    top/values/LAYER, top/pictures/LAYER, top/places/LAYER: (channels, n), best first: the activation, the picture as a
        row of `vectors` (-1 where there were fewer), and where in the map, row * width + column.
    bottom/...: the same of the smallest activations, with their sign turned.
    statistics/sums/LAYER, statistics/greatest/LAYER, statistics/zeros/LAYER: (channels,), see `ChannelStatistics`.
Metadata: `nnviz`, the version of this format; `scan`, JSON with `ids` and `marks` of the pictures by row, `broken`
(why, by id), and `layers` (how many pictures, and cells of a map, by name).
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from threading import get_ident
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialised
from torch import Tensor

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.methods.channel_statistics import ChannelStatistics
from nnviz_widgets.methods.scan_state import LayerScan, ScanState
from nnviz_widgets.methods.top_k import TopK

VERSION = "1"
TOP = ("values", "pictures", "places")
STATISTICS = ("sums", "greatest", "zeros")


def save(state: ScanState, path: Path) -> None:
    """Write the file whole or not at all, whatever happens meanwhile."""
    tensors: dict[str, Tensor] = {"vectors": state.vectors}
    pictures: dict[str, tuple[int, int]] = {}
    for name, layer in state.layers.items():
        for kind, top in (("top", layer.top), ("bottom", layer.bottom)):
            if top is not None:
                tensors |= {f"{kind}/{part}/{name}": getattr(top, part) for part in TOP}
        tensors |= {f"statistics/{part}/{name}": getattr(layer.statistics, part) for part in STATISTICS}
        pictures[name] = layer.statistics.pictures, layer.statistics.cells
    words: dict[str, Any] = {"ids": state.ids, "marks": state.marks, "broken": dict(state.broken), "layers": pictures}
    content = serialised({k: t.contiguous() for k, t in tensors.items()}, {"nnviz": VERSION, "scan": json.dumps(words)})
    write_whole(path, content)


def write_whole(path: Path, content: bytes) -> None:
    """A file that is there whole or not at all, also after a power cut.

    Raises:
        NnvizError: when it cannot be written, such as on a full disk; nothing half written stays.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.{get_ident()}.part")  # two scans may make one file
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
                raise NnvizError("index_version", path=str(path), found=header.get("nnviz"), known=VERSION)
            words = json.loads(header["scan"])
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, ValueError, KeyError) as error:
        raise NnvizError("index_unreadable", path=str(path), reason=str(error).splitlines()[0]) from error

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
