"""The folder of a scan: named by what it belongs to, a file a shard, and the index of all pictures."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import astuple
from hashlib import blake2b
from pathlib import Path

import torch

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.images.image_set import ImageSet
from nnviz_widgets.methods.patch_index import INDEX
from nnviz_widgets.methods.scan_file import VERSION, load, save
from nnviz_widgets.methods.scan_shard import Job, Piece, Wanted
from nnviz_widgets.methods.scan_state import ScanState


def fingerprint(engine: Engine, wanted: Wanted) -> str:
    """What tells one index from another: weights, make-up, input contract, layers and the kind of the record."""
    digest = blake2b(digest_size=12)
    for name, tensor in engine.module.state_dict().items():
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    words = [VERSION, repr(engine.module), repr(engine.contract), astuple(wanted)]
    digest.update(json.dumps(words).encode())
    return digest.hexdigest()


def write_shard(engine: Engine, home: Path, job: Job, piece: Piece) -> ScanState:
    """A shard on disk, and what is in it.

    Raises:
        NnvizError: when the weights are not those that the folder is named by, or it cannot be written.
    """
    if fingerprint(engine, job.wanted) != home.name:
        raise NnvizError("scan_changed")
    state = piece.state()
    name = blake2b("\n".join(state.ids).encode(), digest_size=8).hexdigest()
    save(state, home / f"shard-{name}.safetensors")
    return state


def kept(home: Path, images: ImageSet) -> tuple[list[ScanState], bool]:
    """What is on disk of pictures that are all in the set, unchanged, each once; whether the index has the whole set.

    An index that is broken, or of other pictures, is made anew from the shards.
    """
    found: list[ScanState] = []
    seen: set[str] = set()
    number = {id: i for i, id in enumerate(images.ids)}

    def take(state: ScanState) -> None:
        fits = all(
            id in number and id not in seen and images.mark(number[id]).hex() == mark
            for id, mark in zip(state.ids, state.marks, strict=True)
        )
        if fits:
            found.append(state)
            seen.update(state.ids)

    with suppress(NnvizError):  # also where there is none
        take(load(home / INDEX))
    if len(seen) == len(images):
        return found, True
    for file in sorted(home.glob("shard-*.safetensors")):
        if len(seen) < len(images):
            take(load(file))
    return found, False
