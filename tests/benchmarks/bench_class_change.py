"""What Grad-CAM of one more class costs, beside a forward and beside other libraries where they are installed.

    python tests/benchmarks/bench_class_change.py

ResNet18 with random weights, 224 px, `layer4`. Each line times ours and another in turn, round by round, and prints
the medians in ms and the median of the rounds' ratios.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from itertools import count

import torch
from torch import nn

import nnviz_widgets as nnviz
from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.methods import grad_cam, saliency
from nnviz_widgets.methods.class_maps import all_class_maps

Run = Callable[[int], object]


def seconds(run: Run, target: int) -> float:
    start = time.perf_counter()
    run(target)
    return time.perf_counter() - start


def compare(name: str, ours: Run, theirs: Run, wanted: str, rounds: int = 100) -> None:
    targets = count()
    for run in (ours, theirs) * 3:
        run(next(targets) % 1000)
    pairs = []
    for _ in range(rounds):
        target = next(targets) % 1000
        pairs.append((seconds(ours, target), seconds(theirs, target)))
    ratio = statistics.median(b / a for a, b in pairs)
    mine, other = (1000 * statistics.median(times) for times in zip(*pairs, strict=True))
    print(f"{name:<64} {mine:9.3f} {other:9.3f} {ratio:9.2f}   {wanted}")


def torchcam_gradients(module: nn.Module, x: torch.Tensor) -> Run:
    from torchcam.methods import GradCAM

    cam = GradCAM(module, target_layer="layer4")
    scores = module(x.clone().requires_grad_())
    return lambda target: cam(class_idx=target, scores=scores, normalized=False, retain_graph=True)


def torchcam_weights(module: nn.Module, x: torch.Tensor) -> Run:
    from torchcam.methods import CAM

    cam = CAM(module, target_layer="layer4", fc_layer="fc")
    with torch.no_grad():
        module(x)
    return lambda target: cam(class_idx=target, normalized=False)


def captum(module: nn.Module, x: torch.Tensor) -> Run:
    from captum.attr import LayerGradCam

    cam = LayerGradCam(module, module.get_submodule("layer4"))
    return lambda target: cam.attribute(x, target, relu_attributions=True)


def pytorch_grad_cam(module: nn.Module, x: torch.Tensor) -> Run:
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    cam = GradCAM(module, [module.get_submodule("layer4")])
    return lambda target: cam(x, [ClassifierOutputTarget(target)])


def fresh_network() -> nn.Module:
    """The same again, so that nobody's hooks slow another down."""
    return nnviz.load("resnet18", weights="random", device="cpu").module.eval()


def main() -> None:
    engine: Engine = nnviz.load("resnet18", weights="random", device="cpu")
    x = engine.prepare(nnviz.sample("cat"))
    module = engine.module.eval()

    def forward(_target: int) -> object:
        with torch.no_grad():
            return module(x)

    def change(target: int) -> object:
        return grad_cam(engine, x, nnviz.logit(target), "layer4")

    def by_backward(target: int) -> object:
        gradient = engine.gradient(x, nnviz.logit(target), of="layer4")
        return (engine.activations(x, "layer4") * gradient.mean((2, 3), keepdim=True)).sum(1, keepdim=True).relu()

    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads\n")
    print(f"{'what':<64} {'ours':>9} {'other':>9} {'other/ours':>10}   wanted")
    engine.graph()  # recorded once a network: from then on a class that a head of pooling reads takes no backward
    compare("Grad-CAM of another class / a forward", change, forward, "(shown)")
    backward = fresh_engine_gradient(engine, x)
    compare("Grad-CAM of another class / without the kept graph", change, backward, "(shown)")
    compare(
        "saliency of another class / a forward", lambda c: saliency(engine, x, nnviz.logit(c)), forward, "(shown)", 30
    )
    peers: list[tuple[str, Callable[[nn.Module, torch.Tensor], Run], str, int]] = [
        ("torchcam Grad-CAM, kept graph", torchcam_gradients, ">= 1", 200),
        ("Captum LayerGradCam", captum, "(shown)", 30),
        ("pytorch-grad-cam GradCAM", pytorch_grad_cam, "(shown)", 10),
    ]
    for name, make, wanted, rounds in peers:
        try:
            peer = make(fresh_network(), x)
        except ImportError as error:
            print(f"{name}: not installed ({error})")
            continue
        compare(f"Grad-CAM of another class / {name}", change, peer, wanted, rounds)
        if name.startswith("torchcam"):
            with engine.still():  # torchcam does not look whether the network was trained meanwhile
                compare("the same, without looking for changes of the module", change, peer, "(shown)", rounds)
            compare("the same by a backward on the kept graph", by_backward, peer, "(shown)", rounds)

    def every(_target: int) -> object:
        return all_class_maps(engine, x)

    compare("all 1000 maps at once / a forward", every, forward, "ours < 1 ms")
    try:
        one = torchcam_weights(fresh_network(), x)
    except ImportError as error:
        print(f"torchcam CAM: not installed ({error})")
    else:
        compare("all 1000 maps at once / torchcam CAM, 1000 classes one by one", every, every_class(one), ">= 50", 10)


def every_class(one: Run) -> Run:
    return lambda _target: [one(target) for target in range(1000)]


def fresh_engine_gradient(engine: Engine, x: torch.Tensor) -> Run:
    return lambda target: engine.gradient(x, nnviz.logit(target), of="layer4", keep=False)


if __name__ == "__main__":
    main()
