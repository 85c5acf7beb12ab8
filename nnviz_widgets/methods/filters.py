"""Filters: the weights of a convolution, as one stack of small pictures a filter."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.errors import NnvizError


def filters(engine: Engine, layer: str) -> Tensor:
    """Weights of a convolution by output channel; a copy (Krizhevsky et al. 2012, figure 3).

    Filter k of the result makes channel k of the layer, for transposed and grouped convolutions too; with groups it
    reads only its group's inputs (see `inputs_of`).

    Returns:
        (out, in / groups, kernel height, kernel width), on the CPU.

    Raises:
        NnvizError: for a layer that has no two-dimensional filters, or whose weights are not numbers.
    """
    module = _convolution(engine, layer)
    weight = _weight(module).detach().float().cpu()
    if not torch.isfinite(weight).all():
        raise NnvizError("weights_nan", name=f"{engine.layers[layer].tap.module}.weight")
    if not isinstance(module, nn.ConvTranspose2d):
        return weight.clone()
    # (in, out / groups, kh, kw) -> (out, in / groups, kh, kw), group by group
    grouped = weight.reshape(module.groups, -1, *weight.shape[1:])
    return grouped.transpose(1, 2).flatten(0, 1)


def inputs_of(engine: Engine, layer: str, filter: int) -> range:
    """The channels of the layer before that a filter reads: all of them, or those of its group."""
    module = _convolution(engine, layer)
    each = module.in_channels // module.groups
    group = filter // (module.out_channels // module.groups)
    return range(group * each, (group + 1) * each)


def shape_of(engine: Engine, layer: str) -> tuple[int, int, int, int]:
    """The shape of `filters`, without a look at the weights."""
    module = _convolution(engine, layer)
    height, width = module.kernel_size
    return module.out_channels, module.in_channels // module.groups, height, width


def layers_with_filters(engine: Engine) -> tuple[str, ...]:
    """Names of the layers that have filters, in execution order; a module that runs twice is named once."""
    names = (layer.name for layer in engine.layers if layer.tap.module is not None and layer.tap.call == 1)
    return tuple(name for name in names if isinstance(_module(engine, name), nn.Conv2d | nn.ConvTranspose2d))


def _weight(module: nn.Conv2d | nn.ConvTranspose2d) -> Tensor:
    """The weights of the next pass; a spectral norm in training changes its state when merely asked for them."""
    if not parametrize.is_parametrized(module, "weight"):
        return module.weight
    assert isinstance(module.parametrizations, nn.ModuleDict)
    with torch.no_grad():
        weight = copy.deepcopy(module.parametrizations["weight"]).eval()()
    assert isinstance(weight, Tensor)
    return weight


def _module(engine: Engine, layer: str) -> nn.Module | None:
    path = engine.layers[layer].tap.module
    return None if path is None else engine.module.get_submodule(path)


def _convolution(engine: Engine, layer: str) -> nn.Conv2d | nn.ConvTranspose2d:
    module = _module(engine, layer)
    if not isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        raise NnvizError("layer_no_filters", name=layer, kind=engine.layers[layer].kind)
    return module
