"""Classes by name and by number."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nnviz_widgets.engine.labels import check_labels, find_class
from nnviz_widgets.errors import NnvizError

LABELS = ("tabby cat", "crane", "Crane", "tiger", "tiger shark", "<b>pug</b>", "写真")


def test_numbers_where_no_names_were_given() -> None:
    assert check_labels(None, 3) == ("0", "1", "2")
    assert check_labels(["a", 5], 2) == ("a", "5")


@pytest.mark.parametrize("labels", [[], ["a"], list("abcd")])
def test_one_name_an_output(labels: list[str]) -> None:
    with pytest.raises(NnvizError, match=f"{len(labels)} labels for 3 outputs"):
        check_labels(labels, 3)


def test_by_name() -> None:
    for name, index in [("tabby cat", 0), ("Tabby Cat", 0), ("crane", 1), ("Crane", 2), ("CRANE", 1), ("写真", 6)]:
        assert find_class(LABELS, name) == index


def test_by_number() -> None:
    assert find_class(LABELS, 6) == find_class(LABELS, np.int64(6)) == find_class(LABELS, torch.tensor(6)) == 6


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("tabby", "'tabby cat'"),
        ("shark", "'tiger shark'"),
        ("tigre", "'tiger'"),
        ("", "'"),
        ("pug", "'<b>pug</b>'"),
        ("shrak", "'tiger shark'"),
    ],
)
def test_the_nearest_names_are_offered(name: str, near: str) -> None:
    with pytest.raises(NnvizError) as caught:
        find_class(LABELS, name)
    assert caught.value.code == "class_unknown"
    assert near in str(caught.value)


@pytest.mark.parametrize("index", [-1, 7, 1.0, True, None, [0]])
def test_not_an_index(index: object) -> None:
    with pytest.raises(NnvizError, match="is not an index from 0 to 6"):
        find_class(LABELS, index)
