"""The method that methods/README.md adds, run as it stands there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F

import nnviz_widgets
from nnviz_widgets.engine.load import load
from nnviz_widgets.images.samples import sample

PAGE = Path(nnviz_widgets.__file__).parent / "methods" / "README.md"


@pytest.fixture(scope="module")
def names() -> dict[str, Any]:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 2
    found: dict[str, Any] = {"__name__": "__main__"}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec", dont_inherit=True), found)
    return found


def test_the_method_is_the_mean_over_its_masks(names: dict[str, Any]) -> None:
    engine = load("cifar_net", device="cpu")
    x = engine.prepare(sample("cat"))
    steps = list(names["rise"](engine, x, 3, masks=10, cells=4, batch=4))
    assert [step.done for step in steps] == [0.4, 0.8, 1.0]
    generator = torch.Generator().manual_seed(0)
    coarse = torch.cat([torch.rand(n, 1, 4, 4, generator=generator) < 0.5 for n in (4, 4, 2)]).float()
    masks = F.interpolate(coarse, size=x.shape[2:], mode="bilinear")
    each = [engine.module(x * mask).softmax(1)[0, 3] * mask[0] / 0.5 for mask in masks]
    torch.testing.assert_close(steps[-1].map, torch.stack(each).mean(0).detach())


def test_the_widget_is_live(names: dict[str, Any], tmp_path: Path) -> None:
    widget = names["Rise"](load("cifar_net", device="cpu"), "cat", target=3, masks=64)
    try:
        first = widget.compute()
        assert first.shape == (32, 32)
        widget.masks = 128
        assert not torch.equal(widget.compute(), first)
        assert widget.save(tmp_path / "rise.png").stat().st_size > 2000
    finally:
        widget.close()
