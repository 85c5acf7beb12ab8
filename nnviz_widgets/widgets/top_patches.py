"""TopPatches: the parts of many pictures that excite a channel most, and what of them does so."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import ipywidgets
import traitlets

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.images.image_set import ImageSet
from nnviz_widgets.methods.patches import KINDS, Patch
from nnviz_widgets.render.figure import Panel
from nnviz_widgets.widgets.frame import Frame
from nnviz_widgets.widgets.map_layers import check_channel
from nnviz_widgets.widgets.scene import RATIO
from nnviz_widgets.widgets.top_patches_controls import PAGES, RULES, how_row, what_row
from nnviz_widgets.widgets.top_patches_looks import Shown
from nnviz_widgets.widgets.top_patches_panes import GAP, TILE, PatchPanes, pane_names, pane_size
from nnviz_widgets.widgets.top_patches_pointing import TopPatchesPointing
from nnviz_widgets.widgets.top_patches_run import TopPatchesRun, telling_channel
from nnviz_widgets.widgets.top_patches_sheet import WIDTH, PatchSheet, sheet_grid
from nnviz_widgets.widgets.top_patches_words import PatchWords, dead
from nnviz_widgets.widgets.validated import validate

if TYPE_CHECKING:
    from nnviz_widgets.engine.engine import Engine
    from nnviz_widgets.widgets.activation_maps import ActivationMaps

ACROSS = 5  # patches in a row of `picture`


class TopPatches(TopPatchesPointing, TopPatchesRun):
    """The pictures that excite a channel most, cut to what its neuron sees, with what of them excites it.

    Click a patch to open its picture in `ActivationMaps` below; Escape closes it.

    Args:
        index: what `methods.scan` gave; or pictures (an `ImageSet`, or what one is made of), which the widget scans
            itself, with a Cancel that keeps what is done. The offline samples when left out.
        image_set: the pictures of an index that does not know them.
        path: folder of the widget's own scan, made or resumed; one for temporary files when left out.
        n: pictures that its own scan keeps of each channel.
        layers: that its own scan looks at; as `methods.scan` when left out.

    State: `layer`, `channel`, `page` ("channel", or "all" channels of the layer), `kind` ("largest", "smallest",
    "random"), `seed` (of random ones), `rule` ("guided", "deconvnet", "vanilla", "none"), `whole` (pictures instead of
    crops), `chosen` (rank of a patch, or None), `theme`. `opened` is the `ActivationMaps` below, if any.
    The result is a tuple of `methods.patches.Patch`, best first; on the page of all channels, of the best of each.

    Zeiler & Fergus 2014; Springenberg et al. 2015, Striving for Simplicity; Yosinski et al. 2015.
    """

    layer = traitlets.Unicode(help="whose channels").tag(live=True)
    channel = traitlets.Int(0, help="index of the channel").tag(live=True)
    page = traitlets.Enum(PAGES, "channel", help="one channel, or all of the layer").tag(live=True)
    kind = traitlets.Enum(KINDS, "largest", help="which pictures").tag(live=True)
    seed = traitlets.Int(0, min=0, help="of random pictures").tag(live=True)
    rule = traitlets.Enum(RULES, "guided", help="of the reconstruction").tag(live=True)
    whole = traitlets.Bool(False, help="whole pictures instead of crops").tag(live=True)
    chosen = traitlets.Int(None, min=0, allow_none=True, help="rank of the chosen patch").tag(option=True)

    _side = 2 * TILE + GAP

    def __init__(
        self,
        engine: Engine,
        index: Any = None,
        image_set: ImageSet | None = None,
        *,
        path: str | Path | None = None,
        n: int = 9,
        layers: Sequence[str] | None = None,
        language: str | None = None,
        **state: Any,
    ) -> None:
        self._given = SimpleNamespace(index=index, images=image_set, path=path, n=n, layers=layers)
        super().__init__(engine, language=language, **state)

    def _start(self, state: dict[str, Any]) -> None:
        self.opened: ActivationMaps | None = None
        self._drawn: tuple[Shown, SimpleNamespace] | None = None
        self._sheet: tuple[str, PatchSheet] | None = None
        given = self._given
        self._take(given.index, given.images, path=given.path, n=given.n, layers=given.layers)
        records = [self.engine.layers[name] for name in self._names]
        self._layers = [record for record in records if record.spatial]
        if not self._layers:
            raise NnvizError("network_no_maps", name=self.engine.name)
        self._words = PatchWords(self.engine, self._images, self.language)
        self.layer = state.pop("layer", None) or self._layers[len(self._layers) // 2].name
        super()._start(state)
        if "channel" not in state and self._own_index is not None:
            self.channel = telling_channel(self._own_index, self.layer)

    @validate("layer")
    def _validate_layer(self, proposal: Any) -> str:
        name: str = self.engine.layers[proposal["value"]].name
        if name not in [record.name for record in self._layers]:
            raise NnvizError("index_layer", layer=name, known=", ".join(record.name for record in self._layers))
        return name

    @validate("channel")
    def _validate_channel(self, proposal: Any) -> int:
        return check_channel(self.engine, self.layer, proposal["value"])

    def _panes(self) -> dict[str, tuple[int, int]]:
        highest = max(sheet_grid(record.channels).height for record in self._layers)
        sizes = dict.fromkeys(pane_names(self._n), pane_size())
        return {**sizes, "sheet": (WIDTH, highest // RATIO + 1)}

    def _build(self) -> list[ipywidgets.Widget]:
        self._patches = PatchPanes(self._surface, pane_names(self._n))
        self._frame = Frame(self._surface, "sheet")
        self._surface.canvases["sheet"].add_class("nnviz-opens")
        self._title, self._caption, self._scan_words, self._below_title = (ipywidgets.HTML() for _ in range(4))
        self._resume = ipywidgets.Button(
            description=self._say("patches_resume"),
            tooltip=self._say("patches_resume_tip"),
            layout=ipywidgets.Layout(width="auto", display="none"),
        )
        self._resume.on_click(lambda _: self.resume())
        self._below = ipywidgets.VBox([self._below_title], layout=ipywidgets.Layout(overflow="visible"))
        what, self._channel_control = what_row(self, self._layers, self._failed)
        rows = [ipywidgets.HBox(row) for row in (what, how_row(self, self._failed), [self._scan_words, self._resume])]
        for row in rows:
            row.add_class("nnviz-row")
        self.observe(self._on_layer, "layer")
        self.observe(self._on_page, "page")
        self.observe(self._on_chosen, "chosen")
        self._on_page()
        return [*rows, self._title, self._patches.box, self._frame.box, self._caption, self._below]

    def _on_layer(self, _change: Any) -> None:
        """Another layer has other channels: what no longer fits is brought into range."""
        with self._together():
            last = self.engine.layers[self.layer].channels - 1
            self.channel, self.chosen = min(self.channel, last), None
            self._channel_control.max = last

    def _on_page(self, _change: Any = None) -> None:
        one = self.page == "channel"
        for part in (self._patches.box, self._caption, self._title):
            part.layout.display = None if one else "none"
        self._frame.box.layout.display = "none" if one else None

    def _on_chosen(self, _change: Any) -> None:
        if self._drawn is not None and self._open:
            self._draw_page(self._drawn[1], self._drawn[0])

    # What is seen

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
