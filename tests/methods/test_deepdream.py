"""DeepDream against closed forms, NumPy twins and loops, on small networks."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

import nnviz_widgets as nnviz
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.methods import deepdream
from nnviz_widgets.methods.dream_guide import Guided, guided_by
from nnviz_widgets.methods.dream_octaves import open_photo
from nnviz_widgets.methods.dream_plan import plan_dream
from nnviz_widgets.methods.dream_tiles import parts, tiled_gradient
from nnviz_widgets.methods.dream_zoom import nearer, zoom
from tests.engine.networks import OneChannel, Plain, engine_of, seeded, snapshot

ENERGY = nnviz.layer_energy("act1")
PLAIN = {"octaves": 1, "steps": 1, "jitter": 0}


class Local(nn.Module):
    """One pixel at a time: no receptive field crosses any edge."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 1)
        self.fc = nn.Linear(4, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.conv(x).mean((2, 3)))


@pytest.fixture(scope="module")
def engine():
    return engine_of(seeded(Plain))


@pytest.fixture(scope="module")
def local():
    return engine_of(seeded(Local))


def photo(height=20, width=27, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def last(steps):
    for step in steps:
        found = step
    return found


def energy_gradient(module: Plain, x: Tensor) -> Tensor:
    """By autograd on the module itself."""
    x = x.detach().clone().requires_grad_()
    activation = module.act1(module.bn1(module.conv1(x)))
    (gradient,) = torch.autograd.grad(0.5 * activation.square().mean(), x)
    return gradient


def moved(x: Tensor, gradient: Tensor, step_size: float) -> Tensor:
    """The closed form of one step, with mean 0.5 and deviation 0.25: pixels are -2 to 2."""
    return (x + step_size / 255 / 0.25 * gradient / gradient.abs().mean()).clamp(-2, 2)


@pytest.mark.parametrize("step_size", [1.5, 60.0])
def test_one_step_is_the_closed_form(engine, step_size):
    step = last(deepdream(engine, photo(), ENERGY, step_size=step_size, **PLAIN))
    x = open_photo(engine, photo(), None)
    wanted = moved(x, energy_gradient(engine.module, x), step_size)
    torch.testing.assert_close(step.state.x, wanted, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(step.image, (wanted[0].permute(1, 2, 0) * 0.25 + 0.5).numpy(), atol=1e-5)
    assert step.image.min() >= 0
    assert step.image.max() <= 1
    assert (step.octave, step.step, step.number, step.done) == (0, 1, 1, 1.0)


def test_the_gradient_of_a_linear_layers_energy_is_its_transpose(local):
    """activation = W x + b: half its mean square has the gradient W' (W x + b) / values."""
    x = open_photo(local, photo(5, 6), None)
    weight, bias = local.module.conv.weight[:, :, 0, 0].detach(), local.module.conv.bias.detach()
    activation = torch.einsum("oc,nchw->nohw", weight, x) + bias.view(1, -1, 1, 1)
    wanted = torch.einsum("oc,nohw->nchw", weight, activation) / activation.numel()
    value, gradient = tiled_gradient(local, x, nnviz.layer_energy("conv"), 100)
    torch.testing.assert_close(gradient, wanted)
    assert value == pytest.approx(float(0.5 * activation.square().mean()))


def test_jitter_is_a_roll_there_and_back(engine):
    step = last(deepdream(engine, photo(), ENERGY, **{**PLAIN, "jitter": 5, "seed": 3}))
    x = open_photo(engine, photo(), None)
    shift = np.random.default_rng((3, 0, 0)).integers(-5, 6, 2)
    assert shift.any()
    rolled = torch.from_numpy(np.roll(x.numpy(), shift, (2, 3)))
    gradient = torch.from_numpy(np.roll(energy_gradient(engine.module, rolled).numpy(), -shift, (2, 3)))
    torch.testing.assert_close(step.state.x, moved(x, gradient, 1.5), rtol=1e-5, atol=1e-6)


def pillow(x: np.ndarray, height: int, width: int) -> np.ndarray:
    """Bilinear, averaging when reduced, by another library."""
    planes = [Image.fromarray(plane).resize((width, height), Image.Resampling.BILINEAR) for plane in x]
    return np.stack([np.asarray(plane) for plane in planes])


def test_octaves_and_detail_against_a_numpy_twin(engine):
    found = list(deepdream(engine, photo(32, 45), ENERGY, octaves=3, octave_scale=1.4, steps=2, jitter=0))
    base = open_photo(engine, photo(32, 45), None)[0].numpy()
    detail = np.zeros((3, 1, 1), np.float32)
    number = 0
    for octave, (height, width) in enumerate([(16, 23), (23, 32), (32, 45)]):
        small = base if octave == 2 else pillow(base, height, width)
        x = small + (0 if octave == 0 else pillow(detail, height, width))
        for _ in range(2):
            x = moved(torch.tensor(x)[None], energy_gradient(engine.module, torch.tensor(x)[None]), 1.5)[0].numpy()
            assert found[number].image.shape == (height, width, 3)
            np.testing.assert_allclose(found[number].state.x[0].numpy(), x, atol=5e-3)
            number += 1
        detail = x - small
    assert [(step.octave, step.step) for step in found] == [(o, s) for o in range(3) for s in (1, 2)]
    assert [step.done for step in found] == pytest.approx([k / 6 for k in range(1, 7)])


def test_the_objective_grows(engine):
    values = [step.value for step in deepdream(engine, photo(), ENERGY, octaves=1, steps=8, jitter=0)]
    assert values == sorted(values)
    assert values[-1] > 1.2 * values[0]


def test_octaves_that_are_too_small_are_left_out(engine):
    sizes = plan_dream(engine, photo(20, 27), nnviz.logit(0), octaves=8, octave_scale=1.5).sizes
    assert sizes == ((9, 12), (13, 18), (20, 27))
    with pytest.raises(NnvizError, match="4 x 30 pixels are too small for this objective: the smallest side"):
        plan_dream(engine, photo(4, 30), nnviz.logit(0))


def test_the_parts_cover_a_length_evenly():
    for length, tile in ((10, 3), (512, 512), (513, 512), (7, 1), (100, 33)):
        found = list(parts(length, tile))
        sides = [part.stop - part.start for part in found]
        assert [i for part in found for i in range(length)[part]] == list(range(length))
        assert max(sides) <= tile
        assert max(sides) - min(sides) <= 1


@pytest.mark.parametrize("tile", [4, 9, 16])
def test_tiles_of_a_local_network_are_the_whole(local, tile):
    energy = nnviz.layer_energy("conv")
    for size in ((20, 27), (17, 33)):
        x = open_photo(local, photo(*size), None)
        value, gradient = tiled_gradient(local, x, energy, tile)
        whole_value, whole = tiled_gradient(local, x, energy, 1000)
        torch.testing.assert_close(gradient, whole, rtol=1e-5, atol=1e-9)
        assert value == pytest.approx(whole_value, rel=1e-5)
    options = {"octaves": 2, "steps": 2, "jitter": 0}
    dreams = [last(deepdream(local, photo(40, 33), energy, tile=t, **options)).state.x for t in (tile, None)]
    torch.testing.assert_close(dreams[0], dreams[1], rtol=1e-4, atol=1e-5)


def test_tiles_equal_the_whole_inside(engine):
    """The first layer's field is 3 x 3: only the pixels at the edges of tiles see another neighbourhood."""
    x = open_photo(engine, photo(24, 24), None)
    _, tiles = tiled_gradient(engine, x, ENERGY, 12)
    _, whole = tiled_gradient(engine, x, ENERGY, 24)
    inside = torch.ones(24, dtype=torch.bool)
    inside[10:14] = False
    torch.testing.assert_close(tiles[..., inside, :][..., inside], whole[..., inside, :][..., inside])
    assert not torch.allclose(tiles, whole)


def test_no_more_than_a_tile_goes_through_the_network(engine, monkeypatch):
    seen = []
    ascend = engine.value_and_gradient
    monkeypatch.setattr(engine, "value_and_gradient", lambda x, o: (seen.append(x.shape[2:]), ascend(x, o))[1])
    last(deepdream(engine, photo(60, 50), ENERGY, octaves=1, steps=1, tile=30))
    assert [tuple(size) for size in seen] == [(30, 25)] * 4


def test_going_on_is_as_never_having_stopped(engine):
    options = {"octaves": 3, "steps": 3, "jitter": 4, "seed": 5}
    whole = list(deepdream(engine, photo(), ENERGY, **options))
    for stop in (0, 2, 4, 7):
        rest = list(deepdream(engine, photo(), ENERGY, start=whole[stop].state, **options))
        assert [step.number for step in rest] == list(range(stop + 2, 10))
        assert all(torch.equal(a.state.x, b.state.x) for a, b in zip(rest, whole[stop + 1 :], strict=True))
    assert list(deepdream(engine, photo(), ENERGY, start=whole[-1].state, **options)) == []
    with pytest.raises(NnvizError, match="belongs to another dream"):
        deepdream(engine, photo(40, 40), ENERGY, start=whole[-1].state, **options)


def test_same_seed_same_images(engine):
    dreams = [last(deepdream(engine, photo(), ENERGY, octaves=2, steps=2, seed=s)).state.x for s in (1, 1, 2)]
    assert torch.equal(dreams[0], dreams[1])
    assert not torch.equal(dreams[0], dreams[2])


def test_knobs_steer_from_the_next_step_on(engine):
    changes = iter([{}, {"step_size": 0}, {}, {"step_size": 3.0, "jitter": 0}])
    x = [step.state.x for step in deepdream(engine, photo(), ENERGY, octaves=1, steps=4, knobs=lambda: next(changes))]
    assert torch.equal(x[0], x[1])
    assert torch.equal(x[1], x[2])
    torch.testing.assert_close(x[3], moved(x[2], energy_gradient(engine.module, x[2]), 3.0), rtol=1e-5, atol=1e-6)


def test_a_guide_against_loops(engine):
    own, other = (open_photo(engine, photo(9, 8, seed), None) for seed in (0, 1))
    guided = guided_by(engine, other, nnviz.layer_energy("pool"))
    value, gradient = engine.value_and_gradient(own, guided)
    x = own.clone().requires_grad_()
    module = engine.module
    activation, target = (module.pool(module.act1(module.bn1(module.conv1(each))))[0] for each in (x, other))
    places = [(i, j) for i in range(activation.shape[1]) for j in range(activation.shape[2])]
    total = 0.0
    for i, j in places:
        products = [(activation[:, i, j] @ target[:, k, m]).detach() for k, m in places]
        k, m = places[int(np.argmax(products))]
        total = total + activation[:, i, j] @ target[:, k, m].detach()
    wanted = total / len(places)
    assert float(value[0]) == pytest.approx(wanted.item(), rel=1e-5)
    torch.testing.assert_close(gradient, torch.autograd.grad(wanted, x)[0], rtol=1e-4, atol=1e-7)


def test_a_guide_pulls_to_its_own_features(engine):
    energy = nnviz.layer_energy("pool")
    plain, guided = (last(deepdream(engine, photo(), energy, guide=g, octaves=1)) for g in (None, photo(16, 16, 9)))
    own = Guided({"pool": torch.ones(1, 6)})
    assert isinstance(guided.plan.objective, Guided)
    assert not torch.equal(plain.state.x, guided.state.x)
    assert own.layers == ("pool",)
    with pytest.raises(NnvizError, match="no layer that a second picture could guide"):
        deepdream(engine, photo(), nnviz.logit(1), guide=photo())


def test_classes_on_a_picture_that_is_not_the_networks_size(engine):
    steps = list(deepdream(engine, photo(40, 23), nnviz.logit(2), octaves=2, steps=6, step_size=4, jitter=1))
    assert steps[-1].image.shape == (40, 23, 3)
    assert steps[-1].value > steps[6].value


def test_a_grey_network_that_is_not_square():
    engine = engine_of(seeded(OneChannel), mean=0.5, std=0.25, size=(12, 20))
    step = last(deepdream(engine, photo(18, 25), nnviz.layer_energy("relu"), octaves=2, steps=2))
    assert step.state.x.shape == (1, 1, 18, 25)
    assert step.image.shape == (18, 25, 3)
    assert (step.image == step.image[..., :1]).all()


def test_photos_of_all_kinds(engine, tmp_path):
    pixels = photo(30, 60)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    x = open_photo(engine, pixels, None)
    tensor = torch.from_numpy(pixels).permute(2, 0, 1) / 255
    for source in (tmp_path / "a.png", Image.fromarray(pixels), tensor, x):
        torch.testing.assert_close(open_photo(engine, source, None), x)
    assert open_photo(engine, pixels, 20).shape == (1, 3, 10, 20)
    assert torch.equal(open_photo(engine, x, 20), x)
    with pytest.raises(NnvizError, match="takes"):
        open_photo(engine, torch.zeros(2, 3, 8, 8), None)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"octaves": 0}, "octaves=0 does not fit: expected a whole number from 1"),
        ({"octave_scale": 1}, "octave_scale=1 "),
        ({"steps": 2.5}, "steps=2.5"),
        ({"step_size": float("nan")}, "step_size=nan"),
        ({"jitter": -1}, "jitter=-1"),
        ({"tile": 0}, "tile=0"),
        ({"tile": 9, "max_side": None}, "at least 12 pixels"),
        ({"seed": -1}, "seed=-1"),
        ({"knobs": lambda: {"sigma": 1}}, "deepdream has no option 'sigma'"),
        ({"knobs": lambda: {"step_size": -1}}, "step_size=-1"),
    ],
)
def test_what_does_not_fit_is_told(engine, options, message):
    with pytest.raises(NnvizError, match=message):
        next(iter(deepdream(engine, photo(), nnviz.logit(0), **options)))


def test_a_gradient_of_zero_is_told(engine):
    with pytest.raises(NnvizError, match="is zero all over the photo"):
        last(deepdream(engine, photo(), 0 * nnviz.logit(0) + 1e-60 * nnviz.logit(1), **PLAIN))


def test_values_that_are_no_numbers_name_the_step_size(engine, monkeypatch):
    steps = iter(deepdream(engine, photo(), ENERGY, octaves=1, steps=3))
    next(steps)

    def fail(x, objective):
        raise NnvizError("output_nan")

    monkeypatch.setattr(engine, "value_and_gradient", fail)
    with pytest.raises(NnvizError, match="octave 1, step 2: lower step_size"):
        next(steps)


class OneSize(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.fc = nn.Linear(4 * 14 * 14, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.conv(x).flatten(1))


def test_a_network_of_one_size_dreams_of_early_layers_and_says_so_of_late_ones():
    engine = engine_of(seeded(OneSize))
    last(deepdream(engine, photo(24, 24), nnviz.layer_energy("conv"), **PLAIN))
    last(deepdream(engine, photo(16, 16), nnviz.logit(0), octaves=3, steps=1))
    with pytest.raises(NnvizError, match=r"OneSize does not take 24 x 24 pixels .* tiles of 16 x 16"):
        last(deepdream(engine, photo(24, 24), nnviz.logit(0), **PLAIN))


def test_nothing_of_the_module_or_of_chance_is_touched(engine):
    before = snapshot(engine.module), torch.get_rng_state(), np.random.get_state()[1].copy()
    last(deepdream(engine, photo(), ENERGY, octaves=2, steps=2, guide=photo()))
    for bad in (nnviz.layer_energy("nothing"), nnviz.logit(99)):
        with pytest.raises(NnvizError):
            last(deepdream(engine, photo(), bad))
    assert snapshot(engine.module) == before[0]
    assert torch.equal(torch.get_rng_state(), before[1])
    assert (np.random.get_state()[1] == before[2]).all()


def test_the_flight_begins_with_the_photo_and_goes_nearer(engine):
    frames = list(zoom(engine, photo(40, 60), ENERGY, frames=3, crop=0.1, octaves=1, steps=1, step_size=0))
    assert [frame.shape for frame in frames] == [(40, 60, 3)] * 3
    assert frames[0].dtype == np.uint8
    np.testing.assert_array_equal(frames[0], photo(40, 60))
    x = open_photo(engine, photo(40, 60), None)
    wanted = pillow(x[0, :, 2:38, 3:57].numpy(), 40, 60)
    np.testing.assert_allclose(nearer(x, 0.1)[0].numpy(), wanted, atol=1e-3)
    np.testing.assert_allclose(frames[1], (wanted.transpose(1, 2, 0) * 0.25 + 0.5) * 255, atol=1)
    with pytest.raises(NnvizError, match="crop=1"):
        zoom(engine, photo(), ENERGY, crop=1)


def test_the_flight_dreams_on_the_way_and_only_when_asked(engine):
    flight = zoom(engine, photo(), ENERGY, frames=10**9, octaves=1, steps=2)
    first, second = next(flight), next(flight)
    still = list(zoom(engine, photo(), ENERGY, frames=2, octaves=1, steps=2, step_size=0))[1]
    assert np.abs(second.astype(int) - still).mean() > 1
    assert (first == still).mean() < 1
