"""Presets hold the papers' numbers, in the units of the network."""

from __future__ import annotations

import pytest

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.images.contract import IMAGENET_STD, InputContract
from nnviz_widgets.methods.presets import PRESETS, preset
from nnviz_widgets.methods.priors import Adam, Blur, Decay, Settings


def contract(std: float) -> InputContract:
    return InputContract((8, 8), (0.5,) * 3, (std,) * 3)


def test_every_preset_fits_together() -> None:
    assert list(PRESETS) == ["None", "Simonyan", *(f"Yosinski {i}" for i in range(1, 5)), "Distill"]
    for found in PRESETS.values():
        Settings.of(found.priors, found.step_size)
        assert bool(found.published) == bool(found.paper)


def test_step_sizes_are_divided_by_the_square_of_a_unit() -> None:
    k = 255 * sum(IMAGENET_STD) / 3
    assert preset("Yosinski 3").step_size == pytest.approx(100 / k**2)
    assert preset("Yosinski 3").step_size == pytest.approx(0.0305, abs=1e-3)  # the facts' 0.031 for k about 57
    assert preset("Yosinski 3", contract(0.5)).step_size == pytest.approx(100 / 127.5**2)
    assert preset("Yosinski 4", contract(1 / 255)).step_size == pytest.approx(1e8)
    assert preset("Distill", contract(0.5)).step_size == 0.05


def test_the_published_numbers_are_the_priors() -> None:
    assert {Decay(1e-4), Blur(1.0, every=4)} <= set(PRESETS["Yosinski 3"].priors)
    assert PRESETS["Yosinski 3"].steps == 1000
    assert Adam() in PRESETS["Distill"].priors


def test_an_unknown_preset_is_told_the_known() -> None:
    with pytest.raises(NnvizError, match="Yosinski 4, Distill"):
        preset("Yosinski 5")
