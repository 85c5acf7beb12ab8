"""What the axes of a tensor stand for: pictures, rows, columns, or units of one cell, merged in any order."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from torch import Tensor

Atom = str | int
"""\"n\" pictures, "h" rows, "w" columns, or a number of units."""
Axis = tuple[Atom, ...]
Layout = tuple[Axis, ...]
Indices = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Place:
    """Which part of its maps a batch of values is: n pictures, h x w cells from (tops[i], lefts[i]) of picture i."""

    n: int
    h: int
    w: int
    tops: Indices
    lefts: Indices

    def size(self, axis: Iterable[Atom]) -> int:
        return math.prod(atom if isinstance(atom, int) else int(getattr(self, atom)) for atom in axis)

    def shape(self, layout: Layout) -> list[int]:
        return [self.size(axis) for axis in layout]

    def equals(self, other: Place) -> bool:
        same = (self.h, self.w) == (other.h, other.w) and (self.tops == other.tops).all()
        return bool(same and (self.lefts == other.lefts).all())


def whole_maps(n: int, size: tuple[int, int]) -> Place:
    zeros = np.zeros(n, np.int64)
    return Place(n, *size, zeros, zeros)


def nchw(channels: int) -> Layout:
    return (("n",), units(channels), ("h",), ("w",))


def units(count: int) -> Axis:
    return () if count == 1 else (count,)


def is_nchw(layout: Layout | None) -> bool:
    return layout is not None and len(layout) == 4 and (layout[0], layout[2], layout[3]) == (("n",), ("h",), ("w",))


def is_spatial(layout: Layout | None) -> bool:
    return layout is not None and "h" in atoms_of(layout)


def atoms_of(layout: Layout) -> list[Atom]:
    return [atom for axis in layout for atom in axis]


def is_units(axis: Axis) -> bool:
    """Whether an axis holds nothing but units of one cell."""
    return all(isinstance(atom, int) for atom in axis)


def viewed(layout: Layout, shape: Sequence[int], sizes: dict[str, int]) -> Layout | None:
    """What the axes stand for once they are reshaped to `shape`; None where an axis of cells would be cut in two.

    Args:
        sizes: of "h" and "w"; a recorded batch is one picture.
    """
    pending = atoms_of(layout)
    if "n" in pending and pending[0] != "n":
        return None  # its size of 1 does not say into which axis it goes
    sizes = {"n": 1, **sizes}
    found: list[list[Atom]] = []
    for wanted in shape:
        axis: list[Atom] = []
        count = 1
        while pending and (count < wanted or (count == wanted == 1 and not axis)):
            atom = pending[0]
            size = sizes[atom] if isinstance(atom, str) else atom
            if size * count > wanted:
                rest = wanted // count
                if isinstance(atom, str) or wanted % count or atom % rest:
                    break
                if rest > 1:
                    axis.append(rest)
                    count = wanted
                    pending[0] = atom // rest
                break
            axis.append(atom)
            pending.pop(0)
            count *= size
        if count != wanted:
            return None
        found.append(axis)
    if any((sizes[atom] if isinstance(atom, str) else atom) != 1 for atom in pending) or (pending and not found):
        return None
    if pending:
        found[-1] += pending
    return tuple(merged(axis) for axis in found)


def merged(axis: Iterable[Atom]) -> Axis:
    """Neighbouring units as one number."""
    atoms: list[Atom] = []
    for atom in axis:
        if isinstance(atom, int) and atoms and isinstance(atoms[-1], int):
            atoms[-1] *= atom
        elif atom != 1:
            atoms.append(atom)
    return tuple(atoms)


def without_cells(layout: Layout, sizes: dict[str, int]) -> Layout:
    """The same where rows and columns are mere units."""
    return tuple(merged(sizes.get(atom, atom) if isinstance(atom, str) else atom for atom in axis) for axis in layout)


def to_rows(values: Tensor, layout: Layout, place: Place) -> Tensor:
    """(n h w, units): a row a cell; a view where the memory is channels_last."""
    atoms = atoms_of(layout)
    order = _cells_first(atoms)
    split = values.reshape([place.size([atom]) for atom in atoms])
    return split.permute(order).reshape(place.n * place.h * place.w, -1)


def from_rows(rows: Tensor, layout: Layout, place: Place) -> Tensor:
    atoms = atoms_of(layout)
    order = _cells_first(atoms)
    split = rows.reshape([place.size([atoms[i]]) for i in order])
    back = sorted(range(len(order)), key=order.__getitem__)
    return split.permute(back).reshape(place.shape(layout))


def _cells_first(atoms: list[Atom]) -> list[int]:
    cells = [atoms.index(atom) for atom in ("n", "h", "w")]
    return [*cells, *(i for i in range(len(atoms)) if i not in cells)]


def reshaped(values: Tensor, old: Layout, new: Layout, place: Place) -> Tensor:
    """A view or copy by the new layout that keeps units innermost in memory where cells keep to their own axes."""
    cells = (("n",), ("h",), ("w",))
    if not all(cell in old and cell in new for cell in cells):
        return values.reshape(place.shape(new))
    front = [old.index(cell) for cell in cells]
    rest = [axis for i, axis in enumerate(new) if axis not in cells]
    order = [*front, *(i for i in range(len(old)) if i not in front)]
    moved = values.permute(order).reshape([place.n, place.h, place.w, *(place.size(axis) for axis in rest)])
    later = iter(range(3, 3 + len(rest)))
    return moved.permute([cells.index(axis) if axis in cells else next(later) for axis in new])


def stacked(values: Tensor, layout: Layout | None, place: Place) -> Tensor:
    """(n, *shape for one picture), whatever axis the pictures were on."""
    if layout is None:
        return values
    atoms = atoms_of(layout)
    first = values.reshape([place.size([atom]) for atom in atoms]).movedim(atoms.index("n"), 0)
    one = Place(1, place.h, place.w, place.tops, place.lefts)
    return first.reshape([place.n, *one.shape(layout)])


def repeated(value: Tensor, layout: Layout | None, one: Place, n: int) -> Tensor:
    """The value for one picture as that of n."""
    if layout is None:
        return value.expand(n, *value.shape[1:])
    atoms = atoms_of(layout)
    split = value.reshape([one.size([atom]) for atom in atoms])
    sizes = [n if atom == "n" else -1 for atom in atoms]
    many = Place(n, one.h, one.w, one.tops, one.lefts)
    return split.expand(sizes).reshape(many.shape(layout))
