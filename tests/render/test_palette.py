import numpy as np
import pytest

from nnviz_widgets.render.palette import find_palette


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("count", [1, 2, 17, 255, 256])
def test_the_palette_gives_the_image_back(channels, count):
    for seed in range(5):
        generator = np.random.default_rng(seed)
        colours = generator.integers(0, 256, (count, channels), dtype=np.uint8)
        image = colours[generator.integers(0, count, (20, 31))]
        palette, index = find_palette(image)
        assert palette.dtype == index.dtype == np.uint8
        assert palette.shape[1] == 4
        np.testing.assert_array_equal(palette[index][..., :channels], image)
        if channels == 3:
            assert (palette[:, 3] == 255).all()


def test_too_many_colours_are_none():
    shades = np.arange(257 * 3).reshape(1, 257, 3)
    assert find_palette((shades % 256).astype(np.uint8) ^ (shades // 256 * 37).astype(np.uint8)) is None


def test_views_that_are_not_contiguous():
    image = np.random.default_rng(0).integers(0, 2, (9, 12, 4), dtype=np.uint8)[::-2, ::3]
    palette, index = find_palette(image)
    np.testing.assert_array_equal(palette[index], image)
