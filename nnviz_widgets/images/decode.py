"""Any picture a person may hand over, opened safely: one decoder for everything."""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from nnviz_widgets.errors import NnvizError

MAX_PIXELS = 80_000_000
ROUNDING = 1e-3  # how far floats may leave 0..1, as they do when something was normalised and back


def open_picture(source: Any, *, channels: int) -> Image.Image | Tensor:
    """Path, bytes, PIL image, array or tensor -> RGB or grey PIL image, or (channels, h, w) floats in 0..1.

    Files and PIL images are turned upright by their EXIF tag, and transparency is laid on white.
    Arrays are (h, w) or (h, w, channels), tensors (channels, h, w) or (1, channels, h, w).
    """
    if isinstance(source, str | os.PathLike):
        return _open_file(Path(source), channels)
    if isinstance(source, bytes | bytearray | memoryview):
        return _open_stream(io.BytesIO(bytes(source)), "The file", channels)
    if isinstance(source, Image.Image):
        return _decode(lambda: source, "The picture", channels)
    if isinstance(source, Tensor):
        return _from_tensor(source, channels)
    if isinstance(source, np.ndarray):
        return _from_array(source, channels)
    raise NnvizError("picture_type", type=type(source).__name__)


def _open_file(path: Path, channels: int) -> Image.Image | Tensor:
    try:
        path = path.expanduser()
        found = path.is_file()
    except (OSError, RuntimeError):  # a name too long for the file system; the home of nobody
        found = False
    if not found:
        raise NnvizError("picture_missing", path=_short(str(path)))
    try:
        with path.open("rb") as stream:
            return _open_stream(stream, path.name, channels)
    except OSError as error:
        raise NnvizError("picture_unreadable", name=path.name, reason=error.strerror or str(error)) from error


def _open_stream(stream: Any, name: str, channels: int) -> Image.Image | Tensor:
    def open_() -> Image.Image:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a bomb is measured below; damaged tags do not matter
            return Image.open(stream)

    return _decode(open_, name, channels)


def _decode(open_: Callable[[], Image.Image], name: str, channels: int) -> Image.Image | Tensor:
    try:
        return _upright(open_(), name, channels)
    except NnvizError:
        raise
    except Image.DecompressionBombError as error:
        raise NnvizError("picture_unreadable", name=name, reason="far too many pixels") from error
    except UnidentifiedImageError as error:
        raise NnvizError("picture_unreadable", name=name, reason="unknown format") from error
    except Exception as error:  # Pillow's decoders raise all kinds on a damaged file
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise NnvizError("picture_unreadable", name=name, reason=reason) from error


def _short(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:100]}...{text[-60:]}"


def _upright(picture: Image.Image, name: str, channels: int) -> Image.Image | Tensor:
    width, height = picture.size
    if width * height > MAX_PIXELS:
        raise NnvizError("picture_huge", name=name, width=width, height=height, limit=MAX_PIXELS)
    if width * height == 0:
        raise NnvizError("picture_empty", shape=(height, width))
    picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith("I"):  # 16-bit grey: Pillow's convert would clip it at 255
        picture = Image.fromarray((np.asarray(picture).astype(np.float64) / 257).round().clip(0, 255).astype(np.uint8))
    elif picture.mode == "F":
        return _from_tensor(torch.from_numpy(np.array(picture)), channels)
    if picture.has_transparency_data:
        rgba = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    return picture.convert("L" if channels == 1 else "RGB")


def _from_array(array: np.ndarray, channels: int) -> Image.Image | Tensor:
    if array.ndim == 3 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.dtype.kind not in "buif":
        raise NnvizError("picture_type", type=f"{array.dtype} array")
    if array.size == 0:
        raise NnvizError("picture_empty", shape=array.shape)
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[-1] not in (3, 4)):
        raise NnvizError("picture_shape", shape=array.shape, expected="(height, width, 3)")
    if array.dtype == np.uint8:
        return _upright(Image.fromarray(array), "The array", channels)
    # torch does not know each of NumPy's types, byte orders and strides
    values = torch.from_numpy(array.astype({"b": np.bool_, "f": np.float32}.get(array.dtype.kind, np.int64)))
    return _from_tensor(values[None] if array.ndim == 2 else values.permute(2, 0, 1), channels)


def _from_tensor(tensor: Tensor, channels: int) -> Tensor | Image.Image:
    values = tensor.detach()
    if values.ndim == 4 and values.shape[0] == 1:
        values = values[0]
    if values.ndim == 2:
        values = values[None]
    if values.numel() == 0:
        raise NnvizError("picture_empty", shape=tuple(tensor.shape))
    if values.is_complex():
        raise NnvizError("picture_type", type=f"{values.dtype} tensor")
    if values.ndim != 3 or values.shape[0] not in (1, 3, 4):
        raise NnvizError("picture_shape", shape=tuple(tensor.shape), expected="(3, height, width)")
    values = values.cpu()
    if not torch.is_floating_point(values):
        if values.dtype == torch.bool:
            values = values.to(torch.uint8) * 255
        values = values.long()
        if values.min() < 0 or values.max() > 255:
            raise NnvizError("picture_range", low=float(values.min()), high=float(values.max()))
        pixels = values.to(torch.uint8).permute(1, 2, 0).contiguous().numpy()
        return _upright(Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels), "The tensor", channels)
    values = values.float()
    if not torch.isfinite(values).all():
        raise NnvizError("picture_nan")
    if values.min() < -ROUNDING or values.max() > 1 + ROUNDING:
        raise NnvizError("picture_range", low=float(values.min()), high=float(values.max()))
    values = values.clamp(0, 1)
    if values.shape[0] == 4:
        values = values[:3] * values[3:] + (1 - values[3:])
    if channels == 1 and values.shape[0] == 3:
        return (values * torch.tensor([0.299, 0.587, 0.114], device="cpu").view(3, 1, 1)).sum(0, keepdim=True)
    return values.expand(channels, -1, -1).clone()
