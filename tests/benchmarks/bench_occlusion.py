"""Occlusion by windows against whole pictures: ratios measured side by side in one run.

    python tests/benchmarks/bench_occlusion.py [network ...] [--settings 16/4 32/8 64/16] [--rounds 3]

Columns: the planned gain in multiply-accumulates (MACs); milliseconds a position by windows; how many times the
machine's own floor that is, the planned MACs at the rate of a large convolution; then how many times longer a
position takes with the same folded network on whole pictures, with the module itself in channels_last, both at their
best batch, and with Captum at its best `perturbations_per_eval`, if it is installed. Whole pictures are timed on a
sample of positions, in turn with the windows. Then what is paid once (graph, folding, clean pass), and the share of the
whole map's time after which the first grid is complete.
"""

from __future__ import annotations

import argparse
import copy
import importlib.util
import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import torch
from torch import Tensor

import nnviz_widgets as nnviz
from nnviz_widgets.engine.changed_pictures import changed
from nnviz_widgets.engine.chunks import Machine
from nnviz_widgets.engine.clean import Clean, clean_pass
from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.engine.lowering import lower
from nnviz_widgets.engine.plans import plan
from nnviz_widgets.engine.windows import run
from nnviz_widgets.methods.positions import stages, starts

NETWORKS = ["vgg16", "alexnet", "resnet18", "squeezenet1_1", "mobilenet_v2", "efficientnet_lite0"]
RIVALS = ("folded", "module", "Captum")
BATCHES = (4, 16, 32)
SAMPLE = 36


def seconds(work: Callable[[], object], device: torch.device) -> float:
    start = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - start


def by_windows(clean: Clean, boxes: np.ndarray, fill: Tensor) -> None:
    for _ in run(plan(clean.program, boxes, Machine.of(fill.device), fill.element_size()), clean, fill):
        pass


def whole(clean: Clean, boxes: np.ndarray, fill: Tensor, batch: int) -> None:
    machine = Machine(0, 0, batch, 2**40)
    for _ in run(plan(clean.program, boxes, machine, fill.element_size(), whole=True), clean, fill):
        pass


def by_module(module: torch.nn.Module, x: Tensor, boxes: np.ndarray, fill: Tensor, batch: int) -> None:
    with torch.no_grad():
        for part in np.array_split(boxes, -(-len(boxes) // batch)):
            module(changed(x, part, fill).contiguous(memory_format=torch.channels_last))


def captum(module: torch.nn.Module, x: Tensor, count: int, batch: int) -> None:
    """As many passes as positions: its time does not depend on where they are, and one pass is of the clean picture."""
    from captum.attr import FeatureAblation

    rows = torch.arange(x.shape[2], device=x.device) * (count - 1) // x.shape[2]
    with torch.no_grad():
        FeatureAblation(module).attribute(
            x, target=0, feature_mask=rows[None, None, :, None].expand_as(x), perturbations_per_eval=batch
        )


def best(work: Callable[[int], None], device: torch.device) -> int:
    """The batch that takes the least time, each tried once after a warm-up."""
    work(BATCHES[0])
    return min(BATCHES, key=lambda batch: seconds(partial(work, batch), device))


def rate(device: torch.device) -> float:
    """Multiply-accumulates a second of a convolution that suits any machine, the best of a few."""
    maps = torch.randn(16, 256, 28, 28, device=device).contiguous(memory_format=torch.channels_last)
    weight = torch.randn(256, 256, 3, 3, device=device).contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        best = min(seconds(lambda: torch.conv2d(maps, weight, padding=1), device) for _ in range(8))
    return maps.numel() * weight[0].numel() / best


def network(name: str) -> Engine:
    return nnviz.load() if name == "efficientnet_lite0" else nnviz.load(name, weights="random")


def rows_of(name: str, settings: list[tuple[int, int]], rounds: int) -> Iterator[str]:
    engine = network(name)
    x = engine.prepare(nnviz.sample("cat"))
    start = time.perf_counter()
    graph = engine.graph()
    recorded = time.perf_counter()
    program = lower(graph) if graph is not None else None
    folded = time.perf_counter()
    if program is None:
        yield f"{name:<20} runs whole"
        return
    clean = clean_pass(program, x)
    once = (recorded - start, folded - recorded, time.perf_counter() - folded)
    module = copy.deepcopy(engine.module).eval()
    last = copy.deepcopy(module).to(memory_format=torch.channels_last)
    fill, sample = torch.zeros_like(x), some(boxes_of(16, 4))
    rivals: dict[str, Callable[[np.ndarray, int], None]] = {
        "folded": lambda boxes, batch: whole(clean, boxes, fill, batch),
        "module": lambda boxes, batch: by_module(last, x, boxes, fill, batch),
    }
    if importlib.util.find_spec("captum") is not None:
        rivals["Captum"] = lambda boxes, batch: captum(module, x, len(boxes), batch)
    batches = {rival: best(partial(work, sample), x.device) for rival, work in rivals.items()}
    for size, stride in settings:
        boxes = boxes_of(size, stride)
        by_windows(clean, some(boxes), fill)
        ours = partial(by_windows, clean, boxes, fill)
        side = len(starts(224, size, stride))
        coarse = boxes[next(stages(side, side, stride, 224)).fresh]
        times: dict[str, list[float]] = {rival: [] for rival in ("ours", "coarse", *rivals)}
        for _ in range(rounds):
            times["ours"].append(seconds(ours, x.device) / len(boxes))
            times["coarse"].append(seconds(partial(by_windows, clean, coarse, fill), x.device))
            for rival, work in rivals.items():
                theirs = seconds(partial(work, some(boxes), batches[rival]), x.device)
                times[rival].append(theirs / SAMPLE)
        ratios = {
            rival: statistics.median(theirs / own for own, theirs in zip(times["ours"], times[rival], strict=True))
            for rival in rivals
        }
        mine = statistics.median(times["ours"])
        share = statistics.median(times["coarse"]) / (mine * len(boxes))
        planned = plan(program, boxes, Machine.of(x.device), 4)
        floor = planned.macs / len(boxes) / rate(x.device)
        shown = " ".join(f"{ratios[rival]:8.2f}" if rival in ratios else f"{'-':>8}" for rival in RIVALS)
        tried = "/".join(str(batches.get(rival, "-")) for rival in RIVALS)
        paid = "+".join(f"{part:.2f}" for part in once)
        head = f"{name:<20} {size:>3}/{stride:<3} {planned.gain:6.2f} {1000 * mine:8.2f} {mine / floor:7.2f}"
        yield f"{head} {shown} {tried:>9} {share:7.3f}   {paid}"


def boxes_of(size: int, stride: int) -> np.ndarray:
    tops = starts(224, size, stride)
    return np.array([(top, left, size, size) for top in tops for left in tops])


def some(boxes: np.ndarray) -> np.ndarray:
    """`SAMPLE` of them, spread over the picture."""
    return boxes[np.linspace(0, len(boxes) - 1, SAMPLE).astype(int)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", default=NETWORKS)
    parser.add_argument("--settings", nargs="+", default=["16/4", "32/8", "64/16"])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    settings = [tuple(map(int, setting.split("/"))) for setting in options.settings]
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, 224 px, medians of {options.rounds} rounds")
    print(f"{rate(torch.device('cpu')) / 1e9:.0f} GMAC/s in a large convolution\n")
    heads = f"{'planned':>6} {'ms/pos':>8} {'/floor':>7} {'folded':>8} {'module':>8} {'Captum':>8}"
    heads += f" {'batches':>9} {'first':>7}"
    print(f"{'network':<20} size/s {heads}   once: graph+folding+clean (s)")
    for name in options.networks:
        for row in rows_of(name, settings, options.rounds):
            print(row, flush=True)


if __name__ == "__main__":
    main()
