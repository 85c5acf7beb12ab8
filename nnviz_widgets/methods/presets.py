"""Published priors of activation maximisation by name, with the papers' numbers beside ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.images.contract import IMAGENET_STD, InputContract
from nnviz_widgets.methods.priors import (
    L2,
    Adam,
    Blur,
    Decay,
    Decorrelated,
    Fourier,
    Jitter,
    Normalised,
    Plain,
    Prior,
    Progress,
    Rotate,
    Scale,
    SmallContribution,
    SmallNorm,
)

SIMONYAN = "Simonyan, Vedaldi & Zisserman, Deep Inside Convolutional Networks, ICLR workshop 2014"
YOSINSKI = "Yosinski et al., Understanding Neural Networks Through Deep Visualization, ICML workshop 2015"
DISTILL = "Olah, Mordvintsev & Schubert, Feature Visualization, Distill 2017"


@dataclass(frozen=True)
class Preset:
    """Priors with all that goes with them.

    Attributes:
        priors, step_size, steps, start: as `ascent` takes them.
        published: the paper's numbers as text, by what they are of.
        paper: where they stand; "" where there is none.
        in_pixels: whether the step size was published for pixels in 0..255, mean subtracted; what is here is
            converted for ImageNet's usual normalisation, and `preset` converts it for another.
    """

    priors: tuple[Prior, ...]
    step_size: float
    steps: int
    start: str = "noise"
    published: Mapping[str, str] = field(default_factory=dict)
    paper: str = ""
    in_pixels: bool = False


def pixel_unit(std: tuple[float, ...]) -> float:
    """How many of 255 grey levels one unit of a network's input is, over its channels."""
    return 255 * sum(std) / len(std)


# A pixel is k units smaller than in 0..255, its gradient k times larger: steps of theirs are k^2 times smaller here.
_K2 = pixel_unit(IMAGENET_STD) ** 2


def _yosinski(rate: str, step_size: float, steps: int, *priors: Prior, **published: str) -> Preset:
    numbers = {"step_size": rate, "steps": str(steps), "start": "mean + N(0, 10)", **published}
    return Preset(priors, step_size / _K2, steps, "noise", MappingProxyType(numbers), YOSINSKI, in_pixels=True)


PRESETS: dict[str, Preset] = {
    "None": Preset((Normalised(),), 0.02, 256),
    "Simonyan": Preset(
        (Plain(), L2(0.002)),
        2.0,
        256,
        "zeros",
        MappingProxyType({"l2": "not given", "step_size": "not given", "steps": "not given", "start": "zero image"}),
        SIMONYAN,
        in_pixels=True,
    ),
    "Yosinski 1": _yosinski(
        "at most 100",
        100,
        500,
        Progress(2.0),
        Blur(0.5, every=4),
        SmallNorm(50),
        progress="2",
        decay="0",
        sigma="0.5",
        every="4",
        small_norm="50 %",
    ),
    "Yosinski 2": _yosinski(
        "100", 100, 750, Plain(), Decay(0.3), SmallNorm(20), decay="0.3", sigma="no blur", small_norm="20 %"
    ),
    "Yosinski 3": _yosinski(
        "100", 100, 1000, Plain(), Decay(1e-4), Blur(1.0, every=4), decay="0.0001", sigma="1.0", every="4"
    ),
    "Yosinski 4": _yosinski(
        "at most 1e8",
        1e8,
        1000,
        Progress(2.0),
        Blur(0.5, every=4),
        SmallContribution(90),
        progress="2",
        decay="0",
        sigma="0.5",
        every="4",
        small_contribution="90 %",
    ),
    "Distill": Preset(
        (Adam(), Fourier(), Decorrelated(), Jitter(6), Scale(0.1), Rotate(10)),
        0.05,
        512,
        "noise",
        MappingProxyType(
            {
                "step_size": "0.05 (Adam)",
                "steps": "512",
                "start": "Fourier noise, sd 0.01",
                "jitter": "8, then 4: up to 6 px to each side",
                "scale": "0.90 to 1.10",
                "rotate": "-10 to 10 degrees",
            }
        ),
        DISTILL,
    ),
}


def preset(name: str, contract: InputContract | None = None) -> Preset:
    """A preset by name, its step size for the units of a network with this contract (ImageNet's when left out)."""
    if name not in PRESETS:
        raise NnvizError("prior_unknown", name=name, known=", ".join(PRESETS))
    found = PRESETS[name]
    if contract is None or not found.in_pixels:
        return found
    return replace(found, step_size=found.step_size * _K2 / pixel_unit(contract.std) ** 2)
