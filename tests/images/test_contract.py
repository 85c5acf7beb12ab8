"""The input contract against torchvision's own preprocessing, and back to pixels."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import InterpolationMode
from torchvision.transforms._presets import ImageClassification

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.images.contract import IMAGENET_MEAN, IMAGENET_STD, InputContract

SHAPES = [(48, 48), (40, 61), (61, 40), (100, 33), (31, 97), (20, 20), (300, 200)]


def photo(height: int, width: int, channels: int = 3) -> Image.Image:
    values = np.random.default_rng(0).integers(0, 256, (height, width, channels), dtype=np.uint8)
    return Image.fromarray(values.squeeze())


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("shape", SHAPES)
def test_equals_the_preset_of_torchvision(shape: tuple[int, int], interpolation: str) -> None:
    contract = InputContract((32, 32), IMAGENET_MEAN, IMAGENET_STD, 37, interpolation)
    preset = ImageClassification(crop_size=32, resize_size=37, interpolation=InterpolationMode(interpolation))
    assert torch.equal(contract.prepare(photo(*shape)), preset(photo(*shape))[None])


@pytest.mark.parametrize("shape", SHAPES)
def test_floats_go_the_way_of_files(shape: tuple[int, int]) -> None:
    contract = InputContract((32, 32), IMAGENET_MEAN, IMAGENET_STD, 37)
    floats = torch.from_numpy(np.array(photo(*shape)) / 255).permute(2, 0, 1)
    expected = contract.prepare(photo(*shape))
    assert torch.allclose(contract.prepare(floats), expected, atol=0.02)


@pytest.mark.parametrize("channels", [1, 3])
def test_picture_inverts_prepare(channels: int) -> None:
    contract = InputContract((21, 34), (0.4, 0.5, 0.6)[:channels], (0.2, 0.3, 0.25)[:channels])
    source = photo(21, 34, channels)
    x = contract.prepare(source)
    assert x.shape == (1, channels, 21, 34)
    assert x.dtype == torch.float32
    got = contract.picture(x)
    assert got.dtype == np.uint8
    assert np.array_equal(got, np.asarray(source.convert("RGB")))
    assert torch.equal(contract.prepare(got), x)


@pytest.mark.parametrize("size", [(21, 34), (34, 21), (5, 50)])
@pytest.mark.parametrize("shape", [*SHAPES, (1, 1), (1, 300), (300, 1)])
def test_without_resize_the_picture_just_covers(size: tuple[int, int], shape: tuple[int, int]) -> None:
    contract = InputContract(size, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    white = contract.prepare(Image.new("RGB", shape[::-1], "white"))
    assert white.shape == (1, 3, *size)
    assert (white == 1).all()  # no border was added


def test_the_centre_is_kept() -> None:
    contract = InputContract((10, 10), (0.0,), (1.0,))
    strip = np.zeros((10, 31), np.uint8)
    strip[:, 15] = 255
    column = contract.prepare(strip)[0, 0].sum(0)
    assert column.argmax() in (4, 5)


def test_an_endless_strip_does_not_fill_the_memory() -> None:
    contract = InputContract((224, 224), IMAGENET_MEAN, IMAGENET_STD, 256)
    for shape in ((1, 1_000_000), (1_000_000, 1)):
        assert contract.prepare(np.zeros(shape, np.uint8)).shape == (1, 3, 224, 224)


def test_floats_stay_in_range_after_bicubic() -> None:
    contract = InputContract((7, 7), (0.0,), (1.0,), interpolation="bicubic")
    x = contract.prepare((np.indices((20, 20)).sum(0) % 2).astype(float))
    assert x.min() >= 0
    assert x.max() <= 1


def test_a_contract_and_its_errors_can_be_pickled() -> None:
    contract = InputContract((8, 8), IMAGENET_MEAN, IMAGENET_STD, 9)
    again = pickle.loads(pickle.dumps(contract))
    assert again == contract
    assert hash(again) == hash(contract)
    with pytest.raises(NnvizError) as caught:
        contract.prepare(np.full((8, 8, 3), 2.0))
    error = pickle.loads(pickle.dumps(caught.value))
    assert (error.code, str(error)) == ("picture_range", str(caught.value))


def test_an_x_handed_in_as_a_picture_is_told_so() -> None:
    contract = InputContract((8, 8), IMAGENET_MEAN, IMAGENET_STD)
    x = contract.prepare(photo(8, 8))
    with pytest.raises(NnvizError, match=r"engine\.prepare goes straight to the method"):
        contract.prepare(x)
