"""Training against torch's own optimiser in a plain loop, seeds and pauses, what stays as it was, and bad input."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.images.image_set import ImageSet
from nnviz_widgets.methods import train
from nnviz_widgets.methods import train_pictures as train_pictures_module
from nnviz_widgets.methods.train_pictures import split
from tests.engine.networks import Plain, seeded

INPUT = {"mean": 0.5, "std": 0.5, "size": 8}


class Small(nn.Module):
    """With all that draws, counts and freezes: dropout, a normalisation, a frozen layer, an unused one."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.drop = nn.Dropout(0.3)
        self.fc = nn.Linear(4 * 16, 3)
        self.unused = nn.Linear(2, 2)

    def forward(self, x):
        return self.fc(self.drop(F.max_pool2d(F.relu(self.norm(self.conv(x))), 2)).flatten(1))


def plain():
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 3))


def stripes(count=30, classes=3, seed=0):
    """Pictures that can be told apart: a bright row, where it is is the class."""
    pixels = np.random.default_rng(seed).integers(0, 90, (count, 8, 8), dtype=np.uint8)
    labels = [i % classes for i in range(count)]
    for picture, label in zip(pixels, labels, strict=True):
        picture[2 * label + 1] = 250
    return ImageSet(pixels, labels=labels, name="stripes")


def weights_of(module):
    return {name: value.clone() for name, value in module.state_dict().items()}


def same(first, second):
    return all(torch.equal(first[name], second[name]) for name in first)


def inputs(image_set, numbers):
    """As the engine prepares them, by hand: in 0..1, minus a half, times two."""
    pixels = np.stack([image_set[i] for i in numbers])[:, None]
    return (torch.from_numpy(pixels).float() / 255 - 0.5) / 0.5


def order_of(image_set, epoch, seed, test_share=0.2):
    """The order of the pictures of an epoch, as the seeds say it."""
    numbers = split(image_set, test_share, seed).train
    shuffled = torch.randperm(
        len(numbers), generator=torch.Generator().manual_seed(seed * 1_000_003 + epoch + 1)
    ).tolist()
    return [numbers[i] for i in shuffled]


@pytest.mark.parametrize("weight_decay", [0.0, 0.01])
def test_steps_equal_those_of_torchs_optimiser_bit_for_bit(weight_decay):
    images, ours, theirs = stripes(), seeded(plain), seeded(plain)
    optimiser = torch.optim.SGD(theirs.parameters(), lr=0.1, momentum=0.9, weight_decay=weight_decay)
    steps = train(ours, images, **INPUT, batch=8, epochs=2, learning_rate=0.1, weight_decay=weight_decay, seed=3)
    beginning = next(steps)
    assert (beginning.step, beginning.epoch, math.isnan(beginning.loss)) == (0, 0.0, True)
    done = []
    for epoch in range(2):
        order = order_of(images, epoch, 3)
        for start in range(0, 24, 8):
            numbers = order[start : start + 8]
            y = torch.tensor([images.labels[i] for i in numbers])
            logits = theirs(inputs(images, numbers))
            loss = F.cross_entropy(logits, y)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            done.append(next(steps))
            assert done[-1].loss == loss.item()
            assert done[-1].accuracy == pytest.approx((logits.argmax(1) == y).float().mean().item())
            assert same(weights_of(ours), weights_of(theirs))
    assert [step.step for step in done] == [1, 2, 3, 4, 5, 6]
    assert [step.epoch for step in done[2::3]] == [1, 2]
    assert next(steps, None) is None


def test_training_mode_draws_and_counts_as_a_plain_loop_does():
    """Dropout's draws depend on seed and step; a normalisation counts; a layer that is not used stays."""
    images, ours, theirs = stripes(), seeded(Small), seeded(Small).train()
    optimiser = torch.optim.SGD(theirs.parameters(), lr=0.05, momentum=0.9)
    steps = train(ours, images, **INPUT, batch=12, epochs=1, test_share=0.2, seed=1)
    next(steps)
    order = order_of(images, 0, 1)
    for place, step in enumerate(steps):
        numbers = order[12 * place : 12 * place + 12]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1 * 1_000_003 + step.step)
            loss = F.cross_entropy(theirs(inputs(images, numbers)), torch.tensor([images.labels[i] for i in numbers]))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        assert same(weights_of(ours), weights_of(theirs))
    assert int(ours.norm.num_batches_tracked) == 2


def test_it_learns_and_says_how_well():
    images, net = stripes(90), seeded(plain)
    last = [*train(net, images, **INPUT, batch=12, epochs=20, learning_rate=0.1)][-1]
    held = split(images, 0.2, 0).test
    assert len(held) == 18
    with torch.no_grad():
        right = net(inputs(images, held)).argmax(1) == torch.tensor([images.labels[i] for i in held])
    assert last.test_accuracy == right.float().mean().item() > 0.9
    assert last.loss < 0.3


def test_the_surest_wrong_picture_is_named():
    images, net = stripes(), seeded(plain)
    step = next(train(net, images, **INPUT, test_share=0.5))
    held = split(images, 0.5, 0).test
    chances = net(inputs(images, held)).softmax(1).detach()
    wrong = [(float(p.max()), i) for p, i in zip(chances, held, strict=True) if int(p.argmax()) != images.labels[i]]
    probability, number = max(wrong)
    assert (step.wrong.index, step.wrong.true) == (number, images.labels[number])
    assert step.wrong.predicted == int(net(inputs(images, [number])).argmax()) != step.wrong.true
    assert step.wrong.probability == pytest.approx(probability, rel=1e-5)
    assert step.test_accuracy == pytest.approx(1 - len(wrong) / len(held))


def test_nothing_is_wrong_where_all_is_right_and_nothing_is_measured_without_pictures():
    images, net = stripes(60), seeded(plain)
    last = [*train(net, images, **INPUT, batch=12, epochs=40, learning_rate=0.1)][-1]
    assert (last.test_accuracy, last.wrong) == (1.0, None)
    step = next(train(net, images, **INPUT, test_share=0))
    assert (step.test_accuracy, step.wrong) == (None, None)


def run(net, images, **options):
    return [*train(net, images, **{**INPUT, "batch": 8, "epochs": 2, **options})]


def test_the_same_seed_gives_the_same_weights_and_another_gives_others():
    images, first, second, other = stripes(), seeded(Small), seeded(Small), seeded(Small)
    torch.manual_seed(5)
    losses = [[step.loss for step in run(first, images, seed=1)][1:]]
    torch.manual_seed(6)
    losses.append([step.loss for step in run(second, images, seed=1)][1:])
    run(other, images, seed=2)
    assert losses[0] == losses[1]
    assert same(weights_of(first), weights_of(second))
    assert not same(weights_of(first), weights_of(other))


@pytest.mark.parametrize("pause", [0, 1, 3, 4])
def test_a_pause_changes_nothing(pause):
    images, whole, parts = stripes(), seeded(Small), seeded(Small)
    expected = run(whole, images)
    steps = train(parts, images, **INPUT, batch=8, epochs=2)
    state = [next(steps) for _ in range(pause + 1)][-1].state
    steps.close()
    rest = run(parts, images, start=state)
    assert [step.loss for step in rest[-2:]] == [step.loss for step in expected[-2:]]
    assert rest[-1].step == expected[-1].step
    assert same(weights_of(parts), weights_of(whole))


def test_knobs_steer():
    images, ours, theirs = stripes(), seeded(plain), seeded(plain)
    knobs = {}
    steps = train(ours, images, **INPUT, batch=8, knobs=lambda: knobs)
    for _ in range(2):
        step = next(steps)
    before = weights_of(ours)
    knobs["learning_rate"] = 0.0
    step = next(steps)
    assert step.rates.learning_rate == 0
    assert same(weights_of(ours), before)
    knobs.update(learning_rate=0.5, weight_decay=0.25)
    assert next(steps).rates.weight_decay == 0.25
    assert not same(weights_of(ours), before)
    first = [next(steps) for steps in [train(theirs, images, **INPUT, batch=8)] for _ in range(2)]
    assert first[-1].loss == run(seeded(plain), images)[1].loss
    knobs["speed"] = 1
    with pytest.raises(NnvizError, match="speed"):
        next(steps)


def test_modes_gradients_and_random_state_are_left_alone():
    images, net = stripes(), seeded(Small)
    net.fc.weight.grad = torch.ones_like(net.fc.weight)
    net.conv.bias.requires_grad_(False)
    net.norm.train()  # the whole is in evaluation mode, but for a part
    hooked = []
    net.fc.register_forward_hook(lambda *_: hooked.append((net.training, net.norm.training)))
    before, frozen, modes = torch.get_rng_state(), net.conv.bias.clone(), [part.training for part in net.modules()]
    for _ in train(net, images, **INPUT, batch=8, epochs=1):
        assert [part.training for part in net.modules()] == modes
        assert torch.equal(torch.get_rng_state(), before)
        assert torch.equal(net.fc.weight.grad, torch.ones_like(net.fc.weight))
    assert hooked == [(False, False), *[(True, True)] * 3, (False, False)]
    assert torch.equal(net.conv.bias, frozen)
    assert not net.conv.bias.requires_grad
    assert net.conv.weight.grad is None


def test_a_module_in_training_mode_keeps_the_modes_of_its_parts():
    images, net = stripes(), seeded(Small).train()
    net.norm.eval()
    run(net, images, epochs=1)
    assert (net.training, net.norm.training, int(net.norm.num_batches_tracked)) == (True, False, 0)


def test_it_trains_wherever_the_caller_has_switched_gradients_off():
    net, expected, images = seeded(plain), seeded(plain), stripes()
    run(expected, images)
    with torch.no_grad():
        run(net, images)
    assert same(weights_of(net), weights_of(expected))


def test_pictures_are_decoded_once_or_streamed_with_the_same_result(monkeypatch):
    class Counting(ImageSet):
        opened = 0

        def __getitem__(self, index):
            Counting.opened += 1
            return super().__getitem__(index)

    pixels = [stripes()[i] for i in range(30)]
    images = Counting(np.stack(pixels), labels=[i % 3 for i in range(30)])
    kept, streamed = seeded(plain), seeded(plain)
    run(kept, images, epochs=4)
    assert Counting.opened == 30
    monkeypatch.setattr(train_pictures_module, "MEMORY", 0)
    run(streamed, images, epochs=4)
    assert Counting.opened > 100
    assert same(weights_of(kept), weights_of(streamed))


def test_few_pictures_and_a_large_batch():
    net = seeded(plain)
    steps = run(net, stripes(5), batch=100, epochs=3)
    assert [step.step for step in steps] == [0, 1, 2, 3]


def test_pictures_left_over_and_unlabelled_ones_wait():
    images = stripes(30)
    some = ImageSet(np.stack([images[i] for i in range(30)]), labels=[None, *[i % 3 for i in range(1, 30)]])
    parts = split(some, 0.2, 0)
    assert sorted([*parts.train, *parts.test]) == list(range(1, 30))
    assert [step.step for step in run(seeded(plain), some, epochs=1)] == [0, 1, 2]  # 23 pictures, 8 a step


def test_broken_pictures_are_told_and_passed_over(tmp_path):
    from PIL import Image

    for i in range(12):
        path = tmp_path / "ab"[i % 2] / f"{i}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(stripes(12)[i]).save(path)
    (tmp_path / "a" / "0.png").write_bytes(b"no picture")
    steps = run(seeded(plain), ImageSet(tmp_path), batch=3, epochs=2, test_share=0)
    for epoch in (steps[1:5], steps[5:]):
        assert [broken.id for step in epoch for broken in step.broken] == ["a/0.png"]
    for i in range(12):
        (tmp_path / "ab"[i % 2] / f"{i}.png").write_bytes(b"no picture")
    with pytest.raises(NnvizError) as caught:
        run(seeded(plain), ImageSet(tmp_path))
    assert caught.value.code == "set_unreadable"


def test_a_training_that_diverges_keeps_the_last_finite_weights():
    images, net = stripes(), seeded(Small)
    steps = train(net, images, **INPUT, batch=8, epochs=50, learning_rate=1e38)
    before, velocity = [weights_of(net)], []

    def go_on():
        for step in steps:
            before.append(weights_of(net))
            velocity[:] = step.state.velocity

    with pytest.raises(NnvizError) as caught:
        go_on()
    assert caught.value.code == "train_diverged"
    assert "lower the learning rate" in str(caught.value)
    assert same(weights_of(net), before[-1])
    assert len(before) > 2
    assert all(value.isfinite().all() for value in (*before[-1].values(), *velocity))
    assert not net.training


@pytest.mark.parametrize(
    ("code", "images", "options"),
    [
        ("train_labels", lambda: ImageSet(np.zeros((4, 8, 8), np.uint8)), {}),
        ("train_one_class", lambda: ImageSet(np.zeros((4, 8, 8), np.uint8), labels=["cat"] * 4), {}),
        ("train_outputs", lambda: stripes(classes=4), {}),
        ("contract_missing", stripes, {"mean": None}),
        ("contract_value", stripes, {"batch": 0}),
        ("contract_value", stripes, {"epochs": 1.5}),
        ("contract_value", stripes, {"test_share": 1.0}),
        ("contract_value", stripes, {"learning_rate": -1}),
        ("contract_value", stripes, {"learning_rate": math.nan}),
        ("contract_value", stripes, {"momentum": 1.0}),
        ("contract_value", stripes, {"weight_decay": "much"}),
    ],
)
def test_bad_input_is_one_line(code, images, options):
    with pytest.raises(NnvizError) as caught:
        run(seeded(plain), images(), **options)
    assert caught.value.code == code
    assert "\n" not in str(caught.value)


def test_a_frozen_network_and_one_of_other_pictures_are_errors():
    net = seeded(plain).requires_grad_(False)
    with pytest.raises(NnvizError) as caught:
        run(net, stripes())
    assert caught.value.code == "train_frozen"
    with pytest.raises(NnvizError) as caught:
        run(seeded(Plain), stripes(), mean=(0.5,), std=(0.5,))  # three channels
    assert caught.value.code == "module_raised"


def test_a_network_that_gives_probabilities_is_trained_on_their_logarithms():
    images, ours, theirs = stripes(), seeded(plain), seeded(plain)
    run(ours, images)
    wrapped = nn.Sequential(theirs, nn.Softmax(1))
    run(wrapped, images, outputs="probabilities")
    for name, value in weights_of(ours).items():
        torch.testing.assert_close(theirs.state_dict()[name], value, rtol=1e-3, atol=1e-4)
