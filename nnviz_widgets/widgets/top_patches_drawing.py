"""How a widget of patches draws what was found, and puts it into words."""

from __future__ import annotations

import html
from types import SimpleNamespace
from typing import Any

from nnviz_widgets.methods.patches import Patch
from nnviz_widgets.render.figure import Panel
from nnviz_widgets.widgets.base import LiveWidget
from nnviz_widgets.widgets.scene import RATIO
from nnviz_widgets.widgets.top_patches_looks import Shown
from nnviz_widgets.widgets.top_patches_panes import GAP, TILE
from nnviz_widgets.widgets.top_patches_sheet import PatchSheet, sheet_grid
from nnviz_widgets.widgets.top_patches_words import PatchWords, dead

ACROSS = 5  # patches in a row of `picture`


class TopPatchesDrawing(LiveWidget):
    """The part of `TopPatches` that a person sees."""

    chosen: Any
    _drawn: tuple[Shown, SimpleNamespace] | None
    _sheet: tuple[str, PatchSheet] | None
    _words: PatchWords
    _scanning: Any
    _patches: Any
    _frame: Any
    _title: Any
    _caption: Any
    _scan_words: Any

    def _draw(self, state: SimpleNamespace, shown: Shown) -> None:
        if self._drawn is None or self._drawn[0] is not shown:
            self._draw_page(state, shown)
            self._drawn = shown, state
        self._say_scan()

    def _draw_page(self, state: SimpleNamespace, shown: Shown) -> None:
        if state.page == "all":
            self._draw_sheet(state, shown)
            return
        words = [self._words.under(found) for found in shown.looks]
        chosen = self.chosen
        self._patches.draw(shown.looks, words, chosen, whole=state.whole, rebuilt=state.rule != "none")
        self._title.value = f'<div class="nnviz-title">{html.escape(self._words.title(state, shown))}</div>'
        lines = "<br>".join(html.escape(sentence) for sentence in self._words.below(state, shown))
        self._caption.value = f'<div class="nnviz-caption">{lines}</div>'
        self._pointer.labels = {
            name: self._say(
                "patches_label",
                rank=rank + 1,
                channel=state.channel,
                layer=state.layer,
                value=words[rank][0],
                name=self._words.whole_name(found.winner),
            )
            for rank, (name, found) in enumerate(zip(self._patches.names, shown.looks, strict=False))
            if found.winner is not None
        }

    def _draw_sheet(self, state: SimpleNamespace, shown: Shown) -> None:
        if self._sheet is None or self._sheet[0] != state.layer:
            self._sheet = state.layer, PatchSheet(len(shown.looks))
        nothing = dead(shown.index, state.layer) if state.kind == "largest" else [False] * len(shown.looks)
        tiles = self._sheet[1].tiles(shown.looks, nothing)
        self._surface.show({"sheet": tiles.scene(state.channel)})
        self._frame.cut_to(*tiles.size)
        self._frame.say(self._words.title(state, shown), self._sheet_words(state, shown))
        self._pointer.labels = {"sheet": self._say("patches_sheet_label", layer=state.layer)}

    def _sheet_words(self, state: SimpleNamespace, shown: Shown) -> str:
        return f"{self._words.hover(shown, state.layer, state.channel)}. {self._say('patches_sheet_caption')}"

    def _say_scan(self) -> None:
        told = []
        if self._scanning is not None:
            told.append(self._words.scan(self._scanning.latest, going=self._scanning.going))
        if self._drawn is not None:
            told.append(self._words.broken(self._drawn[0].index))
        text = html.escape(" ".join(sentence for sentence in told if sentence))
        self._scan_words.value = f'<div class="nnviz-caption" style="min-height:0">{text}</div>' if text else ""

    def _result(self, shown: Shown) -> tuple[Patch, ...]:
        return tuple(found.patch for found in shown.looks if found.patch is not None)

    def _spoken(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("layer", "channel", "page", "kind", "rule")}

    def _panels(self, state: SimpleNamespace, shown: Shown) -> tuple[list[list[Panel]], str]:
        if state.page == "all":
            grid = sheet_grid(len(shown.looks))
            pixels = self._surface.picture("sheet")[: grid.height, : grid.width]
            return [[Panel(pixels, self._words.title(state, shown))]], self._sheet_words(state, shown)
        height = (2 * TILE + GAP if state.rule != "none" else TILE) * RATIO
        named = zip(self._patches.names, shown.looks, strict=False)
        panels = [
            Panel(self._surface.picture(name)[:height], "\n".join(self._words.under(found))) for name, found in named
        ]
        rows = [panels[i : i + ACROSS] for i in range(0, len(panels), ACROSS)]
        sentences = [self._words.title(state, shown), *self._words.below(state, shown)[:-1]]
        return rows, "\n".join(sentences)
