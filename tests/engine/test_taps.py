"""Reading layers against plain forward hooks, and against twins without operations in place."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import Tensor, nn

from nnviz_widgets.errors import NnvizError
from tests.engine.networks import (
    Branches,
    Functional,
    Leaky,
    OneChannel,
    Plain,
    Raising,
    Reused,
    Tuples,
    engine_of,
    picture,
    seeded,
)


def hooked(module: nn.Module, x: Tensor) -> dict[str, Tensor]:
    """What plain forward hooks see; the k-th call of a module is "name@k"."""
    found: dict[str, Tensor] = {}

    def keep(name: str, output: object) -> None:
        calls = sum(key == name or key.startswith(name + "@") for key in found)
        if isinstance(output, Tensor):
            found[f"{name}@{calls + 1}" if calls else name] = output.detach().clone()

    handles = [
        part.register_forward_hook(lambda _m, _i, out, name=name: keep(name, out))
        for name, part in module.named_modules()
        if name
    ]
    with torch.no_grad():
        module(x.clone())
    for handle in handles:
        handle.remove()
    return found


def same(a: Tensor, b: Tensor) -> bool:
    return torch.equal(a, b if a.ndim == b.ndim else b.flatten(1))


def test_activations_equal_plain_hooks_without_in_place() -> None:
    module, x = seeded(Plain), picture(2)
    engine, expected = engine_of(module), hooked(module, x)
    assert [layer.name for layer in engine.layers] == list(expected)
    for name, value in expected.items():
        assert same(engine.activations(x, name), value), name


@pytest.mark.parametrize("ahead", [False, True])
def test_activations_equal_the_twin_without_in_place(ahead: bool) -> None:
    x = picture(2)
    engine, expected = engine_of(seeded(lambda: Plain(inplace=True))), hooked(seeded(Plain), x)
    if ahead:
        assert engine.read_ahead(x)
    for name, value in expected.items():
        assert same(engine.activations(x, name), value), name


@pytest.mark.parametrize("ahead", [False, True])
def test_functions_in_place_equal_functions_that_are_not(ahead: bool) -> None:
    x = picture(2)
    engine, twin = engine_of(seeded(lambda: Functional(inplace=True))), seeded(Functional)
    if ahead:
        assert engine.read_ahead(x)
    with torch.no_grad():
        c1 = twin.conv1(x)
        c2 = twin.conv2(c1.relu())
        pooled = F.max_pool2d(c2, 2)
        c3 = twin.conv3(pooled.relu())
        average = F.adaptive_avg_pool2d(c3.relu(), 1)
    expected = {
        "conv1": c1,
        "relu": c1.relu(),
        "conv2": c2,
        "max_pool2d": pooled,
        "relu@2": pooled.relu(),
        "conv3": c3,
        "clamp": c3.relu(),
        "adaptive_avg_pool2d": average,
        "fc": twin.fc(average.flatten(1)),
    }
    assert [layer.name for layer in engine.layers] == list(expected)
    for name, value in expected.items():
        assert torch.equal(engine.activations(x, name), value), name


def test_adding_in_place_does_not_reach_back_into_the_branch() -> None:
    x = picture(2)
    engine, expected = engine_of(seeded(Branches)), hooked(seeded(lambda: Branches(inplace=False)), x)
    for name, value in expected.items():
        assert same(engine.activations(x, name), value), name
    assert set(expected) == {layer.name for layer in engine.layers}


@pytest.mark.parametrize("ahead", [False, True])
def test_each_call_of_a_reused_module_has_its_own_value(ahead: bool) -> None:
    module, x = seeded(Reused), picture()
    engine = engine_of(module)
    if ahead:
        assert engine.read_ahead(x)
    with torch.no_grad():
        r1 = module.conv1(x).relu()
        c2 = module.block[0](r1)
        c3 = module.block[0](c2.relu())
    expected = {"relu": r1, "block.0": c2, "relu@2": c2.relu(), "block": c2.relu(), "block.0@2": c3}
    expected |= {"relu@3": c3.relu(), "block@2": c3.relu()}
    for name, value in expected.items():
        assert torch.equal(engine.activations(x, name), value), name


def test_a_function_named_like_a_module_has_a_name_of_its_own() -> None:
    module, x = seeded(Reused), picture()
    engine = engine_of(module)
    names = [layer.name for layer in engine.layers]
    assert len(set(names)) == len(names)
    function = next(layer for layer in engine.layers if layer.kind == "relu")
    before = engine.activations(x, "relu@3")
    assert torch.equal(engine.activations(x, function), F.relu(before - 0.1))


def test_in_place_that_the_network_relies_on_is_kept() -> None:
    module, x = seeded(Leaky), picture()
    engine = engine_of(module)
    with torch.no_grad():
        c1 = module.conv1(x)
        sum_ = c1.relu() + module.conv2(c1.relu())
        expected = module(x)
    assert torch.equal(engine.logits(x), expected)
    assert torch.equal(engine.activations(x, "conv1"), c1)
    assert torch.equal(engine.activations(x, "relu@2"), sum_.relu())


def test_grey_input_that_is_not_square() -> None:
    module = seeded(OneChannel)
    engine = engine_of(module, mean=0.5, std=0.5, size=(20, 12))
    x = picture(2, 1, (20, 12))
    assert engine.layers["conv"].shape == (4, 18, 5)
    assert torch.equal(engine.activations(x, "relu"), F.relu6(module.conv(x)).detach())
    assert torch.equal(engine.logits(x), module(x).flatten(1).detach())
    assert engine.prepare(torch.rand(1, 30, 30)).shape == (1, 1, 20, 12)


def test_tuples_and_records_stand_for_their_tensor() -> None:
    module, x = seeded(Tuples), picture()
    engine = engine_of(module)
    assert torch.equal(engine.activations(x, "part"), module.part.conv(x).detach())
    assert torch.equal(engine.logits(x), module(x).logits.detach())
    from nnviz_widgets.engine.objectives import logit

    leaf = x.clone().requires_grad_()
    module(leaf).logits[0, 2].backward()
    assert torch.allclose(engine.gradient(x, logit(2)), leaf.grad, atol=1e-7)


def test_the_pass_ends_at_the_layer() -> None:
    engine, x = engine_of(seeded(Raising)), picture()
    Raising.error = RuntimeError("past the layer")
    try:
        assert engine.activations(x, "act1").shape == (1, 6, 16, 16)
        with pytest.raises(NnvizError, match="past the layer"):
            engine.activations(x, "pool")
    finally:
        Raising.error = None


def test_a_layer_that_this_input_does_not_reach_is_named() -> None:
    class Sometimes(Plain):
        def forward(self, x: Tensor) -> Tensor:
            x = self.conv1(x)
            return self.fc(self.block(self.bn1(x) if x.shape[0] == 2 else x).mean((2, 3)))

    engine = engine_of(seeded(Sometimes))
    with pytest.raises(NnvizError, match="did not come past layer 'bn1'"):
        engine.activations(picture(), "bn1")
    assert engine.activations(picture(), "conv1").shape == (1, 6, 16, 16)


def test_no_exception_clause_of_a_model_swallows_the_end_of_the_pass() -> None:
    class Careful(Plain):
        def forward(self, x: Tensor) -> Tensor:
            try:
                return super().forward(x)
            except Exception:
                return torch.zeros(len(x), 5)

    engine, x = engine_of(seeded(Careful)), picture()
    assert torch.equal(engine.activations(x, "conv1"), seeded(Careful).conv1(x).detach())


def _resnet() -> nn.Module:
    return torchvision.models.resnet18()


def _densenet() -> nn.Module:
    return torchvision.models.DenseNet(8, (2, 2, 2, 2), 16, num_classes=10)


def _mobilenet() -> nn.Module:
    return torchvision.models.mobilenet_v3_small()


def _convnext() -> nn.Module:
    from torchvision.models.convnext import CNBlockConfig

    return torchvision.models.ConvNeXt([CNBlockConfig(24, 48, 2), CNBlockConfig(48, None, 1)], num_classes=10)


def _vit() -> nn.Module:
    return torchvision.models.VisionTransformer(32, 8, 2, 2, 24, 48, num_classes=10)


def _swin() -> nn.Module:
    return torchvision.models.SwinTransformer([4, 4], 12, [2, 2], [2, 2], [4, 4], num_classes=10)


def _inception() -> nn.Module:
    return torchvision.models.inception_v3(init_weights=False, num_classes=10)


@pytest.mark.parametrize(
    ("make", "size", "modules"),
    [
        (_resnet, 64, None),
        (_densenet, 32, None),
        (_mobilenet, 64, None),
        (_convnext, 64, None),
        (_vit, 32, ("conv_proj", "encoder.layers.encoder_layer_1", "encoder.ln", "heads")),
        (_swin, 32, ("features.0", "features.1.0.attn", "features.1.1", "norm", "head")),
        (_inception, 96, None),
    ],
)
def test_every_layer_of_a_real_architecture_can_be_read(make: object, size: int, modules: object) -> None:
    module, x = seeded(make), picture(1, 3, (size, size))
    engine = engine_of(module, size=size)
    assert engine.read_ahead(x)
    names = {layer.name for layer in engine.layers}
    for layer in engine.layers:
        assert engine.activations(x, layer).shape == (1, *layer.shape), layer.name
    for path, part in module.named_modules():
        leaf = next(part.children(), None) is None
        if modules is None and leaf and "AuxLogits" not in path and "stochastic_depth" not in path:
            assert path in names, path
    assert names.issuperset(modules or ())
    with torch.no_grad():
        assert torch.allclose(engine.logits(x), module(x), atol=1e-4, rtol=1e-4)


def test_tokens_are_read_as_maps() -> None:
    module, x = seeded(_vit), picture(1, 3, (32, 32))
    engine = engine_of(module, size=32)
    layer = engine.layers["encoder.layers.encoder_layer_0"]
    assert layer.shape == (24, 4, 4)
    raw = hooked(module, x)[layer.name]
    assert torch.allclose(engine.activations(x, layer), raw[:, 1:].transpose(1, 2).unflatten(2, (4, 4)), atol=1e-6)


def test_channels_last_maps_are_read_channels_first() -> None:
    module, x = seeded(_swin), picture(1, 3, (32, 32))
    engine = engine_of(module, size=32)
    raw = hooked(module, x)["features.1"]
    assert engine.layers["features.1"].shape == (12, 8, 8)
    assert torch.allclose(engine.activations(x, "features.1"), raw.permute(0, 3, 1, 2), atol=1e-6)


def test_an_encoder_with_a_fast_path_reads_the_same() -> None:
    class Encoder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.patches = nn.Conv2d(3, 8, 4, stride=4)
            block = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, dropout=0.0)
            self.encoder = nn.TransformerEncoder(block, 2, enable_nested_tensor=False)
            self.fc = nn.Linear(8, 5)

        def forward(self, x: Tensor) -> Tensor:
            return self.fc(self.encoder(self.patches(x).flatten(2).transpose(1, 2)).mean(1))

    module, x = seeded(Encoder), picture()
    engine = engine_of(module)
    for layer in engine.layers:
        assert engine.activations(x, layer).shape == (1, *layer.shape), layer.name
    assert engine.layers["encoder"].shape == (8, 4, 4)
    with torch.no_grad():
        assert torch.allclose(engine.logits(x), module(x), atol=1e-5)


class Viewing(nn.Module):
    """Views its maps as if they were contiguous."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3)
        self.relu = nn.ReLU(inplace=True)
        self.fc = nn.Linear(6 * 14 * 14, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.relu(self.conv(x)).view(x.shape[0], -1))


def test_a_network_that_needs_contiguous_maps_gets_them() -> None:
    module, x = seeded(Viewing), picture(2)
    engine = engine_of(module)
    assert torch.equal(engine.logits(x), module(x.contiguous()).detach())
    assert torch.equal(engine.activations(x, "conv"), module.conv(x.contiguous()).detach())


def test_most_networks_run_channels_last_on_a_cpu() -> None:
    engine, x = engine_of(seeded(Plain)), picture().contiguous()
    assert engine.activations(x, "conv1").is_contiguous(memory_format=torch.channels_last)
    assert x.is_contiguous()
