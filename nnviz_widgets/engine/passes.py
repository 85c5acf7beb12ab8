"""Passes through the shadow of a network: listing its layers, reading them, differentiating."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from nnviz_widgets.engine.backward_layout import backward_layout
from nnviz_widgets.engine.device import own_randomness, plain_errors, precision, random_states
from nnviz_widgets.engine.layers import Layer
from nnviz_widgets.engine.objectives import LOGITS, Measure, Objective
from nnviz_widgets.engine.relu_rules import AscentRule, ReluRule, Rule
from nnviz_widgets.engine.replays import Replays
from nnviz_widgets.engine.shadow import Shadow
from nnviz_widgets.engine.taps import read
from nnviz_widgets.engine.trace import tensor_of
from nnviz_widgets.engine.trace_shadow import trace_shadow
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.images.contract import InputContract

AsLogits = Callable[[Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class LiveGraph:
    """What a forward pass left to be differentiated.

    Attributes:
        leaf: what is differentiated by: the input, or the value at the layer where the pass was cut.
        found: raw outputs of the tapped layers, by name.
        output: of the network, if the pass went that far; logits: the same as (N, classes) logits.
        relus: how many ReLUs got another rule.
    """

    leaf: Tensor
    found: Mapping[str, Tensor]
    output: Tensor | None
    logits: Tensor | None
    relus: int


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
        self._replays = Replays()
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
            layers, output, self._layout = trace_shadow(self.shadow, x)
            draws = not all(map(torch.equal, before, random_states(self.device)))
        tensor = tensor_of(output)
        if tensor is None or tensor.ndim < 2 or tensor.shape[0] != 2 or tensor[0].numel() != tensor.shape[1]:
            raise NnvizError("output_shape", got=type(output).__name__ if tensor is None else tuple(tensor.shape))
        self.check_numbers(tensor)
        self.layers, self.dtype, self.classes, self._draws = layers, dtype, tensor.shape[1], draws
        self._refused: set[tuple[int, ...]] = set()
        self._layouts: dict[tuple[str, ...], torch.memory_format] = {}  # of ascents, by the layers they read
        self._replays.clear()
        self.noise_output = tensor.flatten(1)

    def read(self, x: Tensor, names: Sequence[str], *, half: bool = False) -> dict[str, Tensor]:
        """Raw outputs of layers by name, from one pass that ends at the last; `LOGITS` is the output (N, classes)."""
        with self.guarded(tuple(x.shape), half), torch.inference_mode(False), torch.no_grad():
            layers = [self.layers[name] for name in names if name != LOGITS]
            found, output = read(self.shadow.module, self.laid_out(x), layers, to_end=LOGITS in names)
        if output is not None:
            found[LOGITS] = output.flatten(1)
        self.check_numbers(found[LOGITS] if LOGITS in found else found[names[-1]])
        return found

    def open_graph(
        self,
        x: Tensor,
        names: Sequence[str],
        cut: Layer | None,
        rule: Rule | AscentRule,
        as_logits: AsLogits,
        *,
        half: bool = False,
        layout: torch.memory_format | None = None,
        check: bool = True,
    ) -> LiveGraph:
        """A forward that can be differentiated from the input on, or from the layer `cut`, and no weight with it."""
        layers = [self.layers[name] for name in names if name != LOGITS]
        leaf = (self.laid_out(x.detach()) if layout is None else x.detach().clone(memory_format=layout)).requires_grad_(
            cut is None
        )
        relus = ReluRule(rule)
        with self.guarded(tuple(x.shape), half), nullcontext() if rule == "vanilla" else relus:
            found, output = read(self.shadow.module, leaf.clone(), layers, cut=cut, to_end=LOGITS in names)
            logits = None if output is None else as_logits(output)
        if logits is not None and check:
            self.check_numbers(logits, x)
        return LiveGraph(leaf if cut is None else found[cut.name], found, output, logits, relus.overridden)

    def differentiate(
        self, graph: LiveGraph, objective: Objective, cut: Layer | None, rule: Rule, *, keep: bool
    ) -> Tensor:
        """d objective / d leaf of a graph, raw; the graph can be used once more only with `keep`."""
        with self.guarded(tuple(graph.leaf.shape)):
            # The seed spares the graph of the objective itself, half of a backward through a short tail.
            seed = None if graph.logits is None else objective.seed(graph.logits)
            value = graph.logits if seed is not None else self._value(objective, graph.found, graph.logits).sum()
            assert value is not None
            if not value.requires_grad:
                raise NnvizError("gradient_none", objective=repr(objective), of=cut.name if cut else "input")
            if rule != "vanilla" and not graph.relus:
                raise NnvizError("rule_no_relu", rule=rule)
            (gradient,) = torch.autograd.grad(value, graph.leaf, seed, retain_graph=keep)
        if seed is None:
            self.check_numbers(value)
        self.check_numbers(gradient)
        return gradient

    def ascend(
        self,
        x: Tensor,
        objective: Measure | Sequence[Measure],
        rule: AscentRule,
        as_logits: AsLogits,
        *,
        half: bool = False,
    ) -> tuple[Tensor, Tensor]:
        """(N,) values of an objective, or of one objective a picture, and the gradient of their sum, like x."""
        objectives = [objective] if isinstance(objective, Measure) else list(objective)
        if not isinstance(objective, Measure) and len(objectives) != len(x):
            raise NnvizError("ascent_count", given=len(objectives), pictures=len(x))
        names = tuple(sorted({name for each in objectives for name in self.names_of(each)}))

        def run(x: Tensor) -> tuple[Tensor, Tensor]:
            graph = self._open_to_ascend(x, names, rule, as_logits, half)
            with self.guarded(tuple(x.shape)):
                if isinstance(objective, Measure):
                    value = self._value(objective, graph.found, graph.logits)
                else:
                    value = self._one_each(objectives, graph)
                (gradient,) = torch.autograd.grad(value.sum(), graph.leaf)
            return value.detach(), gradient

        # Of another measure than an objective nobody knows whether it is still the same.
        fixed = all(isinstance(each, Objective) for each in objectives)
        if self.device.type == "cuda" and fixed and not self._draws:
            value, gradient = self._replays.run((tuple(objectives), rule, half), run, x)
        else:
            value, gradient = run(x)
        # One look at all numbers, for an ascent is in a hurry: what they come from is asked only where they are none.
        if not all_finite(value.sum() + gradient.sum()):
            self.check_numbers(value, x)
            self.check_numbers(gradient, x)
        return value, gradient

    def _open_to_ascend(
        self, x: Tensor, names: tuple[str, ...], rule: AscentRule, as_logits: AsLogits, half: bool
    ) -> LiveGraph:
        """In the layout that is quickest at the network's own size, unless it refuses that at this one."""
        size, layout = tuple(x.shape[2:]), self._layout_to_ascend(names)
        if size in self._refused:
            layout = torch.contiguous_format
        open_graph = partial(self.open_graph, x, names, None, rule, as_logits, half=half, check=False)
        try:
            return open_graph(layout=layout)
        except NnvizError as error:
            if layout == torch.contiguous_format or error.code != "module_raised":
                raise
        graph = open_graph(layout=torch.contiguous_format)
        self._refused.add(size)
        return graph

    def _layout_to_ascend(self, names: tuple[str, ...]) -> torch.memory_format:
        """Of a pass to the last of these layers and back."""
        if names not in self._layouts:
            known = self.layers.distinct()
            last = max((i for i, layer in enumerate(known) if layer.name in names), default=len(known))
            passed = known if LOGITS in names else known[: last + 1]
            self._layouts[names] = backward_layout(self.shadow.module, passed, self._layout)
        return self._layouts[names]

    def _one_each(self, objectives: Sequence[Measure], graph: LiveGraph) -> Tensor:
        """(N,) values of one objective a picture."""
        # Split: the gradients of its parts are put together at once, those of slices each in a batch of its own.
        rows = {name: found.chunk(len(objectives)) for name, found in graph.found.items()}
        logits = None if graph.logits is None else graph.logits.chunk(len(objectives))
        values = []
        for i, objective in enumerate(objectives):
            if isinstance(objective, Objective) and objective.compares:
                values.append(self._value(objective, graph.found, graph.logits)[i : i + 1])
            else:
                found = {name: parts[i] for name, parts in rows.items()}
                values.append(self._value(objective, found, None if logits is None else logits[i]))
        return torch.cat(values)

    def value(
        self, x: Tensor, objective: Measure, at: Layer | None, activation: Tensor | None, as_logits: AsLogits
    ) -> Tensor:
        """(N,) values of an objective; with `activation`, as if the layer `at` had given that."""

        def swap(raw: Tensor) -> Tensor:
            assert at is not None
            assert activation is not None
            raw = raw.expand(activation.shape[0], *raw.shape[1:]).clone()
            at.canonical(raw).copy_(activation)  # a view: class tokens beside the maps stay
            return raw

        names = self.names_of(objective)
        layers = [self.layers[name] for name in names if name != LOGITS]
        with self.guarded(tuple(x.shape)), torch.inference_mode(False), torch.no_grad():
            found, output = read(
                self.shadow.module,
                self.laid_out(x),
                layers,
                cut=at,
                swap=swap if at else None,
                to_end=LOGITS in names,
            )
            value = self._value(objective, found, None if output is None else as_logits(output))
        self.check_numbers(value)
        return value

    def names_of(self, objective: Measure) -> tuple[str, ...]:
        """The layers that an objective reads, each by the name of the tensor's origin."""
        return tuple(sorted(n if n == LOGITS else self.layers.origin(n).name for n in objective.layers))

    def bytes_after(self, cut: Layer | None, x: Tensor) -> int:
        """What a graph from the cut on holds for x, about: each layer's output."""
        layers = self.layers.distinct()
        layers = layers if cut is None else layers[layers.index(cut) :]
        values = sum(torch.Size(layer.shape).numel() for layer in layers)
        height, width = self.contract.size
        return round(values * x.element_size() * x.shape[0] * max(1, x.shape[2] * x.shape[3] / (height * width)))

    def _value(self, objective: Measure, found: Mapping[str, Tensor], logits: Tensor | None) -> Tensor:
        def reader(name: str) -> Tensor:
            if name == LOGITS:
                assert logits is not None
                return logits.to(self.dtype)
            return self.layers[name].canonical(found[self.layers.origin(name).name]).to(self.dtype)

        return objective.value(reader)

    def laid_out(self, x: Tensor) -> Tensor:
        """A copy of x, which the network may write to, laid out as was tried; contiguous if of another size."""
        tried = tuple(x.shape[2:]) == self.contract.size
        return x.clone(memory_format=self._layout if tried else torch.contiguous_format)

    @contextmanager
    def guarded(self, shape: tuple[int, ...], half: bool = False) -> Iterator[None]:
        """What the network raises becomes one line, and random numbers that it draws are its own."""
        randomness = own_randomness(self.device) if self._draws else nullcontext()
        # The caller's autocast would leave results of a lower precision in the cache.
        with plain_errors(shape), randomness, precision(self.device, half):
            yield

    def check_numbers(self, values: Tensor, x: Tensor | None = None) -> None:
        """An error where values are NaN or infinite; it names the input or the weights to blame, if any are."""
        if all_finite(values):
            return
        if x is not None and not all_finite(x):
            raise NnvizError("input_nan")
        state = [*self.shadow.module.named_parameters(), *self.shadow.module.named_buffers()]
        bad = next((name for name, tensor in state if not torch.isfinite(tensor).all()), None)
        raise NnvizError("output_nan") if bad is None else NnvizError("weights_nan", name=bad)


def all_finite(values: Tensor) -> bool:
    """Whether no value is NaN or infinite: by their sum, which is quick, and one by one where that overflows."""
    return math.isfinite(values.detach().sum().item()) or bool(torch.isfinite(values).all())
