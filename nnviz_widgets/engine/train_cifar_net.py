"""Train `CifarNet`: python -m nnviz_widgets.engine.train_cifar_net --data FILE_OR_FOLDER --out WEIGHTS.safetensors."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from nnviz_widgets.engine.cifar_net import CifarNet, load_weights, save_weights
from nnviz_widgets.engine.cifar_pictures import Pictures, augment, load_pictures, normalise
from nnviz_widgets.errors import NnvizError


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """The knobs of one training; a resumed one must have the same.

    Args:
        learning_rate: its peak, after `warmup` of all steps; it then falls linearly to zero.
        weight_decay: of all weights but those of conv1, whose own, stronger `filter_decay` keeps
            the filters free of noise.
        average: decay a step of the exponential moving average of the weights, which is the network that is kept.
    """

    epochs: int = 16
    seed: int = 0
    batch_size: int = 128
    learning_rate: float = 0.04
    warmup: float = 0.2
    momentum: float = 0.9
    weight_decay: float = 5e-4
    filter_decay: float = 3e-3
    label_smoothing: float = 0.05
    average: float = 0.998


@dataclass(frozen=True)
class Epoch:
    """What one finished epoch gives: its number from 1, its mean training loss, and the averaged network so far."""

    number: int
    loss: float
    net: CifarNet


def train(
    pictures: Pictures, recipe: Recipe, *, checkpoint: Path | None = None, resume: bool = False
) -> Iterator[Epoch]:
    """Train a fresh `CifarNet`, one result an epoch; with `resume`, go on from the last epoch in `checkpoint`.

    Killed and resumed, it gives bit for bit what it would have given uninterrupted on the same machine.

    Raises:
        NnvizError: when there is nothing to resume, or when what there is was made by another recipe.
    """
    generator = torch.Generator().manual_seed(recipe.seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        net = CifarNet().to(memory_format=torch.channels_last)  # convolutions on a CPU run twice as fast
    average = deepcopy(net).eval()
    optimiser = _optimiser(net, recipe)
    kept = {"net": net, "average": average, "optimiser": optimiser}
    first = _restore(checkpoint, kept, generator, recipe) if resume and checkpoint else 0
    for epoch in range(first, recipe.epochs):
        order = torch.randperm(len(pictures.labels), generator=generator)
        batches = torch.split(order, recipe.batch_size)
        total = 0.0
        for index, batch in enumerate(batches):
            done = (epoch + index / len(batches)) / recipe.epochs
            for group in optimiser.param_groups:
                group["lr"] = recipe.learning_rate * min(done / recipe.warmup + 0.01, (1 - done) / (1 - recipe.warmup))
            x = normalise(augment(pictures.pixels[batch], generator))
            loss = nn.functional.cross_entropy(net(x), pictures.labels[batch], label_smoothing=recipe.label_smoothing)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            _follow(average, net, recipe.average)
            total += loss.item() * len(batch)
        if checkpoint:
            _keep(checkpoint, kept, generator, recipe, epoch + 1)
        yield Epoch(epoch + 1, total / len(pictures.labels), average)


def accuracy(net: nn.Module, pictures: Pictures, *, batch_size: int = 500) -> float:
    """Share of `pictures` whose class gets the largest logit."""
    right = 0
    with torch.inference_mode():
        for start in range(0, len(pictures.labels), batch_size):
            part = slice(start, start + batch_size)
            right += int((net(normalise(pictures.pixels[part])).argmax(1) == pictures.labels[part]).sum())
    return right / len(pictures.labels)


def main(arguments: list[str] | None = None) -> None:
    """The command line; one line an epoch, and the accuracy of the stored weights when test pictures are at hand."""
    options = _parser().parse_args(arguments)
    torch.set_num_threads(options.threads)
    recipe = Recipe(epochs=options.epochs, seed=options.seed)
    checkpoint = options.out.with_suffix(".checkpoint")
    start = time.monotonic()
    try:
        pictures = load_pictures(options.data)
        for epoch in train(pictures, recipe, checkpoint=checkpoint, resume=options.resume):
            clock = time.monotonic() - start
            print(f"epoch {epoch.number}/{recipe.epochs}: loss {epoch.loss:.4f}, {clock:.0f} s", flush=True)
            net = epoch.net
        save_weights(net, options.out)
        checkpoint.unlink()
        test = options.test or (None if options.data.suffix == ".npz" else options.data)
        if test:
            score = accuracy(load_weights(CifarNet().eval(), options.out), load_pictures(test, train=False))
            print(f"accuracy on the test pictures: {score:.2%}")
    except NnvizError as error:
        raise SystemExit(str(error)) from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Train the small offline network on CIFAR-10.")
    parser.add_argument("--data", type=Path, required=True, help="an .npz of pictures, or the folder of CIFAR-10")
    parser.add_argument("--test", type=Path, help="an .npz of test pictures; a folder holds its own")
    parser.add_argument("--out", type=Path, required=True, help="the .safetensors file to write")
    parser.add_argument("--epochs", type=int, default=Recipe.epochs)
    parser.add_argument("--seed", type=int, default=Recipe.seed)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint beside --out")
    return parser


def _optimiser(net: CifarNet, recipe: Recipe) -> torch.optim.SGD:
    filters = [net.conv1.weight]
    weights = [p for p in net.parameters() if p.ndim > 1 and p is not net.conv1.weight]
    groups = [
        {"params": filters, "weight_decay": recipe.filter_decay},
        {"params": weights, "weight_decay": recipe.weight_decay},
        {"params": [p for p in net.parameters() if p.ndim == 1], "weight_decay": 0.0},
    ]
    return torch.optim.SGD(groups, lr=recipe.learning_rate, momentum=recipe.momentum, nesterov=True)


@torch.no_grad()
def _follow(average: nn.Module, net: nn.Module, decay: float) -> None:
    torch._foreach_lerp_(list(average.parameters()), list(net.parameters()), 1 - decay)


def _keep(path: Path, kept: dict[str, Any], generator: torch.Generator, recipe: Recipe, epochs_done: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    state = {name: part.state_dict() for name, part in kept.items()}
    torch.save({**state, "random": generator.get_state(), "recipe": asdict(recipe), "epochs": epochs_done}, partial)
    os.replace(partial, path)  # a kill at any moment leaves a whole checkpoint, this one or the last


def _restore(path: Path, kept: dict[str, Any], generator: torch.Generator, recipe: Recipe) -> int:
    if not path.is_file():
        raise NnvizError("checkpoint_missing", path=path)
    state = torch.load(path, weights_only=True)
    changed = [name for name, value in asdict(recipe).items() if state["recipe"].get(name) != value]
    if changed:
        raise NnvizError("checkpoint_recipe", path=path, changed=", ".join(changed))
    for name, part in kept.items():
        part.load_state_dict(state[name])
    generator.set_state(state["random"])
    return int(state["epochs"])


if __name__ == "__main__":
    main()
