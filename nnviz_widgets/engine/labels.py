"""Names of a classifier's outputs."""

from __future__ import annotations

import operator
import unicodedata
from collections.abc import Sequence
from difflib import SequenceMatcher

from nnviz_widgets.errors import NnvizError


def check_labels(labels: Sequence[str] | None, count: int) -> tuple[str, ...]:
    """One name an output; numbers where none were given."""
    if labels is None:
        return tuple(str(i) for i in range(count))
    if len(labels) != count:
        raise NnvizError("labels_count", given=len(labels), outputs=count)
    return tuple(str(label) for label in labels)


def find_class(labels: Sequence[str], wanted: int | str) -> int:
    """Index of a class by its index or its name (else in any case and without accents; the first of several)."""
    if isinstance(wanted, str):
        if wanted in labels:
            return list(labels).index(wanted)
        folded, plain = [_folded(label) for label in labels], _folded(wanted)
        if plain in folded:
            return folded.index(plain)
        names = ", ".join(repr(labels[i]) for i in _nearest(folded, plain)[:3])
        raise NnvizError("class_unknown", name=wanted, near=names)
    try:
        index = -1 if isinstance(wanted, bool) else operator.index(wanted)  # NumPy's and torch's whole numbers too
    except TypeError:
        index = -1
    if not 0 <= index < len(labels):
        raise NnvizError("class_range", index=wanted, last=len(labels) - 1)
    return index


def _folded(name: str) -> str:
    """A name as one types it in haste: small letters, no accents, a straight apostrophe."""
    parts = unicodedata.normalize("NFKD", name.casefold().replace("œ", "oe").replace("’", "'"))
    return "".join(part for part in parts if not unicodedata.combining(part))


def _nearest(labels: Sequence[str], wanted: str) -> list[int]:
    """Indices of the labels that hold a name, or are like it as a whole or in one of their words.

    The likest come first, of those the shortest.
    """

    def likeness(label: str) -> float:
        if wanted in label:
            return 1.0
        return max(SequenceMatcher(None, wanted, part).ratio() for part in {label, *label.split()})

    order = sorted(range(len(labels)), key=lambda i: (-likeness(labels[i]), len(labels[i]), i))
    return [i for i in order if likeness(labels[i]) >= 0.4] or order
