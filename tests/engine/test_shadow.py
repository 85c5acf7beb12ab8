"""The user's module is never touched, and what happens to it shows through at once."""

from __future__ import annotations

import copy
import threading
import warnings
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from nnviz_widgets.engine.objectives import channel, logit
from nnviz_widgets.errors import NnvizError
from tests.engine.networks import (
    Branches,
    Drawing,
    Functional,
    Leaky,
    Normed,
    Plain,
    Raising,
    Reused,
    Tuples,
    Writer,
    engine_of,
    picture,
    seeded,
    snapshot,
)

NETWORKS = [Plain, lambda: Plain(inplace=True), lambda: Functional(inplace=True), Reused, Branches, Leaky]
NETWORKS += [Tuples, Normed, Writer, Drawing]


def use(module: nn.Module, **options: object) -> None:
    """Everything that an engine does."""
    engine, x = engine_of(module, **options), picture(2)
    engine.read_ahead(x)
    for layer in engine.layers:
        engine.activations(x, layer)
    engine.logits(x)
    engine.top(x)
    engine.gradient(x, logit(1))
    engine.gradient(x, logit(1) - 0.5 * logit(0), of=engine.layers[0])
    engine.refresh()


@pytest.mark.parametrize("make", NETWORKS)
@pytest.mark.parametrize("training", [False, True])
def test_the_module_is_never_touched(make: Callable[[], nn.Module], training: bool) -> None:
    module = seeded(make).train(training)
    next(module.children()).train(not training)
    for index, parameter in enumerate(module.parameters()):
        parameter.requires_grad_(index % 2 == 0)
        if index % 3 == 0:
            parameter.grad = torch.ones_like(parameter)
    before = snapshot(module)
    use(module)
    assert snapshot(module) == before


def test_hooks_of_the_user_stay_and_are_not_called() -> None:
    module, calls = seeded(Plain), []
    for part in module.modules():
        part.register_forward_hook(lambda *a: calls.append("forward"))
        part.register_forward_hook(lambda *a, **k: calls.append("kwargs"), with_kwargs=True, always_call=True)
        part.register_forward_pre_hook(lambda *a: calls.append("before"))
        part.register_full_backward_hook(lambda *a: calls.append("backward"))
    before = snapshot(module)
    use(module)
    assert calls == []
    assert snapshot(module) == before
    module(picture())
    assert set(calls) == {"forward", "kwargs", "before"}


def test_a_hook_that_raises_stands_in_nobodys_way() -> None:
    module = seeded(Plain)
    module.conv1.register_forward_hook(lambda *a: 1 / 0)
    before = snapshot(module)
    use(module)
    assert snapshot(module) == before


def test_what_a_users_hook_kept_with_its_graph_is_no_hindrance() -> None:
    module = seeded(Plain)
    module.seen = {"conv1": []}
    module.conv1.register_forward_hook(lambda _m, _i, out: module.seen["conv1"].append(out))
    module(picture())
    before = snapshot(module)
    use(module)
    assert snapshot(module) == before
    assert len(module.seen["conv1"]) == 1
    assert module.seen["conv1"][0].requires_grad


@pytest.mark.parametrize(
    "error", [RuntimeError("no"), KeyboardInterrupt(), GeneratorExit(), torch.OutOfMemoryError("no")]
)
def test_exceptions_in_the_middle_leave_everything_as_it_was(error: BaseException) -> None:
    module, x = seeded(lambda: Raising(inplace=True)), picture()
    engine = engine_of(module)
    before, logits = snapshot(module), engine.logits(x)
    y = picture(seed=2)
    Raising.error = error
    expected = NnvizError if isinstance(error, Exception) else type(error)
    try:
        for call in (
            lambda: engine.logits(y),
            lambda: engine.activations(y, "fc"),
            lambda: engine.read_ahead(y),
            lambda: engine.gradient(y, logit(0)),
            lambda: engine.gradient(y, logit(0), of="conv1"),
            engine.refresh,
            lambda: engine_of(module),
        ):
            with pytest.raises(expected):
                call()
    finally:
        Raising.error = None
    assert snapshot(module) == before
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in engine._passes.shadow.module.modules())
    assert torch.equal(engine.logits(x), logits)
    assert torch.equal(engine.logits(y), module(y).detach())
    assert torch.equal(engine.activations(y, "conv1"), module.conv1(y).detach())


def test_random_numbers_are_the_same_each_time_and_nobody_elses() -> None:
    module, x = seeded(Drawing), picture()
    engine = engine_of(module)
    first = engine.logits(x)
    state = torch.get_rng_state()
    engine.refresh()
    assert torch.equal(engine.logits(x), first)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_network_that_begins_to_draw_is_noticed() -> None:
    module = seeded(Plain)
    engine = engine_of(module)
    engine.logits(picture())
    torch.manual_seed(3)
    state = torch.get_rng_state()
    module.pool = _Noise()
    engine.logits(picture())
    engine.logits(picture(seed=2))
    assert torch.equal(torch.get_rng_state(), state)


class _Noise(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + torch.randn_like(x)


def step(module: nn.Module) -> None:
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    module(picture(4)).square().sum().backward()
    optimizer.step()


def load(module: nn.Module) -> None:
    module.load_state_dict(seeded(Plain, 5).state_dict())


def assign(module: nn.Module) -> None:
    module.load_state_dict(seeded(Plain, 5).state_dict(), assign=True)


def replace_parameter(module: nn.Module) -> None:
    module.fc.bias = nn.Parameter(torch.arange(5.0))


def replace_data(module: nn.Module) -> None:
    module.fc.bias.data = torch.arange(5.0)


def replace_submodule(module: nn.Module) -> None:
    module.act1 = nn.Tanh()


def insert_submodule(module: nn.Module) -> None:
    module.block.append(nn.Sigmoid())


def write_buffer(module: nn.Module) -> None:
    module.bn1.running_mean += 1


def normalise_in_training(module: nn.Module) -> None:
    module.train()(picture(4))
    module.eval()


def double(module: nn.Module) -> None:
    module.double()


CHANGES = [step, load, assign, replace_parameter, replace_data, replace_submodule, insert_submodule, write_buffer]
CHANGES += [normalise_in_training, double]


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_shows_at_once(change: Callable[[nn.Module], None]) -> None:
    module, x = seeded(lambda: Plain(inplace=True)), picture(2)
    engine = engine_of(module)
    engine.read_ahead(x)
    old = engine.logits(x), engine.activations(x, "block"), engine.gradient(x, logit(2))
    change(module)
    module.eval()
    assert not torch.equal(engine.logits(x).float(), old[0])
    with torch.no_grad():
        assert torch.equal(engine.logits(x), module(x.to(module.fc.weight.dtype)))
    leaf = x.to(module.fc.weight.dtype).requires_grad_()
    module(leaf)[:, 2].sum().backward()
    assert torch.allclose(engine.gradient(x, logit(2)), leaf.grad)
    engine.activations(x, engine.layers[-1])


def test_one_activation_after_another_is_noticed_whatever_address_it_gets() -> None:
    module, x = seeded(Plain), picture()
    engine = engine_of(module)
    for _ in range(5):
        for make in (nn.Tanh, nn.Sigmoid, nn.ReLU, nn.Identity):
            module.act1 = nn.Softplus()  # frees the address of the one before
            module.act1 = make()
            assert torch.equal(engine.logits(x), module(x).detach())


def test_writes_without_a_trace_show_after_refresh() -> None:
    module, x = seeded(Plain), picture()
    engine = engine_of(module)
    engine.logits(x)
    module.fc.weight.data.add_(1)
    module.bn1.eps = 0.5
    module.bn1.running_var.data.add_(1)
    engine.refresh()
    assert torch.equal(engine.logits(x), module(x).detach())


def test_a_network_that_broke_recovers_when_it_is_mended() -> None:
    module, x = seeded(Plain), picture()
    engine = engine_of(module)
    good = engine.logits(x)
    head = module.fc
    module.fc = nn.Linear(3, 5)
    for _ in range(2):
        with pytest.raises(NnvizError, match="The network raised an error"):
            engine.logits(x)
    module.fc = head
    assert torch.equal(engine.logits(x), good)


def test_an_interrupted_look_at_a_changed_network_is_taken_up_again() -> None:
    module, x = seeded(Raising), picture()
    engine = engine_of(module)
    module.act1 = nn.Sequential(nn.Tanh())
    Raising.error = KeyboardInterrupt()
    try:
        with pytest.raises(KeyboardInterrupt):
            engine.layers  # noqa: B018
    finally:
        Raising.error = None
    assert "act1.0" in engine.layers
    assert torch.equal(engine.activations(x, "act1.0"), module.bn1(module.conv1(x)).tanh().detach())


def test_another_number_of_classes_renumbers_them() -> None:
    module, x = seeded(Plain), picture()
    engine, named = engine_of(module), engine_of(module, labels=list("abcde"))
    module.fc = nn.Linear(8, 7)
    assert engine.logits(x).shape == (1, 7)
    assert engine.labels == tuple("0123456")
    for _ in range(2):
        with pytest.raises(NnvizError, match="5 labels for 7 outputs"):
            named.logits(x)


def test_weights_are_shared_and_not_copied() -> None:
    module = seeded(Plain)
    engine = engine_of(module, device="cpu")
    theirs = [p.data_ptr() for p in module.parameters()]
    assert [p.data_ptr() for p in engine._passes.shadow.module.parameters()] == theirs
    assert not any(p.requires_grad for p in engine._passes.shadow.module.parameters())
    assert not any(part.training for part in engine._passes.shadow.module.modules())


def test_tied_weights_stay_tied() -> None:
    module = seeded(lambda: nn.Sequential(nn.Conv2d(3, 3, 3), nn.Conv2d(3, 3, 3), nn.Flatten(), nn.LazyLinear(2)))
    module(picture())
    module[1].weight = module[0].weight
    engine, x = engine_of(module), picture()
    with torch.no_grad():
        module[0].weight.mul_(2)
    assert torch.equal(engine.logits(x), module(x).detach())


def test_norms_of_torch_still_normalise() -> None:
    module, x = seeded(Normed), picture()
    engine = engine_of(module)
    assert torch.equal(engine.logits(x), module(x).detach())
    for parameter in module.parameters():
        with torch.no_grad():
            parameter.mul_(1.5)
    assert torch.allclose(engine.logits(x), module(x).detach())


def test_a_wrapped_network_is_unwrapped() -> None:
    module, x = seeded(Plain), picture()
    engine = engine_of(nn.DataParallel(module))
    assert engine.module is module
    assert torch.equal(engine.logits(x), module(x).detach())


def test_made_in_inference_mode_or_of_inference_tensors() -> None:
    x = picture()
    expected = seeded(Plain)(x).detach()
    with torch.inference_mode():
        module = seeded(Plain)  # its parameters are inference tensors
        inside = engine_of(module)
    outside = seeded(Plain)
    with torch.inference_mode():
        second = engine_of(outside)
        outside.fc.bias = nn.Parameter(outside.fc.bias.clone())
        assert torch.equal(second.logits(x), expected)
    for engine in (inside, second):
        assert torch.equal(engine.logits(x), expected)
        assert engine.gradient(x, logit(1)).abs().sum() > 0


def train(module: nn.Module, steps: int) -> list[float]:
    optimizer = torch.optim.SGD(module.parameters(), lr=0.05, momentum=0.9)
    generator, losses = torch.Generator().manual_seed(0), []
    module.train()
    for _ in range(steps):
        x, y = torch.randn(8, 3, 16, 16, generator=generator), torch.randint(0, 5, (8,), generator=generator)
        loss = nn.functional.cross_entropy(module(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def test_a_training_loop_and_an_engine_do_not_disturb_each_other() -> None:
    class Trained(Plain):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(nn.functional.dropout(x, 0.1, self.training))

    module = seeded(lambda: Trained(inplace=True))
    twin = copy.deepcopy(module)
    torch.manual_seed(7)
    expected = train(twin, 25)
    engine, losses, errors, rounds = engine_of(module), [], [], 0
    torch.manual_seed(7)
    thread = threading.Thread(target=lambda: losses.extend(train(module, 25)))

    def look() -> None:
        nonlocal rounds
        try:
            while thread.is_alive() or rounds < 3:
                x = picture(seed=rounds % 3)
                assert engine.logits(x).shape == (1, 5)
                assert engine.activations(x, "block.0").shape == (1, 8, 3, 3)
                assert engine.gradient(x, channel("block.1", 2)).shape == x.shape
                assert engine.gradient(x, logit(1), of="act1").shape == (1, 6, 16, 16)
                rounds += 1
        except BaseException as error:
            errors.append(error)

    looker = threading.Thread(target=look)
    thread.start()
    looker.start()
    thread.join()
    looker.join()
    assert errors == []
    assert losses == expected
    for ours, theirs in zip(module.state_dict().values(), twin.state_dict().values(), strict=True):
        assert torch.equal(ours, theirs)
    module.eval()
    assert torch.equal(engine.logits(picture()), module(picture()).detach())


@pytest.mark.parametrize("scalar", [True, False])
def test_what_cannot_be_looked_into_says_why(scalar: bool) -> None:
    options = {"mean": 0.5, "std": 0.5} if scalar else {}

    class Locked(Plain):
        def __init__(self) -> None:
            super().__init__()
            self.lock = threading.Lock()

    lazy = [nn.Sequential(nn.LazyConv2d(4, 3), nn.Flatten(), nn.LazyLinear(3))]
    lazy.append(nn.Sequential(nn.Conv2d(3, 4, 3), nn.LazyBatchNorm2d(affine=False)))
    for module, code in [
        (Locked(), "module_copy"),
        (_scripted(), "module_scripted"),
        (seeded(Plain).to("meta"), "module_copy"),
        *((module, "module_lazy") for module in lazy),
        ("vgg16", "module_type"),
        (Plain, "module_type"),
        (None, "module_type"),
    ]:
        with pytest.raises(NnvizError) as caught:
            engine_of(module, **options)
        assert caught.value.code == code
        assert "\n" not in str(caught.value)


def _scripted() -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.jit is deprecated; people have such modules all the same
        return torch.jit.trace(nn.Sequential(nn.Conv2d(3, 4, 3)), picture())
