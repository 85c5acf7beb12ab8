"""The engine: one network, its input contract, and every pass through it."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Literal

import torch
from torch import Tensor, nn

from nnviz_widgets.engine.cache import Cache, Digests
from nnviz_widgets.engine.cone import Cones
from nnviz_widgets.engine.contracts import make_contract
from nnviz_widgets.engine.device import pick_device
from nnviz_widgets.engine.effective_field import smallest_rect
from nnviz_widgets.engine.graph import Graph, record
from nnviz_widgets.engine.kept_graph import GraphKey, KeptGraphs
from nnviz_widgets.engine.labels import check_labels, find_class
from nnviz_widgets.engine.layers import Layer, Layers
from nnviz_widgets.engine.linearised_field import linearised_field
from nnviz_widgets.engine.objectives import LOGITS, Measure, Objective, neuron
from nnviz_widgets.engine.passes import LiveGraph, Passes, all_finite
from nnviz_widgets.engine.receptive_field import Rect, check_unit, receptive_field
from nnviz_widgets.engine.relu_rules import AscentRule, Rule
from nnviz_widgets.engine.shadow import Shadow
from nnviz_widgets.engine.smallest_side import smallest_side
from nnviz_widgets.errors import NnvizError

CACHE_BYTES = 512 * 2**20
Outputs = Literal["logits", "probabilities"]


class Engine:
    """Looks into any `nn.Module` classifier without ever touching it.

    Works on a shadow of the module (see `shadow.py`), so hooks, modes, gradients and random state of the original
    never change, and a training step shows through at once. Several threads may use one engine.

    Args:
        mean, std: what training subtracted from and divided pixels in 0..1 by; one number, or one a channel.
        size: side of the input in pixels, or (height, width).
        labels: one name an output.
        device: "auto" takes CUDA, MPS or the CPU.
        outputs: "logits" or "probabilities" (then a logit is log p); looked at when left out.
        resize: shorter side in pixels before the centre is cropped to `size`; None scales the picture to cover it.
        interpolation: "bilinear" or "bicubic".
        cache_bytes: bound of the activation cache, and of the graphs kept for another gradient.

    Raises:
        NnvizError: when something that cannot be inferred is missing, or the network does not take such an input.
    """

    def __init__(
        self,
        module: nn.Module,
        *,
        mean: float | Sequence[float] | None = None,
        std: float | Sequence[float] | None = None,
        size: int | tuple[int, int] | None = None,
        labels: Sequence[str] | None = None,
        device: str | torch.device = "auto",
        outputs: Outputs | None = None,
        resize: int | None = None,
        interpolation: str = "bilinear",
        name: str | None = None,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        if not isinstance(module, nn.Module):
            raise NnvizError("module_type", type=type(module).__name__)
        self.device = pick_device(module, device)
        self.name = name or type(module).__name__
        self.loaded: tuple[str, dict[str, Any]] | None = None  # what `load` was told, if that made it
        self._lock = threading.RLock()
        self._stills = 0
        shadow = Shadow(module, self.device)
        self.contract = make_contract(module, mean=mean, std=std, size=size, resize=resize, interpolation=interpolation)
        if outputs not in (None, "logits", "probabilities"):
            raise NnvizError("contract_value", field="outputs", value=outputs, expected="logits or probabilities")
        self._passes = Passes(shadow, self.contract)
        self._cache = Cache(cache_bytes)
        self._graphs = KeptGraphs(cache_bytes, self._remember)
        self._cones = Cones(self._passes, self.receptive_field, self._as_logits)
        self._digests = Digests()
        self._finite: bytes | None = None
        self._given_labels = labels
        self._graph: Graph | None = None
        self._recorded = False
        self._settled: nn.Module | None = None
        self._settle()
        self.outputs: Outputs = outputs or _look_at_outputs(self._passes.noise_output)

    @property
    def module(self) -> nn.Module:
        """The user's own module."""
        return self._passes.shadow.original

    @property
    def layers(self) -> Layers:
        """Every layer whose output can be read, in execution order; `layers["name"]` by name."""
        with self._lock:
            self._follow()
            return self._passes.layers

    def prepare(self, picture: Any) -> Tensor:
        """Path, bytes, PIL image, array or tensor in 0..1 -> (1, C, H, W), normalised, on the device."""
        return self.contract.prepare(picture).to(self.device, self._passes.dtype)

    def logits(self, x: Tensor) -> Tensor:
        """(N, classes) for x (N, C, H, W); log p for a network whose outputs are probabilities."""
        with self._lock:
            self._follow()
            return self._as_logits(self._read(x, [LOGITS])[LOGITS])

    def probabilities(self, x: Tensor) -> Tensor:
        """(N, classes), rows summing to 1."""
        return self.logits(x).float().softmax(1)

    def activations(self, x: Tensor, layer: str | Layer) -> Tensor:
        """What a layer gave: (N, channels, h, w) for a spatial layer, whatever its own layout, else (N, units).

        The pass ends at that layer. Do not change the result in place: it is kept for the next caller. Its memory is as
        the network left it, mostly channels last on a CPU, so `reshape` it rather than `view`.
        """
        with self._lock:
            self._follow()
            layer = self._passes.layers[_name(layer)]
            origin = layer.same_as or layer.name
            return layer.canonical(self._read(x, [origin])[origin])

    def read(self, x: Tensor, layers: Sequence[str | Layer]) -> dict[str, Tensor]:
        """Activations of several layers by name, as of `activations`, from one pass of which nothing is kept."""
        with self._lock:
            self._follow()
            known = self._passes.layers
            records = {_name(layer): known[_name(layer)] for layer in layers}
            found = self._passes.read(self._to_network(x), [known.origin(name).name for name in records])
            return {name: layer.canonical(found[known.origin(name).name]) for name, layer in records.items()}

    def read_ahead(self, x: Tensor, layers: Sequence[str | Layer] | None = None) -> bool:
        """Keep the logits and the activations of layers for x from one pass, if they fit in the cache.

        Args:
            layers: all when left out.

        Returns:
            Whether they fit.
        """
        with self._lock:
            known = self.layers
            wanted = known.distinct() if layers is None else [known.origin(_name(layer)) for layer in layers]
            needed = sum(torch.Size(layer.shape).numel() for layer in wanted) * x.shape[0] * x.element_size()
            if 2 * needed > self._cache.max_bytes:
                return False
            self._read(x, [*(layer.name for layer in wanted), LOGITS])
            return True

    def gradient(
        self,
        x: Tensor,
        objective: Objective,
        *,
        of: str | Layer = "input",
        rule: Rule = "vanilla",
        keep: bool = True,
    ) -> Tensor:
        """d objective / d x, like x, or at a layer, like its activations; no weight's gradient is computed.

        Args:
            rule: how to go back through ReLUs, "vanilla", "deconvnet" or "guided": see `relu_rules.py`.
            keep: hold the forward graph, so that another class on the same x costs a backward; say False for an x
                that does not come again.

        Raises:
            NnvizError: for an unknown layer or class, a layer that the objective cannot depend on, or another rule
                than vanilla where no ReLU is on the way.
        """
        with self._lock, torch.inference_mode(False), torch.enable_grad():
            self._follow()
            _check_shape(x, self.contract.channels)
            cut = None if _name(of) == "input" else self._passes.layers.origin(_name(of))
            gradient = self._graphs.gradient(
                self._passes,
                lambda: self._to_network(x),
                self._digests(x) if keep else None,
                objective,
                cut,
                rule,
                self._as_logits,
            )
        return gradient if cut is None else cut.canonical(gradient)

    def part(self, size: tuple[int, int], objective: Measure | Sequence[Measure]) -> Rect | None:
        """The part of a picture of this size that `value_and_gradient` runs; None for all of it."""
        with self._lock, torch.inference_mode(False), torch.enable_grad():
            self._follow()
            cone = self._cones.find(size, objective)
            return None if cone is None else cone.rect

    def value_and_gradient(
        self,
        x: Tensor,
        objective: Measure | Sequence[Measure],
        *,
        redirected: bool = False,
        half: bool = False,
        part: Rect | None = None,
    ) -> tuple[Tensor, Tensor]:
        """(N,) values and the gradient of their sum by x, like x, from one pass of which nothing is kept.

        The pass ends at the last layer that is read, and no weight's gradient is computed. Neurons of maps are computed
        on the part of the picture that they see, where that gives the same: see `cone.py`.

        Args:
            x: (N, C, h, w), of any size that the network takes.
            objective: one for all pictures, or a sequence of one a picture.
            redirected: let the gradient through ReLUs that would block all of it, as Lucid does in the first steps of
                an ascent: see `relu_rules.py`.
            half: run the network in half precision where its operations bear that; values and gradient keep x's.
            part: x is but this part of a picture of the network's own size, and so is the gradient; as `part` told.
        """
        rule: AscentRule = "redirected" if redirected else "vanilla"
        with self._lock, torch.inference_mode(False), torch.enable_grad():
            self._follow()
            _check_shape(x, self.contract.channels)
            x = x.to(self.device, self._passes.dtype)
            size = tuple(x.shape[2:]) if part is None else self.contract.size
            cone = self._cones.find(size, objective)
            if cone is None:
                return self._passes.ascend(x, objective, rule, self._as_logits, half=half)
            moved = cone.objectives[0] if isinstance(objective, Measure) else cone.objectives
            if part is not None:
                return self._passes.ascend(x, moved, rule, self._as_logits, half=half)
            value, gradient = self._passes.ascend(cone.crop(x), moved, rule, self._as_logits, half=half)
            return value, cone.paste(gradient, x)

    def before_activation(self, objective: Objective) -> Objective:
        """The same of the values before activations that rectify or bound, where those can be read.

        Such an activation's gradient is 0 wherever it does so, and bounded values tie, so neurons are ascended
        on what it is applied to. Smooth activations (GELU, SiLU) and those of sums that are no layer stay.
        """
        known = self.layers

        def before(name: str) -> str:
            return name if name == LOGITS else known.unbounded(name).name

        return Objective((replace(term, layer=before(term.layer)), weight) for term, weight in objective.terms)

    def smallest_side(self, objective: Measure) -> int:
        """The side in pixels of the smallest square picture for which the network gives the objective a value.

        Raises:
            NnvizError: why not, when it gives none for a square as large as its own input either.
        """
        with self._lock:
            self._follow()
            return smallest_side(self._passes, objective, self._as_logits)

    def relus(self, x: Tensor, objective: Objective, *, of: str | Layer = "input", rule: Rule = "guided") -> int:
        """How many ReLUs another rule than vanilla overrides on the way, 0 where it is not defined.

        Known from the graph of a gradient just taken, else by a forward.
        """
        with self._lock, torch.inference_mode(False), torch.enable_grad():
            self._follow()
            cut = None if _name(of) == "input" else self._passes.layers.origin(_name(of))
            names = self._passes.names_of(objective)
            kept = self._graphs.relus(GraphKey(self._digests(x), cut.name if cut else None, rule, names))
            if kept is not None:
                return kept
            return self._passes.open_graph(self._to_network(x), names, cut, rule, self._as_logits).relus

    def value(
        self, x: Tensor, objective: Objective, *, at: str | Layer | None = None, activation: Tensor | None = None
    ) -> Tensor:
        """(N,) values of an objective, one a picture; nothing is kept.

        Args:
            at, activation: what to compute as if a spatial layer had given these maps (N, channels, h, w). For several
                of them and one x, the network is run once up to the layer; not every network bears that, so check.
        """
        with self._lock:
            self._follow()
            cut = None if at is None else self._passes.layers.origin(_name(at))
            return self._passes.value(self._to_network(x), objective, cut, activation, self._as_logits)

    def graph(self) -> Graph | None:
        """What the network computes on one picture, as a list of ATen operations; None where no fixed list can say it.

        Recorded at the first call, and anew when the module's make-up changes.
        """
        with self._lock:
            self._follow()
            if not self._recorded:
                self._recorded = True
                shape = (1, self.contract.channels, *self.contract.size)
                try:
                    with self._passes.guarded(shape):
                        x = torch.full(shape, 0.5, device=self.device, dtype=self._passes.dtype)
                        self._graph = record(self._passes.shadow.module, x, self._passes.layers.distinct())
                except NnvizError as error:
                    if error.code == "out_of_memory":
                        self._recorded = False
                        raise  # any other is no fault of the network, which ran when its layers were listed
            return self._graph

    @property
    def recorded(self) -> bool:
        """Whether `graph` has its answer at hand."""
        with self._lock:
            self._follow()
            return self._recorded

    def receptive_field(self, layer: str | Layer, row: int, col: int) -> Rect:
        """The part of the picture that a unit of a spatial layer can depend on, the same for all channels.

        Exact for convolutional networks, an upper bound for attention: see `receptive_field.py`.

        Raises:
            NnvizError: when the layer has no maps, or no such row and column.
        """
        with self._lock:
            graph = self.graph()
            layers = self._passes.layers
            found = layers.origin(_name(layer))
            row, col = check_unit(layers[_name(layer)], row, col)
            if graph is not None:
                return receptive_field(graph, found, row, col)
            size = (self.contract.channels, *self.contract.size)
            with self._passes.guarded((1, *size)):
                return linearised_field(self._passes.shadow.module, size, found, row, col)

    def effective_field(
        self, x: Tensor, layer: str | Layer, k: int, row: int, col: int, *, share: float = 0.95
    ) -> Rect:
        """The smallest rectangle with `share` of a unit's absolute input gradient, summed over colours and pictures.

        Luo et al., Understanding the Effective Receptive Field in Deep Convolutional Neural Networks, NeurIPS 2016.

        Raises:
            NnvizError: when the layer has no such unit, or the unit's gradient is 0.
        """
        if not 0 < share <= 1:
            raise NnvizError("contract_value", field="share", value=share, expected="a number above 0 and up to 1")
        name = _name(layer)
        if not self.layers[name].spatial:
            raise NnvizError("layer_not_spatial", name=name, units=self.layers[name].channels)
        weights = self.gradient(x, neuron(name, k, row, col)).abs().sum((0, 1)).cpu().double().numpy()
        if not weights.any():
            raise NnvizError("unit_dead", name=name, k=k, row=row, col=col)
        return smallest_rect(weights, share)

    def class_index(self, wanted: int | str) -> int:
        """Index of a class by index or name."""
        return find_class(self.labels, wanted)

    def top(self, x: Tensor, k: int = 5) -> list[tuple[int, str, float]]:
        """The k most probable classes of the first picture of x: index, label, probability."""
        values, indices = self.probabilities(x)[0].topk(min(k, len(self.labels)))
        return [(i, self.labels[i], p) for p, i in zip(values.tolist(), indices.tolist(), strict=True)]

    def forget(self, x: Tensor) -> None:
        """Let go of all that is kept for x, such as a camera's frame, which does not come again."""
        with self._lock:
            digest = self._digests(x)
            self._cache.drop(lambda key: key[0] == digest)
            self._graphs.drop(digest)

    def refresh(self) -> None:
        """Look at the module anew, after changes that leave no trace (plain attributes, writes through `.data`)."""
        with self._lock:
            self._cache.clear()
            self._graphs.clear()
            self._digests = Digests()
            self._passes.shadow.refresh()
            self._passes.list_layers()
            self._settle()

    def __repr__(self) -> str:
        shape = " x ".join(map(str, (self.contract.channels, *self.contract.size)))
        layers = len(self._passes.layers)
        return f"Engine({self.name}: {shape} -> {len(self.labels)} classes, {layers} layers, {self.device})"

    def laid_out(self, x: Tensor) -> Tensor:
        """A copy of x in the memory format in which the network is run: another one rounds otherwise."""
        with self._lock:
            return self._passes.laid_out(x)

    def plain_copy(self) -> nn.Module:
        """A copy of the network for a person to do with as she likes: in eval mode, on the device, without our hooks.

        Its parameters ask for gradients, like those of a fresh network; it is changed by nothing that is done to the
        original, nor the reverse.
        """
        with self._lock:
            self._follow()
            return self._passes.shadow.plain_copy()

    @contextmanager
    def still(self) -> Iterator[None]:
        """Several calls on the module as it is at the beginning: looked at once, while other threads wait."""
        with self._lock:
            self._follow()
            self._stills += 1
            try:
                yield
            finally:
                self._stills -= 1

    def _follow(self) -> None:
        """Notice a changed module, and drop what was kept of the old one."""
        if self._stills:
            return
        if self._passes.shadow.sync():
            self._cache.clear()
            self._graphs.clear()
        if self._settled is not self._passes.shadow.module:
            self._passes.list_layers()
            self._settle()

    def _settle(self) -> None:
        """Take up what depends on the network's make-up: labels, and a graph that is still to be recorded."""
        self._graph, self._recorded = None, False
        self._cones.clear()
        self.labels = check_labels(self._given_labels, self._passes.classes)
        self._settled = self._passes.shadow.module

    def _read(self, x: Tensor, names: Sequence[str]) -> dict[str, Tensor]:
        """Raw outputs by name, from the cache or else from one pass; the module is as it was followed last."""
        _check_shape(x, self.contract.channels)
        digest = self._digests(x)
        found = {name: kept for name in names if (kept := self._cache.get((digest, name))) is not None}
        missing = [name for name in names if name not in found]
        if missing:
            fresh = self._passes.read(self._to_network(x, digest), missing)
            for name, tensor in fresh.items():
                self._cache.put((digest, name), tensor)
            found |= fresh
        return found

    def _remember(self, key: GraphKey, graph: LiveGraph) -> None:
        """A pass made to be differentiated has read the layer where it was cut, too, and maybe the output."""
        if key.cut is not None:
            self._cache.put((key.picture, key.cut), graph.leaf.detach())
        if graph.output is not None:
            self._cache.put((key.picture, LOGITS), graph.output.detach().flatten(1))

    def _to_network(self, x: Tensor, digest: bytes | None = None) -> Tensor:
        _check_shape(x, self.contract.channels)
        if digest is None or digest != self._finite:  # the same picture is looked through once
            if not all_finite(x):
                raise NnvizError("input_nan")
            self._finite = digest
        return x.to(self.device, self._passes.dtype)

    def _as_logits(self, output: Tensor) -> Tensor:
        output = output.flatten(1)
        return output if self.outputs == "logits" else output.clamp_min(torch.finfo(output.dtype).tiny).log()


def _check_shape(x: Tensor, channels: int) -> None:
    if not isinstance(x, Tensor) or x.ndim != 4 or x.shape[1] != channels:
        shape = tuple(x.shape) if isinstance(x, Tensor) else type(x).__name__
        raise NnvizError("input_shape", shape=shape, expected=f"(N, {channels}, height, width)")


def _name(layer: str | Layer) -> str:
    return layer.name if isinstance(layer, Layer) else layer


def _look_at_outputs(output: Tensor) -> Outputs:
    sums = output.float().sum(1)
    if output.shape[1] > 1 and (output >= 0).all() and torch.allclose(sums, torch.ones_like(sums), atol=1e-4):
        warnings.warn(
            'The outputs sum to 1: taken for probabilities, so a logit is log p. Say outputs="logits" if they are not.',
            stacklevel=3,
        )
        return "probabilities"
    return "logits"
