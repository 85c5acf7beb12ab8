from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.render.colormap import sequential
from nnviz_widgets.render.encode import encode, encode_jpeg, encode_png, encode_webp_lossless
from nnviz_widgets.render.mosaic import layout, paint


def decoded(data, channels):
    mode = {1: "L", 3: "RGB", 4: "RGBA"}[channels]
    return np.asarray(Image.open(BytesIO(data)).convert(mode))


def format_of(data):
    return Image.open(BytesIO(data)).format


def noise(*shape):
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("size", [(1, 1), (7, 7), (14, 9), (64, 64), (224, 224), (3, 500)])
@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("how", [encode_png, encode_webp_lossless, lambda a: encode(a, exact=True)])
def test_exact_is_exact_also_under_transparent_pixels(size, channels, how):
    pixels = noise(*size, channels)
    if channels == 4:
        pixels[: size[0] // 2 + 1, :, 3] = 0
    np.testing.assert_array_equal(decoded(how(pixels), channels), pixels)


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("zoom", [1, 4])
def test_maps_are_exact_and_small(channels, zoom):
    cells = sequential(np.random.default_rng(1).random((56, 56))).repeat(zoom, axis=0).repeat(zoom, axis=1)
    pixels = np.dstack([cells, np.full(cells.shape[:2], 255, np.uint8)]) if channels == 4 else cells
    data = encode(pixels, exact=True)
    assert format_of(data) == "PNG"
    assert len(data) < len(encode_png(pixels))
    np.testing.assert_array_equal(decoded(data, channels), pixels)


def test_a_mosaic_with_gaps_is_exact():
    tiles = sequential(np.random.default_rng(2).random((5, 7, 7)))
    picture = paint(layout(5, 7, 7, width=120), tiles)
    assert (picture[..., 3] == 0).any()
    np.testing.assert_array_equal(decoded(encode(picture, exact=True), 4), picture)


def test_grey_stays_grey():
    for size in ((7, 7), (224, 224)):
        data = encode(noise(*size), exact=True)
        assert Image.open(BytesIO(data)).mode == "L"
        np.testing.assert_array_equal(decoded(data, 1), noise(*size))


def test_wider_than_webp_allows():
    pixels = noise(2, 17_000, 3)
    np.testing.assert_array_equal(decoded(encode(pixels, exact=True), 3), pixels)


def test_a_photo_may_be_lossy_but_keeps_its_colours():
    photo = np.zeros((16, 16, 3), dtype=np.uint8)
    photo[:, ::2] = (230, 30, 40)
    photo[:, 1::2] = (30, 60, 220)
    data = encode(photo, exact=False)
    assert format_of(data) == "JPEG"
    fine = np.abs(decoded(data, 3).astype(int) - photo).mean()
    coarse = BytesIO()
    Image.fromarray(photo).save(coarse, "JPEG", quality=90, subsampling=2)
    assert fine * 4 < np.abs(decoded(coarse.getvalue(), 3).astype(int) - photo).mean()
    assert len(encode_jpeg(noise(64, 64, 3), quality=50)) < len(encode_jpeg(noise(64, 64, 3)))


def test_transparency_is_never_lossy():
    pixels = noise(80, 80, 4)
    np.testing.assert_array_equal(decoded(encode(pixels, exact=False), 4), pixels)


@pytest.mark.parametrize("bad", [np.zeros((4, 4, 3)), np.zeros((4, 4, 2), np.uint8), np.zeros(4, np.uint8)])
@pytest.mark.parametrize("exact", [False, True])
def test_what_is_not_pixels_is_told(bad, exact):
    with pytest.raises(NnvizError, match="expected uint8"):
        encode(bad, exact=exact)
    with pytest.raises(NnvizError, match="expected uint8"):
        encode_png(bad)
