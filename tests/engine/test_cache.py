"""What is kept, for how long, and that it is never stale."""

from __future__ import annotations

import threading

import pytest
import torch

from nnviz_widgets.engine.cache import Cache, Digests
from nnviz_widgets.engine.objectives import logit
from tests.engine.networks import Counting, Plain, engine_of, picture, seeded


def kb(count: float = 1) -> torch.Tensor:
    return torch.zeros(int(256 * count))


def test_the_least_recently_used_goes_first() -> None:
    cache = Cache(3 * 1024)
    for key in "abc":
        cache.put(key, kb())
    assert cache.get("a") is not None
    cache.put("d", kb())
    assert [key for key in "abcd" if cache.get(key) is not None] == ["a", "c", "d"]
    cache.put("e", kb(2))
    assert [key for key in "acde" if cache.get(key) is not None] == ["d", "e"]
    assert cache.bytes == 3 * 1024
    assert len(cache) == 2


def test_the_bound_holds_whatever_is_put() -> None:
    cache, generator = Cache(10_000), torch.Generator().manual_seed(0)
    for size in torch.randint(0, 3000, (200,), generator=generator).tolist():
        cache.put(size % 17, torch.zeros(size))
        assert cache.bytes == sum(t.untyped_storage().nbytes() for t, _ in cache._entries.values()) <= 10_000


def test_a_view_counts_all_that_it_keeps_alive() -> None:
    cache = Cache(10_000)
    cache.put("view", kb(4)[:1])
    assert cache.bytes == 4096


def test_too_large_an_entry_leaves_the_others_alone() -> None:
    cache = Cache(2048)
    cache.put("a", kb())
    cache.put("b", kb(3))
    assert cache.get("b") is None
    assert cache.get("a") is not None
    cache.put("a", kb(3))  # and the old value under its key must not be taken for the new
    assert cache.get("a") is None
    assert cache.bytes == 0


def test_an_entry_that_was_changed_in_place_is_not_given_out() -> None:
    cache, tensor = Cache(2048), kb()
    cache.put("a", tensor)
    tensor.view(16, 16)[0] += 1
    assert cache.get("a") is None
    assert cache.bytes == 0


def test_digests_tell_content_shape_and_type_apart() -> None:
    digest, x = Digests(), picture()
    assert digest(x) == digest(x.clone()) == Digests()(x)
    assert digest(x) == digest(x.contiguous(memory_format=torch.channels_last))
    others = [x.double(), x.view(1, 3, 8, 32), x + 1, x.half(), x.bfloat16(), x.flip(3)]
    assert len({digest(other) for other in [x, *others]}) == 1 + len(others)
    before = digest(x)
    x[0, 0, 0, 0] += 1
    assert digest(x) != before
    assert digest(torch.zeros(0, 3, 4, 4)) != digest(torch.zeros(0, 3, 4, 5))


@pytest.mark.parametrize("inference", [False, True])
def test_a_picture_changed_in_place_gives_fresh_results(inference: bool) -> None:
    module = seeded(Plain)
    engine = engine_of(module)
    with torch.inference_mode(inference):
        x = picture()
        for change in (lambda: x.mul_(2), lambda: x[0, 0, 3].zero_(), lambda: x.copy_(picture(seed=5))):
            engine.logits(x)
            change()
            assert torch.equal(engine.logits(x), module(x).detach())
            assert torch.equal(engine.activations(x, "conv1"), module.conv1(x).detach())


def test_writes_to_a_picture_that_leave_no_trace_show_after_refresh() -> None:
    module, x = seeded(Plain), picture()
    engine = engine_of(module)
    engine.logits(x)
    x.numpy()[:] *= 2
    engine.refresh()
    assert torch.equal(engine.logits(x), module(x).detach())


def test_equal_pictures_share_one_pass() -> None:
    engine = engine_of(seeded(Counting))
    photo = torch.rand(3, 20, 20, generator=torch.Generator().manual_seed(0))
    Counting.passes = 0
    engine.logits(engine.prepare(photo))
    engine.logits(engine.prepare(photo.clone()))
    assert Counting.passes == 1
    engine.logits(engine.prepare(1 - photo))
    assert Counting.passes == 2


def test_after_reading_ahead_nothing_costs_a_pass() -> None:
    engine, x = engine_of(seeded(Counting)), picture(2)
    Counting.passes = 0
    assert engine.read_ahead(x)
    for _ in range(2):
        assert engine.read_ahead(x)
        for layer in engine.layers:
            engine.activations(x, layer)
        engine.logits(x)
        engine.probabilities(x)
        engine.top(x)
    assert Counting.passes == 1


def test_one_layer_and_the_classes_share_one_pass() -> None:
    engine, x = engine_of(seeded(Counting)), picture()
    Counting.passes = 0
    assert engine.read_ahead(x, ["block"])
    engine.top(x)
    engine.activations(x, "block")
    assert Counting.passes == 1
    assert len(engine._cache) == 2


def test_a_forgotten_picture_leaves_nothing_and_others_stay() -> None:
    engine, dead, kept = engine_of(seeded(Counting)), picture(), picture(2)
    for x in (kept, dead):
        engine.read_ahead(x)
        engine.gradient(x, logit(0))
    entries, size, graphs = len(engine._cache), engine._cache.bytes, engine._graphs.bytes
    engine.forget(dead.clone())
    assert len(engine._cache) == entries / 2
    assert engine._cache.bytes < size
    assert (len(engine._graphs), engine._graphs.bytes < graphs) == (1, True)
    Counting.passes = 0
    engine.read_ahead(kept)
    assert Counting.passes == 0
    engine.logits(dead)
    assert Counting.passes == 1


def test_a_layer_and_its_container_share_one_pass() -> None:
    engine, x = engine_of(seeded(Counting)), picture()
    Counting.passes = 0
    a, b = engine.activations(x, "block"), engine.activations(x, "block.2")
    assert Counting.passes == 1
    assert a.data_ptr() == b.data_ptr()


def test_a_changed_result_is_computed_again() -> None:
    engine, x = engine_of(seeded(Plain)), picture()
    kept = engine.activations(x, "conv1")
    expected = kept.clone()
    kept.zero_()
    assert torch.equal(engine.activations(x, "conv1"), expected)


def test_reading_ahead_declines_what_does_not_fit() -> None:
    engine, x = engine_of(seeded(Counting), cache_bytes=20_000), picture()
    Counting.passes = 0
    assert not engine.read_ahead(x)
    assert Counting.passes == 0
    for _ in range(2):
        for layer in engine.layers:
            assert engine.activations(x, layer).shape == (1, *layer.shape)
            assert engine._cache.bytes <= 20_000


def test_without_a_cache_everything_still_works() -> None:
    module, x = seeded(Plain), picture()
    engine = engine_of(module, cache_bytes=0)
    for _ in range(2):
        assert torch.equal(engine.logits(x), module(x).detach())


def test_several_threads_get_what_one_alone_gets() -> None:
    engine = engine_of(seeded(lambda: Plain(inplace=True)), cache_bytes=60_000)
    alone = engine_of(seeded(lambda: Plain(inplace=True)))
    pictures = [picture(seed=seed) for seed in range(4)]
    names = [layer.name for layer in engine.layers]
    expected = {(i, name): alone.activations(x, name) for i, x in enumerate(pictures) for name in names}
    gradients = [alone.gradient(x, logit(i)) for i, x in enumerate(pictures)]
    errors: list[BaseException] = []

    def work(offset: int) -> None:
        try:
            for turn in range(24):
                i = (turn + offset) % 4
                name = names[(turn * 5 + offset) % len(names)]
                if turn % 8 == offset:
                    engine.read_ahead(pictures[i])
                assert torch.equal(engine.activations(pictures[i], name), expected[i, name])
                assert torch.equal(engine.gradient(pictures[i], logit(i)), gradients[i])
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(offset,)) for offset in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
