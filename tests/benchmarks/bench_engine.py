"""What looking costs, against doing without: ratios measured side by side in one run.

    python tests/benchmarks/bench_engine.py

Each line times two things in turn, round by round, and prints the median of the rounds' ratios.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch
from torch import nn

import nnviz_widgets as nnviz
from nnviz_widgets.engine.engine import Engine

ROUNDS = 40


def seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def compare(name: str, ours: Callable[[], object], theirs: Callable[[], object], bound: str) -> None:
    """Ratio ours / theirs, alternating, after a warm-up."""
    for run in (ours, theirs) * 3:
        run()
    pairs = [(seconds(ours), seconds(theirs)) for _ in range(ROUNDS)]
    ratio = statistics.median(a / b for a, b in pairs)
    mine, other = (1000 * statistics.median(times) for times in zip(*pairs, strict=True))
    print(f"{name:<66} {mine:8.2f} {other:8.2f} {ratio:7.3f}   {bound}")


def fresh(engine: Engine, run: Callable[[], object]) -> Callable[[], object]:
    """The same with nothing kept from before."""

    def cold() -> object:
        engine._cache.clear()
        engine._graphs.clear()
        return run()

    return cold


def plainly(module: nn.Module, x: torch.Tensor) -> Callable[[], object]:
    def forward() -> object:
        with torch.no_grad():
            return module(x)

    return forward


def until(module: nn.Module, names: list[str], x: torch.Tensor) -> Callable[[], object]:
    """The first children of a network by hand: the least that a forward to a layer can cost."""

    def forward() -> object:
        with torch.no_grad():
            value = x
            for name in names:
                value = module.get_submodule(name)(value)
            return value

    return forward


def everything_backward(module: nn.Module, x: torch.Tensor, layer: str) -> Callable[[], object]:
    """Gradient at a layer the usual way: a hook, a full forward, and a backward that fills every weight's gradient."""

    def run() -> object:
        kept: list[torch.Tensor] = []

        def hook(_module: nn.Module, _inputs: object, output: torch.Tensor) -> None:
            output.retain_grad()
            kept.append(output)

        handle = module.get_submodule(layer).register_forward_hook(hook)
        module.zero_grad()
        module(x)[0, 3].backward()
        handle.remove()
        return kept[0].grad

    return run


def main() -> None:
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, medians of {ROUNDS} rounds, in ms\n")
    print(f"{'what':<66} {'ours':>8} {'other':>8} {'ratio':>7}   wanted")
    resnet = nnviz.load("resnet18", weights="random", device="cpu")
    default = nnviz.load(device="cpu")
    photo = nnviz.sample("cat")
    for engine, layer in ((resnet, "layer2"), (default, "stage3.1")):
        x = engine.prepare(photo)
        module = engine.module.eval()
        forward = plainly(module, x)
        engine.read_ahead(x)
        name = engine.name

        def channel(engine: Engine = engine, x: torch.Tensor = x, layer: str = layer) -> object:
            return engine.activations(x, layer)[0, 5].numpy()

        compare(f"{name}: another channel, warm / a forward", channel, forward, "< 0.05")
        names = {"layer2": ["conv1", "bn1", "relu", "maxpool", "layer1", "layer2"]}.get(layer)
        names = names or ["stem", "stage1", "stage2", "stage3.0", "stage3.1"]
        one = fresh(engine, lambda e=engine, x=x, n=layer: e.activations(x, n))
        compare(f"{name}: one layer, {layer} / a forward to it by hand", one, until(module, names, x), "<= 1.05")
        last = x.contiguous(memory_format=torch.channels_last)  # as the engine lays it out on a CPU
        compare(f"{name}: the same / the forward in channels last, too", one, until(module, names, last), "(shown)")
        every = fresh(engine, lambda e=engine, x=x: e.read_ahead(x))
        wanted = "<= 1.15" if engine is resnet else "(shown)"
        compare(f"{name}: all layers at once / a forward", every, forward, wanted)
        compare(f"{name}: the same / a forward in channels last, too", every, plainly(module, last), "(shown)")
        gradient = fresh(engine, lambda e=engine, x=x, n=layer: e.gradient(x, nnviz.logit(3), of=n))
        everything = everything_backward(module, x, layer)
        compare(f"{name}: gradient at {layer} / full backward with weight gradients", gradient, everything, "< 1")


if __name__ == "__main__":
    main()
