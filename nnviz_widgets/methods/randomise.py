"""Networks with part of their weights drawn anew, to see whether a map looks at the weights at all."""

from __future__ import annotations

from dataclasses import asdict

import torch
from torch import Tensor, nn

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.engine.layers import Layer
from nnviz_widgets.engine.shadow import Shadow
from nnviz_widgets.errors import NnvizError


def randomised(engine: Engine, share: float, seed: int = 0) -> Engine:
    """The network with the weights of its top layers drawn anew, from the last one down (Adebayo et al. 2018).

    A layer is drawn the same whatever the share, so shares cascade as in the paper. Weights are normal, scaled for
    ReLUs (He et al. 2015), biases 0; a normalisation goes with the layer before it and begins afresh, because its
    statistics are of weights that are gone; other parameters (tokens, scales) are shuffled.

    Args:
        share: 0..1, of the layers that have weights; 0 gives a plain copy.

    Returns:
        An engine of its own over a copy; the module is left alone, and later changes of it do not show.

    Raises:
        NnvizError: for a share outside 0..1.
    """
    # On the CPU, so that every device draws the same numbers.
    module = Shadow(engine.module, torch.device("cpu")).module
    with torch.inference_mode(False), torch.no_grad():
        for part in module.modules():
            for parameter in part.parameters(recurse=False):
                parameter.data = parameter.data.clone()  # not the user's storage, which the copy shares so far
    _draw_top(module, tuple(engine.layers), share, seed)
    return Engine(
        module,
        **asdict(engine.contract),
        labels=engine.labels,
        device=engine.device,
        outputs=engine.outputs,
        name=engine.name,
    )


def redraw(engine: Engine, copy: Engine, share: float, seed: int = 0) -> None:
    """Make `copy`, which `randomised` gave, what that would give for another share; quicker than a new one."""
    with torch.inference_mode(False), torch.no_grad():
        for ours, theirs in zip(_state(copy.module), _state(engine.module), strict=True):
            ours.copy_(theirs)
    _draw_top(copy.module, tuple(engine.layers), share, seed)


def layers_with_weights(engine: Engine) -> int:
    """How many layers `randomised` counts: the steps that a share can take."""
    return len(weighted_layers(engine))


def weighted_layers(engine: Engine) -> tuple[str, ...]:
    """The layers that `randomised` counts, in execution order, each by the path of its first module."""
    groups = _groups(engine.module, tuple(engine.layers))
    return tuple(group[0][0] or engine.name for group in groups)


def _draw_top(module: nn.Module, layers: tuple[Layer, ...], share: float, seed: int) -> None:
    """Draw a share of the layers with weights anew, in place."""
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
        raise NnvizError("contract_value", field="share", value=share, expected="a number from 0 to 1")
    groups = _groups(module, layers)
    drawn: set[int] = set()
    with torch.inference_mode(False), torch.no_grad():
        for place in range(len(groups) - round(share * len(groups)), len(groups)):
            generator = torch.Generator().manual_seed(seed * 1_000_003 + place)
            for _, part in groups[place]:
                _draw(part, generator, drawn)


def _state(module: nn.Module) -> list[Tensor]:
    return [*module.parameters(), *module.buffers()]


def _groups(module: nn.Module, layers: tuple[Layer, ...]) -> list[list[tuple[str, nn.Module]]]:
    """The modules with parameters and their paths in execution order; each with a matrix or filters begins a group."""
    first: dict[str, int] = {}
    for place, layer in enumerate(layers):
        if layer.tap.module is not None:
            path = layer.tap.module
            while path not in first:  # a container begins with the first layer inside it
                first[path] = place
                path = path.rpartition(".")[0]
    owners = [(path, part) for path, part in module.named_modules() if list(part.parameters(recurse=False))]

    def place_of(path: str) -> int:
        while path not in first and path:  # one that is read but not called goes with the module around it
            path = path.rpartition(".")[0]
        return first.get(path, 0)

    groups: list[list[tuple[str, nn.Module]]] = [[]]
    matrices = False
    for path, part in sorted(owners, key=lambda owner: place_of(owner[0])):
        begins = not _is_norm(part) and any(p.ndim >= 2 for p in part.parameters(recurse=False))
        if begins and matrices:
            groups.append([])
        groups[-1].append((path, part))
        matrices = matrices or begins
    return groups if groups[0] else []


def _draw(part: nn.Module, generator: torch.Generator, drawn: set[int]) -> None:
    for name, parameter in part.named_parameters(recurse=False):
        if id(parameter) in drawn:  # tied to a layer further up
            continue
        drawn.add(id(parameter))
        if _is_norm(part):
            parameter.fill_(0.0 if name == "bias" else 1.0)
        elif name.endswith("bias"):
            parameter.zero_()
        elif parameter.ndim >= 2 and ("weight" in name or name.startswith("original")):
            std = (2 / max(1, parameter[0].numel())) ** 0.5
            parameter.copy_(_normal(parameter, generator) * std)
        else:
            order = torch.randperm(parameter.numel(), generator=generator)
            parameter.copy_(parameter.flatten()[order].view_as(parameter))
    if isinstance(part, nn.modules.batchnorm._NormBase):
        part.reset_running_stats()


def _normal(like: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(like.shape, generator=generator, dtype=torch.float32).to(like.dtype)


def _is_norm(part: nn.Module) -> bool:
    return "Norm" in type(part).__name__
