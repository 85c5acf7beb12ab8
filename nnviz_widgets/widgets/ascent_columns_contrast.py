"""Faint pictures with more contrast: what a weak prior's picture has to show lies within a few grey levels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nnviz_widgets.render.colormap import Pixels

REACH = 0.45  # of the range 0..1, on either side of the mean colour
SHARE = 99.5  # per cent of the values that come to lie within it
MOST = 32.0  # factor: beyond, there is nothing but noise to see


def stretched(image: NDArray[np.float32], mean: Sequence[float]) -> tuple[Pixels, float]:
    """A picture (h, w, 1 or 3) in 0..1, its distance from the mean colour enlarged -> (uint8 (h, w, 3), factor).

    The factor is 1 for a picture that reaches far already. Yosinski's tool box shows its pictures so.
    """
    away = image - np.asarray(mean, np.float32)
    most = float(np.percentile(np.abs(away), SHARE))
    factor = min(max(1.0, REACH / most), MOST) if most > 0 else 1.0
    values = np.clip(image + (factor - 1) * away, 0, 1)
    pixels = np.rint(255 * values).astype(np.uint8)
    return np.broadcast_to(pixels, (*pixels.shape[:2], 3)), factor
