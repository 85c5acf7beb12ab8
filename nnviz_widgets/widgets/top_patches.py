"""TopPatches: the parts of many pictures that excite a channel most, and what of them does so."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import ipywidgets
import traitlets

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.images.image_set import ImageSet
from nnviz_widgets.methods.winners import KINDS
from nnviz_widgets.widgets.code import Expr, Script, call, write
from nnviz_widgets.widgets.frame import Frame
from nnviz_widgets.widgets.map_layers import check_channel
from nnviz_widgets.widgets.scene import RATIO
from nnviz_widgets.widgets.top_patches_controls import PAGES, RULES, how_row, what_row
from nnviz_widgets.widgets.top_patches_panes import GAP, TILE, PatchPanes, pane_names, pane_size
from nnviz_widgets.widgets.top_patches_pointing import TopPatchesPointing
from nnviz_widgets.widgets.top_patches_run import TopPatchesRun, telling_channel
from nnviz_widgets.widgets.top_patches_sheet import WIDTH, sheet_grid
from nnviz_widgets.widgets.top_patches_words import PatchWords
from nnviz_widgets.widgets.validated import validate

if TYPE_CHECKING:
    from nnviz_widgets.engine.engine import Engine
    from nnviz_widgets.widgets.activation_maps import ActivationMaps


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
        self._drawn = None
        self._sheet = None
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

    def _code(self, script: Script, state: SimpleNamespace) -> None:
        self._index_code(script)
        known = Expr("engine"), Expr("index")
        how = {"kind": state.kind, "seed": state.seed} if state.kind == "random" else {"kind": state.kind}
        if state.page == "channel":
            script.need("methods.patches", "patches")
            rule = None if state.rule == "none" else state.rule
            found = call("patches", *known, state.layer, state.channel, images=Expr("images"), rule=rule, **how)
            script.let("result", Expr(f"tuple({found})"))
            return
        script.need("methods.winners", "best_of_all")
        for name in ("look", "strongest"):
            script.need("methods.patches", name)
        script.let("best", call("best_of_all", *known, Expr("images"), state.layer, **how))
        script.let("most", call("strongest", Expr("index"), state.layer))
        script.add(
            "result = []\n"
            "for channel, winner in enumerate(best):\n"
            "    if winner is not None:\n"
            "        x = engine.prepare(images[images.index(winner.id)])\n"
            f"        result.append(look(engine, x, {write(state.layer)}, channel, winner, strongest=most))"
        )
