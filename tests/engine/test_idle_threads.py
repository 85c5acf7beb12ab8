"""Letting go of idle helpers changes nothing but who waits."""

from __future__ import annotations

import threading

import torch

from nnviz_widgets.engine.idle_threads import release_idle_threads


def product() -> torch.Tensor:
    a = torch.randn(300, 300, generator=torch.Generator().manual_seed(0))
    return torch.relu(a @ a).sum(1)


def test_it_computes_the_same_before_and_after() -> None:
    before = product()
    release_idle_threads()
    release_idle_threads()
    assert torch.equal(product(), before)


def test_another_thread_goes_on_meanwhile() -> None:
    before, found = product(), []
    thread = threading.Thread(target=lambda: found.extend(product() for _ in range(200)))
    thread.start()
    for _ in range(50):
        release_idle_threads()
        product()
    thread.join()
    assert all(torch.equal(each, before) for each in found)
