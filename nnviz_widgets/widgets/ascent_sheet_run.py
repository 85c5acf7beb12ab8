"""Many channels of a layer, a batch after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.engine.objectives import Objective
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.methods.ascent import ascent
from nnviz_widgets.methods.ascent_step import AscentState, AscentStep
from nnviz_widgets.methods.presets import preset
from nnviz_widgets.render.colormap import Pixels
from nnviz_widgets.widgets.ascent_opinion import opinion
from nnviz_widgets.widgets.run_widget import Moment
from nnviz_widgets.widgets.scene import Bitmap
from nnviz_widgets.widgets.still import SMALL


@dataclass(frozen=True, eq=False)
class Tile:
    """The picture of one channel.

    Attributes:
        image: (h, w, channels) in 0..1; None where there is none, and `error` says why. pixels: the same, uint8.
        value: of the channel.
        top: the most probable class of the picture and its probability; None while it grows.
    """

    channel: int
    image: NDArray[np.float32] | None
    pixels: Pixels | None = None
    value: float = float("nan")
    top: tuple[int, float] | None = None
    error: NnvizError | None = None

    @cached_property
    def bitmap(self) -> Bitmap:
        assert self.pixels is not None
        return Bitmap(self.pixels, exact=max(self.pixels.shape[:2]) < SMALL)


@dataclass(frozen=True, eq=False)
class Sheet:
    """All channels asked for, the pictures that are done, and the batch under way.

    Attributes:
        done: of the first channels, in order. group: the channels of the batch under way, which come next.
        step: of that batch; None between two batches.
    """

    channels: tuple[int, ...]
    done: tuple[Tile, ...] = ()
    group: tuple[int, ...] = ()
    step: AscentStep | None = None

    @cached_property
    def tiles(self) -> tuple[Tile, ...]:
        """Those that have begun, in order."""
        if self.step is None:
            return self.done
        return (*self.done, *_tiles(self.group, self.step))


@dataclass(frozen=True, eq=False)
class SheetResult:
    """What a sheet has made so far.

    Attributes:
        channels: (n,) that have begun and have not failed.
        pictures: (n, height, width, colours) in 0..1.
        values: (n,), as the network saw the pictures.
    """

    channels: tuple[int, ...]
    pictures: NDArray[np.float32]
    values: NDArray[np.float64]

    @classmethod
    def of(cls, sheet: Sheet) -> SheetResult:
        found = [(tile.channel, tile.image, tile.value) for tile in sheet.tiles if tile.image is not None]
        images = [image for _, image, _ in found]
        pictures = np.stack(images) if images else np.zeros((0, 0, 0, 0), np.float32)
        return cls(tuple(k for k, _, _ in found), pictures, np.array([value for _, _, value in found]))


def run_sheet(
    engine: Engine,
    channels: Sequence[int],
    objectives: Sequence[Objective],
    *,
    size: int,
    steps: int,
    priors: str,
    seed: int,
    batch: int,
    begin: Moment | None = None,
) -> Iterator[Moment]:
    """Moments whose `shown` is a `Sheet`: the steps of the first `batch` channels, of the next, to the last.

    A batch that fails says why in its places, while the next begins.

    Raises:
        NnvizError: when all have failed.
    """
    sheet = Sheet(tuple(channels)) if begin is None else begin.shown
    total = steps * -(-len(channels) // batch)
    for first in range(0, len(channels), batch):
        offset = first // batch * steps
        if begin is not None and begin.step >= offset + steps:
            continue
        inside = begin is not None and begin.step > offset
        start: AscentState | str = begin.state if begin is not None and inside else preset(priors).start
        group, done = tuple(channels[first : first + batch]), sheet.done
        last = None
        try:
            made = ascent(
                engine,
                objectives[first : first + batch],
                size=size,
                steps=steps,
                start=start,
                priors=priors,
                seed=seed,
            )
            for last in made:
                if last.step == 0 and first:
                    continue  # it would come at the same place as the end of the batch before
                if last.step < steps:
                    yield Moment(offset + last.step, total, Sheet(sheet.channels, done, group, last), last.state)
        except NnvizError as error:
            tiles = tuple(Tile(channel, None, error=error) for channel in group)
        else:
            assert last is not None
            tiles = tuple(_looked_at(engine, group, last))
        sheet = Sheet(sheet.channels, (*done, *tiles))
        if first + batch >= len(channels):
            _check_some(sheet)
        yield Moment(offset + steps, total, sheet, None)


def _tiles(group: Sequence[int], step: AscentStep) -> Iterator[Tile]:
    assert isinstance(step.value, np.ndarray)
    for index, (channel, value) in enumerate(zip(group, step.value.tolist(), strict=True)):
        pixels = step.contract.picture(step.x[index : index + 1])
        yield Tile(channel, step.image[index], pixels, value)


def _looked_at(engine: Engine, group: Sequence[int], step: AscentStep) -> Iterator[Tile]:
    """The tiles of a batch that is done, with what the network takes each for."""
    for index, tile in enumerate(_tiles(group, step)):
        found = opinion(engine, step.x[index : index + 1])
        best = int(found.argmax())
        yield replace(tile, top=(best, float(found[best])))


def _check_some(sheet: Sheet) -> None:
    errors = [tile.error for tile in sheet.done if tile.error is not None]
    if len(errors) == len(sheet.channels):
        raise errors[0]
