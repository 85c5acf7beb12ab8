import numpy as np
import pytest

from nnviz_widgets.render.colorbar import BAR, colorbar, ticks
from nnviz_widgets.render.colormap import diverging, sequential
from nnviz_widgets.render.scale import Scale
from nnviz_widgets.render.text import ink


def labels(scale, **knobs):
    return [label for _, label in ticks(scale, **knobs)]


@pytest.mark.parametrize(
    ("scale", "expected"),
    [
        (Scale(0, 1), ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (Scale(0, 3.37), ["0", "1", "2", "3"]),
        (Scale(0, 0.3), ["0", "0.05", "0.10", "0.15", "0.20", "0.25", "0.30"]),
        (Scale(-1.9, 1.9, True), ["−1", "0", "1"]),
        (Scale(-0.012, 0.012, True), ["−0.010", "−0.005", "0", "0.005", "0.010"]),
        (Scale(0, 2.3e-7), ["0", "5e−8", "1e−7", "1.5e−7", "2e−7"]),
        (Scale(-4e12, 4e12, True), ["−4e12", "−2e12", "0", "2e12", "4e12"]),
        (Scale(0, 52_000), ["0", "1e4", "2e4", "3e4", "4e4", "5e4"]),
        (Scale(1000, 1000.5), ["1000.0", "1000.1", "1000.2", "1000.3", "1000.4", "1000.5"]),
        (Scale(0, 0), ["0"]),
        (Scale(0, 5e-324), ["0"]),
    ],
)
def test_round_numbers(scale, expected):
    assert labels(scale) == expected


@pytest.mark.parametrize("most", [2, 4, 6, 8])
def test_every_label_is_the_value_at_its_place(most):
    generator = np.random.default_rng(0)
    for size in 10.0 ** generator.uniform(-12, 12, 100):
        for scale in (Scale(0, size), Scale(-size, size, True)):
            marks = ticks(scale, most=most)
            assert 1 <= len(marks) <= most + 1
            assert any(label == "0" for _, label in marks)
            for place, label in marks:
                assert 0 <= place <= 1
                value = float(label.replace("−", "-"))
                assert value == pytest.approx(scale.low + place * (scale.high - scale.low), abs=size * 1e-6)
                assert "-" not in label


def test_a_scale_without_length_or_sense_has_one_number():
    assert ticks(Scale(0, 0, True)) == [(0.5, "0")]
    assert ticks(Scale(2.0, 2.0)) == [(0.0, "2.00")]
    assert ticks(Scale(float("nan"), float("nan"))) == [(0.0, "NaN")]


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("scale", [Scale(0, 3.37), Scale(-2, 2, True)])
def test_the_bar_is_level_with_its_map(scale, dark):
    bar = colorbar(scale, height=100, dark=dark, label="activation", pixel_ratio=2)
    assert bar.shape[0] == 200
    assert bar.dtype == np.uint8
    middle = bar[:, BAR]
    assert (middle[:, 3] == 255).all()
    places = np.linspace(1, -1 if scale.signed else 0, 200)
    expected = diverging(places, dark=dark) if scale.signed else sequential(places)
    np.testing.assert_array_equal(middle[1:-1, :3], expected[1:-1])


@pytest.mark.parametrize("dark", [False, True])
def test_the_ground_is_transparent_and_the_text_has_the_ink_of_its_page(dark):
    bar = colorbar(Scale(0, 1), height=100, dark=dark)
    text = bar[:, (BAR + 8) * 2 :]
    assert (text[..., 3] == 0).any()
    written = text[text[..., 3] == 255][:, :3]
    assert len(written)
    assert (written == ink(dark)).all()


def test_text_is_never_cut():
    for scale in (Scale(0, 1), Scale(-4e-12, 4e-12, True), Scale(0, 0)):
        bar = colorbar(scale, height=60, label="a label that is rather too long for so low a bar")
        assert bar.shape[0] == 120
        text = bar[:, (BAR + 8) * 2 :]
        assert not text[0, :, 3].any()
        assert not text[-1, :, 3].any()
        assert not text[:, -1, 3].any()


def test_density():
    one, two = (colorbar(Scale(0, 1), height=100, pixel_ratio=ratio) for ratio in (1, 2))
    assert (one.shape[0], two.shape[0]) == (100, 200)
    assert abs(two.shape[1] - 2 * one.shape[1]) <= 2


def test_labels_with_a_decimal_comma():
    assert labels(Scale(-0.5, 0.5), most=4, decimal=",") == ["−0,5", "0", "0,5"]
    assert labels(Scale(0, 3e-7), most=10, decimal=",")[3] == "1,5e−7"
    bar = colorbar(Scale(0, 1), height=120, decimal=",")
    assert not np.array_equal(bar, colorbar(Scale(0, 1), height=120))
