"""Decoders of JPEG files side by side in one run, each on the whole way from a file to a network's input.

    python tests/benchmarks/bench_decode.py [--rounds 40]

Median milliseconds a picture in one thread, for 500 x 375, 1024 x 768 and 4000 x 3000 px to 224 px: Pillow (what the
package decodes with), torchvision.io.decode_jpeg, simplejpeg if it is at hand, and Pillow's draft mode, which decodes
at a fraction of the size; and by how many of 255 levels the result differs from Pillow's.

Measured on two CPU cores, Pillow 13, torchvision 0.29, simplejpeg 1.9:

    500 x 375      Pillow   2.8   torchvision   3.1   simplejpeg   3.0   draft   2.9   all equal
    1024 x 768     Pillow   8.1   torchvision   8.6   simplejpeg   8.4   draft   8.3   all equal
    4000 x 3000    Pillow 103     torchvision 167     simplejpeg 140     draft  37     draft: 3.0 at most, 0.26 the mean

The decoders alone are 1.5-4 times as fast as Pillow's, but their pixels must be copied to be resized as Pillow does,
which is what torchvision's own preprocessing gives; resized as tensors they take longer still. So Pillow stays. Its
draft mode would change what a large photo gives a network, and is left out.
"""

from __future__ import annotations

import argparse
import io
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from PIL import Image
from torchvision.io import decode_jpeg

import nnviz_widgets as nnviz
from nnviz_widgets.images.contract import IMAGENET_MEAN, IMAGENET_STD, InputContract

CONTRACT = InputContract((224, 224), IMAGENET_MEAN, IMAGENET_STD, 256)
SIZES = ((500, 375), (1024, 768), (4000, 3000))
LEVELS = 255 * sum(IMAGENET_STD) / 3


def with_torchvision(data: bytearray) -> Image.Image:
    Image.open(io.BytesIO(data)).getexif()  # which way is up
    return Image.fromarray(decode_jpeg(torch.frombuffer(data, dtype=torch.uint8)).permute(1, 2, 0).numpy())


def with_simplejpeg(data: bytearray) -> Image.Image:
    import simplejpeg

    Image.open(io.BytesIO(data)).getexif()
    return Image.fromarray(simplejpeg.decode_jpeg(data))


def drafted(data: bytearray) -> Image.Image:
    picture = Image.open(io.BytesIO(data))
    picture.draft("RGB", (512, 512))  # at least twice what the network takes
    return picture


DECODERS: dict[str, Callable[[bytearray], Image.Image | bytearray]] = {
    "Pillow": lambda data: data,
    "torchvision": with_torchvision,
    "simplejpeg": with_simplejpeg,
    "draft": drafted,
}


def photo(width: int, height: int) -> bytearray:
    """A sample photo with some noise, as a camera gives it."""
    pixels = np.asarray(nnviz.sample("astronaut").resize((width, height), Image.Resampling.BICUBIC)).astype(np.int16)
    pixels += np.random.default_rng(0).normal(0, 6, (height, width, 1)).astype(np.int16)
    stream = io.BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(stream, "JPEG", quality=90)
    return bytearray(stream.getvalue())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=40)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    known = dict(DECODERS)
    try:
        with_simplejpeg(photo(16, 16))
    except ImportError:
        del known["simplejpeg"]
    for width, height in SIZES:
        data = photo(width, height)
        expected = CONTRACT.prepare(data)
        took: dict[str, list[float]] = {name: [] for name in known}
        for _ in range(max(3, rounds * SIZES[0][0] ** 2 // width**2)):
            for name, decode in known.items():  # in turn, so that all meet the same machine
                start = time.perf_counter()
                CONTRACT.prepare(decode(data))
                took[name].append(time.perf_counter() - start)
        print(f"{width} x {height}")
        for name, decode in known.items():
            apart = (CONTRACT.prepare(decode(data)) - expected).abs() * LEVELS
            off = f"differs by {float(apart.max()):.1f} at most, {float(apart.mean()):.2f} the mean"
            print(f"  {name:12}{1000 * statistics.median(took[name]):7.1f} ms  {off if apart.any() else 'equal'}")


if __name__ == "__main__":
    main()
