"""Files of weights: fetched or local, read, and put into a module; whatever is wrong with one, in one line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http.client import HTTPException
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from nnviz_widgets.errors import NnvizError


def fetch(url: str) -> Path:
    """The local copy of a published file, in torch's own folder of checkpoints; downloaded and checked if not there.

    Raises:
        NnvizError: when it is not there and cannot be downloaded whole.
    """
    path = Path(torch.hub.get_dir(), "checkpoints", PurePosixPath(urlsplit(url).path).name)
    if path.exists():
        return path
    digest = re.search(r"-([a-f0-9]{8,})\.", path.name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # torch.hub.load_state_dict_from_url would write a line to stdout; this writes nothing, and no partial file.
        torch.hub.download_url_to_file(url, str(path), digest[1] if digest else None, progress=False)
    except (OSError, HTTPException, RuntimeError) as error:
        raise NnvizError("weights_fetch", file=path.name, folder=path.parent, reason=_line(error)) from error
    return path


def read_state(path: Path) -> dict[str, Tensor]:
    """State dict of a file written by torch.save or safetensors, on the CPU.

    Raises:
        NnvizError: when the file is missing, damaged or holds something else.
    """
    if not path.is_file():
        raise NnvizError("weights_missing", path=path)
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise NnvizError("weights_broken", path=path, reason=_line(error)) from error
    except Exception as error:  # a damaged pickle can raise anything, and torch's advice on it runs over many lines
        raise NnvizError("weights_broken", path=path, reason="cut short, or not a state dict") from error
    if not isinstance(state, Mapping) or not all(isinstance(tensor, Tensor) for tensor in state.values()):
        raise NnvizError("weights_broken", path=path, reason="not a state dict")
    return state  # type: ignore[return-value]  # the file's own type: it carries the versions of its modules


def fill(module: nn.Module, state: dict[str, Tensor], *, name: str, path: Path) -> None:
    """Load `state` into `module`, all of it and nothing but it.

    Raises:
        NnvizError: naming the first tensor that is missing, unknown or of another shape.
    """
    try:
        missing, unknown = module.load_state_dict(state, strict=False)
        wrong = [*missing, *unknown]
    except (RuntimeError, ValueError) as error:
        wrong = re.findall(r"size mismatch for (\S+):", str(error)) or [_line(error)]
    if wrong:
        raise NnvizError("weights_misfit", path=path, name=name, tensor=wrong[0])


def _line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
