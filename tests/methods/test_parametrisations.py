"""Waves and colours against NumPy, there and back, and what noise is."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.images.contract import IMAGENET_MEAN, IMAGENET_STD, InputContract
from nnviz_widgets.methods.parametrisations import Fourier, Parametrisation, frequency_scale, spectrum, waves
from tests.engine.networks import picture

SIZES = [(8, 8), (9, 12), (12, 9), (7, 5), (1, 6), (5, 1)]
MATRIX = np.array([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]])  # Lucid's


def of(size: tuple[int, int], fourier: bool, decorrelated: bool, channels: int = 3) -> Parametrisation:
    contract = InputContract((8, 8), IMAGENET_MEAN[:channels], IMAGENET_STD[:channels])
    return Parametrisation(contract, size, fourier, decorrelated)


@pytest.mark.parametrize("size", SIZES)
def test_waves_are_lucids(size: tuple[int, int]) -> None:
    height, width = size
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(2, 3, height, width // 2 + 1, 2))
    frequencies = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[: width // 2 + 1])
    scale = np.sqrt(width * height) / np.maximum(frequencies, 1 / max(width, height))
    wanted = np.fft.irfft2((numbers[..., 0] + 1j * numbers[..., 1]) * scale, s=size) / 4
    assert_allclose(waves(torch.from_numpy(numbers), size), wanted, atol=1e-12)


@pytest.mark.parametrize("size", SIZES)
def test_a_picture_becomes_waves_and_comes_back(size: tuple[int, int]) -> None:
    values = picture(2, size=size).double()
    assert_allclose(waves(spectrum(values), size), values, atol=1e-12)


def test_colours_are_mixed_by_the_matrix() -> None:
    numbers = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    matrix = MATRIX / np.linalg.norm(MATRIX, axis=0).max()
    values = np.einsum("ck,nkhw->nchw", matrix, numbers.numpy())
    pixels = 1 / (1 + np.exp(-values))
    wanted = (pixels - np.reshape(IMAGENET_MEAN, (3, 1, 1))) / np.reshape(IMAGENET_STD, (3, 1, 1))
    assert_allclose(of((4, 5), False, True).picture(numbers), wanted, rtol=1e-10)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("fourier", "decorrelated"), [(True, True), (True, False), (False, True), (False, False)])
def test_there_and_back(fourier: bool, decorrelated: bool, channels: int) -> None:
    contract = InputContract((9, 12), IMAGENET_MEAN[:channels], IMAGENET_STD[:channels])
    pixels = torch.rand(2, channels, 9, 12, generator=torch.Generator().manual_seed(0)) * 0.98 + 0.01
    x = contract.normalise(pixels)
    found = of((9, 12), fourier, decorrelated, channels)
    torch.testing.assert_close(found.picture(found.numbers(x)), x, rtol=1e-4, atol=1e-4)
    black = contract.normalise(torch.zeros(1, channels, 9, 12))
    assert torch.isfinite(found.numbers(black)).all()


def test_noise_is_as_strong_as_published() -> None:
    generator = torch.Generator().manual_seed(0)
    pixels = of((100, 101), False, False).noise(generator)
    assert pixels.shape == (1, 3, 100, 101)
    assert float(pixels.std()) == pytest.approx(10 / 255 / np.mean(IMAGENET_STD), rel=0.02)
    numbers = of((100, 101), True, True).noise(generator)
    assert numbers.shape == (1, 3, 100, 51, 2)
    assert float(numbers.std()) == pytest.approx(0.01, rel=0.02)


def test_a_steeper_spectrum_keeps_its_mean_square_and_goes_there_and_back() -> None:
    like = torch.empty(0)
    plain, steep = (frequency_scale((9, 12), like, power) for power in (1.0, 1.5))
    assert torch.allclose(plain.square().mean(), steep.square().mean())
    assert torch.allclose(steep / steep[0, 0], (plain / plain[0, 0]) ** 1.5)
    values = torch.randn(1, 3, 9, 12, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(waves(spectrum(values, 1.5), (9, 12), 1.5), values, atol=1e-5)


@pytest.mark.parametrize("power", [0, -1, 5])
def test_a_decay_power_out_of_range_is_refused(power: float) -> None:
    with pytest.raises(NnvizError, match="decay_power"):
        Fourier(power)
