"""A unit's receptive field by gradient, for networks that no list of operations can describe."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from nnviz_widgets.engine.axes import tensors_in
from nnviz_widgets.engine.layers import Layer
from nnviz_widgets.engine.receptive_field import Rect, bounding_rect
from nnviz_widgets.engine.taps import read
from nnviz_widgets.engine.trace import ACTIVATIONS, function_name


def linearised_field(module: nn.Module, size: tuple[int, int, int], layer: Layer, row: int, col: int) -> Rect:
    """Bounding box of the nonzero gradient of a unit, on a copy of the module made linear and positive.

    Absolute weights keep paths from cancelling, activations become the identity and maximum pooling the sum, so that
    no path is cut. Holds for the branches that the network takes on one random picture of `size` (C, H, W).
    """
    device = next((p.device for p in module.parameters()), torch.device("cpu"))
    own = next((p.dtype for p in module.parameters() if p.is_floating_point()), torch.float32)
    try:  # float64: the product of many small weights would vanish
        return _field(module, size, layer, row, col, torch.device("cpu"), torch.float64)
    except (RuntimeError, TypeError):  # a network that names its own device or type
        return _field(module, size, layer, row, col, device, own)


def _field(
    module: nn.Module,
    size: tuple[int, int, int],
    layer: Layer,
    row: int,
    col: int,
    device: torch.device,
    dtype: torch.dtype,
) -> Rect:
    # Tensors with a graph, kept from an earlier pass, refuse to be copied.
    kept = [t for part in module.modules() for t in tensors_in(vars(part)) if t.grad_fn is not None]
    linear = copy.deepcopy(module, {id(t): t.detach().clone() for t in kept}).to(device, dtype)
    with torch.inference_mode(False), torch.enable_grad():
        for parameter in linear.parameters():
            weights = parameter.data.abs()
            # A weight that happens to be 0 (normalisations often start so) cuts a path as well.
            parameter.data = torch.where(weights > 0, weights, weights.mean().clamp_min(1e-2)).to(parameter.dtype)
        generator = torch.Generator().manual_seed(0)
        x = torch.rand(1, *size, generator=generator, dtype=torch.float64).to(device, dtype).requires_grad_()
        with _Linear():
            found, _ = read(linear, x, [layer])
        unit = layer.canonical(found[layer.name])[0, :, row, col]
        signs = torch.rand(unit.shape, generator=generator, dtype=torch.float64).to(unit)
        (gradient,) = torch.autograd.grad(unit @ signs, x, allow_unused=True)
    touched = torch.zeros(size[1:], dtype=torch.bool) if gradient is None else (gradient[0] != 0).any(0).cpu()
    return bounding_rect(touched.any(1).numpy(), touched.any(0).numpy())


class _Linear(TorchFunctionMode):
    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        name, kwargs = function_name(func), kwargs or {}
        if name in ACTIVATIONS and args and isinstance(args[0], Tensor):
            return args[0]
        if name == "adaptive_max_pool2d":
            return F.adaptive_avg_pool2d(args[0], args[1] if len(args) > 1 else kwargs["output_size"])
        if name == "max_pool2d" and not kwargs.get("return_indices"):
            return _summed(func(*args, **kwargs).shape, *args, **kwargs)
        return func(*args, **kwargs)


def _summed(
    shape: torch.Size,
    x: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    *_: Any,
    **__: Any,
) -> Tensor:
    """Sums over the windows of a maximum pooling that gives `shape`, which its rounding up may have enlarged."""
    kernel, steps, margins, spread = (
        (value, value) if isinstance(value, int) else tuple(value)
        for value in (kernel_size, stride or kernel_size, padding, dilation)
    )
    widths: list[int] = []
    for axis in (1, 0):
        reach = (shape[axis - 2] - 1) * steps[axis] + spread[axis] * (kernel[axis] - 1) + 1
        widths += (margins[axis], reach - x.shape[axis - 2] - margins[axis])
    ones = x.new_ones(x.shape[-3], 1, *kernel)
    return F.conv2d(F.pad(x, widths), ones, stride=steps, dilation=spread, groups=x.shape[-3])
