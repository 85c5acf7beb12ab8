"""One picture over another, and the outline of what is selected."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.render.colormap import Pixels

LIGHT = (255, 255, 255)
DARK = (0, 0, 0)


def blend(photo: Pixels, heat: Pixels, alpha: ArrayLike = 0.5) -> Pixels:
    """Photo (h, w, 3) and heat (h, w, 3) -> uint8 (h, w, 3).

    Args:
        alpha: 0 is the photo and 1 the heat, exactly; one number, or one a pixel (h, w).

    Raises:
        NnvizError: when the two have not the same size.
    """
    if photo.shape != heat.shape:
        raise NnvizError("pictures_differ", first=photo.shape, second=heat.shape)
    share = np.asarray(alpha, dtype=np.float32)
    share = share[..., None] if share.ndim == 2 else share
    start = photo.astype(np.float32)
    return np.rint(start + (heat - start) * np.clip(share, 0, 1)).astype(np.uint8)


def paste(canvas: Pixels, picture: Pixels, x: int, y: int) -> None:
    """Lay a picture (h, w, 3 or 4) on a canvas (H, W, 4), its corner at (x, y), in place; cut what sticks out."""
    top, left = max(0, y), max(0, x)
    bottom = min(canvas.shape[0], y + picture.shape[0])
    right = min(canvas.shape[1], x + picture.shape[1])
    if bottom <= top or right <= left:
        return
    over = picture[top - y : bottom - y, left - x : right - x]
    under = canvas[top:bottom, left:right]
    if picture.shape[2] == 3:
        under[..., :3] = over
        under[..., 3] = 255
        return
    above = over[..., 3:].astype(np.float32) / 255
    below = under[..., 3:].astype(np.float32) / 255 * (1 - above)
    total = above + below
    mixed = (over[..., :3] * above + under[..., :3] * below) / np.where(total > 0, total, 1)
    under[..., :3] = np.rint(mixed)
    under[..., 3:] = np.rint(total * 255)


def double_outline(
    image: Pixels,
    box: tuple[float, float, float, float],
    *,
    thickness: int = 2,
    light: tuple[int, int, int] = LIGHT,
    dark: tuple[int, int, int] = DARK,
) -> Pixels:
    """A copy of an image (h, w, 3 or 4) with a light line around a box and a dark one around that.

    Args:
        box: (x, y, width, height) in pixels; it stays free of lines, unless it reaches the edge of the image: there
            the lines move inwards, so that both are always seen.
        thickness: of each line, in pixels: more than the gap of a mosaic, or the light line is lost in a light gap.
    """
    height, width = image.shape[:2]
    x, y, w, h = box
    left, top = max(0, round(x) - 2 * thickness), max(0, round(y) - 2 * thickness)
    right = min(width, round(x + w) + 2 * thickness)
    bottom = min(height, round(y + h) + 2 * thickness)
    framed = image.copy()
    for inset, colour in ((0, dark), (thickness, light)):
        _frame(framed, (left + inset, top + inset, right - inset, bottom - inset), thickness, colour)
    return framed


def _frame(image: Pixels, edges: tuple[int, int, int, int], thickness: int, colour: tuple[int, int, int]) -> None:
    left, top, right, bottom = edges
    if right <= left or bottom <= top:
        return
    paint = (*colour, 255)[: image.shape[2]]
    image[top : min(top + thickness, bottom), left:right] = paint
    image[max(bottom - thickness, top) : bottom, left:right] = paint
    image[top:bottom, left : min(left + thickness, right)] = paint
    image[top:bottom, max(right - thickness, left) : right] = paint
