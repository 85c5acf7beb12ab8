"""Windows against running every changed picture whole through the module itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import Tensor, nn

from nnviz_widgets.engine.changed_pictures import changed, changed_pictures
from nnviz_widgets.engine.chunks import Machine
from nnviz_widgets.engine.clean import clean_pass
from nnviz_widgets.engine.device import is_out_of_memory
from nnviz_widgets.engine.lowering import lower
from nnviz_widgets.engine.plans import plan
from nnviz_widgets.engine.windows import run
from nnviz_widgets.errors import NnvizError
from tests.engine.networks import (
    Branches,
    Drawing,
    Functional,
    Leaky,
    Normed,
    OneChannel,
    Plain,
    Reused,
    Tuples,
    engine_of,
    picture,
    seeded,
    snapshot,
)

CPU = Machine.of(torch.device("cpu"))


def boxes_of(size: tuple[int, int], change: tuple[int, int], stride: int) -> Any:
    """Every `stride` pixels, the last ones at the border, as (k, 4)."""
    sides = zip(size, change, strict=True)
    tops, lefts = (np.minimum(np.arange(0, side - own + stride, stride), side - own) for side, own in sides)
    return np.array([(top, left, *change) for top in np.unique(tops) for left in np.unique(lefts)])


def check(
    module: nn.Module,
    size: tuple[int, int],
    change: tuple[int, int],
    stride: int,
    *,
    channels: int = 3,
    dtype: torch.dtype = torch.float64,
    close: float = 1e-10,
    machine: Machine = CPU,
    varies: float = 1e-3,
) -> Any:
    """Windows wherever that is possible, whether they pay or not; returns the plan and the program."""
    module = module.to(dtype)
    engine = engine_of(module, size=size, mean=(0.5,) * channels, std=(0.25,) * channels)
    graph = engine.graph()
    assert graph is not None
    program = lower(graph)
    assert program is not None
    x = picture(1, channels, size).to(dtype)
    fill = picture(1, channels, size, seed=2).to(dtype)
    boxes = boxes_of(size, change, stride)
    chosen = plan(program, boxes, machine, x.element_size())
    found = list(run(chosen, clean_pass(program, x), fill))
    order = np.concatenate([part.positions for part in found])
    assert sorted(order.tolist()) == list(range(len(boxes)))
    got = torch.empty(len(boxes), found[-1].outputs.shape[1], dtype=dtype)
    got[torch.from_numpy(order)] = torch.cat([part.outputs for part in found])
    with torch.no_grad():
        wanted = torch.cat([module(part).flatten(1) for part in changed(x, boxes, fill).split(8)])
    assert wanted.std(0).max() > varies * wanted.abs().max(), "a test that cannot fail"
    assert (got - wanted).abs().max() <= close * wanted.abs().max()
    return chosen, program


class Tail(nn.Module):
    """Maps -> classes, so that every cell matters."""

    def __init__(self, body: Callable[[Tensor], Tensor], *parts: nn.Module) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.parts = nn.ModuleList(parts)
        self.body = body
        self.head = nn.LazyLinear(5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for part in self.parts:
            x = part(x)
        return self.head(self.body(x).flatten(1))


def tailed(body: Callable[[Tensor], Tensor], *make: Callable[[], nn.Module]) -> nn.Module:
    def build() -> nn.Module:
        module = Tail(body, *(part() for part in make))
        module(torch.zeros(1, 3, 16, 16))
        return module

    return seeded(build)


def same(x: Tensor) -> Tensor:
    return x


class Gate(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.down, self.up = nn.Conv2d(8, 2, 1), nn.Conv2d(2, 8, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.up(self.down(F.adaptive_avg_pool2d(x, 1)).relu()).sigmoid()


class Positions(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.maps = nn.Parameter(torch.randn(8, 16, 16))
        self.rows = nn.Parameter(torch.randn(1, 1, 16, 1))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.rows + self.maps


class LastNorm(nn.Module):
    """ConvNeXt's way: channels last, normalised, through linear layers and back."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.linear = nn.LayerNorm(8), nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        return x + F.gelu(self.linear(self.norm(x.permute(0, 2, 3, 1)))).permute(0, 3, 1, 2)


def shuffled(x: Tensor) -> Tensor:
    n, c, h, w = x.shape
    return x.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)


def halves(x: Tensor) -> Tensor:
    left, right = x.chunk(2, 1)
    return torch.cat([right.relu(), left[:, ::2], left[:, 1:2]], 1)


CASES: dict[str, nn.Module] = {
    "dilation": tailed(same, lambda: nn.Conv2d(8, 8, 3, dilation=2, padding=1)),
    "groups": tailed(same, lambda: nn.Conv2d(8, 16, 3, groups=4, padding=1, stride=2)),
    "no padding": tailed(same, lambda: nn.Conv2d(8, 4, (5, 2), bias=False)),
    "stride above kernel": tailed(same, lambda: nn.Conv2d(8, 4, 2, stride=3), lambda: nn.Conv2d(4, 4, 1, stride=2)),
    "same padding": tailed(same, lambda: nn.Conv2d(8, 4, 3, dilation=2, padding="same")),
    "pad then convolution": tailed(same, lambda: nn.ZeroPad2d((0, 1, 2, 0)), lambda: nn.Conv2d(8, 8, 3, stride=2)),
    "pad with a value": tailed(same, lambda: nn.ConstantPad2d((1, 0, 2, 1), 0.7), lambda: nn.Conv2d(8, 4, 3)),
    "cropping pad": tailed(same, lambda: nn.ZeroPad2d((-2, 1, 3, -4)), lambda: nn.Conv2d(8, 4, 3)),
    "reflection": tailed(same, lambda: nn.ReflectionPad2d(2), lambda: nn.Conv2d(8, 4, 3)),
    "transposed": tailed(same, lambda: nn.ConvTranspose2d(8, 4, 3, stride=2)),
    "transposed and normalised": tailed(same, lambda: nn.ConvTranspose2d(8, 4, 3), lambda: nn.BatchNorm2d(4)),
    "normalised before": tailed(same, lambda: nn.BatchNorm2d(8), lambda: nn.ReLU(), lambda: nn.Conv2d(8, 4, 3)),
    "max pool": tailed(same, lambda: nn.MaxPool2d(3, 2, 1)),
    "max pool, ceil": tailed(same, lambda: nn.MaxPool2d(3, 2, 0, ceil_mode=True)),
    "max pool, dilated": tailed(same, lambda: nn.MaxPool2d(2, 3, 1, dilation=2, ceil_mode=True)),
    "average pool": tailed(same, lambda: nn.AvgPool2d(3, 2, 1)),
    "average pool, ceil": tailed(same, lambda: nn.AvgPool2d(3, 2, 1, ceil_mode=True)),
    "average pool, inside only": tailed(same, lambda: nn.AvgPool2d(3, 1, 1, count_include_pad=False)),
    "average pool, divisor": tailed(same, lambda: nn.AvgPool2d(3, 2, 1, divisor_override=5)),
    "adaptive pool, no change": tailed(same, lambda: nn.AdaptiveAvgPool2d(16)),
    "adaptive pool, even": tailed(same, lambda: nn.AdaptiveAvgPool2d((8, 4))),
    "adaptive pool, odd": tailed(same, lambda: nn.AdaptiveAvgPool2d(7)),
    "adaptive max pool": tailed(same, lambda: nn.AdaptiveMaxPool2d(5)),
    "prelu": tailed(same, lambda: nn.PReLU(8), lambda: nn.Conv2d(8, 4, 3)),
    "gate": tailed(same, Gate, lambda: nn.Conv2d(8, 4, 3)),
    "constant maps": tailed(same, Positions, lambda: nn.Conv2d(8, 4, 3)),
    "channels last": tailed(same, LastNorm, lambda: nn.Conv2d(8, 4, 3)),
    "group norm": tailed(same, lambda: nn.GroupNorm(2, 8), lambda: nn.Conv2d(8, 4, 3)),
    "upsampling": tailed(same, lambda: nn.Upsample(scale_factor=2, mode="bilinear"), lambda: nn.Conv2d(8, 4, 3)),
    "pixel shuffle": tailed(same, lambda: nn.PixelShuffle(2), lambda: nn.Conv2d(2, 4, 3)),
    "channel shuffle": tailed(shuffled),
    "parts of channels": tailed(halves),
    "rows and columns": tailed(lambda x: x[:, :, 3:-2:2, 5:]),
    "branches of other reach": tailed(lambda x: F.max_pool2d(x, 5, 1, 2) + x),
    "joined branches": tailed(lambda x: torch.cat([F.avg_pool2d(x, 5, 1, 2), x, x.sigmoid()], 1)),
    "the same twice": tailed(lambda x: x + x * x),
    "softmax of channels": tailed(lambda x: x.softmax(1)),
    "softmax of columns": tailed(lambda x: x.softmax(-1)),
    "mean of channels": tailed(lambda x: x.mean(1)),
    "mean of rows": tailed(lambda x: x.mean(2)),
    "mean of maps": tailed(lambda x: x.mean((2, 3))),
    "sum of maps": tailed(lambda x: (x.sum((-1, -2), keepdim=True) / 99).tanh()),
    "maximum of maps": tailed(lambda x: x.amax((2, 3))),
    "unknown": tailed(lambda x: F.conv2d(x.cumsum(2), torch.ones(2, 8, 3, 3, dtype=x.dtype))),
    "unknown, no maps": tailed(lambda x: F.normalize(x.mean((2, 3)).unfold(1, 3, 2).flatten(1)).sort(1).values),
    "rolled": tailed(lambda x: F.avg_pool2d(torch.roll(x, (2, 3), (2, 3)), 3)),
    "tokens": tailed(lambda x: x.flatten(2).transpose(1, 2).relu().flatten(1)),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(("change", "stride"), [((3, 3), 3), ((1, 5), 4)])
def test_every_rule(name: str, change: tuple[int, int], stride: int):
    check(CASES[name], (16, 16), change, stride)


@pytest.mark.parametrize("make", [Plain, Functional, Reused, Branches, Leaky, Tuples, Normed])
def test_habits_of_real_networks(make: Callable[[], nn.Module]):
    module = seeded(make)
    if make is Reused:
        module.fc.bias.data.zero_()  # it hardly reacts otherwise
    if make is Tuples:
        module = nn.Sequential(module, _First())
    check(module, (16, 16), (4, 4), 3)


class _First(nn.Module):
    def forward(self, x: Any) -> Tensor:
        return x[0]


def test_one_channel_and_a_picture_that_is_not_square():
    check(seeded(OneChannel), (13, 22), (4, 7), 3, channels=1)


def test_a_change_of_everything():
    check(seeded(Plain), (16, 16), (16, 15), 1, varies=0)


def classifier(name: str, **options: Any) -> nn.Module:
    """A torchvision network whose logits vary: nothing is drawn as zero, statistics are those of its own maps."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        module = getattr(torchvision.models, name)(weights=None, num_classes=10, **options)
        for part in module.modules():
            if isinstance(part, nn.BatchNorm2d):
                part.momentum = None
            if hasattr(part, "layer_scale"):
                part.layer_scale.data.uniform_(0.5, 1)
            if isinstance(part, nn.Dropout):
                part.p = 0.0
            if type(part).__name__ == "StochasticDepth":
                part.p = 0.0
            if isinstance(part, nn.Linear | nn.Conv2d):
                nn.init.kaiming_normal_(part.weight)
        side = 96 if name in ("alexnet", "inception_v3") else 64
        with torch.no_grad():
            module.train()(torch.randn(8, 3, side, side))
    return module.eval()


NETWORKS = {
    "vgg11": 64,
    "alexnet": 80,
    "resnet18": 64,
    "squeezenet1_1": 64,
    "densenet121": 64,
    "mobilenet_v2": 64,
    "mobilenet_v3_small": 64,
    "shufflenet_v2_x0_5": 64,
    "googlenet": 64,
    "regnet_y_400mf": 64,
    "convnext_tiny": 64,
    "efficientnet_b0": 64,
}


@pytest.mark.parametrize("name", NETWORKS)
def test_classifiers(name: str):
    side = NETWORKS[name]
    options = {"init_weights": False, "aux_logits": False} if name == "googlenet" else {}
    size = (side, side + 11) if name == "resnet18" else (side, side)
    chosen, program = check(classifier(name, **options), size, (13, 13), 23)
    assert program.understood
    assert chosen.gain >= 1


@pytest.mark.parametrize("name", ["squeezenet1_1", "mobilenet_v2", "resnet18", "densenet121"])
def test_classifiers_in_single_precision(name: str):
    module = classifier(name)
    x, fill, boxes = picture(1, 3, (64, 64)), picture(1, 3, (64, 64), seed=2), boxes_of((64, 64), (8, 8), 19)
    program = lower(engine_of(module, size=64).graph())
    assert program is not None
    got = torch.empty(len(boxes), 10)
    for part in run(plan(program, boxes, CPU, 4), clean_pass(program, x), fill):
        got[torch.from_numpy(part.positions)] = part.outputs
    with torch.no_grad():
        pictures = changed(x, boxes, fill)
        whole = module(pictures)
        true = module.double()(pictures.double())
    # Deep random networks magnify rounding: their own error, in batches of any size, is sometimes above 1e-5.
    own = (whole - true).abs().max()
    assert (got - true).abs().max() <= max(1e-5 * true.abs().max(), 2 * own)


def test_what_is_planned_falls_as_the_change_shrinks():
    program = lower(engine_of(seeded(Plain), size=64).graph())
    assert program is not None
    gains = [plan(program, boxes_of((64, 64), (size, size), 4), CPU, 4).gain for size in (48, 24, 8)]
    assert gains[0] < gains[1] < gains[2]
    assert gains[2] > 8
    assert plan(program, boxes_of((64, 64), (8, 8), 4), CPU, 4, whole=True).gain == 1


def test_positions_that_change_nothing_cost_nothing():
    module = tailed(lambda x: x[:, :, :4])
    chosen, _ = check(module, (16, 16), (2, 2), 2)
    corner = plan(lower(engine_of(module.float()).graph()), np.array([[12, 3, 2, 2]]), CPU, 4)
    assert [window.same for window in corner.chunks[0].windows].count(True) >= 2
    assert chosen.gain > 1


@pytest.mark.parametrize("whole", [False, True])
def test_small_batches_give_the_same(whole: bool):
    tight = Machine(0, 0, 3, 2**27)
    chosen, program = check(seeded(Branches), (16, 16), (4, 4), 3, machine=tight)
    assert max(len(chunk.positions) for chunk in chosen.chunks) <= 3
    assert len(chosen.chunks) > 1
    few = plan(program, chosen.boxes, Machine(0, 0, 64, 2000), 8, whole=whole)
    assert max(len(chunk.positions) for chunk in few.chunks) == 1


def test_a_batch_that_does_not_fit_is_halved(monkeypatch):
    import nnviz_widgets.engine.windows as windows

    real, refused = windows.run_chunk, []

    def tight(chunk: Any, *rest: Any) -> Any:
        if len(chunk.positions) > 2:
            refused.append(len(chunk.positions))
            raise torch.OutOfMemoryError("out of memory")
        return real(chunk, *rest)

    monkeypatch.setattr(windows, "run_chunk", tight)
    check(seeded(Plain), (16, 16), (4, 4), 4)
    assert refused
    monkeypatch.setattr(windows, "run_chunk", lambda *_: (_ for _ in ()).throw(torch.OutOfMemoryError("x")))
    assert is_out_of_memory(torch.OutOfMemoryError("x"))
    with pytest.raises(NnvizError) as caught:
        check(seeded(Plain), (16, 16), (4, 4), 4)
    assert caught.value.code == "out_of_memory"


def test_a_layer_s_own_value_is_kept_where_it_would_be_folded_away():
    module = seeded(Plain).double()
    engine = engine_of(module)
    x, fill = picture().double(), picture(seed=2).double()
    boxes = boxes_of((16, 16), (4, 4), 3)
    for layer in engine.layers:
        if not layer.spatial or layer.height == 1:
            continue
        wanted = engine.activations(changed(x, boxes, fill), layer)[:, 3].sum((1, 2))
        found = list(changed_pictures(engine, x, boxes, layer=layer.name, channel=3).run(boxes, fill))
        order = torch.from_numpy(np.concatenate([part.positions for part in found]))
        got = torch.cat([part.sums for part in found])
        assert wanted.std() > 0
        torch.testing.assert_close(got, wanted[order], rtol=1e-10, atol=1e-10)


def test_whole_pictures_where_windows_do_not_pay_or_cannot_be_known():
    boxes = boxes_of((16, 16), (12, 12), 2)
    few = changed_pictures(engine_of(seeded(Plain)), picture(), boxes)
    assert (few.exact_by, few.clean is None) == ("whole", False)
    drawing = changed_pictures(engine_of(seeded(Drawing)), picture(), boxes)
    assert (drawing.exact_by, drawing.clean, drawing.batch) == ("whole", None, 1)


def test_what_is_prepared_is_kept_until_the_weights_change():
    module = seeded(Plain)
    engine, x, boxes = engine_of(module), picture(), boxes_of((16, 16), (2, 2), 4)
    fill = torch.zeros_like(x)

    def logits() -> Tensor:
        parts = list(changed_pictures(engine, x, boxes).run(boxes, fill))
        order = np.argsort(np.concatenate([part.positions for part in parts]))
        return torch.cat([part.outputs for part in parts])[torch.from_numpy(order)]

    first = changed_pictures(engine, x, boxes)
    assert first.exact_by == "windows"
    assert changed_pictures(engine, x.clone(), boxes).clean is first.clean
    assert changed_pictures(engine, x + 1, boxes).clean is not first.clean
    before = logits()
    with torch.no_grad():
        module.conv1.weight.mul_(1.5)
    after = logits()
    wanted = module(changed(x, boxes, fill))
    assert (after - before).abs().max() > 1e-3
    torch.testing.assert_close(after, wanted, rtol=1e-5, atol=1e-5)


def test_windows_that_disagree_with_the_module_are_not_used(monkeypatch):
    import nnviz_widgets.engine.changed_pictures as home

    monkeypatch.setattr(home, "clean_pass", lambda program, x, half: clean_pass(program, x * 1.01, half=half))
    chosen = changed_pictures(engine_of(seeded(Plain)), picture(), boxes_of((16, 16), (2, 2), 4))
    assert (chosen.exact_by, chosen.clean) == ("whole", None)


def test_the_module_is_left_as_it_was():
    module = seeded(Plain)
    engine, x, boxes = engine_of(module), picture(), boxes_of((16, 16), (2, 2), 4)
    before = snapshot(module)
    with torch.inference_mode():
        kept = list(changed_pictures(engine, x, boxes, layer="conv1").run(boxes, torch.zeros_like(x)))
    again = list(changed_pictures(engine, x, boxes, layer="conv1").run(boxes, torch.zeros_like(x)))
    assert snapshot(module) == before
    assert torch.equal(kept[0].outputs, again[0].outputs)
    assert not again[0].outputs.is_inference()
