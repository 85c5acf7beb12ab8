"""Steps of activation maximisation against Lucent and against the machine's floor: ratios side by side in one run.

    python tests/benchmarks/bench_ascent.py [network ...]

The floor is a forward and backward to the layer by hand, with frozen weights, at the size that the transforms feed.
Each round runs every way in turn for 16 steps; what is printed are medians over the rounds, 64 steps at least. On the
device that an engine takes by itself. Wants the extra `bench`; without Lucent that way is left out.
"""

from __future__ import annotations

import statistics
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.util import find_spec
from itertools import islice

import torch
import torchvision
from torch import nn

import nnviz_widgets as nnviz
from nnviz_widgets import methods
from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.engine.objectives import Objective

with warnings.catch_warnings(), suppress(ImportError):
    warnings.simplefilter("ignore")
    from lucent.optvis import objectives, param, render
LUCENT = find_spec("lucent") is not None

SIDE = 224
STEPS, ROUNDS = 16, 5
WAYS = {"vgg16": "features.14", "resnet18": "layer2", "resnet18 ": "layer4", "efficientnet_lite0": "stage4.1"}
EARLY = {"vgg16": "features.5", "resnet18": "layer1", "efficientnet_lite0": "stage2.0"}
CHANNEL = 5


def network(name: str) -> tuple[Engine, nn.Module]:
    """An engine, and the same weights as a plain module."""
    if name == "efficientnet_lite0":
        engine = nnviz.load()
        return engine, engine.plain_copy()
    torch.manual_seed(0)
    module = torchvision.models.get_model(name, weights=None).eval()
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    return nnviz.Engine(module, mean=mean, std=std, size=SIDE), module


def floor(engine: Engine, layer: str) -> Callable[[int], None]:
    """Forward and backward to a layer of a copy whose weights are frozen, by hand: stops where the layer is done."""
    module = engine.plain_copy().requires_grad_(False)
    found: list[torch.Tensor] = []

    class Done(Exception):
        pass

    def hook(_module: nn.Module, _inputs: object, output: torch.Tensor) -> None:
        found.append(output)
        raise Done

    module.get_submodule(layer).register_forward_hook(hook)
    picture = torch.randn(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0)).to(engine.device)

    def run(steps: int) -> None:
        for _ in range(steps):
            x = picture.requires_grad_()
            try:
                module(x)
            except Done:
                torch.autograd.grad(found.pop()[:, CHANNEL].mean(), x)

    return run


def lucent(module: nn.Module, kind: str, layer: str, **options: object) -> dict[str, Callable[[int], None]]:
    if not LUCENT:
        return {}

    def run(steps: int) -> None:
        render.render_vis(
            module,
            getattr(objectives, kind)(layer.replace(".", "_"), CHANNEL),
            param_f=lambda: param.image(SIDE),
            thresholds=(steps,),
            progress=False,
            show_image=False,
            **options,
        )

    return {"lucent": run}


def ours(engine: Engine, objective: Objective, **options: object) -> Callable[[int], None]:
    """Goes on with one ascent, as a person who watches does."""

    def endless() -> Iterator[object]:
        yield from methods.ascent(engine, objective, size=SIDE, steps=10**6, **options)

    going = endless()
    return lambda steps: list(islice(going, steps)) and None


def compare(title: str, ways: dict[str, Callable[[int], None]]) -> None:
    """Steps a second of each way, in turn."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for run in ways.values():
        run(3)
    for _ in range(ROUNDS):
        for name, run in ways.items():
            begun = time.perf_counter()
            run(STEPS)
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            times[name].append((time.perf_counter() - begun) / STEPS)
    mine = times["ours"]
    print(f"{title:<44}", end="")
    for name, spent in times.items():
        ratio = statistics.median(theirs / our for theirs, our in zip(spent, mine, strict=True))
        print(f"  {name} {1 / statistics.median(spent):7.1f}/s" + (f" x{ratio:.2f}" if name != "ours" else ""), end="")
    print(flush=True)


def main(names: list[str]) -> None:
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else f"{torch.get_num_threads()} threads"
    print(f"{SIDE} px, {device}; xN: that way's time by ours (floor: 1 is the limit)")
    warnings.simplefilter("ignore")
    for key, layer in WAYS.items():
        name = key.strip()
        if names and name not in names:
            continue
        engine, module = network(name)
        objective = nnviz.channel(layer, CHANNEL)
        ways = {"ours": ours(engine, objective, priors="Distill"), "floor": floor(engine, layer)}
        compare(f"{name} {layer}, channel, Distill", ways | lucent(module, "channel", layer))
        plain = [methods.priors.Fourier(), methods.priors.Decorrelated(), methods.priors.Adam()]
        ways = {"ours": ours(engine, objective, priors=plain), "floor": floor(engine, layer)}
        compare(f"{name} {layer}, channel, no transforms", ways | lucent(module, "channel", layer, transforms=[]))
        if layer == "layer4":
            continue
        early = EARLY[name]
        found = engine.layers[early]
        row, col = found.height // 2, found.width // 2
        ways = {"ours": ours(engine, nnviz.neuron(early, CHANNEL, row, col), priors="Distill")}
        compare(f"{name} {early}, one neuron, Distill", ways | lucent(module, "neuron", early))


if __name__ == "__main__":
    main(sys.argv[1:])
