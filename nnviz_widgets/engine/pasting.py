"""Windows of maps at a place of its own for every picture, as rows of cells."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from nnviz_widgets.engine.layouts import Indices, Place


def gathered(table: Tensor, place: Place, size: tuple[int, int]) -> Tensor:
    """The cells of every picture's window, (n h w, units).

    Args:
        table: a row a cell of the one map, and a last one for all that is outside.
        size: of the map.
    """
    height, width = size
    rows, cols = _cells(place.tops, place.h), _cells(place.lefts, place.w)
    index = rows[:, :, None] * width + cols[:, None, :]
    row_out, col_out = (rows < 0) | (rows >= height), (cols < 0) | (cols >= width)
    if row_out.any() or col_out.any():
        index[row_out[:, :, None] | col_out[:, None, :]] = height * width
    return table.index_select(0, _tensor(index.reshape(-1), table))


def pasted(rows: Tensor, place: Place, values: Tensor, own: Place) -> Tensor:
    """Write one window's cells, (n h w, units), over those of another as far as they overlap; changes `rows`."""
    down, right = own.tops - place.tops, own.lefts - place.lefts
    inside = (
        (down >= 0).all()
        and (right >= 0).all()
        and (down + own.h <= place.h).all()
        and (right + own.w <= place.w).all()
    )
    if inside and (down == down[0]).all() and (right == right[0]).all():
        top, left = int(down[0]), int(right[0])
        grid = rows.view(place.n, place.h, place.w, -1)
        grid[:, top : top + own.h, left : left + own.w] = values.view(own.n, own.h, own.w, -1)
        return rows
    to_row, to_col = _cells(down, own.h), _cells(right, own.w)
    pictures = np.arange(own.n)[:, None, None] * place.h
    index = ((pictures + to_row[:, :, None]) * place.w + to_col[:, None, :]).reshape(-1)
    if not inside:
        row_in, col_in = (to_row >= 0) & (to_row < place.h), (to_col >= 0) & (to_col < place.w)
        kept = np.flatnonzero(row_in[:, :, None] & col_in[:, None, :])
        index, values = index[kept], values.index_select(0, _tensor(kept, values))
    return rows.index_copy_(0, _tensor(index, rows), values)


def _cells(starts: Indices, count: int) -> Indices:
    cells: Indices = starts[:, None] + np.arange(count)
    return cells


def _tensor(index: Indices, like: Tensor) -> Tensor:
    return torch.from_numpy(index).to(like.device, non_blocking=True)
