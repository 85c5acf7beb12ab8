"""engine.smallest_side against every side tried on the plain module."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest
import torch
from torch import Tensor, nn

from nnviz_widgets.engine.objectives import Objective, channel, layer_energy, logit, neuron
from nnviz_widgets.errors import NnvizError
from tests.engine.networks import Counting, Plain, engine_of, seeded, snapshot


def fixed() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 196, 5))


class Means(nn.Module):
    """Raises nothing for maps without a cell: their mean is no number."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 4, 1), nn.Linear(4, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        if x.shape[2] < 3:
            raise KeyError("as odd as can be")
        return self.fc(x[:, :, 5:].mean((2, 3)))


def takes(module: nn.Module, side: int, name: str | None, row: int | None) -> bool:
    found: dict[str, Tensor] = {}
    for each, part in module.named_modules():
        part.register_forward_hook(lambda _m, _i, out, each=each: found.update({each: out}))
    with suppress(Exception):
        found[""] = module(torch.zeros(1, 3, side, side))
    value = found.get(name or "")
    return value is not None and bool(value.isfinite().all()) and (row is None or row < value.shape[2])


@pytest.mark.parametrize(
    ("make", "objective", "name", "row"),
    [
        (Plain, logit(1), None, None),
        (Plain, channel("conv1", 0), "conv1", None),
        (Plain, neuron("pool", 1, 5, 2), "pool", 5),
        (Plain, layer_energy("block.0"), "block.0", None),
        (fixed, logit(2), None, None),
        (fixed, channel("1", 2), "1", None),
        (Means, logit(2), None, None),
    ],
)
def test_the_smallest(make: Callable[[], nn.Module], objective: Objective, name: str | None, row: int | None) -> None:
    module = seeded(make)
    engine, before = engine_of(module), snapshot(module)
    assert engine.smallest_side(objective) == next(s for s in range(1, 17) if takes(seeded(make), s, name, row))
    assert snapshot(module) == before


def test_the_smallest_of_a_larger_network_takes_few_passes() -> None:
    engine = engine_of(seeded(Counting), size=(100, 256))
    before = Counting.passes
    assert engine.smallest_side(logit(1)) == 6
    assert Counting.passes - before <= 9


def test_a_network_that_takes_no_square() -> None:
    module = seeded(lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 14 * 6, 5)))
    engine = engine_of(module, size=(16, 8))
    with pytest.raises(NnvizError, match="16"):
        engine.smallest_side(logit(1))
    assert engine.smallest_side(channel("1", 1)) == 3
