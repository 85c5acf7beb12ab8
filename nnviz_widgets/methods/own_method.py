"""A person's own function in the place of a method: run on a copy of the network, and held against the reference."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from inspect import Parameter, signature
from types import TracebackType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from nnviz_widgets.engine.device import own_randomness, precision
from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.errors import NnvizError

Method = Callable[[nn.Module, Tensor, Any], Any]
"""f(module, x, target): a plain module in eval mode, the prepared tensor and a class index -> as the reference.

Where maps of a layer are asked for, f(module, x, layer): its name.
"""

ROUNDING = 1e-4
"""Share of the reference's largest magnitude: what float32 adds up to on the way through a deep network and back."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """What a function gave, beside the reference.

    Attributes:
        values: the function's, like the reference.
        largest: the largest absolute difference. place: its index in the reference; row, col: the last two of it.
        equal: whether they are the same within float32 rounding.
        factor: where they are not, the number that the reference has to be multiplied by to be; None if none will do.
    """

    values: Tensor
    largest: float
    place: tuple[int, ...]
    equal: bool
    factor: float | None

    @property
    def row(self) -> int:
        return self.place[-2] if len(self.place) > 1 else 0

    @property
    def col(self) -> int:
        return self.place[-1] if self.place else 0


def run_own(
    engine: Engine, method: Method, x: Tensor, asked: int | str, reference: Tensor | NDArray[Any]
) -> Comparison:
    """Call a person's function and compare what it gives with the reference.

    It gets a copy of the network of its own, free to be hooked, taken apart and written to, whose parameters ask for
    gradients like those of a fresh network; and a clone of x. It runs with gradients on, without autocast, with random
    numbers that are the same every time and that the process does not notice. It gives a tensor or an array of the
    reference's shape; leading ones may be missing.

    Raises:
        NnvizError: for what the function raised, naming the line of its file or cell; for another shape than the
            reference's, and for NaN or infinite values.
    """
    name, wanted = name_of(method), torch.as_tensor(reference)
    plain = x.detach().contiguous()
    found = compare(name, call_own(engine, method, plain, asked), wanted)
    laid_out = engine.laid_out(plain)
    if found.equal or laid_out.stride() == plain.stride():
        return found
    # Rounding decides which of two alike values a pooling takes, and so where the gradient goes: before we say that a
    # function differs, it is run on numbers that are rounded as the reference's were.
    with suppress(NnvizError):  # not every function bears this memory format, and the first run counts as well
        again = compare(name, call_own(engine, method, laid_out, asked), wanted)
        return min(found, again, key=lambda one: one.largest)
    return found


def call_own(engine: Engine, method: Method, x: Tensor, asked: int | str) -> Any:
    """What the function gives, as it is."""
    module = engine.plain_copy()
    with on_its_own(engine.device):
        clone = x.detach().clone()
        about = "layer" if isinstance(asked, str) else "target"
        return called(method, f"module, x, {about}", module, clone, asked)


def called(method: Callable[..., Any], words: str, *arguments: Any, **further: Any) -> Any:
    """What a person's function gives; what it raises in one line, its traceback from her own code on.

    Args:
        words: its arguments as a person writes them.
    """
    try:
        return method(*arguments, **further)
    except Exception as error:
        own = _in_own_code(error.__traceback__)
        kind, reason = type(error).__name__, (str(error).strip().splitlines() or [""])[0]
        if own is None:
            raise NnvizError("own_call", name=name_of(method), arguments=words, reason=reason) from error
        line = _last_line(own)
        told = NnvizError("own_raised", name=name_of(method), type=kind, line=line, reason=reason)
        raise told from error.with_traceback(own)


def asked_for(method: Callable[..., Any], offered: Mapping[str, Any], *, after: int) -> dict[str, Any]:
    """Of what is offered by name, that which a function names behind its first `after` arguments.

    What a functools.partial has fixed stays fixed.

    Raises:
        NnvizError: for an argument without a default that is not offered.
    """
    try:
        parameters = [*signature(method).parameters.values()][after:]
    except (TypeError, ValueError):  # some built-in functions tell nothing about theirs
        return {}
    fixed = getattr(method, "keywords", {})
    found = {}
    for parameter in parameters:
        if parameter.name in offered and parameter.name not in fixed:
            found[parameter.name] = offered[parameter.name]
        elif parameter.default is Parameter.empty and parameter.kind not in (
            Parameter.VAR_KEYWORD,
            Parameter.VAR_POSITIONAL,
        ):
            known = ", ".join(offered)
            raise NnvizError("own_argument", name=name_of(method), argument=parameter.name, known=known)
    return found


@contextmanager
def on_its_own(device: torch.device) -> Iterator[None]:
    """Gradients on, no autocast, random numbers that are the same every time and that the process does not notice."""
    with torch.inference_mode(False), torch.enable_grad(), precision(device, False), _unnoticed(device):
        yield


def compare(name: str, given: Any, reference: Tensor) -> Comparison:
    """Check what a function called `name` gave, and find where it differs most."""
    expected = tuple(reference.shape)
    if not isinstance(given, Tensor | np.ndarray):
        raise NnvizError("own_type", name=name, type=type(given).__name__, expected=expected)
    try:
        values = torch.as_tensor(given).detach().to("cpu", torch.float64)
    except TypeError as error:  # an array of objects
        raise NnvizError("own_type", name=name, type=f"{given.dtype} array", expected=expected) from error
    if _without_leading_ones(values.shape) != _without_leading_ones(reference.shape):
        raise NnvizError("own_shape", name=name, got=tuple(values.shape), expected=expected)
    values = values.reshape(reference.shape)
    bad = ~values.isfinite()
    if bad.any():
        raise NnvizError("own_numbers", name=name, count=int(bad.sum()), place=_place(bad.to(torch.uint8)))
    wanted = reference.detach().to("cpu", torch.float64)
    if not values.numel():
        return Comparison(values.to(reference.dtype), 0.0, (), True, None)
    difference = (values - wanted).abs()
    largest, rounding = float(difference.max()), ROUNDING * float(wanted.abs().max())
    equal = largest <= rounding
    factor = None if equal else _factor(values, wanted)
    return Comparison(values.to(reference.dtype), largest, _place(difference), equal, factor)


def name_of(method: Any) -> str:
    """What a person calls her function."""
    named = getattr(method, "func", method)  # of a functools.partial
    return str(getattr(named, "__name__", type(named).__name__))


def _factor(values: Tensor, wanted: Tensor) -> float | None:
    square = float((wanted * wanted).sum())
    factor = float((values * wanted).sum()) / square if square else 0.0
    rest = float((values - factor * wanted).abs().max())
    return factor if factor and rest <= ROUNDING * float(values.abs().max()) else None


def _place(values: Tensor) -> tuple[int, ...]:
    """The index of the largest value."""
    return tuple(int(i) for i in np.unravel_index(int(values.argmax()), tuple(values.shape)))


def _without_leading_ones(shape: torch.Size) -> tuple[int, ...]:
    axes = list(shape)
    while axes and axes[0] == 1:
        del axes[0]
    return tuple(axes)


def _in_own_code(trace: TracebackType | None) -> TracebackType | None:
    """The traceback from the person's function on; None where it was not even entered."""
    return None if trace is None else trace.tb_next


def _last_line(trace: TracebackType) -> int:
    """The line of the person's file or cell that was running, however deep in a library the error came from."""
    file, line = trace.tb_frame.f_code.co_filename, trace.tb_lineno
    step: TracebackType | None = trace
    while step is not None:
        if step.tb_frame.f_code.co_filename == file:
            line = step.tb_lineno
        step = step.tb_next
    return line


@contextmanager
def _unnoticed(device: torch.device) -> Iterator[None]:
    """Every generator of random numbers begins anew, and is put back."""
    python, numpy = random.getstate(), np.random.get_state()
    try:
        random.seed(0)
        np.random.seed(0)
        with own_randomness(device):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
