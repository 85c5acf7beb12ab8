"""A picture of few colours as numbers of a palette: a quarter of the bytes, and several times faster to compress."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from nnviz_widgets.render.colormap import Pixels

_GOLDEN = 2654435769  # 2**32 / golden ratio: its multiples spread similar numbers far apart
_TRIES = 32


def find_palette(image: Pixels) -> tuple[Pixels, Pixels] | None:
    """(h, w, 3 or 4) -> (colours (n, 4), index (h, w)), colours[index] being the image; None above 256 colours."""
    picture = Image.fromarray(image)
    counted = picture.getcolors(256)
    if counted is None:
        return None
    colours = np.array([colour for _, colour in counted], dtype=np.uint8)
    keys = _packed(colours)
    for attempt in range(_TRIES):
        factor = np.uint32((_GOLDEN * (2 * attempt + 1)) % 2**32)
        slots = _slots(keys, factor)
        if len(np.unique(slots)) == len(slots):
            break
    else:
        return None
    table = np.zeros(2**16, dtype=np.uint8)
    table[slots] = np.arange(len(slots))
    if colours.shape[1] == 3:
        colours = np.hstack([colours, np.full((len(colours), 1), 255, dtype=np.uint8)])
    return colours, table.take(_slots(_packed(image), factor))


def _slots(keys: NDArray[np.uint32], factor: np.uint32) -> NDArray[np.uint32]:
    return (keys * factor) >> np.uint32(16)


def _packed(pixels: Pixels) -> NDArray[np.uint32]:
    """One number a pixel."""
    if pixels.shape[-1] == 4:
        packed: NDArray[np.uint32] = np.ascontiguousarray(pixels).view(np.uint32)[..., 0]
        return packed
    wide = pixels.astype(np.uint32)
    mixed: NDArray[np.uint32] = wide[..., 0] + wide[..., 1] * np.uint32(2**8) + wide[..., 2] * np.uint32(2**16)
    return mixed
