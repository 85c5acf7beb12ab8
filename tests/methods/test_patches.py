"""Patches of winners: the exact field holds all that counts, crops are slices, reconstructions are saliency."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

import nnviz_widgets as nnviz
from nnviz_widgets import methods
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.images.image_set import ImageSet
from nnviz_widgets.methods.patch_index import INDEX, PatchIndex
from nnviz_widgets.methods.patches import images_of, look, patches, strongest
from nnviz_widgets.methods.patches_field import MOST, field_of
from nnviz_widgets.methods.winners import Winner
from tests.engine.networks import Branches, Functional, Plain, engine_of, picture, seeded

SIDE = 32


class Deep(nn.Module):
    """Fields that grow to more than the picture."""

    def __init__(self):
        super().__init__()
        sizes = [3, 4, 6, 6, 8]
        parts = [
            part for a, b in pairwise(sizes) for part in (nn.Conv2d(a, b, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2))
        ]
        self.features = nn.Sequential(*parts)
        self.fc = nn.Linear(8, 5)

    def forward(self, x):
        return self.fc(self.features(x).mean((2, 3)))


def scanned(engine, path, count=12, **options):
    images = ImageSet(np.random.default_rng(3).integers(0, 256, (count, SIDE, SIDE, 3), np.uint8))
    *_, last = methods.scan(engine, images, path=path, n=4, **options)
    return last.index


@pytest.mark.parametrize("make", [Plain, Functional, Branches, Deep])
def test_noise_outside_the_exact_field_leaves_the_neuron_bit_equal(make, tmp_path):
    engine = engine_of(seeded(make), size=SIDE)
    index = scanned(engine, tmp_path, layers=[layer for layer in engine.layers.distinct() if layer.spatial])
    images, looked = images_of(index, None), 0
    for layer in index.layers:
        for channel in range(engine.layers[layer].channels):
            id = index.ids(layer)[channel][0]
            row, col = index.positions(layer)[channel, 0].tolist()
            rect = engine.receptive_field(layer, row, col)
            x = engine.prepare(images[images.index(id)])
            spoilt = picture(size=(SIDE, SIDE), seed=channel) * 3
            rows, cols = slice(rect.top, rect.top + rect.height), slice(rect.left, rect.left + rect.width)
            spoilt[:, :, rows, cols] = x[:, :, rows, cols]
            one, other = (engine.activations(t, layer)[0, channel, row, col] for t in (x, spoilt))
            assert torch.equal(one, other)
            looked += rect.height * rect.width < SIDE * SIDE
    assert looked > 10


def test_a_patch_is_the_slice_of_its_field_and_repeats_its_value(tmp_path):
    engine = engine_of(seeded(Plain), size=SIDE)
    index = scanned(engine, tmp_path)
    layer = index.layers[0]
    for rank, patch in enumerate(patches(engine, index, layer, 2)):
        assert patch.winner.value == float(index.values(layer)[2, rank])
        assert patch.winner.id == index.ids(layer)[2][rank]
        assert patch.reproduced
        assert patch.again == pytest.approx(patch.winner.value, rel=1e-5)
        assert not patch.effective
        rect = patch.rect
        assert rect == engine.receptive_field(layer, patch.winner.row, patch.winner.col)
        whole = index.images[int(patch.winner.id)]
        assert np.array_equal(patch.picture, whole)
        expected = whole[rect.top : rect.top + rect.height, rect.left : rect.left + rect.width]
        assert np.array_equal(patch.crop, expected)
        assert patch.reconstruction is None


@pytest.mark.parametrize("rule", ["vanilla", "deconvnet", "guided"])
def test_a_reconstruction_is_the_saliency_of_the_neuron_before_its_bound_cropped(rule, tmp_path):
    engine = engine_of(seeded(Plain), size=SIDE)
    index = scanned(engine, tmp_path, layers=["block.2"])  # a ReLU6: the rules act before it
    for patch in patches(engine, index, "block.2", 1, rule=rule):
        won = patch.winner
        x = engine.prepare(index.images[int(won.id)])
        gradient = methods.saliency(engine, x, nnviz.neuron("block.1", 1, won.row, won.col), rule=rule)[0]
        rect = patch.rect
        assert torch.equal(patch.gradient, gradient)
        expected = gradient[:, rect.top : rect.top + rect.height, rect.left : rect.left + rect.width]
        assert torch.equal(patch.reconstruction, expected)
        assert expected.count_nonzero() == gradient.count_nonzero() > 0  # none of it lies outside of the field


def test_smallest_and_random_ones(tmp_path):
    engine = engine_of(seeded(Plain), size=SIDE)
    index = scanned(engine, tmp_path, smallest=True)
    layer = index.layers[0]
    smallest = [patch.winner.value for patch in patches(engine, index, layer, 0, kind="smallest")]
    assert smallest == sorted(smallest) == index.values(layer, smallest=True)[0].tolist()
    drawn = list(patches(engine, index, layer, 0, kind="random", seed=5))
    assert len({patch.winner.id for patch in drawn}) == 4
    assert [p.winner for p in drawn] == [p.winner for p in patches(engine, index, layer, 0, kind="random", seed=5)]
    assert [p.winner.id for p in drawn] != [
        p.winner.id for p in patches(engine, index, layer, 0, kind="random", seed=6)
    ]
    for patch in drawn:
        maps = engine.activations(engine.prepare(index.images[int(patch.winner.id)]), layer)[0, 0]
        assert patch.winner.value == float(maps.max()) == float(maps[patch.winner.row, patch.winner.col])


def test_where_the_exact_field_is_most_of_the_picture_the_effective_one_is_taken(tmp_path):
    engine = engine_of(seeded(Deep), size=SIDE)
    layer = "features.9"
    exact = engine.receptive_field(layer, 2, 2)
    assert exact.height * exact.width > MOST * SIDE * SIDE
    found = 0
    for seed in range(3):
        x = picture(size=(SIDE, SIDE), seed=seed)
        for channel in range(8):
            rect, effective = field_of(engine, x, layer, channel, 2, 2)
            assert effective
            weights = engine.gradient(x, nnviz.neuron(layer, channel, 2, 2)).abs().sum((0, 1))
            inside = weights[rect.top : rect.top + rect.height, rect.left : rect.left + rect.width].sum()
            assert inside >= 0.95 * weights.sum() * (1 - 1e-6)
            found += rect.height * rect.width < exact.height * exact.width
    assert found > 12
    assert not field_of(engine, x, "features.0", 0, 10, 10)[1]


def test_a_dead_neuron_keeps_the_exact_field():
    module = seeded(Deep)
    with torch.no_grad():
        module.features[6].weight[0].zero_()
        module.features[9].weight[0].zero_()
    engine = engine_of(module, size=SIDE)
    rect, effective = field_of(engine, picture(size=(SIDE, SIDE)), "features.9", 0, 2, 2)
    assert not effective
    assert rect == engine.receptive_field("features.9", 2, 2)


def test_a_winner_that_does_not_repeat_its_value_is_told_apart(tmp_path):
    engine = engine_of(seeded(Plain), size=SIDE)
    index = scanned(engine, tmp_path)
    layer = index.layers[0]
    id, (row, col) = index.ids(layer)[0][0], index.positions(layer)[0, 0].tolist()
    value, most = float(index.values(layer)[0, 0]), strongest(index, layer)
    x = engine.prepare(index.images[int(id)])
    for factor, same in ((1.0, True), (1.0009, True), (1.0012, False), (0.9, False)):
        patch = look(engine, x, layer, 0, Winner(id, row, col, value * factor), strongest=most)
        assert patch.reproduced is same
    at = (engine.activations(x, layer)[0, 0].abs()).argmin().item()
    row, col = divmod(at, engine.layers[layer].width)
    near = float(engine.activations(x, layer)[0, 0, row, col])
    assert look(engine, x, layer, 0, Winner(id, row, col, near + 5e-7 * most), strongest=most).reproduced


def test_an_index_without_pictures_or_of_another_network_is_refused(tmp_path):
    engine = engine_of(seeded(Plain), size=SIDE)
    index = scanned(engine, tmp_path)
    (home,) = tmp_path.iterdir()
    bare = PatchIndex.open(home, index.widths)
    assert (home / INDEX).exists()
    with pytest.raises(NnvizError, match="pass the ImageSet"):
        next(patches(engine, bare, index.layers[0], 0))
    whole = PatchIndex.open(home, index.widths, index.images)
    assert next(patches(engine, whole, index.layers[0], 0)).reproduced
    other = engine_of(seeded(Functional), size=SIDE)
    index = scanned(other, tmp_path / "other", layers=["conv3"])
    with pytest.raises(NnvizError, match="was not scanned"):
        next(patches(engine, index, "conv1", 0))

    class Wide(Functional):
        def __init__(self):
            super().__init__()
            self.conv3, self.fc = nn.Conv2d(6, 9, 3, padding=1), nn.Linear(9, 5)

    with pytest.raises(NnvizError, match="another network"):
        next(patches(engine_of(seeded(Wide), size=SIDE), index, "conv3", 0))


def test_the_gradient_of_a_layer_without_relus_before_it_has_no_rule(tmp_path):
    engine = engine_of(seeded(Plain), size=SIDE)
    index = scanned(engine, tmp_path, layers=["conv1"])
    with pytest.raises(NnvizError, match="no ReLU"):
        next(patches(engine, index, "conv1", 0, rule="guided"))
    assert next(patches(engine, index, "conv1", 0, rule="vanilla")).reconstruction is not None
