"""The colour maps as people with protanopia, deuteranopia or tritanopia see them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from nnviz_widgets.render.colormap import CLASS_COLOURS, diverging, sequential

# Machado, Oliveira & Fernandes 2009, A Physiologically-based Model for Simulation of Color Vision Deficiency, table of
# severity 1.0; they act on linear RGB.
SIGHTS = {
    "none": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def lab(colours, sight):
    """UInt8 RGB (n, 3) -> L*, a*, b* as they are seen (D65)."""
    rgb = np.asarray(colours) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ SIGHTS[sight].T, 0, 1)
    ratio = seen @ TO_XYZ.T / TO_XYZ.sum(1)
    f = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], 1)


def test_the_simulation_keeps_greys_and_confuses_red_with_green():
    greys = np.repeat(np.linspace(0, 255, 9)[:, None], 3, 1)
    for sight in SIGHTS:
        np.testing.assert_allclose(lab(greys, sight), lab(greys, "none"), atol=0.1)
    red_and_green = [(186, 80, 30), (120, 120, 30)]
    apart = {sight: np.linalg.norm(np.subtract(*lab(red_and_green, sight))) for sight in SIGHTS}
    assert apart["deuteranopia"] < 0.4 * apart["none"]


@pytest.mark.parametrize("sight", SIGHTS)
def test_the_sequential_map_only_gets_lighter(sight):
    lightness = lab(sequential(np.linspace(0, 1, 64)), sight)[:, 0]
    assert (np.diff(lightness) > 0).all()
    assert lightness[0] < 2
    assert lightness[-1] > 90


@pytest.mark.parametrize("sight", SIGHTS)
@pytest.mark.parametrize("dark", [False, True])
def test_the_diverging_map_changes_lightness_with_size_and_hue_with_sign(sight, dark):
    sizes = np.linspace(0, 1, 33)
    sides = [lab(diverging(sign * sizes, dark=dark), sight) for sign in (1, -1)]
    for side in sides:
        assert (np.diff(side[:, 0]) * (1 if dark else -1) > -0.3).all()  # less than an eye tells
        assert abs(side[-1, 0] - side[0, 0]) > 30
    apart = np.linalg.norm(sides[0] - sides[1], axis=1)
    assert (apart[sizes >= 0.25] > 10).all(), apart.round(1)


@pytest.mark.parametrize("sight", SIGHTS)
def test_the_first_classes_are_told_apart(sight):
    colours = lab(CLASS_COLOURS[:8], sight)
    apart = {
        (i, j): float(np.linalg.norm(colours[i] - colours[j]))
        for i, j in itertools.combinations(range(len(colours)), 2)
    }
    least = min(apart, key=apart.__getitem__)
    assert apart[least] > 8, (least, apart[least])
