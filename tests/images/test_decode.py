"""Whatever a person hands over is a picture, or one line that says why not."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.images import decode
from nnviz_widgets.images.decode import open_picture


def pixels(h: int = 6, w: int = 9, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (h, w, channels), dtype=np.uint8)


def encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def opened(source: object, channels: int = 3) -> np.ndarray:
    """As uint8 (h, w) or (h, w, 3), whichever way it came."""
    picture = open_picture(source, channels=channels)
    if isinstance(picture, torch.Tensor):
        assert picture.dtype == torch.float32
        assert picture.shape[0] == channels
        return (picture * 255).round().byte().permute(1, 2, 0).numpy().squeeze(-1 if channels == 1 else ())
    assert picture.mode == ("L" if channels == 1 else "RGB")
    return np.asarray(picture)


def code_of(source: object, channels: int = 3) -> str:
    with pytest.raises(NnvizError) as caught:
        open_picture(source, channels=channels)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400
    return caught.value.code


def outcome(source: object) -> str:
    try:
        opened(source)
    except NnvizError as error:
        return error.code
    return "fine"


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "WEBP"])
def test_lossless_files_give_their_pixels(kind: str, tmp_path: Path) -> None:
    data = encoded(Image.fromarray(pixels()), kind, **({"lossless": True} if kind == "WEBP" else {}))
    path = tmp_path / f"x.{kind}"
    path.write_bytes(data)
    for source in (path, str(path), data, bytearray(data), memoryview(data), Image.open(io.BytesIO(data))):
        assert np.array_equal(opened(source), pixels())


def test_jpeg_in_colour_grey_and_cmyk() -> None:
    smooth = np.full((16, 16, 3), (200, 100, 50), np.uint8)
    picture = Image.fromarray(smooth)
    for mode in ("RGB", "CMYK"):
        got = opened(encoded(picture.convert(mode), "JPEG", quality=95)).astype(int)
        assert np.abs(got - smooth).max() <= 6
    grey = opened(encoded(picture.convert("L"), "JPEG", quality=95), channels=3)
    assert (grey[..., 0] == grey[..., 1]).all()
    assert abs(int(grey[0, 0, 0]) - 124) <= 2


def test_the_first_frame_of_a_gif() -> None:
    first, second = Image.new("RGB", (4, 3), "red"), Image.new("RGB", (4, 3), "blue")
    got = opened(encoded(first, "GIF", save_all=True, append_images=[second]))
    assert (got == (255, 0, 0)).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_sixteen_bits_keep_their_brightness(channels: int) -> None:
    deep = np.array([[0, 257 * 7], [257 * 128, 65535]], np.uint16)
    got = opened(encoded(Image.fromarray(deep), "PNG"), channels)
    assert np.array_equal(got if channels == 1 else got[..., 1], [[0, 7], [128, 255]])


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "HSV", "YCbCr"])
def test_every_mode_of_pillow_becomes_what_the_network_takes(mode: str) -> None:
    picture = Image.new("RGB", (5, 4), "white").convert(mode)
    assert (opened(picture) == 255).all()
    assert opened(picture, 1).shape == (4, 5)


@pytest.mark.parametrize("mode", ["LAB", "La", "I;16B"])
def test_modes_that_pillow_cannot_convert_end_in_a_line(mode: str) -> None:
    assert outcome(Image.new(mode, (5, 4))) in ("fine", "picture_unreadable")


def test_transparency_is_laid_on_white() -> None:
    rgba = np.zeros((2, 2, 4), np.uint8)
    rgba[0] = (255, 0, 0, 255)
    expected = [[[255, 0, 0]] * 2, [[255] * 3] * 2]
    assert np.array_equal(opened(rgba), expected)
    assert np.array_equal(opened(encoded(Image.fromarray(rgba), "PNG")), expected)
    assert np.array_equal(opened(torch.from_numpy(rgba / 255).permute(2, 0, 1)), expected)
    palette = Image.new("P", (2, 1))
    palette.putpalette([0, 0, 0, 0, 0, 255])
    palette.putpixel((1, 0), 1)
    assert np.array_equal(opened(encoded(palette, "PNG", transparency=0)), [[[255] * 3, [0, 0, 255]]])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turned_upright(orientation: int) -> None:
    upright = np.zeros((2, 3, 3), np.uint8)
    upright[0, 0] = 255
    turns = {1: (), 2: (0,), 3: (3,), 4: (1,), 5: (5,), 6: (2,), 7: (6,), 8: (4,)}  # inverses of the tag's meaning
    stored = Image.fromarray(upright)
    for turn in turns[orientation]:
        stored = stored.transpose(Image.Transpose(turn))
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(stored, "PNG", exif=exif)
    assert np.array_equal(opened(data), upright)
    picture = Image.open(io.BytesIO(data))
    assert np.array_equal(opened(picture), upright)
    assert picture.getexif()[0x0112] == orientation  # a person's own picture stays as it is


def test_arrays_of_every_kind_of_number() -> None:
    values = pixels()
    for same in (values, values[::-1, ::-1].copy()[::-1, ::-1], values.astype(np.int64), values.astype(np.uint16)):
        assert np.array_equal(opened(same), values)
    for dtype in ("f2", "f4", "f8", ">f4", np.longdouble):
        assert np.array_equal(opened((values / 255).astype(dtype)), values), dtype
    assert np.array_equal(opened(values[..., :1]), np.repeat(values[..., :1], 3, 2))
    assert np.array_equal(opened(values[..., 0], 1), values[..., 0])
    assert np.array_equal(opened(values[..., 0] > 128, 1), (values[..., 0] > 128) * np.uint8(255))


def test_tensors_of_every_kind_of_number() -> None:
    values = torch.from_numpy(pixels()).permute(2, 0, 1)
    for same in (values, values[None], values.long(), values.to(torch.uint16), values / 255, (values / 255).double()):
        assert np.array_equal(opened(same), pixels())
    assert np.array_equal(opened((values / 255).requires_grad_()), pixels())
    assert np.array_equal(opened(values[0]), np.repeat(pixels()[..., :1], 3, 2))
    with torch.inference_mode():
        assert np.array_equal(opened(values / 255), pixels())
    floats = values / 255
    open_picture(floats, channels=3).zero_()
    assert floats.any()  # a person's own tensor stays as it is


def test_grey_of_floats_is_the_grey_of_files() -> None:
    grey = opened(pixels(), 1).astype(int)
    assert np.abs(opened(pixels() / 255, 1).astype(int) - grey).max() <= 1


def test_rounding_may_leave_the_range_by_a_hair() -> None:
    assert opened(np.full((2, 2, 3), 1 + 1e-6)).max() == 255


def test_float_files(tmp_path: Path) -> None:
    path = tmp_path / "x.tiff"
    Image.fromarray(np.linspace(0, 1, 6, dtype=np.float32).reshape(2, 3)).save(path)
    assert opened(path).shape == (2, 3, 3)
    assert opened(path, 1)[-1, -1] == 255
    Image.fromarray(np.full((2, 3), np.nan, np.float32)).save(path)
    assert code_of(path) == "picture_nan"


@pytest.mark.parametrize(
    ("source", "code"),
    [
        (None, "picture_type"),
        (3, "picture_type"),
        ([[0, 1]], "picture_type"),
        (np.array([["a"]]), "picture_type"),
        (np.zeros((2, 2, 3), complex), "picture_type"),
        (torch.zeros(3, 2, 2, dtype=torch.complex64), "picture_type"),
        (np.zeros((2, 2, 2)), "picture_shape"),
        (np.zeros((3, 4, 5)), "picture_shape"),
        (np.zeros(5), "picture_shape"),
        (np.float64(1)[None][0:1].reshape(()), "picture_shape"),
        (torch.zeros(2, 3, 4, 4), "picture_shape"),
        (torch.zeros(5, 4, 4), "picture_shape"),
        (np.zeros((0, 5, 3)), "picture_empty"),
        (torch.zeros(3, 0, 5), "picture_empty"),
        (Image.new("RGB", (0, 3)), "picture_empty"),
        (np.full((2, 2, 3), np.nan), "picture_nan"),
        (torch.full((3, 2, 2), torch.inf), "picture_nan"),
        (np.full((2, 2, 3), 1.5), "picture_range"),
        (np.full((2, 2, 3), -1), "picture_range"),
        (np.full((2, 2, 3), 2**64 - 1, np.uint64), "picture_range"),
        (np.full((2, 2), 300, np.uint16), "picture_range"),
        (torch.full((3, 2, 2), 256), "picture_range"),
        (b"", "picture_unreadable"),
        (b"hello", "picture_unreadable"),
        ("no/such/<b>file</b>.png", "picture_missing"),
        ("", "picture_missing"),
        ("nul\0name.png", "picture_missing"),
        ("x" * 5000, "picture_missing"),
        ("~nobody-of-this-name/x.png", "picture_missing"),
        (".", "picture_missing"),
    ],
)
def test_what_is_no_picture_says_so_in_one_line(source: object, code: str) -> None:
    assert code_of(source) == code


def test_text_in_a_picture_file_with_a_strange_name(tmp_path: Path) -> None:
    path = tmp_path / "<img src=x> 写真 {0}.png"
    path.write_text("not a picture")
    assert code_of(path) == "picture_unreadable"
    with pytest.raises(NnvizError, match="写真"):
        open_picture(path, channels=3)
    Image.fromarray(pixels()).save(path)
    assert np.array_equal(opened(path), pixels())


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP"])
def test_damaged_files_end_in_a_line(kind: str) -> None:
    picture = Image.fromarray(pixels(40, 40))
    data = encoded(picture, kind)
    assert code_of(data[: len(data) // 2]) == "picture_unreadable"
    rng = np.random.default_rng(1)
    for _ in range(20):
        noisy = bytearray(data)
        for place in rng.integers(8, len(data), 12):
            noisy[place] = rng.integers(256)
        assert outcome(bytes(noisy)) in ("fine", "picture_unreadable", "picture_huge", "picture_empty")


def test_a_truncated_picture_that_pillow_opened_lately() -> None:
    data = encoded(Image.fromarray(pixels(40, 40)), "PNG")
    assert code_of(Image.open(io.BytesIO(data[:-600]))) == "picture_unreadable"


def test_bombs_are_refused_before_they_are_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    def claims(width: int, height: int) -> bytes:
        file = b"\x89PNG\r\n\x1a\n"
        header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
        for kind, data in ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(99))), (b"IEND", b"")):
            file += struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        return file

    assert code_of(claims(10_000, 10_000)) == "picture_huge"
    assert code_of(claims(60_000, 60_000)) == "picture_unreadable"  # Pillow's own limit
    monkeypatch.setattr(decode, "MAX_PIXELS", 50)
    assert code_of(pixels()) == "picture_huge"
    assert code_of(encoded(Image.fromarray(pixels()), "PNG")) == "picture_huge"
    assert opened(pixels(5, 9)).shape == (5, 9, 3)
