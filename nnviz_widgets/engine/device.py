"""Where a network runs, and what goes wrong there in one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from torch import Tensor, nn

from nnviz_widgets.errors import NnvizError

HALF = {"cpu": torch.bfloat16}
"""What half precision is on a device; float16 on accelerators."""


def pick_device(module: nn.Module, wanted: str | torch.device) -> torch.device:
    """ "auto": the accelerator that the module is on, else CUDA, MPS or the CPU, whichever there is."""
    if wanted == "auto":
        own = next((p.device for p in module.parameters()), torch.device("cpu"))
        if own.type not in ("cpu", "meta"):
            return own
        if torch.cuda.is_available():
            return torch.device("cuda", torch.cuda.current_device())
        return torch.device("mps", 0) if torch.backends.mps.is_available() else torch.device("cpu")
    try:
        device = torch.device(wanted)
        return torch.empty(0, device=device).device
    except (RuntimeError, AssertionError, TypeError) as error:
        raise NnvizError("device_unknown", device=str(wanted), reason=str(error).splitlines()[0]) from error


@contextmanager
def plain_errors(shape: tuple[int, ...]) -> Iterator[None]:
    """Turn what a network raises on an input of this shape into one line that says what to do."""
    try:
        yield
    except NnvizError:
        raise
    except Exception as error:
        if is_out_of_memory(error):
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            raise NnvizError("out_of_memory", shape=shape) from error
        reason = (str(error).strip().splitlines() or [""])[0][:300]
        raise NnvizError("module_raised", shape=shape, type=type(error).__name__, reason=reason) from error


def is_out_of_memory(error: BaseException) -> bool:
    text = str(error)
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError)
        and any(words in text for words in ("not enough memory", "can't allocate memory", "out of memory"))
    )


def precision(device: torch.device, half: bool) -> AbstractContextManager[object]:
    """The network's own precision whatever the caller's autocast is, or `half` of it where an operation bears that."""
    if not half and not torch.is_autocast_enabled(device.type):
        return nullcontext()
    return torch.autocast(device.type, HALF.get(device.type, torch.float16), enabled=half)


@contextmanager
def own_randomness(device: torch.device) -> Iterator[None]:
    """Random numbers drawn inside are the same every time, and the caller's generators do not notice."""
    before = random_states(device)
    try:
        torch.default_generator.manual_seed(0)  # torch.manual_seed would seed every accelerator
        if device.type == "cuda":
            with torch.cuda.device(device):
                torch.cuda.manual_seed(0)
        elif device.type == "mps":
            torch.mps.manual_seed(0)
        yield
    finally:
        torch.set_rng_state(before[0])
        if device.type == "cuda":
            torch.cuda.set_rng_state(before[1], device)
        elif device.type == "mps":
            torch.mps.set_rng_state(before[1])


def random_states(device: torch.device) -> list[Tensor]:
    """States of the generators that a pass on this device may draw from."""
    states = [torch.get_rng_state()]
    if device.type == "cuda":
        states.append(torch.cuda.get_rng_state(device))
    elif device.type == "mps":
        states.append(torch.mps.get_rng_state())
    return states
