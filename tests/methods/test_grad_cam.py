"""Grad-CAM and its variants against their formulas, brute force, and other libraries where they are installed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.engine.objectives import Objective, channel, logit
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.methods import ablation_cam as ablation
from nnviz_widgets.methods import grad_cam, saliency
from nnviz_widgets.methods.class_maps import all_class_maps
from nnviz_widgets.methods.default_layer import default_layer
from nnviz_widgets.methods.grad_cam import VARIANTS, guided_grad_cam, upsample
from nnviz_widgets.methods.head import find_head
from tests.engine.networks import (
    Branches,
    Counting,
    Drawing,
    Functional,
    Leaky,
    OneChannel,
    Plain,
    Raising,
    engine_of,
    picture,
    seeded,
    snapshot,
)
from tests.methods.test_saliency import NETWORKS, network

LAYERS = {
    "vgg11": "features.19",
    "resnet18": "layer4",
    "mobilenet_v2": "features.18",
    "densenet121": "features.norm5",
    "vit": "encoder.layers.encoder_layer_1.ln_1",
}
GRADIENT_VARIANTS = ["grad_cam", "grad_cam++", "xgrad_cam", "layer_cam"]
X = picture(size=(96, 64))


class Concatenating(nn.Module):
    """A shortcut from before a layer is concatenated to it, so several variants do not go with one picture."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.branch = nn.Conv2d(4, 3, 3, padding=1)
        self.fc = nn.Linear(7, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        return self.fc(torch.cat([x, self.branch(x)], 1).relu().mean((2, 3)))


@pytest.fixture(scope="module")
def engines() -> dict[str, Engine]:
    sizes = {name: 64 if name == "vit" else (96, 64) for name in NETWORKS}
    return {name: engine_of(network(name), size=sizes[name]) for name in NETWORKS}


def x_of(name: str) -> Tensor:
    return X[:, :, :64] if name == "vit" else X


def by_hand(activation: Tensor, gradient: Tensor, variant: str) -> Tensor:
    """The formulas, channel by channel, in double precision."""
    total = torch.zeros(activation.shape[0], *activation.shape[2:], dtype=torch.float64)
    for n, (maps, slopes) in enumerate(zip(activation.double(), gradient.double(), strict=True)):
        for a, g in zip(maps, slopes, strict=True):
            weight = g.mean()
            if variant == "grad_cam++":
                below = 2 * g**2 + g**3 * a.sum()
                weight = sum(
                    (gi**2 / bi * max(gi, 0) for gi, bi in zip(g.flatten(), below.flatten(), strict=True) if bi != 0),
                    torch.tensor(0.0),
                )
            elif variant == "xgrad_cam":
                weight = (g * a / a.sum()).sum() if a.sum() != 0 else torch.tensor(0.0)
            elif variant == "layer_cam":
                weight = g.relu()
            total[n] += weight * a
    return total.relu()[:, None].float()


def close(got: Tensor, expected: Tensor, tolerance: float = 1e-4) -> None:
    assert got.shape == expected.shape
    assert torch.allclose(got, expected, rtol=1e-3, atol=tolerance * float(expected.abs().max()))
    assert expected.abs().max() > 0


@pytest.mark.parametrize("variant", GRADIENT_VARIANTS)
@pytest.mark.parametrize("layer", ["conv1", "act1", "block.1", "block"])
def test_variants_are_their_formulas(variant: str, layer: str) -> None:
    engine, x = engine_of(seeded(lambda: Plain(True))), picture(2)
    for c in range(3):
        got = grad_cam(engine, x, logit(c) - logit(4), layer, variant=variant)
        gradient = engine.gradient(x, logit(c) - logit(4), of=layer, keep=False)
        expected = by_hand(engine.activations(x, layer), gradient, variant)
        assert torch.allclose(got, expected, atol=1e-6)
        assert got.shape == (2, 1, *engine.layers[layer].shape[1:])


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("variant", ["grad_cam", "layer_cam"])
def test_a_hook_and_autograd_by_hand(engines: dict[str, Engine], name: str, variant: str) -> None:
    module, x, seen = network(name), x_of(name), []

    def hook(_module: nn.Module, _inputs: object, output: Tensor) -> Tensor:
        seen.append(output)
        return output.clone()  # the next activation may work in place

    module.get_submodule(LAYERS[name]).register_forward_hook(hook)
    scores = module(x)
    for c in (1, 4):
        (gradient,) = torch.autograd.grad(scores[0, c], seen[0], retain_graph=True)
        activation = seen[0].detach()
        if name == "vit":
            activation, gradient = (t[:, 1:].transpose(1, 2).unflatten(2, (4, 4)) for t in (activation, gradient))
        got = grad_cam(engines[name], x, logit(c), LAYERS[name], variant=variant)
        expected = by_hand(activation, gradient, variant)
        assert torch.allclose(got, expected, rtol=1e-3, atol=1e-4 * float((activation * gradient).abs().sum(1).max()))


def by_backward(engine: Engine, x: Tensor, objective: Objective, layer: str) -> Tensor:
    weights = engine.gradient(x, objective, of=layer).mean((2, 3), keepdim=True)
    return (weights * engine.activations(x, layer)).sum(1, keepdim=True).relu()


def test_a_head_s_maps_need_no_backward(monkeypatch: pytest.MonkeyPatch) -> None:
    module, x = seeded(Counting), picture(2)
    engine = engine_of(module)
    objective = 2 * logit(1) - logit(3)
    slow = grad_cam(engine, x, objective, "block")
    assert not engine.recorded
    engine.graph()
    expected = by_backward(engine, x, objective, "block")
    monkeypatch.setattr(engine, "gradient", None)
    quick = grad_cam(engine, x, objective, "block")
    assert torch.allclose(quick, expected, atol=1e-6)
    assert torch.allclose(quick, slow, atol=1e-6)
    with torch.no_grad():
        module.fc.weight[1] += 1
    changed = grad_cam(engine, x, objective, "block")
    assert not torch.allclose(changed, quick, atol=1e-3)
    with pytest.raises(NnvizError, match="logit"):
        grad_cam(engine, x, logit(99), "block")
    monkeypatch.undo()
    assert torch.allclose(changed, by_backward(engine, x, objective, "block"), atol=1e-6)


@pytest.mark.parametrize("make", [lambda: Functional(True), Functional, Branches, Plain])
def test_networks_that_end_in_pooling_and_one_linear_layer(make: Callable[[], nn.Module]) -> None:
    module, x = seeded(make), picture(2)
    engine = engine_of(module)
    maps = all_class_maps(engine, x)
    if make is Branches:  # its pooling reads a concatenation, which no layer gives
        assert maps is None
        return
    head = find_head(engine)
    assert maps is not None
    assert head is not None
    activation = engine.activations(x, head.layer)
    products = torch.einsum("ck,nkhw->nchw", module.fc.weight.detach(), activation)
    expected = products.relu() / activation[0, 0].numel()
    assert torch.allclose(maps, expected[0], atol=1e-7)
    for c in range(5):
        assert torch.allclose(grad_cam(engine, x, logit(c), head.layer), expected[:, c : c + 1], atol=1e-7)


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("resnet18", "layer4.1"),
        ("mobilenet_v2", "features.18.2"),
        ("densenet121", "relu"),
        ("vgg11", None),
        ("vit", None),
    ],
)
def test_all_classes_at_once(engines: dict[str, Engine], name: str, layer: str | None) -> None:
    engine, x = engines[name], x_of(name)
    maps, head = all_class_maps(engine, x), find_head(engine)
    if layer is None:
        assert maps is None
        return
    assert maps is not None
    assert head is not None
    assert head.layer == layer
    assert maps.shape == (7, 3, 2)
    scale = float(maps.max())
    for c in range(7):
        expected = by_backward(engine, x, logit(c), head.layer)
        assert torch.allclose(maps[c], expected[0, 0], rtol=1e-3, atol=1e-5 * scale)
        assert torch.allclose(grad_cam(engine, x, logit(c), layer), expected, rtol=1e-3, atol=1e-5 * scale)


def test_all_classes_follow_training_and_take_no_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    module, x = seeded(Counting), picture()
    engine = engine_of(module)
    all_class_maps(engine, x)
    with torch.no_grad():
        module.fc.weight.mul_(-2)
    maps = all_class_maps(engine, x)
    assert maps is not None
    head = find_head(engine)
    assert head is not None
    assert torch.allclose(maps[2], by_backward(engine, x, logit(2), head.layer)[0, 0], atol=1e-7)
    monkeypatch.setattr(Counting, "passes", 0)
    assert torch.equal(maps, all_class_maps(engine, x))
    assert Counting.passes == 0


class Elsewhere(Plain):
    """Ends almost so."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how, self.norm = how, nn.LayerNorm(8)

    def forward(self, x: Tensor) -> Tensor:
        x = self.block(self.pool(self.act1(self.bn1(self.conv1(x)))))
        if self.how == "maximum":
            return self.fc(x.amax((2, 3)))
        if self.how == "part":
            return self.fc(x[:, :, :2].mean((2, 3)))
        x = x.mean((2, 3))
        if self.how == "norm":
            return self.fc(self.norm(x))
        return self.fc(x).relu() if self.how == "relu" else self.fc(x) * 2


@pytest.mark.parametrize("how", ["maximum", "part", "norm", "relu", "scaled"])
def test_other_ends_have_no_maps_of_all_classes(how: str) -> None:
    assert all_class_maps(engine_of(seeded(lambda: Elsewhere(how))), picture()) is None


def test_xgrad_cam_conserves_and_grad_cam_of_pooling_agrees_with_it() -> None:
    engine, x = engine_of(seeded(Plain)), picture()
    activation = engine.activations(x, "act1")
    gradient = engine.gradient(x, logit(1), of="act1")
    signed = sum((g * a).sum() / a.sum() * a for a, g in zip(activation[0], gradient[0], strict=True) if a.sum() != 0)
    assert float(signed.sum()) == pytest.approx(float((activation * gradient).sum()), rel=1e-4)
    close(grad_cam(engine, x, logit(1), "act1", variant="xgrad_cam")[0, 0], signed.relu())
    # Where the gradient is the same all over a map, the two are one.
    close(grad_cam(engine, x, logit(1), "block", variant="xgrad_cam"), grad_cam(engine, x, logit(1), "block"))


def test_eigen_cam_is_the_first_component() -> None:
    engine, x = engine_of(seeded(Plain)), picture(2)
    got = grad_cam(engine, x, logit(1), "act1", variant="eigen_cam")
    for n, maps in enumerate(engine.activations(x, "act1")):
        rows = maps.flatten(1).T.double()
        values, vectors = torch.linalg.eigh(rows.T @ rows)
        first = rows @ vectors[:, values.argmax()]
        first = first * first.sum().sign()
        assert (first > -1e-6).all()  # of activations that are never negative
        assert torch.allclose(got[n, 0], first.view(maps.shape[1:]).float(), atol=1e-4)
    assert torch.equal(got, grad_cam(engine, x, logit(3), "act1", variant="eigen_cam"))
    assert (grad_cam(engine, x, logit(1), "conv1", variant="eigen_cam") >= 0).all()


@pytest.mark.parametrize(("make", "layer"), [(Plain, "block.0"), (lambda: Functional(True), "conv3"), (Leaky, "conv2")])
def test_score_cam_by_a_loop(make: Callable[[], nn.Module], layer: str) -> None:
    module, x = seeded(make), picture(2)
    engine = engine_of(module)
    got = grad_cam(engine, x, logit(1), layer, variant="score_cam")
    for n, maps in enumerate(engine.activations(x, layer)):
        scores = []
        for a in maps:
            mask = F.interpolate(a[None, None], (16, 16), mode="bilinear")
            mask = (mask - mask.min()) / (mask.max() - mask.min())
            with torch.no_grad():
                scores.append(module(x[n : n + 1] * mask)[0, 1])
        expected = (torch.stack(scores).softmax(0)[:, None, None] * maps).sum(0).relu()
        assert torch.allclose(got[n, 0], expected, atol=1e-6)


def test_score_cam_of_maps_that_are_the_same_all_over() -> None:
    module = seeded(Plain)
    with torch.no_grad():
        module.conv1.weight[2] = 0
    assert grad_cam(engine_of(module), picture(), logit(1), "conv1", variant="score_cam").isfinite().all()


@pytest.mark.parametrize(
    ("make", "layer", "quick"),
    [
        (Plain, "conv1", True),
        (lambda: Plain(True), "block.0", True),
        (lambda: Functional(True), "conv2", True),
        (lambda: Branches(False), "left", False),
        (Leaky, "conv2", True),
        (Concatenating, "branch", False),
    ],
)
def test_ablation_cam_by_a_loop(make: Callable[[], nn.Module], layer: str, quick: bool) -> None:
    module, x = seeded(make), picture(2)
    engine = engine_of(module)
    got = grad_cam(engine, x, logit(1), layer, variant="ablation_cam")
    activation = engine.activations(x, layer)
    assert ablation._bears_batches(engine, x[:1], logit(1), layer, activation[:1]) == quick
    for n, maps in enumerate(activation):
        total = torch.zeros_like(maps[0])
        with torch.no_grad():
            score = module(x[n : n + 1].clone())[0, 1]
            for k, a in enumerate(maps):

                def without(_module: nn.Module, _inputs: object, output: Tensor, k: int = k) -> Tensor:
                    output = output.clone()
                    output[:, k] = 0
                    return output

                handle = module.get_submodule(layer).register_forward_hook(without)
                total += (score - module(x[n : n + 1].clone())[0, 1]) / score * a
                handle.remove()
        assert torch.allclose(got[n, 0], total.relu(), atol=1e-5 * float(total.abs().max()) + 1e-7)


@pytest.mark.parametrize("variant", ["score_cam", "ablation_cam"])
@pytest.mark.parametrize("name", ["densenet121", "vit"])
def test_passes_a_channel_on_networks_with_shortcuts_and_tokens(variant: str, name: str) -> None:
    layer = {"densenet121": "features.denseblock1.denselayer1.conv2", "vit": LAYERS["vit"]}[name]
    engine = engine_of(network(name), size=64)
    x = picture(size=(64, 64))
    got = grad_cam(engine, x, logit(1), layer, variant=variant)
    assert got.shape == (1, 1, *engine.layers[layer].shape[1:])
    if variant == "ablation_cam":
        activation = engine.activations(x, layer)
        score = engine.value(x, logit(1))
        weights = []
        for k in range(activation.shape[1]):
            ablated = activation.clone()
            ablated[:, k] = 0
            weights.append((score - engine.value(x, logit(1), at=layer, activation=ablated)) / score)
        expected = (torch.cat(weights)[:, None, None] * activation[0]).sum(0).relu()
        assert torch.allclose(got[0, 0], expected, rtol=1e-2, atol=1e-2 * float(expected.max()))


@pytest.mark.parametrize("variant", VARIANTS)
def test_grey_pictures_that_are_not_square(variant: str) -> None:
    engine = engine_of(seeded(OneChannel), mean=0.5, std=0.25, size=(12, 20))
    assert grad_cam(engine, picture(2, 1, (12, 20)), logit(1), "conv", variant=variant).shape == (2, 1, 10, 9)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_whatever_mode_the_caller_is_in(variant: str, mode: Callable[[], object]) -> None:
    module, x = seeded(lambda: Plain(True)), picture(2)
    expected = grad_cam(engine_of(module), x, logit(1), "block.0", variant=variant)
    with mode():
        got = grad_cam(engine_of(module), x.clone(), logit(1), "block.0", variant=variant)
    assert torch.allclose(got, expected, atol=1e-6)
    assert not got.requires_grad


def test_guided_grad_cam_is_the_product() -> None:
    engine, x = engine_of(seeded(Plain)), picture(2)
    got = guided_grad_cam(engine, x, logit(1), "block")
    expected = saliency(engine, x, logit(1), rule="guided") * upsample(grad_cam(engine, x, logit(1), "block"), (16, 16))
    assert torch.equal(got, expected)
    assert got.shape == x.shape


def test_upsampling_keeps_a_flat_map_and_runs_between_values() -> None:
    assert torch.allclose(upsample(torch.full((1, 1, 3, 2), 0.7), (12, 20)), torch.tensor(0.7))
    ramp = upsample(torch.tensor([[[[0.0, 1.0]]]]), (1, 4))
    assert ramp.flatten().tolist() == [0, 0.25, 0.75, 1]


def test_another_class_is_one_backward_and_batches_are_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    engine, x = engine_of(seeded(Counting)), picture(2)
    monkeypatch.setattr(Counting, "passes", 0)
    both = [grad_cam(engine, x, logit(c), "block.0") for c in range(5)]
    assert Counting.passes == 1
    for n in range(2):
        alone = grad_cam(engine, x[n : n + 1], logit(3), "block.0")
        assert torch.allclose(both[3][n : n + 1], alone, atol=1e-7)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("vgg11", (512, 7, 7)), ("resnet18", (512, 3, 2)), ("mobilenet_v2", (1280, 3, 2)), ("densenet121", (1024, 3, 2))],
)
def test_the_default_layer_is_the_last_with_maps(
    engines: dict[str, Engine], name: str, expected: tuple[int, ...]
) -> None:
    layer = default_layer(engines[name], X, logit(1))
    assert engines[name].layers[layer].shape == expected
    assert grad_cam(engines[name], X, logit(1), layer).shape == (1, 1, *expected[1:])


def test_the_default_layer_of_a_transformer_is_one_that_its_class_token_reads(engines: dict[str, Engine]) -> None:
    layer = default_layer(engines["vit"], x_of("vit"), logit(1))
    assert "encoder_layer_1" in layer
    assert engines["vit"].gradient(x_of("vit"), logit(1), of=layer).any()


@pytest.mark.parametrize(
    ("layer", "variant", "code", "words"),
    [
        ("flatten", "grad_cam", "layer_not_spatial", "flatten"),
        ("fc", "eigen_cam", "layer_not_spatial", "fc"),
        ("blok", "grad_cam", "layer_unknown", "'block'"),
        ("block", "gradcam", "variant_unknown", "'grad_cam'"),
        ("block", "score", "variant_unknown", "'score_cam'"),
        ("block", "?", "variant_unknown", "'layer_cam'"),
    ],
)
def test_what_does_not_exist_is_named(layer: str, variant: str, code: str, words: str) -> None:
    with pytest.raises(NnvizError, match=words) as caught:
        grad_cam(engine_of(seeded(Plain)), picture(), logit(0), layer, variant=variant)
    assert caught.value.code == code
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("variant", [v for v in VARIANTS if v not in ("eigen_cam", "score_cam")])
def test_a_layer_that_the_objective_does_not_depend_on(variant: str) -> None:
    engine = engine_of(seeded(Plain))
    with pytest.raises(NnvizError, match=r"channel\('conv1', 1\)") as caught:
        grad_cam(engine, picture(), channel("conv1", 1), "block", variant=variant)
    assert caught.value.code in ("gradient_none", "gradient_zero")


def test_a_gradient_of_zero_is_named_and_a_map_of_zero_is_not() -> None:
    module, x = seeded(Plain), picture()
    with torch.no_grad():
        module.bn1.bias[2] = -1000
        module.fc.weight[1] = -module.fc.weight[1].abs()
    engine = engine_of(module)
    with pytest.raises(NnvizError) as caught:
        grad_cam(engine, x, channel("act1", 2), "bn1")
    assert caught.value.code == "gradient_zero"
    assert not grad_cam(engine, x, logit(1), "block").any()  # nothing speaks for the class


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_module_is_as_it_was_also_after_an_exception(variant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, x = seeded(Raising).train(), picture()
    engine, before = engine_of(module), snapshot(module)
    grad_cam(engine, x, logit(0), "block.0", variant=variant)
    all_class_maps(engine, x)
    monkeypatch.setattr(Raising, "error", ZeroDivisionError("oops"))
    with pytest.raises(NnvizError, match="oops"):
        grad_cam(engine, x + 1, logit(0), "block.0", variant=variant)
    assert snapshot(module) == before
    assert all(not part._forward_hooks for part in engine._passes.shadow.module.modules())


def test_a_network_that_draws_random_numbers() -> None:
    engine, x = engine_of(seeded(Drawing)), picture()
    assert torch.equal(grad_cam(engine, x, logit(1), "conv"), grad_cam(engine_of(seeded(Drawing)), x, logit(1), "conv"))


@pytest.mark.parametrize("name", ["vgg11", "resnet18", "mobilenet_v2"])
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning", "ignore::DeprecationWarning")
def test_captum_agrees_class_by_class(engines: dict[str, Engine], name: str) -> None:
    attr = pytest.importorskip("captum.attr")
    module = out_of_place(network(name))
    cam = attr.LayerGradCam(module, module.get_submodule(LAYERS[name]))
    for c in range(7):
        expected = cam.attribute(X, c, relu_attributions=True)
        got = grad_cam(engines[name], X, logit(c), LAYERS[name])
        assert torch.allclose(got, expected, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("name", ["vgg11", "resnet18", "mobilenet_v2"])
@pytest.mark.parametrize(
    ("variant", "peer"),
    [("grad_cam", "GradCAM"), ("xgrad_cam", "XGradCAM"), ("layer_cam", "LayerCAM")],
)
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning", "ignore::DeprecationWarning")
def test_torchcam_agrees_class_by_class(engines: dict[str, Engine], name: str, variant: str, peer: str) -> None:
    methods = pytest.importorskip("torchcam.methods")
    module = out_of_place(network(name))
    cam = getattr(methods, peer)(module, target_layer=LAYERS[name])
    scores = module(X.clone().requires_grad_())
    for c in range(7):
        (expected,) = cam(class_idx=c, scores=scores, normalized=False, retain_graph=True)
        got = grad_cam(engines[name], X, logit(c), LAYERS[name], variant=variant)[0]
        assert torch.allclose(got, expected, rtol=1e-2, atol=1e-3 * float(got.max()) + 1e-8), c
    cam.remove_hooks()


@pytest.mark.parametrize(
    ("variant", "peer"),
    [
        ("grad_cam", "GradCAM"),
        ("grad_cam++", "GradCAMPlusPlus"),
        ("xgrad_cam", "XGradCAM"),
        ("layer_cam", "LayerCAM"),
        ("ablation_cam", "AblationCAM"),
        ("score_cam", "ScoreCAM"),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_pytorch_grad_cam_agrees_on_the_shape_of_maps(variant: str, peer: str) -> None:
    library = pytest.importorskip("pytorch_grad_cam")
    targets = pytest.importorskip("pytorch_grad_cam.utils.model_targets")
    x = picture()
    engine = engine_of(steep())
    for c in range(5):
        twin = steep()
        with getattr(library, peer)(twin, [twin.act1]) as cam:
            expected = torch.from_numpy(cam(x, [targets.ClassifierOutputTarget(c)]))[0]
        got = grad_cam(engine, x, logit(c), "act1", variant=variant)[0, 0]
        if got.max() > 0:  # theirs are stretched to 0..1, and have the size of the picture as this layer has
            got = (got - got.min()) / (got.max() - got.min())
            assert torch.allclose(got, expected, atol=5e-3), c


def steep() -> nn.Module:
    """Gradients beside which the constants that others add to their denominators do not count."""
    module = seeded(Plain)
    with torch.no_grad():
        module.fc.weight.mul_(1000)
    return module


def out_of_place(module: nn.Module) -> nn.Module:
    for part in module.modules():
        if hasattr(part, "inplace"):
            part.inplace = False
    return module
