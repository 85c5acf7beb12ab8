"""What an ascent moves: the pixels themselves, or numbers of which they are made.

Olah et al., Feature Visualization, Distill 2017, and Lucid, its code: steepest ascent in a space in which photos
are decorrelated comes to lower frequencies and fewer lurid colours.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.images.contract import InputContract

SPREAD = 0.01  # of the numbers that noise begins with, as Lucid's
PIXEL_SPREAD = 10 / 255  # of the pixels that noise begins with, as Yosinski's
EDGE = 1e-3  # pixels of a start keep away from 0 and 1, to which no sigmoid comes
COLOURS = ((0.26, 0.09, 0.02), (0.27, 0.00, -0.05), (0.27, -0.09, 0.03))


@dataclass(frozen=True)
class Fourier:
    """The picture is made of waves, long ones stronger, and a sigmoid keeps its pixels within 0..1.

    Args:
        decay_power: a wave of frequency f weighs 1 / f to this power, above 0 and up to 4; 1 is Lucid's. More of it
            makes larger shapes and less grain.
    """

    decay_power: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.decay_power <= 4:
            raise NnvizError(
                "prior_value", name="decay_power", value=self.decay_power, expected="a number above 0, up to 4"
            )


@dataclass(frozen=True)
class Decorrelated:
    """Colours are mixed from those directions in which photos vary independently; a sigmoid keeps them within 0..1."""


@dataclass(frozen=True, eq=False)
class Parametrisation:
    """The way from numbers to a picture, which autograd goes back, and from a picture to numbers.

    Attributes:
        contract: of the network, whose units the picture has.
        size: (height, width) of the picture.
        fourier: decay power of the waves; 0 for pixels. decorrelated: whether colours are; with neither, the numbers
            are the picture.
    """

    contract: InputContract
    size: tuple[int, int]
    fourier: float
    decorrelated: bool

    def picture(self, numbers: Tensor) -> Tensor:
        """x (N, C, h, w) in the network's units."""
        if not (self.fourier or self.decorrelated):
            return numbers
        values = waves(numbers, self.size, self.fourier) if self.fourier else numbers
        if self.decorrelated and self.contract.channels == 3:
            values = mix(values, colour_matrix(values))
        mean, std = self._units(values)
        return (values.sigmoid() - mean) / std

    def numbers(self, x: Tensor) -> Tensor:
        """Of which `picture` makes x, but for pixels that are not within 0..1."""
        if not (self.fourier or self.decorrelated):
            return x
        mean, std = self._units(x)
        values = (x * std + mean).logit(EDGE)
        if self.decorrelated and self.contract.channels == 3:
            values = mix(values, torch.linalg.inv(colour_matrix(values)))
        return spectrum(values, self.fourier) if self.fourier else values

    def noise(self, generator: torch.Generator) -> Tensor:
        """Numbers of one picture to begin with, (1, ...), on the CPU."""
        height, width = self.size
        shape: tuple[int, ...] = (1, self.contract.channels, height, width)
        if self.fourier:
            shape = (*shape[:3], width // 2 + 1, 2)
        spread = SPREAD
        if not (self.fourier or self.decorrelated):
            spread = PIXEL_SPREAD / (sum(self.contract.std) / len(self.contract.std))
        return spread * torch.randn(shape, generator=generator)

    def _units(self, like: Tensor) -> tuple[Tensor, Tensor]:
        mean, std = like.new_tensor([self.contract.mean, self.contract.std]).view(2, 1, -1, 1, 1)
        return mean, std


def frequency_scale(size: tuple[int, int], like: Tensor, power: float = 1.0) -> Tensor:
    """(h, w // 2 + 1, 1) weights of the frequencies f of a picture: 1 / max(f, 1 / longer side) ** power / 4.

    Lucid multiplies by sqrt(h w), and its inverse transform divides by h w: the orthonormal one needs neither. Of
    another power than 1 the weights are scaled to the same mean square, so that step sizes keep their meaning.
    """
    return _weights(size, float(power), like.dtype, like.device)


@lru_cache(maxsize=8)
def _weights(size: tuple[int, int], power: float, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Asked for twice a step; nobody changes them."""
    with torch.inference_mode(False):  # whoever asks first, autograd is to take them later
        height, width = size
        down = torch.fft.fftfreq(height, dtype=dtype, device=device)[:, None]
        right = torch.fft.rfftfreq(width, dtype=dtype, device=device)
        plain: Tensor = 1 / torch.hypot(down, right).clamp_min(1 / max(size))[..., None]
        if power == 1:
            return plain / 4
        steep: Tensor = plain**power
        same_energy: Tensor = (plain.square().mean() / steep.square().mean()).sqrt()
        return steep * same_energy / 4


def waves(numbers: Tensor, size: tuple[int, int], power: float = 1.0) -> Tensor:
    """(N, C, h, w) of (N, C, h, w // 2 + 1, 2): real and imaginary parts of the waves."""
    scaled = torch.view_as_complex(numbers * frequency_scale(size, numbers, power))
    values: Tensor = torch.fft.irfft2(scaled, s=size, norm="ortho")
    return values


def spectrum(values: Tensor, power: float = 1.0) -> Tensor:
    """The reverse of `waves`."""
    height, width = values.shape[2:]
    found = torch.view_as_real(torch.fft.rfft2(values, norm="ortho"))
    return found / frequency_scale((height, width), values, power)


def colour_matrix(like: Tensor) -> Tensor:
    """(3, 3): Lucid's root of the covariance of ImageNet's colours, divided by its largest column norm."""
    matrix = like.new_tensor(COLOURS)
    largest: Tensor = torch.linalg.vector_norm(matrix, dim=0).max()
    return matrix / largest


def mix(values: Tensor, matrix: Tensor) -> Tensor:
    """values (N, 3, h, w) in other colours: the matrix times each pixel."""
    return (matrix @ values.flatten(2)).view(values.shape)
