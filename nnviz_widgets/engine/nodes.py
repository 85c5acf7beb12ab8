"""What a window of an operation's result takes: which cells of which sources, and how to compute it from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from nnviz_widgets.engine.graph import Step
from nnviz_widgets.engine.layouts import Layout, Place, is_spatial, nchw

Kind = Literal["picture", "constant", "aligned", "sliding", "mean", "whole"]
Run = Callable[[Sequence[Tensor], Place], Tensor]
Pads = tuple[int, int, int, int]
"""Top, bottom, left, right."""


@dataclass(frozen=True)
class Slide:
    """Along one axis, cell i reads the `kernel` cells i * stride - before + k * dilation of the source."""

    kernel: int = 1
    stride: int = 1
    before: int = 0
    dilation: int = 1

    def source(self, start: Any, length: int) -> tuple[Any, int]:
        """First cell and number of cells of the source that `length` cells from `start` read."""
        return start * self.stride - self.before, (length - 1) * self.stride + (self.kernel - 1) * self.dilation + 1


@dataclass(frozen=True, eq=False)
class Convolution:
    """A two-dimensional convolution with all that was merged into it; its padding is of zeros."""

    weight: Tensor
    bias: Tensor | None
    stride: tuple[int, int]
    pads: Pads
    dilation: tuple[int, int]
    groups: int


@dataclass(frozen=True, eq=False)
class Node:
    """One operation of a network for many pictures at once, on windows of their maps.

    Attributes:
        step: whose value this gives.
        kind: "aligned": a cell reads that cell of its sources; "sliding": windows, as `slides` say; "mean": over all
            cells; "whole": anything of anything; "constant": maps that are the same for all pictures.
        layout: of the value; None where it is (n, *shape for one picture).
        size: rows and columns of its maps, (1, 1) where it has none.
        run: (sources over the cells that the window reads, place of the window) -> the window.
        run_whole: the same for a "sliding" node from whole maps, which it pads itself.
        overwrite: the same as `run`, in the memory of its one source.
        pad: what a "sliding" node reads outside its source.
        macs: multiply-accumulates a cell; all of them where there are no cells.
        weights: numbers that it reads besides its sources.
        convolution, pads: what a later node may merge into itself.
    """

    step: Step
    kind: Kind
    layout: Layout | None
    size: tuple[int, int]
    sources: tuple[Node, ...] = ()
    run: Run = field(default=lambda values, place: values[0], repr=False)
    run_whole: Run | None = field(default=None, repr=False)
    slides: tuple[Slide, Slide] = (Slide(), Slide())
    pad: float = 0.0
    macs: float = 0.0
    weights: int = 0
    constant: Tensor | None = None
    convolution: Convolution | None = None
    pads: Pads | None = None
    overwrite: Run | None = field(default=None, repr=False)

    @property
    def spatial(self) -> bool:
        return is_spatial(self.layout)

    @property
    def units(self) -> int:
        """Numbers a cell, or in all where there are no cells."""
        return max(1, torch.Size(self.step.shape).numel() // (self.size[0] * self.size[1]))


def convolved(step: Step, source: Node, convolution: Convolution) -> Node:
    """A node for a convolution of nchw maps."""
    weight, bias = convolution.weight, convolution.bias
    top, bottom, left, right = convolution.pads
    stride, dilation, groups = convolution.stride, convolution.dilation, convolution.groups
    symmetric = top == bottom and left == right

    def run(values: Sequence[Tensor], _: Place) -> Tensor:
        return F.conv2d(values[0], weight, bias, stride, 0, dilation, groups)

    def run_whole(values: Sequence[Tensor], _: Place) -> Tensor:
        padded = values[0] if symmetric else F.pad(values[0], (left, right, top, bottom))
        return F.conv2d(padded, weight, bias, stride, (top, left) if symmetric else 0, dilation, groups)

    slides = tuple(map(Slide, weight.shape[2:], stride, (top, left), dilation))
    alone = (
        all((slide.kernel, slide.stride, slide.before) == (1, 1, 0) for slide in slides) and not bottom and not right
    )
    return Node(
        step,
        "aligned" if alone else "sliding",
        nchw(weight.shape[0]),
        (step.shape[2], step.shape[3]),
        (source,),
        run,
        run_whole,
        slides,  # type: ignore[arg-type]
        macs=weight.numel(),
        weights=weight.numel(),
        convolution=convolution,
    )


def normalised(step: Step, node: Node, scale: Tensor, shift: Tensor) -> Node:
    """A convolution followed by a factor and a summand a channel, as one convolution."""
    assert node.convolution is not None
    old = node.convolution
    weight = (old.weight.double() * scale[:, None, None, None]).to(old.weight.dtype)
    bias = shift if old.bias is None else old.bias.double() * scale + shift
    new = replace(old, weight=kept_apart(weight), bias=bias.to(old.weight.dtype))
    return convolved(step, node.sources[0], new)


def kept_apart(weight: Tensor) -> Tensor:
    """A copy that a training step does not change, with channels innermost as the windows have them."""
    return weight.detach().clone(memory_format=torch.channels_last)


OVERWRITING = frozenset(["relu", "hardtanh", "hardswish", "hardsigmoid", "silu", "gelu", "clamp", "clamp_min", "elu"])
"""Pointwise operations that have a twin that works in place."""


def overwriter(step: Step, where: Mapping[Step, int | Tensor]) -> Run | None:
    """The operation in the memory of its one source, if there is such an operation."""
    if step.operation not in OVERWRITING or len(step.inputs) != 1:
        return None
    packet = getattr(torch.ops.aten, step.operation + "_")
    target = getattr(packet, getattr(step.target, "_overloadname", "default"), None)
    if target is None:
        return None
    call = caller(replace(step, target=target), where)
    return lambda values, _: call(values)


def caller(step: Step, where: Mapping[Step, int | Tensor]) -> Callable[[Sequence[Tensor]], Tensor]:
    """The recorded operation, its tensors replaced by the i-th of the values given or by a constant."""
    assert step.target is not None
    target, index = step.target, step.index

    def filled(argument: Any, values: Sequence[Tensor]) -> Any:
        if isinstance(argument, Step):
            found = where[argument]
            return values[found] if isinstance(found, int) else found
        return [filled(part, values) for part in argument] if isinstance(argument, list) else argument

    fixed = {k: v for k, v in step.arguments.items() if not isinstance(v, Step | list)}
    filled_in = {k: v for k, v in step.arguments.items() if isinstance(v, Step | list)}

    def call(values: Sequence[Tensor]) -> Tensor:
        result = target(**fixed, **{name: filled(argument, values) for name, argument in filled_in.items()})
        found: Tensor = result if index is None else result[index]
        return found

    return call
