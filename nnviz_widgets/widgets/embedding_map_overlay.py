"""What lies over a map: lines to true neighbours, one's own picture, the loop of a lasso."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from nnviz_widgets.widgets.embedding_map_viewport import Viewport
from nnviz_widgets.widgets.scene import RATIO, Bitmap, Box, Sprite

LIGHT, DARK = (255, 255, 255, 255), (0, 0, 0, 255)
SPOT = 9  # CSS pixels of half an outline
OWN = 22  # CSS pixels of half one's own picture


@dataclass(frozen=True, eq=False)
class Over:
    """What is pointed at and what a person adds.

    Attributes:
        number: the picture that is pointed at; lines lead from it to `near`.
        own: one's own picture, at `place` on the map; lines lead from it too unless something is pointed at.
        loop: of a lasso that is being drawn, in CSS pixels of the pane.
    """

    number: int | None = None
    near: tuple[int, ...] = ()
    own: Bitmap | None = None
    place: tuple[float, float] | None = None
    own_near: tuple[int, ...] = ()
    loop: tuple[tuple[float, float], ...] = ()


def overlay(over: Over, points: NDArray[np.float32], view: Viewport) -> tuple[tuple[Sprite, ...], tuple[Box, ...]]:
    """The sprites and outlines of what lies over."""
    sprites: list[Sprite] = []
    outlines: list[Box] = []
    lines: list[Any] = []
    if over.number is not None:
        places = view.to_pane(points[[over.number, *over.near]])
        lines += [(places[0], place) for place in places[1:]]
        outlines += [_around(place, SPOT) for place in places[1:] if _seen(place, view)]
        outlines += [_around(places[0], SPOT + 4)] if _seen(places[0], view) else []
    place = None if over.place is None else view.to_pane([over.place])[0]
    if place is not None and over.number is None:
        lines += [(place, other) for other in view.to_pane(points[list(over.own_near)])]
    if lines or over.loop:
        sprites.append(_drawn(lines, over.loop, view))
    if place is not None and over.own is not None and _seen(place, view):
        sprites.append(Sprite(over.own, _around(place, OWN), smooth=True))
        outlines.append(_around(place, OWN))
    return tuple(sprites), tuple(outlines)


def _around(place: NDArray[np.float32], half: float) -> Box:
    return float(place[0]) - half, float(place[1]) - half, 2 * half, 2 * half


def _seen(place: NDArray[np.float32], view: Viewport) -> bool:
    return bool(-OWN < place[0] < view.width + OWN and -OWN < place[1] < view.height + OWN)


def _drawn(lines: list[Any], loop: tuple[tuple[float, float], ...], view: Viewport) -> Sprite:
    """Lines, light within dark, on a bitmap no larger than they need."""
    ends = np.array([end for line in lines for end in line] + [*loop], np.float32).reshape(-1, 2)
    # Straight lines to places far out of sight are cut by the bitmap's edge, which must not be far away.
    low = np.clip(np.floor(ends.min(0)) - 3, 0, [view.width, view.height]).astype(int)
    high = np.clip(np.ceil(ends.max(0)) + 3, low + 1, [view.width, view.height]).astype(int)
    width, height = (int(size) for size in np.maximum(high - low, 1))
    image = Image.new("RGBA", (width * RATIO, height * RATIO))
    draw = ImageDraw.Draw(image)
    strokes = [[tuple((end - low) * RATIO) for end in line] for line in lines]
    if len(loop) > 1:
        strokes.append([tuple((np.array(point) - low) * RATIO) for point in (*loop, loop[0])])
    for thick, colour in ((3 * RATIO, DARK), (RATIO, LIGHT)):
        for stroke in strokes:
            draw.line(stroke, fill=colour, width=thick, joint="curve")
    return Sprite(Bitmap(np.asarray(image)), (int(low[0]), int(low[1]), width, height))
