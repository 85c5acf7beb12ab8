"""Where a network runs, and its errors in one line."""

from __future__ import annotations

from contextlib import suppress

import pytest
import torch
from torch import nn

from nnviz_widgets.engine.device import is_out_of_memory, own_randomness, pick_device, plain_errors
from nnviz_widgets.errors import NnvizError


def test_auto_takes_what_there_is() -> None:
    device = pick_device(nn.Linear(1, 1), "auto")
    accelerated = torch.cuda.is_available() or torch.backends.mps.is_available()
    assert (device.type != "cpu") == accelerated
    assert pick_device(nn.Linear(1, 1), "cpu") == pick_device(nn.ReLU(), torch.device("cpu")) == torch.device("cpu")


@pytest.mark.parametrize("wanted", ["cuda:99", "gpu", "", "<b>", None, 3.5])
def test_a_device_that_cannot_be_used_says_so(wanted: object) -> None:
    with pytest.raises(NnvizError) as caught:
        pick_device(nn.Linear(1, 1), wanted)
    assert caught.value.code == "device_unknown"
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory: you tried"),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 1 bytes."),
        RuntimeError("MPS backend out of memory (MPS allocated: 1 GB)"),
    ],
)
def test_out_of_memory_in_each_of_its_forms(error: Exception) -> None:
    assert is_out_of_memory(error)
    with (
        pytest.raises(NnvizError, match=r"Not enough memory for an input of shape \(1, 3\)") as caught,
        plain_errors((1, 3)),
    ):
        raise error
    assert caught.value.__cause__ is error


def test_errors_become_one_line() -> None:
    with pytest.raises(NnvizError) as caught, plain_errors((1, 3)):
        raise RuntimeError("first <b>{0}</b>\nsecond" + "x" * 1000)
    assert str(caught.value).endswith("RuntimeError: first <b>{0}</b>")
    with pytest.raises(NnvizError, match="AssertionError"), plain_errors((1, 3)):
        raise AssertionError
    with pytest.raises(NnvizError, match="are not numbers"), plain_errors((1, 3)):
        raise NnvizError("output_nan")
    with pytest.raises(KeyboardInterrupt), plain_errors((1, 3)):
        raise KeyboardInterrupt


def test_randomness_of_its_own() -> None:
    torch.manual_seed(5)
    state = torch.get_rng_state()
    with own_randomness(torch.device("cpu")):
        first = torch.randn(3)
    with suppress(KeyError), own_randomness(torch.device("cpu")):
        assert torch.equal(torch.randn(3), first)
        raise KeyError
    assert torch.equal(torch.get_rng_state(), state)
