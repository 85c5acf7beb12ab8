"""Windows of operations that only move values: views, slices, concatenations, padding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch.nn.functional as F
from torch import Tensor

from nnviz_widgets.engine.graph import Step
from nnviz_widgets.engine.layouts import Place, is_nchw, is_units, reshaped, units, viewed, without_cells
from nnviz_widgets.engine.moving_rules import sliced
from nnviz_widgets.engine.nodes import Node, Slide
from nnviz_widgets.engine.window_rules import Known, Rule, direct, only, over_whole_maps


def _view(step: Step, known: Known) -> Node | None:
    source = only(step, known)
    return None if source is None else _as_view(step, source)


def _as_view(step: Step, source: Node) -> Node | None:
    assert source.layout is not None
    old, sizes = source.layout, dict(zip("hw", source.size, strict=True))
    new = viewed(old, step.shape, sizes)
    if new is None:
        return None
    if any({"h", "w"} & set(axis) and any(isinstance(atom, int) for atom in axis) for axis in new):
        flat = without_cells(new, sizes)

        def run_flat(found: Sequence[Tensor], place: Place) -> Tensor:
            return found[0].reshape(place.shape(flat))

        return Node(step, "whole", flat, (1, 1), (source,), run_flat)

    def run(found: Sequence[Tensor], place: Place) -> Tensor:
        return reshaped(found[0], old, new, place)

    return Node(step, "aligned", new, source.size, (source,), run)


def _as_strided(step: Step, known: Known) -> Node | None:
    """Only where it changes axes of size 1, as channels_last does to a tensor of one cell."""
    source = only(step, known)
    long = [size for size in step.shape if size > 1]
    strides = [stride for stride, size in zip(step.arguments["stride"], step.shape, strict=True) if size > 1]
    if source is None or len(long) > 1 or strides not in ([], [1]) or step.arguments["storage_offset"]:
        return None
    return _as_view(step, source) if long == [size for size in source.step.shape if size > 1] else None


def _permute(step: Step, known: Known) -> Node | None:
    source = only(step, known)
    if source is None or source.layout is None:
        return None
    rank = len(source.layout)
    order = list(range(rank))
    if step.operation == "permute":
        order = [dim % rank for dim in step.arguments["dims"]]
    elif rank > 1:
        i, j = (0, 1) if step.operation == "t" else (step.arguments["dim0"], step.arguments["dim1"])
        order[i], order[j] = order[j], order[i]
    layout = tuple(source.layout[dim] for dim in order)
    return direct(step, known, source, layout)


def _cat(step: Step, known: Known) -> Node | None:
    tensors = step.arguments["tensors"]
    if not all(tensor.live for tensor in tensors):
        return None
    sources = [known.nodes[tensor] for tensor in tensors]
    first = sources[0].layout
    if first is None:
        return None
    axis = step.arguments["dim"] % len(first)
    rests = {None if s.layout is None else (s.layout[:axis], s.layout[axis + 1 :], s.size) for s in sources}
    if len(rests) > 1 or not all(s.layout is not None and is_units(s.layout[axis]) for s in sources):
        return None
    unique = tuple(dict.fromkeys(sources))
    places = [unique.index(source) for source in sources]
    call = step.target
    assert call is not None

    def run(found: Sequence[Tensor], _: Place) -> Tensor:
        joined: Tensor = call([found[place] for place in places], axis)
        return joined

    layout = (*first[:axis], units(step.shape[axis]), *first[axis + 1 :])
    return Node(step, "aligned", layout, sources[0].size, unique, run)


def _part(step: Step, known: Known) -> Node | None:
    """Slices, selections and splits along an axis of units, and slices of rows or columns."""
    source = only(step, known)
    if source is None or source.layout is None:
        return None
    if step.operation == "slice" and step.shape == source.step.shape:
        return Node(step, "aligned", source.layout, source.size, (source,))
    axis = step.arguments["dim"] % len(source.layout)
    before, own, after = source.layout[:axis], source.layout[axis], source.layout[axis + 1 :]
    if is_units(own):
        gone = step.operation in ("select", "unbind")
        layout = (*before, *(() if gone else (units(step.shape[axis]),)), *after)
        return direct(step, known, source, layout)
    if step.operation != "slice" or own not in (("h",), ("w",)) or not is_nchw(source.layout):
        return None
    cells = sliced(step.arguments, source.size[axis - 2])
    slides = [Slide(), Slide()]
    slides[axis - 2] = Slide(1, cells.step, -cells.start)
    return _picked(step, source, slides)


def _picked(step: Step, source: Node, slides: list[Slide], pad: float = 0.0) -> Node:
    """Cells taken, or put between others, as they are."""
    (rows, cols), (height, width) = slides, step.shape[2:]

    def run(found: Sequence[Tensor], _: Place) -> Tensor:
        return found[0][:, :, :: rows.stride, :: cols.stride]

    def run_whole(found: Sequence[Tensor], _: Place) -> Tensor:
        (top, bottom), (left, right) = (
            (s.before, (out - 1) * s.stride + 1 - s.before - size)
            for s, out, size in zip((rows, cols), (height, width), source.size, strict=True)
        )
        return F.pad(found[0], (left, right, top, bottom), value=pad)[:, :, :: rows.stride, :: cols.stride]

    return Node(step, "sliding", source.layout, (height, width), (source,), run, run_whole, (rows, cols), pad)


def _constant_pad(step: Step, known: Known) -> Node | None:
    source, widths = only(step, known), step.arguments["pad"]
    if source is None or not is_nchw(source.layout) or any(widths[4:]):
        return None
    left, right, top, bottom = (*widths[:4], 0, 0)[:4]
    node = _picked(step, source, [Slide(1, 1, top), Slide(1, 1, left)], float(step.arguments["value"]))
    return node if min(widths) < 0 else replace(node, pads=(top, bottom, left, right))


def _channel_shuffle(step: Step, known: Known) -> Node | None:
    source = only(step, known)
    if source is None or source.layout is None or not is_units(source.layout[1]) or source.layout[0] != ("n",):
        return None
    return direct(step, known, source, source.layout)


def _flip(step: Step, known: Known) -> Node | None:
    source = only(step, known)
    if source is None or source.layout is None:
        return None
    axes = [source.layout[dim] for dim in step.arguments["dims"]]
    if not axes or any("n" in axis for axis in axes):
        return None
    make = direct if all(is_units(axis) for axis in axes) else over_whole_maps
    return make(step, known, source, source.layout)


MOVING_WINDOWS: dict[str, Rule] = {
    "cat": _cat,
    "as_strided": _as_strided,
    "constant_pad_nd": _constant_pad,
    **dict.fromkeys(["flip", "roll"], _flip),
    **dict.fromkeys(["permute", "transpose", "t"], _permute),
    **dict.fromkeys(["view", "_unsafe_view", "_reshape_alias", "squeeze", "unsqueeze"], _view),
    **dict.fromkeys(["slice", "select", "split", "split_with_sizes", "unbind"], _part),
    **dict.fromkeys(["channel_shuffle", "native_channel_shuffle"], _channel_shuffle),
}
