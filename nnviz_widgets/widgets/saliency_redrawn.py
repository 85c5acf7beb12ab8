"""A network with its last layers drawn anew: one copy, whose weights are drawn again when others are asked for."""

from __future__ import annotations

from torch import Tensor, nn

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.methods.randomise import randomised, redraw, weighted_layers


class Redrawn:
    """The networks of the sanity check (Adebayo et al. 2018), one at a time.

    Attributes:
        layers: that have weights, in execution order.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.layers = weighted_layers(engine)
        self._copy: Engine | None = None
        self._made_of: object = None
        self._drawn: object = None

    def network(self, count: int) -> Engine:
        """The network with its last `count` layers drawn anew; the one before is no more."""
        module, share = self.engine.module, count / len(self.layers)
        made_of = [*map(id, module.modules()), *(tensor.shape for tensor in _state(module))]
        drawn = count, [_version(tensor) for tensor in _state(module)]
        if self._copy is None or self._made_of != made_of:
            self._copy = None  # two copies of a large network need not be in memory
            self._copy = randomised(self.engine, share)
        elif self._drawn != drawn:
            redraw(self.engine, self._copy, share)
        self._made_of, self._drawn = made_of, drawn
        return self._copy

    def forget(self) -> None:
        """Let the copy go."""
        self._copy = None


def _state(module: nn.Module) -> list[Tensor]:
    return [*module.parameters(), *module.buffers()]


def _version(tensor: Tensor) -> tuple[int, int]:
    return tensor.data_ptr(), 0 if tensor.is_inference() else tensor._version
