"""Names of a classifier's outputs."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from difflib import get_close_matches

from nnviz_widgets.errors import NnvizError


def check_labels(labels: Sequence[str] | None, count: int) -> tuple[str, ...]:
    """One name an output; numbers where none were given."""
    if labels is None:
        return tuple(str(i) for i in range(count))
    if len(labels) != count:
        raise NnvizError("labels_count", given=len(labels), outputs=count)
    return tuple(str(label) for label in labels)


def find_class(labels: Sequence[str], wanted: int | str) -> int:
    """Index of a class by its index or its name (else in any case; the first of several)."""
    if isinstance(wanted, str):
        if wanted in labels:
            return list(labels).index(wanted)
        folded = [label.casefold() for label in labels]
        if wanted.casefold() in folded:
            return folded.index(wanted.casefold())
        near = get_close_matches(wanted.casefold(), folded, n=3, cutoff=0.4)
        near += [label for label in folded if wanted.casefold() in label and label not in near]
        names = ", ".join(repr(labels[folded.index(name)]) for name in (near or folded)[:3])
        raise NnvizError("class_unknown", name=wanted, near=names)
    try:
        index = -1 if isinstance(wanted, bool) else operator.index(wanted)  # NumPy's and torch's whole numbers too
    except TypeError:
        index = -1
    if not 0 <= index < len(labels):
        raise NnvizError("class_range", index=wanted, last=len(labels) - 1)
    return index
