"""The gradient of our resampling against that of PyTorch's."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from nnviz_widgets.methods.resample import Resample, resample


@pytest.mark.parametrize("size", [(9, 14), (16, 5)])
def test_the_gradient_is_that_of_grid_sample(size: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(0)
    maps = torch.rand(1, 6, *size, generator=generator, dtype=torch.float64, requires_grad=True)
    turned = torch.tensor([[[0.9, -0.3, 0.2], [0.25, 1.3, -0.1]]], dtype=torch.float64)  # some of it from outside
    grid = F.affine_grid(turned, [1, 1, 12, 7], align_corners=False)
    above = torch.randn(1, 6, 12, 7, generator=generator, dtype=torch.float64)
    (wanted,) = torch.autograd.grad(resample(maps, grid), maps, above)
    (found,) = torch.autograd.grad(Resample.apply(maps, grid), maps, above)
    torch.testing.assert_close(found, wanted, rtol=1e-12, atol=1e-12)
    assert found.count_nonzero() > found.numel() / 3
