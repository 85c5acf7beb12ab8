"""The cascade of redrawn weights: which layers, how, and that nobody else notices."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torchvision
from torch import nn

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.engine.objectives import logit
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.methods import saliency
from nnviz_widgets.methods.randomise import layers_with_weights, randomised, redraw, weighted_layers
from tests.engine.networks import Branches, Functional, Normed, Plain, Reused, engine_of, picture, seeded, snapshot
from tests.methods.test_saliency import network


def changed(before: Engine, after: Engine) -> set[str]:
    """Modules of which some state differs."""
    old, new = before.module.state_dict(), after.module.state_dict()
    assert list(old) == list(new)
    return {name.rpartition(".")[0] for name in old if not torch.equal(old[name], new[name])}


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        (0, set()),
        (0.1, set()),
        (1 / 3, {"fc"}),
        (2 / 3, {"fc", "block.0", "block.1"}),
        (1, {"fc", "block.0", "block.1", "conv1", "bn1"}),
        (1.0, {"fc", "block.0", "block.1", "conv1", "bn1"}),
    ],
)
def test_layers_are_drawn_from_the_top_down(share: float, expected: set[str]) -> None:
    engine = engine_of(seeded(Plain))
    assert layers_with_weights(engine) == 3
    assert changed(engine, randomised(engine, share)) == expected


def test_the_layers_are_called_by_their_first_module() -> None:
    assert weighted_layers(engine_of(seeded(Plain))) == ("conv1", "block.0", "fc")


@pytest.mark.parametrize("make", [Plain, Normed, Branches, Reused])
def test_a_copy_is_drawn_again_as_a_copy_of_its_own_would_be(make: Callable[[], nn.Module]) -> None:
    engine = engine_of(seeded(make))
    copy = randomised(engine, 1)
    for share in (0.5, 1, 0, 0.5):
        redraw(engine, copy, share)
        assert changed(copy, randomised(engine, share)) == set()
    x = picture(2)
    assert torch.equal(copy.logits(x), randomised(engine, 0.5).logits(x))


def test_execution_order_counts_and_not_that_of_registration() -> None:
    class Backwards(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc, self.second, self.first = nn.Linear(4, 5), nn.Conv2d(4, 4, 3), nn.Conv2d(3, 4, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.fc(self.second(self.first(x).relu()).relu().mean((2, 3)))

    engine = engine_of(seeded(Backwards))
    assert changed(engine, randomised(engine, 1 / 3)) == {"fc"}
    assert changed(engine, randomised(engine, 2 / 3)) == {"fc", "second"}


def test_the_same_every_time_and_another_with_another_seed() -> None:
    engine = engine_of(seeded(Plain))
    first, again, other = (randomised(engine, 1, seed=seed).module.state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["fc.weight"], other["fc.weight"])


def test_a_layer_is_drawn_the_same_whatever_the_share() -> None:
    engine = engine_of(seeded(Plain))
    part, whole = (randomised(engine, share).module.state_dict() for share in (0.6, 1))
    for name in ("fc.weight", "block.0.weight", "block.1.running_mean"):
        assert torch.equal(part[name], whole[name])


def test_weights_are_scaled_for_relus() -> None:
    class Wide(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.fc = nn.Conv2d(3, 64, 5), nn.Linear(64, 300)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.fc(self.conv(x).relu().mean((2, 3)))

    state = randomised(engine_of(seeded(Wide)), 1).module.state_dict()
    assert float(state["conv.weight"].std()) == pytest.approx((2 / 75) ** 0.5, rel=0.05)
    assert float(state["fc.weight"].std()) == pytest.approx((2 / 64) ** 0.5, rel=0.05)
    assert not state["conv.bias"].any()


def test_normalisations_begin_afresh() -> None:
    module = randomised(engine_of(seeded(Plain)), 1).module
    assert (module.bn1.weight == 1).all()
    assert not module.bn1.bias.any()
    assert not module.bn1.running_mean.any()
    assert (module.bn1.running_var == 1).all()


@pytest.mark.parametrize("make", [Plain, Branches, Reused, Normed, lambda: Functional(True)])
def test_the_users_module_is_left_alone(make: Callable[[], nn.Module]) -> None:
    module, x = seeded(make).train(), picture()
    engine, before = engine_of(module), snapshot(module)
    logits = engine.logits(x)
    for share in (0, 0.5, 1):
        copy = randomised(engine, share)
        assert saliency(copy, x, logit(1)).any()
        with torch.no_grad():
            for parameter in copy.module.parameters():
                parameter.zero_()
    assert torch.equal(engine.logits(x), logits)
    assert snapshot(module) == before


def test_later_training_does_not_show() -> None:
    module, x = seeded(Plain), picture()
    copy = randomised(engine_of(module), 0)
    before = copy.logits(x)
    with torch.no_grad():
        module.fc.bias += 1
    assert torch.equal(copy.logits(x), before)


def test_an_engine_with_the_same_settings() -> None:
    engine = engine_of(
        seeded(Plain), labels=list("abcde"), size=(20, 16), resize=24, interpolation="bicubic", name="net"
    )
    copy = randomised(engine, 0)
    assert copy.contract == engine.contract
    assert copy.labels == engine.labels
    assert copy.outputs == engine.outputs
    assert copy.name == engine.name
    assert copy.device == engine.device
    x = picture(size=(20, 16))
    assert torch.allclose(copy.logits(x), engine.logits(x), atol=1e-6)


@pytest.mark.parametrize("name", ["vgg11", "resnet18", "mobilenet_v2", "vit"])
def test_real_networks_stay_alive_at_every_share(name: str) -> None:
    module, x = network(name), picture(size=(64, 64))
    engine = engine_of(module, size=64)
    maps = [saliency(randomised(engine, share), x, logit(1)) for share in (0, 0.3, 1)]
    assert torch.allclose(maps[0], saliency(engine, x, logit(1)), rtol=1e-2, atol=1e-3 * float(maps[0].abs().max()))
    assert all(one.isfinite().all() and one.any() for one in maps)
    plain, last = (one.abs().flatten() / one.abs().max() for one in (maps[0], maps[2]))
    assert float(torch.corrcoef(torch.stack([plain, last]))[0, 1]) < 0.9


def test_tokens_and_positions_are_drawn_only_with_the_first_layers() -> None:
    engine = engine_of(network("vit"), size=64)
    count = layers_with_weights(engine)
    assert changed(engine, randomised(engine, 1 / count)) == {"heads.head"}
    almost = changed(engine, randomised(engine, 0.7))
    assert "" not in almost
    assert "conv_proj" not in almost
    assert {"conv_proj", "encoder"} <= changed(engine, randomised(engine, 1))


def test_tied_weights_stay_tied() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.a, self.b = nn.Conv2d(3, 5, 3), nn.Linear(5, 5), nn.Linear(5, 5)
            self.b.weight = self.a.weight

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.b(self.a(self.conv(x).mean((2, 3))).relu())

    copy = randomised(engine_of(seeded(Tied)), 1).module
    assert copy.a.weight is copy.b.weight


def test_a_network_on_batch_normalisation_of_torchvision_is_counted_by_its_convolutions() -> None:
    engine = engine_of(seeded(lambda: torchvision.models.resnet18(weights=None)), size=64)
    assert layers_with_weights(engine) == 21


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan"), "half", True, None])
def test_shares_out_of_range(share: object) -> None:
    with pytest.raises(NnvizError, match="from 0 to 1"):
        randomised(engine_of(seeded(Plain)), share)
