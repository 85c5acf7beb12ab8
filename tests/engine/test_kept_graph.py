"""A gradient on a kept graph is that of a fresh one, and no graph outlives what it was made of."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from nnviz_widgets.engine import kept_graph
from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.engine.objectives import Objective, channel, layer_energy, logit, neuron
from nnviz_widgets.errors import NnvizError
from tests.engine.networks import (
    Branches,
    Counting,
    Functional,
    Leaky,
    Plain,
    Raising,
    Reused,
    Writer,
    engine_of,
    picture,
    seeded,
    snapshot,
)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Engine:
    engine = engine_of(seeded(Counting))
    monkeypatch.setattr(Counting, "passes", 0)
    return engine


@pytest.mark.parametrize(
    "make", [Plain, lambda: Plain(True), lambda: Functional(True), Leaky, Branches, Reused, Writer]
)
@pytest.mark.parametrize("rule", ["vanilla", "deconvnet", "guided"])
def test_every_class_equals_a_pass_of_its_own(make: Callable[[], nn.Module], rule: str) -> None:
    engine, x = engine_of(seeded(make)), picture(2)
    for c in (0, 3, 1, 0):
        for objective in (logit(c), logit(c) - 0.5 * logit(4)):
            got = engine.gradient(x, objective, rule=rule)
            assert torch.equal(got, engine.gradient(x, objective, rule=rule, keep=False))
            assert torch.equal(got, engine_of(seeded(make)).gradient(x, objective, rule=rule))


@pytest.mark.parametrize("of", ["conv1", "block.0", "block", "average", "flatten", "fc"])
def test_every_class_at_a_layer(of: str) -> None:
    engine, x = engine_of(seeded(lambda: Plain(True))), picture(2)
    for c in (0, 3, 0):
        assert torch.equal(engine.gradient(x, logit(c), of=of), engine.gradient(x, logit(c), of=of, keep=False))


def test_another_class_takes_no_forward(counted: Engine) -> None:
    x = picture()
    counted.gradient(x, logit(0), of="block")
    assert Counting.passes == 1
    counted.gradient(x, logit(1), of="block")
    counted.gradient(x.clone(), logit(1) - logit(2), of="block")  # an equal picture
    assert Counting.passes == 1
    counted.gradient(x, logit(1), of="conv1", rule="guided")
    counted.gradient(x, logit(1))
    counted.gradient(x + 1, logit(1))
    assert Counting.passes == 4
    counted.gradient(x, logit(2), of="conv1", rule="guided")
    counted.gradient(x, logit(2))
    assert Counting.passes == 4


def test_another_neuron_takes_no_forward(counted: Engine) -> None:
    x = picture()
    for row in range(3):
        counted.gradient(x, neuron("block.0", 2, row, 1))
    counted.gradient(x, channel("block.0", 2))
    assert Counting.passes == 1


def test_the_pass_is_read_for_the_activations_and_logits_too(counted: Engine) -> None:
    x = picture()
    expected = engine_of(seeded(Plain))
    counted.gradient(x, logit(0), of="block.0")
    assert torch.allclose(counted.activations(x, "block.0"), expected.activations(x, "block.0"))
    assert torch.allclose(counted.logits(x), expected.logits(x))
    assert Counting.passes == 1


def test_a_training_step_drops_the_graphs() -> None:
    module, x = seeded(Plain), picture()
    engine = engine_of(module)
    before = engine.gradient(x, logit(1), of="block"), engine.gradient(x, logit(1))
    optimiser = torch.optim.SGD(module.parameters(), 0.5)
    module(x)[0, 1].backward()
    optimiser.step()
    for of, old in zip(("block", "input"), before, strict=True):
        got = engine.gradient(x, logit(1), of=of)
        assert torch.equal(got, engine_of(module).gradient(x, logit(1), of=of))
        assert not torch.equal(got, old)


def test_replaced_weights_and_refresh_drop_the_graphs() -> None:
    module, x = seeded(Plain), picture()
    engine = engine_of(module)
    engine.gradient(x, logit(1))
    module.fc = nn.Linear(8, 5)
    assert torch.equal(engine.gradient(x, logit(1)), engine_of(module).gradient(x, logit(1)))
    module.fc.weight.data.mul_(2)  # leaves no trace
    engine.refresh()
    assert len(engine._graphs) == 0
    assert torch.equal(engine.gradient(x, logit(1)), engine_of(module).gradient(x, logit(1)))


def test_only_the_last_two_pictures_are_kept(counted: Engine) -> None:
    xs = [picture(seed=seed) for seed in range(3)]
    for x in xs:
        counted.gradient(x, logit(0))
        counted.gradient(x, logit(0), of="block")
    assert len(counted._graphs) == 4
    assert Counting.passes == 6
    counted.gradient(xs[1], logit(1))
    assert Counting.passes == 6
    counted.gradient(xs[0], logit(1))
    assert Counting.passes == 7


def test_the_number_and_the_bytes_of_graphs_are_bounded() -> None:
    x = picture()
    engine = engine_of(seeded(Plain))
    for layer in engine.layers.distinct():
        engine.gradient(x, layer_energy("fc"), of=layer)
        assert len(engine._graphs) <= kept_graph.GRAPHS
    small = engine_of(seeded(Plain), cache_bytes=10_000)
    small.gradient(x, logit(1))  # larger than that
    assert len(small._graphs) == 0
    for layer in ("block.0", "block.1", "average", "flatten"):
        small.gradient(x, logit(1), of=layer)
        small.gradient(x, logit(1))
        assert 0 < small._graphs.bytes <= 10_000
    engine.refresh()
    assert engine._graphs.bytes == 0


def test_keep_false_keeps_nothing(counted: Engine) -> None:
    for _ in range(2):
        counted.gradient(picture(), logit(1), keep=False)
    assert len(counted._graphs) == 0
    assert Counting.passes == 2


def test_errors_leave_a_kept_graph_usable() -> None:
    module, x = seeded(Plain), picture()
    engine, before = engine_of(module), snapshot(module)
    expected = engine.gradient(x, logit(1))
    for wrong, code in ((logit(9), "index_range"), (Objective([]), "objective_empty")):
        with pytest.raises(NnvizError) as caught:
            engine.gradient(x, wrong)
        assert caught.value.code == code
    assert torch.equal(engine.gradient(x, logit(1)), expected)
    assert snapshot(module) == before


def test_an_exception_in_the_pass_keeps_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    module = seeded(Raising)
    engine, before = engine_of(module), snapshot(module)
    monkeypatch.setattr(Raising, "error", KeyError("oops"))
    with pytest.raises(NnvizError, match="oops"):
        engine.gradient(picture(), logit(0))
    assert len(engine._graphs) == 0
    monkeypatch.setattr(Raising, "error", None)
    assert engine.gradient(picture(), logit(0)).any()
    assert snapshot(module) == before


class Scratch(nn.Module):
    """Saves a buffer for its backward, and writes over it in the next pass."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 5, 3)
        self.register_buffer("scale", torch.ones(5, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        self.scale.copy_(x.detach().abs().amax((0, 2, 3)).view(5, 1, 1))
        return (x * self.scale).mean((2, 3))


def test_a_network_that_overwrites_what_a_graph_needs_is_run_again() -> None:
    module = seeded(Scratch)
    engine, x, y = engine_of(module), picture(seed=1), picture(seed=2)
    for c in range(3):
        for one in (x, y):
            assert torch.equal(engine.gradient(one, logit(c)), engine_of(module).gradient(one, logit(c)))


def test_memory_is_made_by_dropping_the_graphs(monkeypatch: pytest.MonkeyPatch) -> None:
    engine, x = engine_of(seeded(Raising)), picture()
    engine.gradient(x, logit(0))
    open_graph, kept = engine._passes.open_graph, []

    def full(*arguments: object) -> object:
        kept.append(len(engine._graphs))
        if kept[-1]:
            raise NnvizError("out_of_memory", shape=(1, 3, 16, 16))
        return open_graph(*arguments)

    monkeypatch.setattr(engine._passes, "open_graph", full)
    assert engine.gradient(x + 1, logit(0)).any()
    assert kept == [1, 0]


def test_changed_activations_of_a_caller_do_not_spoil_a_graph() -> None:
    engine, x = engine_of(seeded(Plain)), picture()
    objective = layer_energy("block.1") + logit(0)
    expected = engine.gradient(x, objective, of="block.1").clone()
    engine.gradient(x, objective, of="block.1").zero_()
    assert torch.equal(engine.gradient(x, objective, of="block.1"), expected)


def test_several_threads() -> None:
    engine, xs = engine_of(seeded(Plain)), [picture(seed=seed) for seed in range(3)]
    expected = {(i, c): engine_of(seeded(Plain)).gradient(xs[i], logit(c)) for i in range(3) for c in range(5)}
    wrong: list[tuple[int, int]] = []

    def work(offset: int) -> None:
        for step in range(60):
            i, c = (step + offset) % 3, (step * 7 + offset) % 5
            if not torch.equal(engine.gradient(xs[i], logit(c)), expected[i, c]):
                wrong.append((i, c))

    threads = [threading.Thread(target=work, args=(offset,)) for offset in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_still_looks_at_the_module_once() -> None:
    module, x = seeded(Plain), picture()
    engine = engine_of(module)
    before = engine.logits(x)
    with engine.still():
        with torch.no_grad():
            module.fc.bias += 1
        assert torch.equal(engine.logits(x), before)
    assert torch.allclose(engine.logits(x), before + 1)


def test_value_is_the_objective_of_each_picture() -> None:
    engine, x = engine_of(seeded(Plain)), picture(3)
    logits = engine.logits(x)
    assert torch.allclose(engine.value(x, 2 * logit(1) - logit(0)), 2 * logits[:, 1] - logits[:, 0])
    assert torch.allclose(engine.value(x, channel("block", 2)), engine.activations(x, "block")[:, 2].mean((1, 2)))


def test_value_as_if_a_layer_had_given_something_else() -> None:
    module, x = seeded(lambda: Plain(True)), picture(2)
    engine, before = engine_of(module), snapshot(module)
    maps = engine.activations(x, "pool") * torch.linspace(0, 1, 6).view(6, 1, 1)
    with torch.no_grad():
        expected = module.fc(module.flatten(module.average(module.block(maps.clone()))))
    assert torch.allclose(engine.value(x, logit(2), at="pool", activation=maps), expected[:, 2])
    assert torch.allclose(engine.value(x[:1], logit(2), at="pool", activation=maps), expected[:, 2])  # once up to it
    assert snapshot(module) == before


def test_relus_on_the_way_are_counted() -> None:
    x = picture()
    assert engine_of(seeded(lambda: Functional(True))).relus(x, logit(0)) == 3
    assert engine_of(seeded(Reused)).relus(x, logit(0), rule="deconvnet") == 4
    plain = engine_of(seeded(Plain))
    assert plain.relus(x, logit(0)) == 2
    assert plain.relus(x, logit(0), of="pool") == 1
    assert plain.relus(x, channel("conv1", 0)) == 0
    assert plain.relus(x, logit(0), rule="vanilla") == 0
