"""What is said of activation maps: the numbers of the large one, of a neuron, of a map of the mosaic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from nnviz_widgets.lang import say
from nnviz_widgets.widgets.map_sheet import MapSheet
from nnviz_widgets.widgets.number import say_number
from nnviz_widgets.widgets.own_method import Own

if TYPE_CHECKING:
    from nnviz_widgets.engine.receptive_field import Rect


@dataclass(frozen=True)
class Shown:
    """Maps of a layer (channels, h, w), the field of the chosen neuron, the network's opinion, a person's own maps."""

    maps: Tensor
    values: NDArray[np.float32]
    field: Rect | None
    top: list[tuple[int, str, float]]
    own: Own | None = None


class ActivationMapsWords:
    """Captions in one language.

    Args:
        class_names: of the network's classes.
    """

    def __init__(self, language: str, class_names: Sequence[str]) -> None:
        self.language = language
        self._class_names = class_names

    def top(self, shown: Shown) -> str:
        """The most probable classes."""
        return " · ".join(f"{self._class_names[i]} {say_number(self.language, p, digits=2)}" for i, _, p in shown.top)

    def large(self, state: SimpleNamespace, shown: Shown, sheet: MapSheet) -> str:
        """The numbers of the large map, and of the chosen neuron with its field."""
        height, width = shown.values.shape[1:]
        numbers = self._numbers(sheet, state.channel)
        parts = [say(self.language, "map_caption", height=height, width=width, **numbers)]
        if state.unit is not None:
            parts.append(self.neuron(state, shown, *state.unit))
            field = shown.field
            parts.append(
                say(self.language, "map_field", height=field.height, width=field.width)
                if field
                else say(self.language, "map_field_waiting")
            )
        return " · ".join(parts)

    def neuron(self, state: SimpleNamespace, shown: Shown, row: int, col: int) -> str:
        value = say_number(self.language, shown.values[state.channel, row, col])
        return say(self.language, "map_unit", row=row, col=col, value=value)

    def small(self, sheet: MapSheet, channel: int) -> str:
        """The numbers of one map of the mosaic."""
        return say(self.language, "mosaic_hover", channel=channel, **self._numbers(sheet, channel))

    def _numbers(self, sheet: MapSheet, channel: int) -> dict[str, str]:
        mean, maximum = sheet.means[channel], sheet.maxima[channel]
        return {"mean": say_number(self.language, mean), "maximum": say_number(self.language, maximum)}
