"""The same on a GPU as on the CPU, by the same code. Run with `pytest -m gpu`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.engine.load import load
from nnviz_widgets.engine.objectives import logit, neuron
from nnviz_widgets.images.image_set import ImageSet
from nnviz_widgets.images.samples import sample
from nnviz_widgets.methods import embed, grad_cam, occlusion, saliency, scan
from nnviz_widgets.methods.scan_layers import spatial_blocks

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
    # Of PyTorch's own threads, when they are the first to use a library.
    pytest.mark.filterwarnings("ignore:Attempting to run cuBLAS"),
]


@pytest.fixture(params=["efficientnet_lite0", "cifar_net"])
def pair(request: pytest.FixtureRequest) -> Iterator[tuple[Engine, Engine]]:
    """One network on both devices, without the shortened numbers that GPUs multiply with by default."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    yield load(request.param, device="cpu"), load(request.param, device="cuda")
    torch.backends.cudnn.allow_tf32 = before


def close(on_gpu: torch.Tensor, on_cpu: torch.Tensor) -> None:
    assert on_gpu.device.type == "cuda"
    # By length: where a unit stands at a bound to the last digit, a gradient is let through on one device alone.
    assert (on_gpu.cpu() - on_cpu).norm() <= 2e-3 * on_cpu.norm()


def test_reading_and_differentiating(pair: tuple[Engine, Engine]) -> None:
    cpu, gpu = pair
    x, y = (engine.prepare(sample("cat")) for engine in pair)
    close(gpu.logits(y), cpu.logits(x))
    layer = [layer for layer in cpu.layers if layer.spatial][len(cpu.layers) // 3].name
    close(gpu.activations(y, layer), cpu.activations(x, layer))
    assert gpu.receptive_field(layer, 2, 1) == cpu.receptive_field(layer, 2, 1)
    for objective in (logit(3), neuron(layer, 0, 1, 2) + logit(1)):
        close(saliency(gpu, y, objective), saliency(cpu, x, objective))
    last = [layer for layer in cpu.layers if layer.spatial and (layer.height or 0) > 1][-1].name
    close(grad_cam(gpu, y, logit(3), last), grad_cam(cpu, x, logit(3), last))


def test_occlusion_whole_and_half(pair: tuple[Engine, Engine]) -> None:
    cpu, gpu = pair
    x, y = (engine.prepare(sample("cat")) for engine in pair)
    side = x.shape[2]
    *_, wanted = occlusion(cpu, x, size=side // 4, stride=side // 4)
    *_, found = occlusion(gpu, y, size=side // 4, stride=side // 4)
    assert (found.logits - wanted.logits).abs().max() <= 1e-3 * wanted.logits.abs().max()
    *_, half = occlusion(gpu, y, size=side // 4, stride=side // 4, half=True)
    assert half.exact_by == found.exact_by
    assert 0 < half.half_cost < 0.05


def test_random_states_stay_as_they_were(pair: tuple[Engine, Engine]) -> None:
    _, gpu = pair
    before = torch.get_rng_state(), torch.cuda.get_rng_state()
    x = gpu.prepare(sample("cat"))
    saliency(gpu, x, logit(0), smooth=3)
    list(occlusion(gpu, x, size=x.shape[2] // 2, stride=x.shape[2] // 2))
    assert torch.equal(torch.get_rng_state(), before[0])
    assert torch.equal(torch.cuda.get_rng_state(), before[1])


def test_neighbours(pair: tuple[Engine, Engine]) -> None:
    images = ImageSet(np.random.default_rng(0).integers(0, 256, (60, 40, 40, 3), np.uint8))
    cpu, gpu = (embed(engine, images, batch=20) for engine in pair)
    gpu = replace(gpu, vectors=cpu.vectors)
    for metric in ("euclidean", "cosine"):
        for number in range(0, 60, 7):
            expected, found = (one.neighbours(number, 6, metric=metric) for one in (cpu, gpu))
            assert found.numbers.tolist() == expected.numbers.tolist()
            assert torch.allclose(found.distances, expected.distances, rtol=1e-6)


def test_a_scan_finds_what_a_plain_sort_does(pair: tuple[Engine, Engine], tmp_path: Path) -> None:
    _, gpu = pair
    images = ImageSet(np.random.default_rng(0).integers(0, 256, (23, 40, 40, 3), np.uint8))
    *_, last = scan(gpu, images, n=4, batch=8, smallest=True, path=tmp_path)
    parts = [torch.cat([gpu.prepare(images[i]) for i in range(first, min(first + 8, 23))]) for first in (0, 8, 16)]
    for layer in spatial_blocks(gpu):
        maps = torch.cat([gpu.activations(x, layer) for x in parts]).cpu()
        for sign in (1, -1):
            values = last.index.values(layer, smallest=sign < 0)
            expected = sign * (sign * maps).amax((2, 3)).T.sort(descending=True).values[:, :4]
            assert torch.allclose(values, expected, rtol=1e-4, atol=1e-5)
            ids, places = last.index.ids(layer, smallest=sign < 0), last.index.positions(layer, smallest=sign < 0)
            at = [[maps[images.index(ids[k][j]), k, *places[k, j]] for j in range(4)] for k in range(maps.shape[1])]
            assert torch.allclose(torch.tensor(at), values, rtol=1e-4, atol=1e-5)
        statistics = last.index.statistics(layer)
        assert torch.allclose(statistics.mean.float(), maps.mean((0, 2, 3)), atol=1e-5)
        assert torch.allclose(statistics.greatest, maps.amax((0, 2, 3)), rtol=1e-4, atol=1e-5)
