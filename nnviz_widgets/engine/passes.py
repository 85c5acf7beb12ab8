"""Passes through the shadow of a network: listing its layers, reading them, differentiating."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext

import torch
from torch import Tensor

from nnviz_widgets.engine.device import own_randomness, plain_errors, random_states
from nnviz_widgets.engine.in_place import trace_shadow
from nnviz_widgets.engine.layers import Layer
from nnviz_widgets.engine.objectives import LOGITS, Objective
from nnviz_widgets.engine.relu_rules import ReluRule, Rule
from nnviz_widgets.engine.shadow import Shadow
from nnviz_widgets.engine.taps import read
from nnviz_widgets.engine.trace import tensor_of
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.images.contract import InputContract


class Passes:
    """A shadow with the layers that a pass on noise has found in it; used under the engine's lock.

    Attributes:
        layers: every layer, in execution order.
        dtype: of the network's parameters, and so of its input.
        classes: number of outputs.
        noise_output: (2, classes), of that pass.
    """

    def __init__(self, shadow: Shadow, contract: InputContract) -> None:
        self.shadow = shadow
        self.contract = contract
        self.device = shadow.device
        self.list_layers()

    def list_layers(self) -> None:
        """Take up the shadow as it is now, with one pass on noise."""
        module = self.shadow.module
        first = next((p for p in module.parameters() if p.is_floating_point()), None)
        dtype = torch.float32 if first is None else first.dtype
        shape = (2, self.contract.channels, *self.contract.size)
        self._draws = True  # until a pass has shown that it draws no random numbers
        with self.guarded(shape), torch.inference_mode(False), torch.no_grad():
            pixels = torch.rand(shape, generator=torch.Generator().manual_seed(0))
            x = self.contract.normalise(pixels).to(self.device, dtype)
            before = random_states(self.device)
            layers, output = trace_shadow(self.shadow, x)
            draws = not all(map(torch.equal, before, random_states(self.device)))
        tensor = tensor_of(output)
        if tensor is None or tensor.ndim < 2 or tensor.shape[0] != 2 or tensor[0].numel() != tensor.shape[1]:
            raise NnvizError("output_shape", got=type(output).__name__ if tensor is None else tuple(tensor.shape))
        self.check_numbers(tensor)
        self.layers, self.dtype, self.classes, self._draws = layers, dtype, tensor.shape[1], draws
        self.noise_output = tensor.flatten(1)

    def read(self, x: Tensor, names: Sequence[str]) -> dict[str, Tensor]:
        """Raw outputs of layers by name, from one pass that ends at the last; `LOGITS` is the output (N, classes)."""
        with self.guarded(tuple(x.shape)), torch.inference_mode(False), torch.no_grad():
            layers = [self.layers[name] for name in names if name != LOGITS]
            found, output = read(self.shadow.module, x.clone(), layers, to_end=LOGITS in names)
        if output is not None:
            found[LOGITS] = output.flatten(1)
        self.check_numbers(found[LOGITS] if LOGITS in found else found[names[-1]])
        return found

    def gradient(
        self, x: Tensor, objective: Objective, cut: Layer | None, rule: Rule, as_logits: Callable[[Tensor], Tensor]
    ) -> Tensor:
        """d objective / d x, or at the layer `cut`, raw; only what lies between the two makes a graph."""
        layers = self.layers
        names = {name: layers.origin(name) for name in objective.layers if name != LOGITS}
        leaf = x.detach().clone().requires_grad_(cut is None)

        def reader(name: str) -> Tensor:
            if name == LOGITS:
                assert output is not None
                return as_logits(output)
            return layers[name].canonical(found[names[name].name])

        relus = ReluRule(rule)
        with self.guarded(tuple(x.shape)):
            to_end = LOGITS in objective.layers
            with nullcontext() if rule == "vanilla" else relus:
                found, output = read(self.shadow.module, leaf.clone(), names.values(), cut=cut, to_end=to_end)
            value = objective.value(reader)
            if not value.requires_grad:
                raise NnvizError("gradient_none", objective=repr(objective), of=cut.name if cut else "input")
            if rule != "vanilla" and not relus.overridden:
                raise NnvizError("rule_no_relu", rule=rule)
            (gradient,) = torch.autograd.grad(value.sum(), leaf if cut is None else found[cut.name])
        self.check_numbers(value)
        self.check_numbers(gradient)
        return gradient

    @contextmanager
    def guarded(self, shape: tuple[int, ...]) -> Iterator[None]:
        """What the network raises becomes one line, and random numbers that it draws are its own."""
        randomness = own_randomness(self.device) if self._draws else nullcontext()
        # The caller's autocast would leave results of a lower precision in the cache.
        with plain_errors(shape), randomness, torch.autocast(self.device.type, enabled=False):
            yield

    def check_numbers(self, values: Tensor) -> None:
        """An error where values are NaN or infinite; it names the weights to blame, if any are."""
        if all_finite(values):
            return
        state = [*self.shadow.module.named_parameters(), *self.shadow.module.named_buffers()]
        bad = next((name for name, tensor in state if not torch.isfinite(tensor).all()), None)
        raise NnvizError("output_nan") if bad is None else NnvizError("weights_nan", name=bad)


def all_finite(values: Tensor) -> bool:
    """Whether no value is NaN or infinite: by their sum, which is quick, and one by one where that overflows."""
    return bool(torch.isfinite(values.sum()) or torch.isfinite(values).all())
