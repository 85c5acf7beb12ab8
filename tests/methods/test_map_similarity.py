"""Rank correlation against SciPy's, and its own corners."""

from __future__ import annotations

import pytest
import torch
from scipy.stats import spearmanr

from nnviz_widgets.methods.map_similarity import rank_correlation


@pytest.mark.parametrize("ties", [False, True])
def test_it_is_spearmans(ties: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randn((17, 23), generator=generator) for _ in range(2))
    b = 0.5 * a + b
    if ties:
        a, b = a.clamp_min(0), b.mul(2).round()
    expected = float(spearmanr(a.flatten(), b.flatten()).statistic)
    assert rank_correlation(a, b) == pytest.approx(expected, abs=1e-12)
    assert 0.1 < expected < 0.9


def test_only_the_order_counts() -> None:
    a = torch.rand((9, 9), generator=torch.Generator().manual_seed(1))
    assert rank_correlation(a, 1e6 * a**3 + 7) == pytest.approx(1)
    assert rank_correlation(a, -a) == pytest.approx(-1)


@pytest.mark.parametrize("first", [torch.zeros(4, 4), torch.ones(4, 4)])
def test_a_map_that_is_the_same_everywhere_is_like_none(first: torch.Tensor) -> None:
    assert rank_correlation(first, torch.rand(4, 4)) == 0
    assert rank_correlation(torch.rand(4, 4), first) == 0
