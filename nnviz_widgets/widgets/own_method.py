"""A person's own function beside the reference: the trait `method`, and the words of the pane "yours"."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import traitlets
from numpy.typing import NDArray
from torch import Tensor

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.lang import say
from nnviz_widgets.methods.own_method import Comparison, Method, name_of, run_own
from nnviz_widgets.widgets.frame import Frame
from nnviz_widgets.widgets.number import say_number
from nnviz_widgets.widgets.scene import Box
from nnviz_widgets.widgets.validated import validate


@dataclass(frozen=True, eq=False)
class Own:
    """How far a person's function is: running, failed, or done with a comparison."""

    name: str
    compared: Comparison | None = None
    failed: bool = False


class OwnMethodWidget(traitlets.HasTraits):
    """Mixin of a widget in which `method=f`, f(module, x, target), stands in for the method; None for none.

    A widget that mixes it in (class GradCam(OwnMethodWidget, TargetWidget))

    - adds a pane "own" of the size of the reference's, with a `Frame`;
    - has a field `own: Own | None = None` in what it shows, and ends its `_steps` with
          yield Partial(shown, share)
          for own in self._own_steps(state, asked, reference):  # nothing where `method` is None
              shown = replace(shown, own=own)
              yield Partial(shown, 1.0 if own.compared else share)
      where `reference` is the tensor or array that f has to give;
    - in `_draw` calls `self._say_own(frame, shown.own)`, draws `shown.own.compared.values` in the reference's own
      colours and scale if `shown.own` and its `compared` are there (else an empty `Scene()`), and outlines
      `worst_cell(compared, width, height)`.

    What f raises goes to the status line in one line, its traceback folded behind it; the reference stays.
    """

    method: Any = traitlets.Any(None, help="your function, shown beside the reference").tag(live=True)

    @validate("method")
    def _validate_method(self, proposal: Any) -> Method | None:
        method: Any = proposal["value"]
        if method is not None and not callable(method):
            raise NnvizError("method_type", type=type(method).__name__)
        return method  # type: ignore[no-any-return]

    @property
    def comparison(self) -> Comparison | None:
        """What `method` gave for the picture shown, held against the reference; None before there is any."""
        own: Own | None = getattr((getattr(self, "_shown", None) or (None, None))[1], "own", None)
        return None if own is None else own.compared

    def _own_steps(self, state: SimpleNamespace, asked: int | str, reference: Tensor | NDArray[Any]) -> Iterator[Own]:
        """First that it runs, then what it gave; or that it failed, and then the error. Worker's thread."""
        if state.method is None:
            return
        name = name_of(state.method)
        yield Own(name)
        try:
            compared = run_own(self.engine, state.method, state.x, asked, reference)  # type: ignore[attr-defined]
        except Exception:
            yield Own(name, failed=True)
            raise
        yield Own(name, compared)

    def _say_own(self, frame: Frame, own: Own | None) -> str:
        """As `say_own`."""
        return say_own(frame, self.language, own)  # type: ignore[attr-defined]


def say_own(frame: Frame, language: str, own: Own | None) -> str:
    """Title and caption of the pane, which is not there without a function; both in one line for its label."""
    frame.box.layout.display = None if own is not None else "none"
    if own is None:
        return ""
    title, caption = say(language, "own_title", name=own.name), own_caption(language, own)
    frame.say(title, caption)
    return f"{title}. {caption}"


def own_caption(language: str, own: Own) -> str:
    """The largest difference, where it is, and what it means."""
    compared = own.compared
    if compared is None:
        return say(language, "own_failed" if own.failed else "own_running")
    if compared.largest == 0:
        return say(language, "own_identical")
    where = {"row": compared.row, "col": compared.col, "largest": say_number(language, compared.largest, digits=2)}
    if compared.equal:
        return say(language, "own_equal", **where)
    if compared.factor is not None:
        return say(language, "own_scaled", factor=say_number(language, compared.factor), **where)
    return say(language, "own_differs", **where)


def worst_cell(compared: Comparison, width: float, height: float) -> tuple[Box, ...]:
    """The cell with the largest difference on a pane of this size, to be outlined; none where they are equal."""
    if compared.equal or compared.factor is not None or len(compared.place) < 2:
        return ()
    rows, cols = compared.values.shape[-2:]
    return ((compared.col * width / cols, compared.row * height / rows, width / cols, height / rows),)
