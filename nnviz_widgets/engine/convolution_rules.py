"""Windows of convolutions and linear layers, with the normalisation and padding beside them merged into them."""

from __future__ import annotations

from dataclasses import replace

from nnviz_widgets.engine.graph import Step
from nnviz_widgets.engine.layouts import is_nchw, is_units, nchw, units
from nnviz_widgets.engine.nodes import Convolution, Node, convolved, kept_apart, normalised
from nnviz_widgets.engine.window_rules import Known, Rule, direct, only, over_whole_maps

POINT = (("n",), (), ())


def _convolution(step: Step, known: Known) -> Node | None:
    source, values = only(step, known, "input"), step.arguments
    weight, bias = known.constant(values["weight"]), known.constant(values["bias"])
    if source is None or weight is None or weight.ndim != 4:
        return None
    assert source.layout is not None
    if source.layout[0:1] + source.layout[2:] == POINT:  # one cell a picture, as in the gates of squeeze-excitation
        layout = (("n",), units(step.shape[1]), (), ())
        if step.shape[2:] != (1, 1):
            return None
        return direct(step, known, source, layout, macs=weight.numel(), weights=weight.numel())
    if not is_nchw(source.layout):
        return None
    if values["transposed"]:
        return replace(
            over_whole_maps(step, known, source, nchw(step.shape[1])),
            macs=weight.numel() * source.size[0] * source.size[1] / (step.shape[2] * step.shape[3]),
        )
    pads = tuple(pad for pad in values["padding"] for _ in range(2))
    if source.pads is not None and source.pad == 0:
        pads = tuple(a + b for a, b in zip(pads, source.pads, strict=True))
        source = source.sources[0]
    own = Convolution(
        kept_apart(weight),
        None if bias is None else bias.detach().clone(),
        tuple(values["stride"]),
        pads,
        tuple(values["dilation"]),
        values["groups"],
    )
    return convolved(step, source, own)


def _batch_norm(step: Step, known: Known) -> Node | None:
    values, source = step.arguments, only(step, known, "input")
    mean, variance = (known.constant(values.get(name)) for name in ("running_mean", "running_var"))
    if source is None or step.index not in (None, 0) or mean is None or variance is None or source.layout is None:
        return None
    own = source.convolution
    if own is None or not known.foldable or known.readers[step.arguments["input"]] > 1:
        return direct(step, known, source, source.layout)
    weight, bias = known.constant(values["weight"]), known.constant(values["bias"])
    scale = (variance.double() + values.get("eps", values.get("epsilon"))).rsqrt()
    scale = scale if weight is None else scale * weight.double()
    shift = -mean.double() * scale
    return normalised(step, source, scale, shift if bias is None else shift + bias.double())


def _linear(step: Step, known: Known) -> Node | None:
    left = step.arguments["mat1" if step.operation == "addmm" else "self"]
    weight = known.constant(step.arguments["mat2"])
    if not isinstance(left, Step) or not left.live or weight is None or sum(s.live for s in step.inputs) != 1:
        return None
    source = known.nodes[left]
    if source.layout is None or not is_units(source.layout[1]):
        return None
    summand = known.constant(step.arguments.get("self")) if step.operation == "addmm" else None
    if summand is not None and summand.ndim > 1 and summand.shape[0] != 1:
        return None
    count = weight.numel()
    layout = (source.layout[0], units(weight.shape[1]))
    return direct(step, known, source, layout, macs=count, weights=count)


CONVOLUTION_RULES: dict[str, Rule] = {
    "convolution": _convolution,
    **dict.fromkeys(["mm", "addmm"], _linear),
    **dict.fromkeys(["native_batch_norm", "cudnn_batch_norm", "miopen_batch_norm"], _batch_norm),
    **dict.fromkeys(["_native_batch_norm_legit", "_native_batch_norm_legit_no_training"], _batch_norm),
}
