"""Sample pictures that come with the install, free of rights."""

from __future__ import annotations

from importlib import resources

from PIL import Image

from nnviz_widgets.errors import NnvizError

SAMPLES = ("cat", "coffee", "rocket", "astronaut")


def sample(name: str = "cat") -> Image.Image:
    """A sample picture by name: "cat", "coffee", "rocket" or "astronaut", RGB.

    Public domain, from scikit-image's data: Chelsea the cat (CC0, Stefan van der Walt), a cup of coffee (CC0, Rachel
    Michetti), a Falcon 9 (CC0, SpaceX), Eileen Collins (NASA).

    Raises:
        NnvizError: when there is no sample of that name.
    """
    if name not in SAMPLES:
        raise NnvizError("sample_unknown", name=name, known=", ".join(SAMPLES))
    with resources.files("nnviz_widgets.images").joinpath("pictures", f"{name}.jpg").open("rb") as stream:
        return Image.open(stream).convert("RGB")
