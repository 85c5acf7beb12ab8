"""Layer records in execution order: what a network computes on the way, and where to read it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import overload

from torch import Tensor

from nnviz_widgets.errors import NnvizError


@dataclass(frozen=True)
class Tap:
    """Where a layer's value is found in a pass: the k-th call of a module or of a function (from 1)."""

    module: str | None
    function: str | None
    call: int
    overwritten: bool = False  # an operation in place follows, so a reader must copy
    tokens: int = 0  # of a layer whose axes have some: those of its grid, and class tokens before them


@dataclass(frozen=True)
class Layer:
    """One step of the network whose output can be read.

    Attributes:
        name: the module's path; "path@2" for its second call; "path.relu" for a function called there ("path.relu()"
            where a module has that name).
        kind: type of the module ("Conv2d") or name of the function ("relu").
        axes: layout of the raw output: "nchw", "nhwc", "nct" or "ntc" (t: tokens on a grid), "nc".
        channels: channels of a spatial layer, units of another.
        height, width: of its maps; None where there are none.
        activation: the activation function applied to it next, if any, such as "relu" or "relu6".
        same_as: name of the layer that gave this very tensor (a container and its last child), None if it is the one.
        bounds: name of the layer whose values it rectifies or bounds (ReLU, ReLU6, clamp, sigmoid...); None for a layer
            that does not, or that does so to what is no layer's value, such as a sum in a residual block.
    """

    name: str
    kind: str
    axes: str
    channels: int
    height: int | None
    width: int | None
    activation: str | None
    same_as: str | None
    bounds: str | None
    tap: Tap = field(repr=False)

    @property
    def spatial(self) -> bool:
        return self.height is not None

    @property
    def shape(self) -> tuple[int, ...]:
        """(channels, height, width) of a spatial layer, (units,) of another."""
        return (
            (self.channels,) if self.height is None or self.width is None else (self.channels, self.height, self.width)
        )

    def canonical(self, raw: Tensor) -> Tensor:
        """The layer's raw output -> (N, channels, h, w), or (N, units); a view wherever that is possible."""
        if self.axes == "nc":
            return raw.flatten(1)
        if self.axes == "nhwc":
            return raw.permute(0, 3, 1, 2)
        if self.axes in ("ntc", "nct"):
            tokens = raw.transpose(1, 2) if self.axes == "ntc" else raw
            if tokens.shape[-1] != self.tap.tokens:
                raise NnvizError("layer_grid", name=self.name, got=tokens.shape[-1], expected=self.tap.tokens)
            assert self.height is not None
            assert self.width is not None
            grid = tokens[..., tokens.shape[-1] - self.height * self.width :]  # class tokens come first
            return grid.reshape(*grid.shape[:-1], self.height, self.width)
        return raw


class Layers(Sequence[Layer]):
    """The layers of a network in execution order; also by name."""

    def __init__(self, layers: Iterable[Layer]) -> None:
        self._layers = tuple(layers)
        self._by_name = {layer.name: layer for layer in self._layers}

    @overload
    def __getitem__(self, key: int | str) -> Layer: ...
    @overload
    def __getitem__(self, key: slice) -> tuple[Layer, ...]: ...
    def __getitem__(self, key: int | str | slice) -> Layer | tuple[Layer, ...]:
        if not isinstance(key, str):
            return self._layers[key]
        if key not in self._by_name:
            near = get_close_matches(key, self._by_name, n=3, cutoff=0.3) or list(self._by_name)[:3]
            raise NnvizError("layer_unknown", name=key, near=", ".join(map(repr, near)))
        return self._by_name[key]

    def __len__(self) -> int:
        return len(self._layers)

    def __iter__(self) -> Iterator[Layer]:
        return iter(self._layers)

    def __contains__(self, key: object) -> bool:
        return key in self._by_name if isinstance(key, str) else key in self._layers

    def __repr__(self) -> str:
        return "\n".join(f"{x.name}: {x.kind} {' x '.join(map(str, x.shape))}" for x in self._layers)

    def distinct(self) -> tuple[Layer, ...]:
        """Those that are not another layer's very tensor."""
        return tuple(layer for layer in self._layers if layer.same_as is None)

    def unbounded(self, name: str) -> Layer:
        """The layer that gives this one's values before they are rectified or bounded; itself where none does."""
        layer = self[name]
        while layer.bounds is not None and self[layer.bounds].shape == layer.shape:
            layer = self[layer.bounds]
        return layer

    def origin(self, name: str) -> Layer:
        """The layer whose tensor this name stands for."""
        layer = self[name]
        return layer if layer.same_as is None else self._by_name[layer.same_as]
