"""The maps by rule: what they are, how many passes they cost, and what the sanity check shows."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import nnviz_widgets as nnviz
from nnviz_widgets import methods
from nnviz_widgets.engine import kept_graph, passes
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.methods.integrated_gradients import black
from nnviz_widgets.methods.map_similarity import rank_correlation
from nnviz_widgets.methods.randomise import randomised
from nnviz_widgets.widgets.saliency_redrawn import Redrawn
from tests.widgets.conftest import engine_of, status_of

PICTURE = np.random.default_rng(3).random((20, 24, 3)).astype(np.float32)
RULES = ("vanilla", "deconvnet", "guided")


@pytest.fixture
def saliency(engine, opened):
    return opened(nnviz.Saliency(engine, PICTURE, target=1, layer="conv2"))


@pytest.fixture
def forwards(monkeypatch):
    """How many passes go through a network, whatever for."""
    made = []
    read = passes.read

    def counted(*arguments, **options):
        made.append(arguments)
        return read(*arguments, **options)

    monkeypatch.setattr(passes, "read", counted)
    return made


def shown(widget):
    widget.compute()
    return widget._shown[1]


def test_another_class_costs_a_backward_and_no_forward(saliency, forwards):
    saliency.compute()
    forwards.clear()
    for change in ({"target": 3}, {"target": 0, "against": 2}, {"against": None}, {"clip": 95.0}):
        for name, value in change.items():
            setattr(saliency, name, value)
        saliency.compute()
    assert forwards == []


def test_another_neuron_of_the_layer_costs_no_forward(saliency, forwards):
    saliency.of = "neuron"
    saliency.compute()
    forwards.clear()
    saliency.unit, saliency.channel = (1, 2), 5
    saliency.compute()
    assert forwards == []


def test_overridden_relus_are_counted_without_a_pass_of_their_own(engine, saliency, forwards):
    saliency.compute()
    made = len(forwards)
    counts = {rule: each.relus for rule, each in saliency._shown[1].maps.items()}
    assert counts == {"vanilla": 0, "deconvnet": 2, "guided": 2}
    assert engine.relus(engine.prepare(PICTURE), nnviz.logit(1), rule="guided") == 2
    assert len(forwards) == made
    saliency.of = "neuron"  # of conv2, behind one ReLU
    assert {each.relus for each in shown(saliency).maps.values()} == {0, 1}


def test_the_count_is_in_the_caption_of_the_rules_that_override(saliency):
    saliency.compute()
    captions = {rule: saliency._frames[rule].caption.value for rule in RULES}
    assert "ReLUs overridden" not in captions["vanilla"]
    for rule in ("deconvnet", "guided"):
        assert "ReLUs overridden: 2" in captions[rule]


def test_a_difference_of_classes(engine, saliency):
    saliency.against = "three"
    assert saliency.against == 2
    expected = methods.saliency(engine, engine.prepare(PICTURE), nnviz.logit(1) - nnviz.logit(2))
    assert torch.equal(saliency.compute()["vanilla"], expected)
    assert "two" in saliency._frames["photo"].caption.value
    assert "− three" in saliency._frames["photo"].caption.value
    assert "d difference / d pixel" in saliency._frames["vanilla"].caption.value


def test_a_class_minus_itself_is_told_and_the_last_picture_stays(saliency):
    before = saliency.compute()
    saliency.against = 1
    with pytest.raises(NnvizError, match="minus itself"):
        saliency.compute()
    assert saliency.result is not None
    assert torch.equal(saliency.result["guided"], before["guided"])
    assert "minus itself" in status_of(saliency)


def test_integrated_gradients_from_a_baseline(engine, saliency):
    x = engine.prepare(PICTURE)
    saliency.integrated, saliency.view = 5, "signed"
    expected = methods.saliency(engine, x, nnviz.logit(1), integrated=5)
    assert torch.allclose(saliency.compute()["vanilla"], expected)
    saliency.baseline = "white"
    assert not torch.allclose(saliency.compute()["vanilla"], expected)
    assert "share of the logit" in saliency._frames["vanilla"].caption.value
    gain = float((engine.logits(x) - engine.logits(black(engine, x)))[0, 1])
    saliency.integrated, saliency.baseline = 64, "black"
    assert float(saliency.compute()["vanilla"].sum()) == pytest.approx(gain, rel=0.05, abs=0.01)


def test_smoothgrad_and_integrated_gradients_exclude_each_other(saliency):
    saliency.smooth = 3
    saliency.integrated = 4
    assert (saliency.smooth, saliency.integrated) == (0, 4)
    saliency.smooth = 2
    assert (saliency.smooth, saliency.integrated) == (2, 0)
    saliency.compute()


def test_noise_of_smoothgrad(engine, saliency):
    saliency.rules, saliency.smooth, saliency.noise = ("vanilla",), 4, 0.5
    expected = methods.saliency(engine, engine.prepare(PICTURE), nnviz.logit(1), smooth=4, noise=0.5)
    assert torch.equal(saliency.compute()["vanilla"], expected)


# The sanity check


def test_with_weights_drawn_anew_the_maps_are_that_networks(engine, saliency):
    trained = saliency.compute()
    saliency.randomised = 2
    found = saliency.compute()
    other, x = randomised(engine, 2 / 3), engine.prepare(PICTURE)
    for rule in RULES:
        assert torch.allclose(found[rule], methods.saliency(other, x, nnviz.logit(1), rule=rule))
        similarity = saliency._shown[1].maps[rule].similarity
        alike = rank_correlation(trained[rule].abs().amax(1), found[rule].abs().amax(1))
        assert similarity == pytest.approx(alike)
        caption = saliency._frames[rule].caption.value
        assert f"rank correlation with the trained network: {alike:.2f}".replace("-", "−") in caption
        assert "last 2 drawn anew" in saliency._frames[rule].title.value
    saliency.randomised = 0
    assert all(torch.equal(saliency.compute()[rule], trained[rule]) for rule in RULES)
    assert saliency._shown[1].maps["guided"].similarity is None


def test_a_turn_of_the_worker_is_short_with_weights_drawn_anew_too(saliency, monkeypatch):
    """Else a cancel would wait for all noisy copies of the trained network."""
    monkeypatch.setattr("nnviz_widgets.methods.batches.CPU_BATCH", 2)
    saliency.rules, saliency.randomised, saliency.smooth = ("guided",), 1, 8
    state = saliency._snapshot()
    steps = [step for step in saliency._steps(state) if hasattr(step, "done")]
    assert [step.done for step in steps] == [0.25, 0.5, 0.75, 1.0]
    first, last = (step.value.maps["guided"].similarity for step in (steps[0], steps[-1]))
    assert first != last
    assert -1 <= last <= 1


def test_layers_above_a_neuron_do_not_count(saliency):
    saliency.of, saliency.randomised = "neuron", 1  # the head alone
    assert all(each.similarity == pytest.approx(1) for each in shown(saliency).maps.values())
    assert "lie above" in saliency._frames["guided"].caption.value


def test_guided_maps_of_a_trained_network_hardly_change(opened):
    """The lesson of the paper, on the network that ships with the package."""
    saliency = opened(nnviz.Saliency(nnviz.load("cifar_net"), "cat", randomised=2))
    found = {rule: each.similarity for rule, each in shown(saliency).maps.items()}
    assert found["guided"] > 0.9
    assert found["vanilla"] < 0.5


def test_the_slider_names_the_layer_reached(saliency):
    labels = [label for label, _ in saliency._controls["randomised"].options]
    assert labels == ["trained network", "last 1, down to fc", "last 2, down to conv2", "last 3, down to conv1"]


@pytest.mark.parametrize("count", [-1, 4])
def test_more_layers_than_there_are(saliency, count):
    with pytest.raises(NnvizError, match="3 layers with weights"):
        saliency.randomised = count
    assert saliency.randomised == 0


def test_the_module_and_the_random_state_are_as_before(engine, saliency):
    before = {name: tensor.clone() for name, tensor in engine.module.state_dict().items()}
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    saliency.randomised, saliency.smooth = 3, 2
    saliency.compute()
    assert torch.equal(torch.rand(1), expected)
    assert all(torch.equal(tensor, before[name]) for name, tensor in engine.module.state_dict().items())


def test_one_copy_serves_all_and_follows_the_network(engine):
    def fresh(count):
        return randomised(engine, count / 3).module.state_dict()

    redrawn = Redrawn(engine)
    copy = redrawn.network(1)
    for count in (1, 3, 2, 2):
        assert redrawn.network(count) is copy
        assert all(torch.equal(tensor, fresh(count)[name]) for name, tensor in copy.module.state_dict().items())
    x = engine.prepare(PICTURE)
    before = copy.logits(x)
    with torch.no_grad():
        engine.module.conv1.weight.mul_(2)  # training goes on in the layers that are left
    assert torch.equal(redrawn.network(2).module.conv1.weight, engine.module.conv1.weight)
    assert not torch.equal(copy.logits(x), before)
    engine.module.conv1 = nn.Conv2d(3, 6, 3, padding=1)
    assert redrawn.network(2) is not copy
    redrawn.forget()
    assert redrawn.network(1).module is not engine.module


# What cannot be shown


def test_a_dead_neuron_is_refused_by_the_rules_that_have_no_gradient(opened):
    engine = engine_of(lambda: Dead())
    saliency = opened(nnviz.Saliency(engine, PICTURE, of="neuron", layer="relu1", channel=0, unit=(3, 4)))
    found = shown(saliency)
    assert list(found.maps) == ["deconvnet"]  # which looks at no mask
    for rule in ("vanilla", "guided"):
        assert found.refused[rule].code == "channel_off"
        assert "channel 0" in saliency._frames[rule].caption.value.lower()
        assert saliency._frames[rule].picture.layout.display == "none"
    assert "nnviz-error" not in status_of(saliency)
    saliency.of, saliency.target = "class", 1
    assert list(shown(saliency).maps) == list(RULES)
    assert saliency._frames["vanilla"].picture.layout.display is None


def test_where_no_rule_has_a_map_the_last_picture_stays(opened):
    engine = engine_of(lambda: Dead())
    saliency = opened(nnviz.Saliency(engine, PICTURE, target=1, layer="relu1", channel=0, rules=("vanilla", "guided")))
    before = saliency.compute()
    picture = saliency._surface.picture("guided").copy()
    saliency.of = "neuron"
    with pytest.raises(NnvizError, match="nothing flows back"):
        saliency.compute()
    assert "nothing flows back" in status_of(saliency)
    assert saliency.result is not None
    assert all(torch.equal(saliency.result[rule], before[rule]) for rule in ("vanilla", "guided"))
    assert np.array_equal(saliency._surface.picture("guided"), picture)


def test_an_objective_that_no_pixel_reaches(opened):
    class Constant(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.fc = nn.Conv2d(3, 4, 3), nn.Linear(4, 5)

        def forward(self, x):
            return self.fc(self.conv(x).mean((2, 3)).detach())

    saliency = opened(nnviz.Saliency(engine_of(Constant), PICTURE, target=1))
    with pytest.raises(NnvizError) as caught:
        saliency.compute()
    assert caught.value.code in ("gradient_none", "gradient_zero")
    assert "nnviz-error" in status_of(saliency)


def test_out_of_memory_is_one_line(saliency, monkeypatch):
    saliency.compute()

    def full(*_arguments, **_options):
        raise torch.OutOfMemoryError("full")

    monkeypatch.setattr(torch.autograd, "grad", full)
    saliency.target = 3
    with pytest.raises(NnvizError, match="memory"):
        saliency.compute()
    assert "memory" in status_of(saliency)


class Dead(nn.Module):
    """A first channel that is 0 everywhere behind its ReLU."""

    def __init__(self):
        super().__init__()
        self.conv1, self.relu1, self.fc = nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.Linear(6, 5)
        with torch.no_grad():
            self.conv1.bias[0] = -1e3

    def forward(self, x):
        return self.fc(self.relu1(self.conv1(x)).mean((2, 3)))


def test_a_kept_graph_is_asked_by_all_that_tells_it_from_others():
    graphs = kept_graph.KeptGraphs(2**20, lambda *_: None)
    assert graphs.relus(kept_graph.GraphKey(b"", None, "guided", ())) is None
