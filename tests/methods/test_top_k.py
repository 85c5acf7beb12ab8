"""The best of many batches, held against a brute-force sort; merging in any order gives the same."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nnviz_widgets.methods.top_k import NOBODY, beside, everybody, merged, nobody, row_peaks, updated


def activations(seed, pictures=23, shape=(5, 4, 6), *, ties=False):
    generator = torch.Generator().manual_seed(seed)
    if ties:
        return torch.randint(0, 3, (pictures, *shape), generator=generator).float()
    return torch.randn(pictures, *shape, generator=generator)


def brute(maps, n, sign=1):
    """(value, picture, place) lists by channel: a plain sort."""
    flat = (sign * maps.flatten(2) if maps.ndim == 4 else sign * maps[..., None]).double().numpy()
    best = []
    for channel in range(flat.shape[1]):
        rows = [(flat[i, channel].max(), i, int(flat[i, channel].argmax())) for i in range(len(flat))]
        best.append(sorted(rows, key=lambda row: (-row[0], row[1]))[:n])
    return best


def as_lists(top):
    return [
        [(v, p, s) for v, p, s in zip(*row, strict=True) if p != NOBODY]
        for row in zip(top.values.double().tolist(), top.pictures.tolist(), top.places.tolist(), strict=True)
    ]


def scanned(maps, n, cuts, sign=1):
    top = nobody(maps.shape[1], n)
    for chunk in np.array_split(np.arange(len(maps)), cuts):
        top = updated(top, maps[chunk], torch.from_numpy(chunk), sign=sign)
    return top


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("n", [1, 4, 23, 30])
@pytest.mark.parametrize("cuts", [1, 3, 23])
@pytest.mark.parametrize("sign", [1, -1])
def test_batches_equal_a_plain_sort(ties, n, cuts, sign):
    maps = activations(1, ties=ties)
    assert as_lists(scanned(maps, n, cuts, sign)) == brute(maps, n, sign)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("shape", [(5, 4, 6), (7,)])
@pytest.mark.parametrize("sign", [1, -1])
def test_whole_batches_as_beyond_the_cpu_give_the_same(ties, shape, sign):
    maps = activations(1, shape=shape, ties=ties)
    top = nobody(shape[0], 4)
    for chunk in np.array_split(np.arange(len(maps)), 3):
        top = beside(top, everybody(maps[chunk], torch.from_numpy(chunk), sign=sign))
    assert as_lists(merged(nobody(shape[0], 4), top)) == brute(maps, 4, sign)


@pytest.mark.parametrize("ties", [False, True])
def test_units_without_space(ties):
    maps = activations(2, shape=(7,), ties=ties)
    assert as_lists(scanned(maps, 5, 4)) == brute(maps, 5)


@pytest.mark.parametrize("ties", [False, True])
def test_shards_merge_in_any_order_to_the_same(ties):
    maps = activations(3, ties=ties)
    chunks = np.array_split(np.random.default_rng(0).permutation(23), 4)
    shards = [updated(nobody(5, 4), maps[chunk], torch.from_numpy(chunk)) for chunk in chunks]
    whole = as_lists(scanned(maps, 4, 1))
    for a, b, c, d in itertools.permutations(shards):
        assert as_lists(merged(merged(a, b), merged(c, d))) == whole
        assert as_lists(merged(a, merged(b, merged(nobody(5, 4), merged(c, d))))) == whole


@given(st.data(), st.integers(1, 7), st.integers(2, 12), st.sampled_from([1, -1]), st.booleans())
@settings(max_examples=60, deadline=None, derandomize=True)
def test_any_order_any_cuts_any_merging_give_the_same(data, n, count, sign, ties):
    maps = activations(5, count, (3, 2, 4), ties=ties)
    order = torch.tensor(data.draw(st.permutations(range(count))))
    cuts = sorted(data.draw(st.sets(st.integers(1, count - 1))))
    states = [updated(nobody(3, n), maps[part], part, sign=sign) for part in order.tensor_split(cuts)]
    while len(states) > 1:
        at = data.draw(st.integers(0, len(states) - 2))
        states[at : at + 2] = [merged(states[at + 1], states[at])]
    assert as_lists(states[0]) == brute(maps, n, sign)


@pytest.mark.parametrize("shape", [(3, 4, 6), (3, 5, 7), (31, 2, 8), (32, 2, 8), (40, 3, 3)])
@pytest.mark.parametrize("sign", [1, -1])
def test_peaks_of_rows_in_either_layout(shape, sign):
    maps = activations(6, 4, shape)
    expected = (sign * maps).amax(3)
    for layout in (torch.contiguous_format, torch.channels_last):
        assert torch.equal(row_peaks(maps.contiguous(memory_format=layout), sign=sign), expected)


def test_minus_infinity_is_a_value_too():
    maps = torch.full((3, 2, 2, 2), -torch.inf)
    assert scanned(maps, 2, 3).pictures.tolist() == [[0, 1], [0, 1]]


def test_a_batch_in_any_order_of_its_pictures():
    maps = activations(4, ties=True)
    order = torch.randperm(23, generator=torch.Generator().manual_seed(0))
    top = updated(nobody(5, 6), maps[order], order)
    assert as_lists(top) == brute(maps, 6)
