"""What a widget of patches says: of a channel, of its patches, of a scan under way."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from types import SimpleNamespace

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.images.image_set import ImageSet
from nnviz_widgets.lang import say, say_error
from nnviz_widgets.lang.classes import class_names
from nnviz_widgets.methods.patch_index import PatchIndex
from nnviz_widgets.methods.scan import ScanProgress
from nnviz_widgets.methods.winners import Winner
from nnviz_widgets.widgets.number import say_number
from nnviz_widgets.widgets.status import say_time
from nnviz_widgets.widgets.top_patches_looks import Look, Shown

RARE = 0.99  # share of zeros from which a channel is rare
BOUNDS = {"relu6": 6.0}
"""Activations that cut off, and where."""


class PatchWords:
    """Sentences of one widget."""

    def __init__(self, engine: Engine, images: ImageSet, language: str) -> None:
        self._engine = engine
        self._images = images
        self._language = language

    def name(self, winner: Winner) -> tuple[str, str]:
        """(class, or "" where there is none; file)."""
        label = self._images.labels[self._images.index(winner.id)]
        return "" if label is None else class_names(self._language, self._images.classes)[label], PurePosixPath(
            winner.id
        ).stem

    def whole_name(self, winner: Winner) -> str:
        return " · ".join(word for word in self.name(winner) if word)

    def under(self, found: Look) -> tuple[str, str]:
        """The two lines under a patch."""
        if found.winner is None:
            return "", ""
        value = say_number(self._language, found.winner.value)
        label, file = self.name(found.winner)
        first = " · ".join(word for word in (value, label) if word)
        if found.error is not None:
            return f"{first} · {self._say('patches_unread')}", say_error(self._language, found.error)
        if found.patch is not None and not found.patch.reproduced:
            again = say_number(self._language, found.patch.again)
            return first, f"{file} · {self._say('patches_differs', again=again, value=value)}"
        return first, file

    def title(self, state: SimpleNamespace, shown: Shown) -> str:
        if state.page == "all":
            ending = "" if state.kind == "largest" else f"_{state.kind}"
            return self._say(f"patches_sheet_title{ending}", count=len(shown.looks), layer=state.layer)
        return self._say(
            f"patches_title_{state.kind}", layer=state.layer, channel=state.channel, count=len(shown.looks)
        )

    def below(self, state: SimpleNamespace, shown: Shown) -> list[str]:
        """What is to be said of a channel, the most important first."""
        told = [self._differing(shown.looks), self._statistics(state, shown.index), self._fields(state, shown.looks)]
        if state.rule != "none":
            refused = next((found.refused for found in shown.looks if found.refused is not None), None)
            if refused is not None:
                told.append(self._say("patches_not_rebuilt", reason=say_error(self._language, refused)))
            else:
                rule = self._say(f"rule_{state.rule}").lower()
                told.append(self._say("patches_rebuilt", rule=rule))
        return [sentence for sentence in [*told, self._say("patches_click")] if sentence]

    def _differing(self, looks: Sequence[Look]) -> str:
        count = sum(found.patch is not None and not found.patch.reproduced for found in looks)
        return self._say("patches_differ", count=count, of=len(looks)) if count else ""

    def _statistics(self, state: SimpleNamespace, index: PatchIndex) -> str:
        known, k = index.statistics(state.layer), state.channel
        record = self._engine.layers[state.layer]
        zeros = float(known.share_of_zeros[k])
        fields = {
            "count": known.pictures,
            "mean": say_number(self._language, float(known.mean[k])),
            "maximum": say_number(self._language, float(known.greatest[k])),
            "zeros": say_number(self._language, 100 * zeros, digits=2),
        }
        if record.activation is None:
            told = [f"{self._say('patches_statistics', **fields)}."]
        else:
            told = [f"{self._say('patches_statistics_below', **fields, activation=record.activation)}."]
        values = index.values(state.layer)[k]
        values = values[values.isfinite()]
        if dead(index, state.layer)[k]:
            told.append(self._say("patches_dead"))
        elif zeros >= RARE:
            told.append(self._say("patches_rare", share=say_number(self._language, 100 * (1 - zeros), digits=2)))
        if len(values) > 1 and values[0] == values[-1] and values[0] > 0:
            told.append(
                self._say("patches_saturated", count=len(values), value=say_number(self._language, float(values[0])))
            )
        bound = BOUNDS.get(record.activation or "")
        if bound is not None and len(values) and values[-1] > bound:
            bounded = {
                "count": len(values),
                "bound": say_number(self._language, int(bound)),
                "activation": record.activation,
            }
            told.append(self._say("patches_bounded", **bounded))
        return " ".join(told)

    def _fields(self, state: SimpleNamespace, looks: Sequence[Look]) -> str:
        patches = [found.patch for found in looks if found.patch is not None]
        if not patches:
            return ""
        effective = sum(patch.effective for patch in patches)
        ending = "_drawn" if state.whole else ""
        if effective == len(patches):
            return self._say(f"patches_effective{ending}")
        if effective:
            return self._say("patches_mixed", count=effective, of=len(patches))
        height, width = max(p.rect.height for p in patches), max(p.rect.width for p in patches)
        return self._say(f"patches_field{ending}", height=height, width=width)

    def hover(self, shown: Shown, layer: str, channel: int) -> str:
        """Of a tile of the contact sheet."""
        found = shown.looks[channel]
        if dead(shown.index, layer)[channel]:
            return self._say("patches_sheet_dead", channel=channel)
        if found.winner is None or found.patch is None:
            return self._say("patches_sheet_waiting", channel=channel)
        value, name = say_number(self._language, found.winner.value), self.whole_name(found.winner)
        return self._say("patches_sheet_hover", channel=channel, value=value, name=name)

    def scan(self, progress: ScanProgress | None, *, going: bool) -> str:
        """How far a scan is; nothing when all pictures are seen."""
        every = len(self._images)
        seen = 0 if progress is None else progress.pictures
        if seen == every and not going:
            return ""
        if not going:
            return self._say("patches_stopped", seen=seen, all=every)
        if progress is None or progress.rate is None or progress.left is None:
            return self._say("patches_starting", seen=seen, all=every)
        left = say_time(self._language, progress.left)
        return self._say(
            "patches_scanning", seen=seen, all=every, rate=say_number(self._language, progress.rate), left=left
        )

    def broken(self, index: PatchIndex) -> str:
        broken = index.broken
        return self._say("set_broken", count=len(broken), reason=next(iter(broken.values()))) if broken else ""

    def _say(self, key: str, **fields: object) -> str:
        return say(self._language, key, **fields)


def dead(index: PatchIndex, layer: str) -> list[bool]:
    """Which channels never rise above zero."""
    return [value <= 0 for value in index.statistics(layer).greatest.tolist()]
