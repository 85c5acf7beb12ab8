"""Scenes against a twin that walks over every pixel."""

import io

import numpy as np
import pytest
from PIL import Image

from nnviz_widgets.render.resize import resize_smooth
from nnviz_widgets.widgets.scene import LINE, RATIO, Bitmap, Scene, Sprite

WIDTH, HEIGHT = 30, 20


def noise(rows, columns, channels, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (rows, columns, channels), dtype=np.uint8)


def slow(scene, width=WIDTH, height=HEIGHT):
    """Each pixel of the canvas by itself, in plain arithmetic."""
    canvas = np.zeros((height * RATIO, width * RATIO, 4))
    for sprite in (*([scene.base] if scene.base else []), *scene.sprites):
        left, top, w, h = (round(value * RATIO) for value in sprite.box)
        pixels = sprite.bitmap.pixels
        rows, columns = pixels.shape[:2]
        if sprite.smooth:
            pixels = resize_smooth(pixels, h, w)
        for y in range(max(0, top), min(height * RATIO, top + h)):
            for x in range(max(0, left), min(width * RATIO, left + w)):
                row, col = (
                    (y - top, x - left)
                    if sprite.smooth
                    else (int((y - top + 0.5) * rows / h), int((x - left + 0.5) * columns / w))
                )
                over = pixels[row, col].astype(float)
                alpha = (over[3] / 255 if len(over) == 4 else 1.0) * sprite.alpha
                under = canvas[y, x, 3] / 255 * (1 - alpha)
                if alpha + under > 0:
                    canvas[y, x, :3] = (over[:3] * alpha + canvas[y, x, :3] * under) / (alpha + under)
                canvas[y, x, 3] = 255 * (alpha + under)
    for x, y, w, h in scene.outlines:
        left, top = max(0, (x - 2 * LINE) * RATIO), max(0, (y - 2 * LINE) * RATIO)
        right, bottom = min(width * RATIO, (x + w + 2 * LINE) * RATIO), min(height * RATIO, (y + h + 2 * LINE) * RATIO)
        for py in range(int(top), int(bottom)):
            for px in range(int(left), int(right)):
                depth = min(px - left, py - top, right - 1 - px, bottom - 1 - py)
                if depth < 2 * LINE * RATIO:
                    canvas[py, px] = (0, 0, 0, 255) if depth < LINE * RATIO else (255, 255, 255, 255)
    return canvas


SPRITES = {
    "cells": Sprite(Bitmap(noise(5, 6, 3)), (0, 0, 30, 20)),
    "cells that are not whole": Sprite(Bitmap(noise(7, 7, 3)), (2, 3, 20, 15)),
    "smooth": Sprite(Bitmap(noise(5, 6, 3)), (0, 0, 30, 20), smooth=True),
    "out of the pane": Sprite(Bitmap(noise(4, 4, 3)), (-5, -5, 20, 40)),
    "half seen": Sprite(Bitmap(noise(4, 4, 3)), (4, 4, 16, 8), alpha=0.5),
    "transparent in places": Sprite(Bitmap(noise(5, 5, 4)), (0, 0, 30, 20)),
    "both": Sprite(Bitmap(noise(5, 5, 4)), (0, 0, 30, 20), smooth=True, alpha=0.3),
    "halves of pixels": Sprite(Bitmap(noise(2, 2, 3)), (0.5, 1.5, 9.5, 7.5)),
}
BASE = Sprite(Bitmap(noise(10, 15, 3, seed=9)), (0, 0, 30, 20))


@pytest.mark.parametrize("sprite", SPRITES.values(), ids=SPRITES)
@pytest.mark.parametrize("base", [None, BASE], ids=["on page", "on a base"])
def test_sprites(sprite, base):
    scene = Scene(base, (sprite,))
    painted = scene.paint(WIDTH, HEIGHT)
    assert painted.shape == (HEIGHT * RATIO, WIDTH * RATIO, 4)
    assert painted.dtype == np.uint8
    expected = slow(scene)
    seen = expected[..., 3] > 2  # colours under nothing mean nothing
    assert np.abs(painted[seen].astype(float) - expected[seen]).max() <= 2.5
    assert np.abs(painted[..., 3] - expected[..., 3]).max() <= 2.5


def test_maps_are_exact():
    scene = Scene(None, (SPRITES["cells"],))
    assert np.array_equal(scene.paint(WIDTH, HEIGHT), slow(scene))


@pytest.mark.parametrize(
    "box", [(10, 8, 6, 4), (0, 0, 5, 5), (25, 15, 5, 5), (0, 0, 30, 20), (12, 9, 0, 0), (10, 0, 1, 20)], ids=str
)
def test_outlines(box):
    scene = Scene(BASE, (), (box,))
    assert np.array_equal(scene.paint(WIDTH, HEIGHT), slow(scene))


def test_outlines_of_fields_that_are_larger_than_the_pane():
    painted = Scene(BASE, (), ((-10, -10, 100, 100),)).paint(WIDTH, HEIGHT)
    assert (painted[0] == (0, 0, 0, 255)).all()
    assert (painted[LINE * RATIO, 8:-8] == 255).all()


def test_the_order_is_base_sprites_outlines():
    red, blue = (Bitmap(np.full((1, 1, 3), colour, np.uint8)) for colour in ((255, 0, 0), (0, 0, 255)))
    whole = (0, 0, WIDTH, HEIGHT)
    scene = Scene(Sprite(red, whole), (Sprite(blue, whole),), ((10, 5, 5, 5),))
    painted = scene.paint(WIDTH, HEIGHT)
    assert painted[0, 0].tolist() == [0, 0, 255, 255]
    assert {tuple(p) for p in painted.reshape(-1, 4)} == {(0, 0, 255, 255), (0, 0, 0, 255), (255, 255, 255, 255)}


@pytest.mark.parametrize("channels", [3, 4])
def test_a_bitmap_is_encoded_exactly_and_once(channels, monkeypatch):
    bitmap = Bitmap(noise(9, 9, channels))
    first = bitmap.encoded
    with Image.open(io.BytesIO(first)) as decoded:
        assert np.array_equal(np.asarray(decoded.convert("RGBA" if channels == 4 else "RGB")), bitmap.pixels)
    monkeypatch.setattr("nnviz_widgets.widgets.scene.encode", None)
    assert bitmap.encoded is first
