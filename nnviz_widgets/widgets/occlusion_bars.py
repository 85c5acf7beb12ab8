"""Bars of the most probable classes that keep their places while the square moves."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from nnviz_widgets.widgets.number import say_decimals

STEADY = 4  # the clean picture's most probable classes, in their order
ENTER = 2  # rows below them for what the square brings up
LEAST = 0.01  # probability from which such a class has a bar; its row stays empty below

_EMPTY = '<div class="nnviz-row-bar nnviz-empty"></div>'

Colour = tuple[int, int, int]
Vector = NDArray[np.float64]


def steady_classes(clean: Vector, asked: int) -> tuple[int, ...]:
    """The clean picture's most probable classes, and the one asked about if it is none of them."""
    top = tuple(np.argsort(-clean, kind="stable")[:STEADY].tolist())
    return top if asked in top else (*top, asked)


def entering_classes(now: Vector, steady: Sequence[int], before: Sequence[int | None]) -> tuple[int | None, ...]:
    """The most probable classes of the rest; one that was there before keeps its row, and None is an empty one."""
    order = [c for c in np.argsort(-now, kind="stable").tolist() if c not in steady and now[c] >= LEAST][:ENTER]
    fresh = iter([c for c in order if c not in before])
    kept = [c if c in order else None for c in (*before, *[None] * ENTER)[:ENTER]]
    return tuple(next(fresh, None) if c is None else c for c in kept)


def heading_html(clean: Vector, now: Vector | None, labels: Sequence[str], language: str, width: int) -> str:
    """The most probable class before and, with the square, after; labels give way where there is no room."""
    parts = [_named(clean, labels, language)]
    if now is not None:
        parts += ["<span>→</span>", _named(now, labels, language)]
    return f'<div class="nnviz-title nnviz-change" style="max-width:{width}px">{"".join(parts)}</div>'


def heading(clean: Vector, now: Vector | None, labels: Sequence[str], language: str) -> str:
    """The same as plain text."""
    said = [f"{labels[int(v.argmax())]} {say_decimals(language, v.max())}" for v in (clean, now) if v is not None]
    return " → ".join(said)


def bars_html(
    rows: Sequence[int | None],
    clean: Vector,
    now: Vector,
    labels: Sequence[str],
    language: str,
    colour: Callable[[int], Colour | None],
) -> str:
    """One bar a class, with a tick at its probability on the clean picture; the most probable one is bold."""
    first = int(now.argmax())
    bars = [
        _EMPTY if c is None else _bar(c, first, clean, now, labels[c], say_decimals(language, now[c]), colour(c))
        for c in rows
    ]
    return f'<div class="nnviz-bars">{"".join(bars)}</div>'


def _bar(c: int, first: int, clean: Vector, now: Vector, label: str, share: str, colour: Colour | None) -> str:
    fill = f";background:rgb{colour}" if colour else ""
    won = " nnviz-first" if c == first else ""
    return (
        f'<div class="nnviz-row-bar{won}"><span style="width:{100 * now[c]:.1f}%{fill}"></span>'
        f'<u style="left:{100 * clean[c]:.1f}%"></u>'
        f"<b>{html.escape(label)}</b><i>{share}</i></div>"
    )


def _named(values: Vector, labels: Sequence[str], language: str) -> str:
    label = html.escape(labels[int(values.argmax())])
    return f'<span title="{label}"><b>{label}</b>&nbsp;{say_decimals(language, values.max())}</span>'
