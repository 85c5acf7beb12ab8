"""Sets of pictures that come with the install."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from nnviz_widgets.images.datasets import Arrays
from nnviz_widgets.images.samples import SAMPLES, sample

CROP, STEP = 160, 40  # pixels of a sample's crops, and from one to the next


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


def digits() -> Arrays:
    """scikit-learn's digits, 1797 of 8 x 8 pixels."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    pixels = (digits.images * (255 / 16)).round().astype(np.uint8)
    return Arrays("digits", pixels, tuple(int(k) for k in digits.target), tuple(map(str, range(10))))


OFFLINE: dict[str, Callable[[], Any]] = {"samples": Crops, "digits": digits}
