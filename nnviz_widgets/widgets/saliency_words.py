"""What is said of a saliency: what was asked, what the numbers are, and how each map came about."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace

import numpy as np
from numpy.typing import NDArray

from nnviz_widgets.lang import say
from nnviz_widgets.render.numbers import MINUS
from nnviz_widgets.widgets.number import decimal_mark, say_decimals, say_number
from nnviz_widgets.widgets.saliency_maps import RuleMap, Shown
from nnviz_widgets.widgets.saliency_question import Question

SAME = 0.999999  # a rank correlation of maps that differ by nothing but rounding


class SaliencyWords:
    """Titles and captions in one language.

    Args:
        labels: of the classes.
    """

    def __init__(self, language: str, labels: Sequence[str]) -> None:
        self.language = language
        self._labels = labels

    def _say(self, key: str, **fields: object) -> str:
        return say(self.language, key, **fields)

    def asked(self, state: SimpleNamespace, question: Question) -> str:
        """A class and its probability, one minus another, or a channel or neuron and its value."""
        if question.classes:
            return f" {MINUS} ".join(
                f"{self._labels[i]} {say_number(self.language, p, digits=2)}" for i, p in question.classes
            )
        fields = {"layer": state.layer, "channel": state.channel}
        if question.measure == "mean":
            return self._say("asked_channel", **fields)
        if question.unit is None or question.maps is None:
            return self._say("asked_unit", **fields)
        row, col = question.unit
        value = say_number(self.language, float(question.maps[state.channel, row, col]))
        return self._say("asked_neuron", **fields, row=row, col=col, value=value)

    def title(self, rule: str, state: SimpleNamespace) -> str:
        name = self._say(f"rule_{rule}")
        return self._say("rule_redrawn", rule=name, count=state.randomised) if state.randomised else name

    def caption(self, found: RuleMap, state: SimpleNamespace, shown: Shown) -> str:
        """In lines: how much the weights count, what the numbers are and their real range, how the map came about."""
        low, high = (
            say_number(self.language, float(found.values.min())),
            say_number(self.language, float(found.values.max())),
        )
        lines = [self._say("saliency_range", what=self.unit(state, shown), low=low, high=high)]
        if state.clip < 100:
            lines.append(self._say("saliency_clip", clip=f"{state.clip:g}".replace(".", decimal_mark(self.language))))
        if found.relus:
            lines.append(self._say("saliency_relus", count=found.relus))
        if found.similarity is not None:
            same = state.of != "class" and found.similarity > SAME
            key = "saliency_similarity_above" if same else "saliency_similarity"
            lines.insert(0, self._say(key, value=say_decimals(self.language, found.similarity)))
        return "\n".join(lines)

    def unit(self, state: SimpleNamespace, shown: Shown) -> str:
        """What a map's numbers are."""
        what = self._say(f"measure_{shown.question.measure}")
        return self._say(f"unit_{'integrated_' if state.integrated else ''}{state.view}", what=what)

    def map_caption(self, state: SimpleNamespace, shown: Shown) -> str:
        """The size of the activation map, which value it is, and the neuron."""
        question = shown.question
        assert question.maps is not None
        values = question.maps[state.channel]
        parts = [self._say("saliency_map", height=values.shape[0], width=values.shape[1])]
        if question.stage is not None:
            when, activation = question.stage
            parts.append(self._say(f"saliency_{when}", activation=activation))
        if question.unit is None:
            return " · ".join([*parts, self._say("saliency_choose")])
        parts.append(self.value_at(values, *question.unit))
        if shown.seen:
            parts.append(self._say("map_field", height=shown.seen.height, width=shown.seen.width))
        return " · ".join([*parts, self._say("saliency_move")])

    def value_at(self, values: NDArray[np.float32], row: int, col: int) -> str:
        return self._say("map_unit", row=row, col=col, value=say_number(self.language, float(values[row, col])))
