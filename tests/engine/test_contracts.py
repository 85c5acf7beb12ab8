"""What can be inferred of the input, and one error for what cannot."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from torch import nn

from nnviz_widgets.engine.contracts import make_contract
from nnviz_widgets.errors import NnvizError

GIVEN: dict[str, Any] = {"mean": 0.5, "std": 0.25, "size": 8, "resize": None, "interpolation": "bilinear"}


def make(module: nn.Module | None = None, **changes: Any) -> Any:
    return make_contract(module or nn.Conv2d(3, 2, 1), **{**GIVEN, **changes})


def test_one_number_stands_for_every_channel_of_the_first_convolution() -> None:
    assert make().mean == (0.5, 0.5, 0.5)
    assert make(nn.Sequential(nn.ReLU(), nn.Conv2d(1, 2, 1))).std == (0.25,)
    assert make(mean=0).mean == (0.0, 0.0, 0.0)
    assert make(mean=np.float32(0.5), std=np.float64(0.25)).mean == (0.5, 0.5, 0.5)


def test_numbers_a_channel_say_how_many_there_are() -> None:
    contract = make(nn.Linear(3, 2), mean=(0.5,), std=[0.25], size=(4, 6))
    assert (contract.channels, contract.size) == (1, (4, 6))
    assert make(nn.Linear(3, 2), mean=np.array([0.1, 0.2, 0.3])).std == (0.25,) * 3
    assert make(nn.Linear(3, 2), std=(1, 2, 3)).mean == (0.5,) * 3


def test_all_that_is_missing_is_asked_for_at_once() -> None:
    with pytest.raises(NnvizError) as caught:
        make(mean=None, std=None, size=None)
    text = str(caught.value)
    assert all(f"{name}=" in text for name in ("mean", "std", "size"))
    assert "\n" not in text
    with pytest.raises(NnvizError) as caught:
        make(std=None)
    assert caught.value.fields["missing"] == "std"


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("mean", {"module": nn.Linear(3, 2)}),
        ("mean", {"module": nn.Conv2d(4, 2, 1)}),
        ("mean", {"mean": (0.1, 0.2)}),
        ("std", {"mean": (0.1,), "std": (0.1, 0.2, 0.3)}),
        ("mean", {"mean": ()}),
        ("mean", {"mean": float("nan")}),
        ("std", {"std": 0}),
        ("std", {"std": (1, 1, -1)}),
        ("std", {"std": float("nan")}),
        ("std", {"std": float("inf")}),
        ("size", {"size": 0}),
        ("size", {"size": (8,)}),
        ("size", {"size": (8, 8, 3)}),
        ("size", {"size": (8, -1)}),
        ("size", {"size": 7.5}),
        ("size", {"size": "8"}),
        ("resize", {"resize": 7}),
        ("resize", {"size": (4, 9), "resize": 8}),
        ("interpolation", {"interpolation": "cubic"}),
    ],
)
def test_values_that_do_not_fit(field: str, changes: dict[str, Any]) -> None:
    with pytest.raises(NnvizError) as caught:
        make(**changes)
    assert caught.value.code == "contract_value"
    assert caught.value.fields["field"] == field


def test_numpys_whole_numbers_are_sizes() -> None:
    assert make(size=np.int64(8)).size == (8, 8)
    assert make(size=np.array([8, 9])).size == (8, 9)
