"""Does an ascent show what it should? Classes reached, transfer to spoilt pictures, and the objective beside Lucent's.

    python tests/benchmarks/quality_ascent.py [classes | lucent] [--classes N] [--sheet FILE]

- classes: from noise with "Distill", classes drawn at random: top-1 and its probability on the clean picture, and
  whether the class is still among the first five after a mild blur (sigma 1) and a crop of 10 %.
- lucent: 20 channels of 4 layers of the default network, equal size and steps: the channel's mean on the clean picture.
Minutes on two cores. Wants the extra `bench`.
"""

from __future__ import annotations

import argparse
import random
import statistics
import warnings
from collections import deque
from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor
from torchvision.transforms.functional import gaussian_blur

import nnviz_widgets as nnviz
from nnviz_widgets import methods
from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.methods.ascent import AscentStep

SIDE = 224
LAYERS = ("stage2.1", "stage3.1", "stage5.1", "stage6.2")


def last(steps: Iterator[AscentStep]) -> AscentStep:
    return deque(steps, maxlen=1).pop()


def spoilt(x: Tensor) -> Tensor:
    """Blurred a little, a tenth of each side cut off, and as large as before."""
    blurred = gaussian_blur(x, [9, 9], [1.0, 1.0])
    edge = round(0.05 * x.shape[-1])
    inner = blurred[..., edge:-edge, edge:-edge]
    return F.interpolate(inner, size=x.shape[-2:], mode="bilinear", align_corners=False, antialias=True)


def classes(engine: Engine, count: int, sheet: str | None) -> None:
    drawn = random.Random(0).sample(range(len(engine.labels)), count)
    reached = transferred = 0
    pictures = []
    for c in drawn:
        step = last(methods.ascent(engine, nnviz.logit(c), size=SIDE, priors="Distill", seed=0))
        index, label, p = engine.top(step.x, 1)[0]
        still = c in [i for i, _, _ in engine.top(spoilt(step.x), 5)]
        reached += index == c and p > 0.9
        transferred += still
        pictures.append((255 * step.image).round().astype(np.uint8))
        mark = "" if index == c and p > 0.9 else f"   top-1 is {label}"
        print(f"{c:4d} {engine.labels[c]:<32} {p:.3f}  still top-5 when spoilt: {still}{mark}", flush=True)
    print(f"reached {reached} of {count} (29 of 30 wanted), transferred {transferred} (half wanted)")
    if sheet:
        rows = [np.concatenate(pictures[i : i + 6], 1) for i in range(0, len(pictures) - 5, 6)]
        Image.fromarray(np.concatenate(rows)).save(sheet)


def beside_lucent(engine: Engine, steps: int) -> None:
    from lucent.optvis import objectives, param, render

    module = engine.plain_copy()
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (engine.contract.mean, engine.contract.std))
    ratios = []
    for layer in LAYERS:
        for k in random.Random(layer).sample(range(engine.layers[layer].channels), 5):
            objective = nnviz.channel(layer, k)
            mine = last(methods.ascent(engine, objective, size=SIDE, steps=steps, priors="Distill", seed=0)).x
            torch.manual_seed(0)
            np.random.seed(0)
            wanted = objectives.channel(layer.replace(".", "_"), k)
            made = render.render_vis(
                module,
                wanted,
                param_f=lambda: param.image(SIDE),
                thresholds=(steps,),
                progress=False,
                show_image=False,
            )[0]
            theirs = (torch.from_numpy(made).permute(0, 3, 1, 2) - mean) / std
            a, b = (float(engine.value(x, objective)) for x in (mine, theirs))
            ratios.append(a / b if b > 0 else float("nan"))
            print(f"{layer} {k:4d}: ours {a:8.3f}  Lucent {b:8.3f}  ratio {a / b:.3f}", flush=True)
    print(f"median ratio {statistics.median(ratios):.3f} (at least 1 wanted)")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("part", nargs="?", choices=("classes", "lucent"))
    parser.add_argument("--classes", type=int, default=30)
    parser.add_argument("--steps", type=int, default=128)
    parser.add_argument("--sheet")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    engine = nnviz.load()
    if given.part in (None, "classes"):
        classes(engine, given.classes, given.sheet)
    if given.part in (None, "lucent"):
        beside_lucent(engine, given.steps)


if __name__ == "__main__":
    main()
