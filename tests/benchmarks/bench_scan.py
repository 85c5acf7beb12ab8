"""One scan of many pictures: ratios measured side by side in one run.

    python tests/benchmarks/bench_scan.py [resnet18 efficientnet_lite0] [--pictures 500] [--slice 256]

For each network: seconds of a scan of all channels of its default layers over the seconds of a bare forward, of the
same pictures by the same loader, in turn on slices of them, on the clock and on the processors; then seconds of the
published way (a picture at a time, a Python loop over the channels of each layer) over those of the scan, in turn on
small shares; then how long a finished index takes to open. At the end, the most memory that a process takes which scans
500 and ten times as many pictures.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

import nnviz_widgets as nnviz
from nnviz_widgets import methods
from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.images.image_set import ImageSet
from nnviz_widgets.images.loading import batches
from nnviz_widgets.methods.patch_index import INDEX, PatchIndex
from nnviz_widgets.methods.scan_layers import penultimate, spatial_blocks
from nnviz_widgets.methods.scan_shard import Job, Shard, Wanted

NETWORKS = ("resnet18", "efficientnet_lite0")
SIDE, BATCH, N, SHARE = 256, 32, 9, 8


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start


def write_pictures(folder: Path, count: int) -> list[Path]:
    """JPEG files of parts of the sample photos, each another."""
    random = np.random.default_rng(0)
    photos = [nnviz.sample(name) for name in ("cat", "coffee", "rocket", "astronaut")]
    paths = []
    for i in range(count):
        photo = photos[i % len(photos)]
        left, top = (int(random.integers(0, side - SIDE + 1)) for side in photo.size)
        paths.append(folder / f"{i:04d}.jpg")
        photo.crop((left, top, left + SIDE, top + SIDE)).save(paths[-1], quality=90)
    return paths


def processor_seconds(work: Callable[[], object]) -> tuple[float, float]:
    """On the clock, and of all threads: the second hardly depends on what else the machine does."""
    start = time.process_time()
    clock = seconds(work)
    return clock, time.process_time() - start


class Noise:
    """A dataset of any length that takes no memory."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, i: int) -> np.ndarray:
        return np.random.default_rng(i).integers(0, 256, (32, 32, 3), np.uint8)


def peak_memory(count: int) -> float:
    """MiB that this process has taken at most once it has scanned so many pictures with the small offline network."""
    with tempfile.TemporaryDirectory() as home:
        scanned(nnviz.load("cifar_net"), ImageSet(Noise(count)), Path(home))
    # Not getrusage: a new process begins with the most that its parent took.
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(peak.split()[1]) / 1024


def measure_memory() -> None:
    found = []
    for count in (500, 5000):
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            found.append(pool.apply(peak_memory, (count,)))
    print(f"peak memory: {found[0]:.0f} MiB for 500 pictures, {found[1]:.0f} MiB for 5000", end="")
    print(f" ({(found[1] - found[0]) / 4.5:+.1f} MiB a thousand)")


def forward(engine: Engine, module: torch.nn.Module, images: ImageSet) -> None:
    """What any pass over the pictures costs: decoding, and the network in its fastest layout."""
    with torch.inference_mode():
        for batch in batches(images, engine.contract, size=BATCH):
            module(batch.x.to(engine.device).contiguous(memory_format=torch.channels_last))


def scanned(engine: Engine, images: ImageSet, folder: Path) -> None:
    for _ in methods.scan(engine, images, n=N, path=folder, batch=BATCH):
        pass


def published(engine: Engine, module: torch.nn.Module, images: ImageSet, layers: list[str]) -> None:
    """A picture at a time, a hook a layer, a Python loop over the channels, each with its list of the best."""
    best: dict[tuple[str, int], list[tuple[float, int, int]]] = {}
    maps: dict[str, torch.Tensor] = {}
    hooks = [
        module.get_submodule(name).register_forward_hook(lambda _m, _i, out, name=name: maps.update({name: out}))
        for name in layers
    ]
    with torch.inference_mode():
        for i in range(len(images)):
            module(engine.prepare(images[i]))
            for name, activation in maps.items():
                for channel in range(activation.shape[1]):
                    value, place = activation[0, channel].reshape(-1).max(0)
                    entries = best.setdefault((name, channel), [])
                    entries.append((value.item(), i, place.item()))
                    entries.sort(reverse=True)
                    del entries[N:]
    for hook in hooks:
        hook.remove()


def inside(engine: Engine, images: ImageSet) -> tuple[float, float]:
    """Seconds of a scan's bookkeeping, and of the passes, on one batch that brings few newcomers."""
    wanted = Wanted(tuple(spatial_blocks(engine)), penultimate(engine), N, False)
    shard = Shard(engine, Job(images, wanted, range(len(images)), BATCH))
    found = list(batches(images, engine.contract, size=BATCH))
    for batch in found[:-1]:
        shard.see(batch)
    last = next(batch for batch in found if len(batch.indices) == BATCH)
    passes = min(seconds(lambda: engine.read(last.x, [*wanted.layers, wanted.vectors])) for _ in range(3))
    return min(seconds(lambda: shard.see(last)) for _ in range(3)) - passes, passes


def measure(name: str, paths: list[Path], slice_: int) -> None:
    engine = nnviz.load(name, weights="random") if name != "efficientnet_lite0" else nnviz.load()
    module = engine.plain_copy().requires_grad_(False).to(memory_format=torch.channels_last)
    layers = spatial_blocks(engine)
    channels = sum(engine.layers[layer].channels for layer in layers)
    print(f"{name}: {len(layers)} layers, {channels} channels, {len(paths)} pictures, {engine.device}")
    with tempfile.TemporaryDirectory() as home:
        few = ImageSet(paths[: 2 * BATCH])
        forward(engine, module, few)
        scanned(engine, few, Path(home) / "warm")
        took = []  # of each slice: (seconds, processor seconds) of the bare forward, and of the scan
        loops = []  # pictures a second of the published way, and by how much the scan is faster
        for first in range(0, len(paths), slice_):
            images = ImageSet(paths[first : first + slice_])
            works = [lambda s=images: forward(engine, module, s)]
            works.append(lambda s=images, f=first: scanned(engine, s, Path(home) / str(f)))
            order = (0, 1) if first // slice_ % 2 == 0 else (1, 0)
            found = dict(zip(order, [processor_seconds(works[i]) for i in order], strict=True))
            took.append((found[0], found[1]))
            share = ImageSet(paths[first : first + SHARE])
            rate = len(share) / seconds(lambda s=share: published(engine, module, s, layers))
            loops.append((rate, len(images) / found[1][0] / rate))
        for k, what in enumerate(("on the clock", "of processors")):
            bare, whole = (sum(pair[i][k] for pair in took) for i in (0, 1))
            middle = statistics.median(pair[1][k] / pair[0][k] for pair in took)
            rates = f"{len(paths) / whole:.1f} and {len(paths) / bare:.1f} pictures/s"
            print(f"  scan / bare forward {what}: {whole / bare:.3f} of all, {middle:.3f} the median slice  ({rates})")
        rate, ratio = (statistics.median(column) for column in zip(*loops, strict=True))
        print(f"  published way / scan: {ratio:.1f}  ({rate:.2f} pictures/s)")
        book, passes = inside(engine, ImageSet(paths[: 3 * BATCH]))
        print(f"  of a batch: {1000 * passes:.0f} ms in the network, {1000 * book:.0f} ms of bookkeeping")
        scanned(engine, ImageSet(paths), Path(home) / "index")
        file = next((Path(home) / "index").glob(f"*/{INDEX}"))
        widths = {layer: engine.layers[layer].width or 1 for layer in layers}
        opening = min(seconds(lambda: PatchIndex.open(file.parent, widths)) for _ in range(5))
        again = seconds(lambda: scanned(engine, ImageSet(paths), Path(home) / "index"))
        print(
            f"  a finished index opens in {1000 * opening:.0f} ms; through scan, looked over, in {1000 * again:.0f} ms"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("networks", nargs="*", default=NETWORKS)
    parser.add_argument("--only-memory", action="store_true")
    parser.add_argument("--pictures", type=int, default=500)
    parser.add_argument("--slice", type=int, default=8 * BATCH)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        paths = write_pictures(Path(folder), options.pictures)
        for name in () if options.only_memory else options.networks:
            measure(name, paths, options.slice)
    measure_memory()


if __name__ == "__main__":
    main()
