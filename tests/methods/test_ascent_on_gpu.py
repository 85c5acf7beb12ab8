"""Ascents and dreams on a GPU, where passes are recorded and replayed. Run with `pytest -m gpu`."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.engine.load import load
from nnviz_widgets.engine.objectives import channel, direction, logit, neuron
from nnviz_widgets.images.samples import sample
from nnviz_widgets.methods import ascent, deepdream, scan
from nnviz_widgets.methods.priors import Adam, Blur, Decorrelated, Fourier, Jitter
from tests.engine.networks import Plain as PlainNetwork
from tests.engine.networks import engine_of, seeded, snapshot

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
    # Of PyTorch's own threads, when they are the first to use a library.
    pytest.mark.filterwarnings("ignore:Attempting to run cuBLAS"),
]


@pytest.fixture(autouse=True)
def _whole_numbers() -> Iterator[None]:
    """Without the shortened numbers that GPUs multiply with by default."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    yield
    torch.backends.cudnn.allow_tf32 = before


def last(engine: Engine, objective: object, steps: int, **options: object) -> Tensor:
    *_, step = ascent(engine, objective, steps=steps, **options)
    return step.x


def recorded(engine: Engine) -> int:
    return len(engine._passes._replays._kept)


@pytest.mark.parametrize("name", ["efficientnet_lite0", "cifar_net"])
def test_one_seed_gives_the_same_pictures_to_the_last_bit(name: str) -> None:
    engine = load(name, device="cuda")
    first = last(engine, logit(1), 40)
    assert recorded(engine) >= 1
    assert torch.equal(first, last(engine, logit(1), 40))
    assert torch.equal(first, last(load(name, device="cuda"), logit(1), 40))
    steps = list(ascent(engine, logit(1), steps=20))
    again = last(engine, logit(1), 40, start=steps[11].state)
    assert torch.equal(again, first)


def test_the_first_steps_are_those_of_the_cpu() -> None:
    cpu, gpu = load("cifar_net", device="cpu"), load("cifar_net", device="cuda")
    layer = [layer for layer in cpu.layers if layer.spatial][3].name
    units = cpu.layers[layer].channels
    for objective in (logit(3), channel(layer, 2), neuron(layer, 1, 3, 4), direction(layer, torch.arange(units) - 3.0)):
        ours, theirs = (last(engine, objective, 3, seed=1) for engine in (gpu, cpu))
        assert (ours.cpu() - theirs).abs().max() <= 2e-3 * theirs.abs().max()
        assert recorded(gpu) >= 1


def test_a_batch_of_objectives_is_each_alone() -> None:
    gpu = load("cifar_net", device="cuda")
    objectives = [logit(c) for c in range(4)]
    priors = [Adam(), Fourier(), Decorrelated(), Jitter(2)]
    *_, step = ascent(gpu, objectives, steps=5, priors=priors)
    values, _ = gpu.value_and_gradient(step.x, objectives)
    each = torch.cat([gpu.value_and_gradient(step.x[c : c + 1], logit(c))[0] for c in range(4)])
    torch.testing.assert_close(values, each, rtol=1e-4, atol=1e-4)


def test_training_in_place_shows_through_a_recorded_pass() -> None:
    module = seeded(PlainNetwork).cuda()
    engine = engine_of(module, device="cuda")
    x = torch.rand(1, 3, *engine.contract.size, device="cuda")
    before, _ = engine.value_and_gradient(x, logit(0))
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.mul_(1.5)
    value, gradient = engine.value_and_gradient(x, logit(0))
    copy = x.clone().requires_grad_()
    wanted = module.eval()(copy)[:, 0]
    (slope,) = torch.autograd.grad(wanted.sum(), copy)
    assert not torch.allclose(value, before)
    torch.testing.assert_close(value, wanted.detach(), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(gradient, slope, rtol=1e-3, atol=1e-5)


class Asking(nn.Module):
    """Asks the host on the way, which no recording can hold."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.linear = nn.Conv2d(3, 4, 3), nn.Linear(4, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        return self.linear(x.mean((2, 3)) * (2.0 if x.mean().item() > 0 else 1.0))


def test_a_network_that_cannot_be_recorded_runs_as_it_comes() -> None:
    module = seeded(Asking).cuda()
    before = snapshot(module)
    engine = engine_of(module, device="cuda")
    x = last(engine, logit(0), 4, priors=[Adam(), Blur(0.5)])
    assert x.isfinite().all()
    assert not recorded(engine)
    after = snapshot(module)
    assert before.keys() == after.keys()
    torch.ones(8, device="cuda").sum().item()  # the device is well


def test_recording_while_another_thread_trains() -> None:
    alone = last(load("cifar_net", device="cuda"), logit(2), 30)
    module, stop = nn.Sequential(nn.Conv2d(3, 32, 3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(10)).cuda(), []
    pictures = torch.rand(64, 3, 32, 32, device="cuda")
    module(pictures)
    faults: list[BaseException] = []

    def train() -> None:
        try:
            optimizer = torch.optim.SGD(module.parameters(), lr=1e-3)
            while not stop:
                optimizer.zero_grad()
                module(pictures).square().mean().backward()
                optimizer.step()
                optimizer.param_groups[0]["lr"] = 1e-3 + 0 * next(module.parameters()).sum().item()
        except BaseException as error:
            faults.append(error)

    thread = threading.Thread(target=train)
    thread.start()
    try:
        found = [last(load("cifar_net", device="cuda"), logit(2), 30) for _ in range(5)]
    finally:
        stop.append(True)
        thread.join()
    assert not faults
    assert all(torch.equal(x, alone) for x in found)


def test_half_precision_is_near_and_climbs() -> None:
    engine = load(device="cuda")
    x = last(engine, logit(130), 60, half=True)
    value, gradient = engine.value_and_gradient(x, logit(130))
    half, slope = engine.value_and_gradient(x, logit(130), half=True)
    assert x.dtype == half.dtype == slope.dtype == torch.float32
    torch.testing.assert_close(half, value, rtol=2e-2, atol=0)
    assert torch.nn.functional.cosine_similarity(slope.flatten(), gradient.flatten(), 0) > 0.95
    assert value.item() > 20


def test_a_dream_is_the_same_again() -> None:
    engine = load(device="cuda")
    layer = [layer for layer in engine.layers if layer.spatial][40].name
    first, second = (
        [step.image for step in deepdream(engine, sample("cat"), channel(layer, 3), octaves=2, steps=4)][-1]
        for _ in range(2)
    )
    assert (first == second).all()


def test_a_scan_finds_what_the_cpu_finds(tmp_path) -> None:  # type: ignore[no-untyped-def]
    from nnviz_widgets.images.image_set import ImageSet

    pictures = torch.randint(0, 256, (40, 40, 40, 3), generator=torch.Generator().manual_seed(0)).numpy()
    images = ImageSet(pictures.astype("uint8"))
    indices = []
    for device in ("cpu", "cuda"):
        *_, done = scan(load("cifar_net", device=device), images, path=tmp_path / device)
        indices.append(done.index)
    cpu, gpu = indices
    for name in cpu.state.layers:
        ours, theirs = torch.as_tensor(gpu.values(name)), torch.as_tensor(cpu.values(name))
        assert (ours - theirs).abs().max() <= 1e-4 * theirs.abs().max()
    torch.testing.assert_close(gpu.state.vectors, cpu.state.vectors, rtol=1e-3, atol=1e-3)
