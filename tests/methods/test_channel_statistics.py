"""Statistics of channels against plain counting, in either layout and at any precision."""

from __future__ import annotations

import pytest
import torch

from nnviz_widgets.methods import channel_statistics
from nnviz_widgets.methods.channel_statistics import statistics_of


@pytest.mark.parametrize("rectified", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_zeros_are_those_of_counting(rectified, dtype, layout, monkeypatch):
    monkeypatch.setattr(channel_statistics, "PIECE", 1000)  # several pieces, of more values than 16 bits count exactly
    maps = torch.randn(3, 3, 20, 30, generator=torch.Generator().manual_seed(0)).to(dtype)
    maps[maps < 0.3] *= torch.randint(0, 2, maps[maps < 0.3].shape, generator=torch.Generator().manual_seed(1)).to(
        dtype
    )
    maps = maps.contiguous(memory_format=layout)
    found = statistics_of(maps, maps.amax((2, 3)), rectified=rectified)
    plain = ((maps <= 0) if rectified else (maps == 0)).sum((0, 2, 3))
    assert torch.equal(found.zeros, plain)
    assert found.share_of_zeros.tolist() == pytest.approx((plain / 1800).tolist())


def test_units_without_space():
    values = torch.tensor([[0.0, -1.0], [2.0, 0.0], [0.0, 3.0]])
    assert statistics_of(values, values, rectified=False).zeros.tolist() == [2, 1]
    assert statistics_of(values, values, rectified=True).zeros.tolist() == [2, 2]
