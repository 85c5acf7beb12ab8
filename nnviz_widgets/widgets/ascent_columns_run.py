"""Several ascents of one objective in lockstep, each with the priors of another preset."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.engine.objectives import LOGITS, Objective
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.methods.ascent import ascent
from nnviz_widgets.methods.ascent_step import AscentState, AscentStep
from nnviz_widgets.methods.presets import preset
from nnviz_widgets.widgets.ascent_opinion import opinion
from nnviz_widgets.widgets.run_widget import Moment

EVERY = 8  # steps from one opinion to the next: a pass more for eight steps' worth of two


@dataclass(frozen=True, eq=False)
class Column:
    """Where one of the ascents is.

    Attributes:
        name: of its preset.
        step: None where it failed, or has not begun.
        top: the most probable class of the picture and its probability, as of the last look.
    """

    name: str
    step: AscentStep | None
    top: tuple[int, float] | None = None
    error: NnvizError | None = None


Columns = tuple[Column, ...]
Run = Iterator[AscentStep]


def run_columns(
    engine: Engine,
    objective: Objective,
    names: Sequence[str],
    *,
    size: int,
    steps: int,
    seed: int,
    begin: Moment | None = None,
    hasty: bool = False,
) -> Iterator[Moment]:
    """Moments whose `shown` is a `Column` a preset; one step of each from moment to moment, the same seed in all.

    A moment comes once more before each other column's step: it only gives others a turn, who need not wait for all.
    A column that fails says why and stays so, while the others go on.

    Args:
        hasty: whether the first column comes before the others have begun, which then have neither step nor error.

    Raises:
        NnvizError: when none is left.
    """
    first = 0 if begin is None else begin.step
    last = max(steps, first + 1) if begin is not None else steps  # a step more is asked for after the end
    before: Columns = tuple(Column(name, None) for name in names) if begin is None else begin.shown
    runs = {}
    for column in before:
        if column.error is None:
            start: AscentState | str = preset(column.name).start if column.step is None else column.step.state
            runs[column.name] = ascent(
                engine, objective, size=size, steps=last, start=start, priors=column.name, seed=seed
            )
    moment: Moment | None = None
    for at in range(first, last + 1):
        after: list[Column] = []
        for column in before:
            if moment is not None and after:
                yield moment
            elif hasty and begin is None and len(after) == 1:
                yield Moment(at, steps, (*after, *before[1:]), None)
            after.append(_advance(column, runs[column.name]) if column.error is None else column)
        before = tuple(after)
        alive = [column for column in before if column.error is None]
        if not alive:
            raise next(column.error for column in before if column.error is not None)
        if at % EVERY == 0 or at == last:
            if begin is None and at == 0:
                yield Moment(at, steps, before, None)  # at once: what the network takes them for comes a moment later
            before = tuple(_looked_at(engine, column, LOGITS in objective.layers) for column in before)
        moment = Moment(at, steps, before, None)
        yield moment


def _advance(column: Column, run: Run) -> Column:
    try:
        return Column(column.name, next(run), column.top)
    except NnvizError as error:
        return Column(column.name, None, None, error)


def _looked_at(engine: Engine, column: Column, whole: bool) -> Column:
    """With the network's own opinion of the clean picture.

    Args:
        whole: whether the ascent went through the whole network, which then takes this size: resized, noise that
            speaks to the network alone would speak no more.
    """
    if column.step is None:
        return column
    x = column.step.x
    found = engine.probabilities(x)[0].cpu().numpy() if whole else opinion(engine, x)
    engine.forget(x)
    best = int(found.argmax())
    return replace(column, top=(best, float(found[best])))
