"""What stands beside a map: how far to trust it, its classes, and the picture that is pointed at."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np

from nnviz_widgets.methods.nearest import Nearest
from nnviz_widgets.render.colormap import Pixels
from nnviz_widgets.render.overlay import paste
from nnviz_widgets.widgets.embedding_map_marks import swatch
from nnviz_widgets.widgets.embedding_map_thumbnails import Thumbnails
from nnviz_widgets.widgets.neighbours_sheet import fitted
from nnviz_widgets.widgets.number import say_number
from nnviz_widgets.widgets.scene import RATIO, Bitmap

BIG, SMALL, BETWEEN = 112, 73, 4  # CSS pixels of a picture and of its neighbours
SIZE = (3 * SMALL + 2 * BETWEEN, BIG + 2 * SMALL + 2 * BETWEEN)
MOST = 14  # classes in a legend


def portrait(picture: Pixels, near: Nearest, thumbnails: Thumbnails) -> Bitmap:
    """A picture, and below it its nearest neighbours in two rows."""
    width, height = (length * RATIO for length in SIZE)
    page = np.zeros((height, width, 4), np.uint8)
    paste(page, fitted(picture, BIG * RATIO), 0, 0)
    for i, number in enumerate(near.numbers.tolist()):
        row, column = divmod(i, 3)
        x, y = column * (SMALL + BETWEEN), BIG + BETWEEN + row * (SMALL + BETWEEN)
        paste(page, fitted(thumbnails.now(number, 192), SMALL * RATIO), x * RATIO, y * RATIO)
    return Bitmap(page)


def neighbours_in_words(near: Nearest, names: Sequence[str], language: str) -> str:
    """The names of neighbours with their distances."""
    distances = near.distances.tolist()
    return " · ".join(f"{name} {say_number(language, d)}" for name, d in zip(names, distances, strict=True))


def legend_of(
    counts: dict[int | None, int], totals: dict[int | None, int], classes: Sequence[str], none: str, others: str,
    *, dark: bool,
) -> str:  # fmt: skip
    """Classes with their marks and how many pictures they have, of how many where some are selected."""
    rows = []
    for label, count in list(counts.items())[:MOST]:
        name = none if label is None else classes[label]
        number = str(count) if counts is totals else f"{count} / {totals[label]}"
        rows.append(
            f'<div class="nnviz-mark">{swatch(label, dark=dark)}<b>{html.escape(name)}</b><i>{number}</i></div>'
        )
    if len(counts) > MOST:
        rows.append(f'<div class="nnviz-mark"><b>{html.escape(others)}</b></div>')
    return "".join(rows)
