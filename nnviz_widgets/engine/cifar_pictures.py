"""CIFAR-10 as two tensors, from torchvision's folder or from a local file."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torchvision
from PIL import Image
from torch import Tensor

from nnviz_widgets.engine.cifar_net import CIFAR_LABELS, CIFAR_MEAN, CIFAR_STD
from nnviz_widgets.errors import NnvizError


@dataclass(frozen=True)
class Pictures:
    """pixels: uint8 (N, 32, 32, 3); labels: int64 (N,), positions in `CIFAR_LABELS`."""

    pixels: Tensor
    labels: Tensor


def load_pictures(source: str | Path, *, train: bool = True) -> Pictures:
    """Read a local .npz, or the train or test half of `torchvision.datasets.CIFAR10` in a folder, downloaded if absent.

    The .npz holds `jpeg` (all files, bytes end to end), `offset` (N + 1 positions in it), `labels` (N) and `names`.

    Raises:
        NnvizError: when the file lacks one of these, or the data are not there and cannot be downloaded.
    """
    path = Path(source)
    return _from_file(path) if path.suffix == ".npz" else _from_folder(path, train=train)


def augment(pixels: Tensor, generator: torch.Generator, *, shift: int = 4) -> Tensor:
    """Move each picture of (N, side, side, 3) by up to `shift` pixels, borders mirrored, and flip every second one."""
    count, side = pixels.shape[:2]
    moves = torch.randint(-shift, shift + 1, (2, count, 1), generator=generator)
    rows, cols = (_mirrored(torch.arange(side) + move, side) for move in moves)
    flipped = torch.rand(count, 1, generator=generator) < 0.5
    cols = torch.where(flipped, cols.flip(1), cols)
    return pixels[torch.arange(count)[:, None, None], rows[:, :, None], cols[:, None, :]]


def normalise(pixels: Tensor) -> Tensor:
    """uint8 (N, 32, 32, 3) -> the network's input (N, 3, 32, 32), float32, in channels-last memory."""
    return ((pixels.float() / 255 - torch.tensor(CIFAR_MEAN)) / torch.tensor(CIFAR_STD)).permute(0, 3, 1, 2)


def _mirrored(position: Tensor, side: int) -> Tensor:
    position = position.abs()
    return torch.where(position < side, position, 2 * (side - 1) - position)


def _from_file(path: Path) -> Pictures:
    if not path.is_file():
        raise NnvizError("cifar_missing", path=path, reason="no such file")
    try:
        with np.load(path) as archive:
            data, offset, labels, names = (archive[key] for key in ("jpeg", "offset", "labels", "names"))
    except (KeyError, ValueError, OSError) as error:
        raise NnvizError("cifar_file", path=path, reason=str(error).strip("'\"")) from error
    if tuple(names.tolist()) != CIFAR_LABELS:
        raise NnvizError("cifar_file", path=path, reason="names are not the ten CIFAR-10 classes in order")
    pixels = np.empty((len(labels), 32, 32, 3), np.uint8)
    for k in range(len(labels)):
        picture = Image.open(io.BytesIO(data[offset[k] : offset[k + 1]].tobytes()))
        pixels[k] = np.asarray(picture.convert("RGB"))
    return Pictures(torch.from_numpy(pixels), torch.from_numpy(labels.astype(np.int64)))


def _from_folder(path: Path, *, train: bool) -> Pictures:
    try:
        dataset = torchvision.datasets.CIFAR10(str(path), train=train, download=True)
    except (OSError, RuntimeError) as error:
        # urllib's errors are OSErrors; a damaged or half-downloaded archive is a RuntimeError.
        raise NnvizError("cifar_missing", path=path, reason=(str(error).splitlines() or ["unknown"])[0]) from error
    return Pictures(torch.from_numpy(dataset.data), torch.tensor(dataset.targets))
