"""Pixels -> the bytes of a picture file, as quickly as is exact."""

from __future__ import annotations

import zlib
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.render.colormap import Pixels
from nnviz_widgets.render.palette import find_palette

_WEBP_SIDE = 16383  # pixels: what the format can hold


def encode(array: Pixels, *, exact: bool) -> bytes:
    """Pixels (h, w), (h, w, 3) or (h, w, 4) -> a picture file that every browser reads.

    Args:
        exact: every pixel as it is: a PNG with a palette for up to 256 colours (maps, mosaics), else lossless WebP.
            Not exact: as small as a photo may be, JPEG, unless there is transparency.
    """
    _check(array)
    channels = array.shape[2] if array.ndim == 3 else 1
    if not exact and channels < 4:
        return encode_jpeg(array)
    if channels == 1 or max(array.shape) > _WEBP_SIDE:  # WebP has no grey: it would come back as three channels
        return encode_png(array)
    found = find_palette(array)
    return encode_webp_lossless(array) if found is None else _encode_palette(*found, channels)


def encode_png(array: Pixels, level: int = 1) -> bytes:
    """Pixels -> PNG; level 0 (quick) to 9 (small) of its compression."""
    return _save(array, "PNG", compress_level=level)


def encode_webp_lossless(array: Pixels) -> bytes:
    """Pixels -> lossless WebP, also of the colours under transparent pixels; grey becomes three channels."""
    return _save(array, "WEBP", lossless=True, quality=0, method=0, exact=True)


def encode_jpeg(array: Pixels, quality: int = 90) -> bytes:
    """Pixels (h, w) or (h, w, 3) -> JPEG with colours at full resolution (4:4:4)."""
    return _save(array, "JPEG", quality=quality, subsampling=0)


def _encode_palette(colours: Pixels, index: Pixels, channels: int) -> bytes:
    # Enlarged cells repeat whole rows, which a search for repeats finds at once; elsewhere it takes three times as long
    # as run lengths do and gains little.
    repeats = bool(len(index) > 1 and (index[1:] == index[:-1]).all(axis=1).mean() > 0.3)
    picture = Image.fromarray(index)
    picture.putpalette(colours[:, :3].tobytes())
    options: dict[str, Any] = {"transparency": colours[:, 3].tobytes()} if channels == 4 else {}
    return _write(
        picture, "PNG", compress_level=1, compress_type=zlib.Z_DEFAULT_STRATEGY if repeats else zlib.Z_RLE, **options
    )


def _check(array: Pixels) -> None:
    if array.dtype != np.uint8 or array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)):
        raise NnvizError("pixels_type", dtype=array.dtype, shape=array.shape)


def _save(array: Pixels, kind: str, **options: Any) -> bytes:
    _check(array)
    return _write(Image.fromarray(array), kind, **options)


def _write(picture: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()
