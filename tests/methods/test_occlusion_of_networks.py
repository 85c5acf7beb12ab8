"""Occlusion of the families of networks in single precision, against running each occluded picture by hand."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import Tensor, nn

from nnviz_widgets.methods import occlusion
from tests.engine.networks import engine_of

SIZE, STRIDE = 16, 19


def network(name: str, side: int) -> nn.Module:
    """A network of torchvision whose logits vary: nothing is drawn as zero, and rounding is not magnified."""
    options: dict[str, Any] = {"num_classes": 10, "weights": None}
    if name in ("googlenet", "inception_v3"):
        options |= {"init_weights": False, "aux_logits": False}
    if name.startswith("vit"):
        options["image_size"] = side
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        module: nn.Module = getattr(torchvision.models, name)(**options)
        for part in module.modules():
            if isinstance(part, nn.Linear | nn.Conv2d):
                nn.init.kaiming_normal_(part.weight)
            if isinstance(part, nn.BatchNorm2d):
                nn.init.normal_(part.running_mean, 0, 0.1)
                nn.init.uniform_(part.running_var, 0.8, 1.5)
            if hasattr(part, "layer_scale"):
                nn.init.uniform_(part.layer_scale, 0.5, 1)
        module.eval()
        if name == "efficientnet_b0":  # its maps fade away unless they are normalised by what they are
            for part in module.modules():
                if isinstance(part, nn.BatchNorm2d):
                    part.momentum = None
                if isinstance(part, nn.Dropout) or type(part).__name__ == "StochasticDepth":
                    part.p = 0.0
            with torch.no_grad():
                module.train()(photo(8, 96, 1))
    return module.eval()


def photo(count: int, side: int, seed: int) -> Tensor:
    """As smooth as photos are."""
    coarse = torch.randn(count, 3, side // 8, side // 8, generator=torch.Generator().manual_seed(seed))
    return F.interpolate(coarse, size=(side, side), mode="bicubic")


WINDOWS = {
    "vgg11": 64,
    "alexnet": 80,
    "resnet18": 64,
    "squeezenet1_1": 64,
    "mobilenet_v2": 64,
    "mobilenet_v3_small": 64,
    "densenet121": 64,
    "googlenet": 64,
    "inception_v3": 80,
    "shufflenet_v2_x0_5": 64,
    "regnet_y_400mf": 64,
    "convnext_tiny": 64,
    "efficientnet_b0": 64,
}
WHOLE = {"vit_b_32": 64, "swin_t": 64}


@pytest.mark.parametrize("name", WINDOWS | WHOLE)
def test_same_as_running_every_occluded_picture(name: str) -> None:
    side = (WINDOWS | WHOLE)[name]
    module, x = network(name, side), photo(1, side, 5)
    *_, final = occlusion(engine_of(module, size=side), x, size=SIZE, stride=STRIDE)
    wanted = torch.empty_like(final.logits)
    with torch.no_grad():
        for row, col in torch.cartesian_prod(*map(torch.arange, wanted.shape[:2])).tolist():
            top, left, height, width = final.boxes[row, col].tolist()
            hidden = x.clone()
            hidden[..., top : top + height, left : left + width] = 0
            wanted[row, col] = module(hidden)[0]
    largest = wanted.abs().max()
    assert wanted.flatten(0, 1).std(0).max() > 1e-3 * largest
    assert (final.logits - wanted).abs().max() <= 1e-5 * largest
    if name in WHOLE:
        assert final.exact_by == "whole"


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v2", "vit_b_32"])
def test_half_precision_says_what_it_costs(name: str) -> None:
    engine, x = engine_of(network(name, 64), size=64), photo(1, 64, 5)
    *_, exact = occlusion(engine, x, size=SIZE, stride=STRIDE)
    *_, rough = occlusion(engine, x, size=SIZE, stride=STRIDE, half=True)
    assert rough.exact_by == exact.exact_by
    differences = (rough.logits.softmax(-1) - exact.logits.softmax(-1)).abs().flatten(0, 1).amax(1)
    assert 0 < rough.half_cost < 0.2
    assert exact.half_cost == 0
    tried = differences[torch.linspace(0, len(differences) - 1, 8).long()]
    torch.testing.assert_close(rough.half_cost, float(tried.max()), rtol=1e-3, atol=1e-6)
    *_, again = occlusion(engine, x, size=SIZE, stride=STRIDE)
    assert torch.equal(again.logits, exact.logits)
