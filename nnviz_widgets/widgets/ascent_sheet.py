"""AscentSheet: what many channels of a layer like best, a batch after the other, on one sheet."""

from __future__ import annotations

import html
from collections.abc import Iterator
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import ipywidgets
import traitlets

from nnviz_widgets.engine.objectives import channel
from nnviz_widgets.lang import say_error
from nnviz_widgets.methods.presets import PRESETS, preset
from nnviz_widgets.render.figure import Panel
from nnviz_widgets.widgets.ascent_columns_controls import LONGEST
from nnviz_widgets.widgets.ascent_question import Question, question_of
from nnviz_widgets.widgets.ascent_sheet_controls import made_fields, what_fields
from nnviz_widgets.widgets.ascent_sheet_room import Room
from nnviz_widgets.widgets.ascent_sheet_run import Sheet, SheetResult, run_sheet
from nnviz_widgets.widgets.ascent_sheet_strips import ACROSS, MOST, SIZE, STRIPS, Strips, step
from nnviz_widgets.widgets.code import Expr, Script, call, indented, write
from nnviz_widgets.widgets.map_layers import check_channel, check_layer, layers_with_maps
from nnviz_widgets.widgets.pointer import Event
from nnviz_widgets.widgets.run_widget import Moment, RunWidget
from nnviz_widgets.widgets.validated import validate

if TYPE_CHECKING:
    from nnviz_widgets.engine.engine import Engine
    from nnviz_widgets.widgets.ascent import Ascent

QUICK = 96  # pixels of a picture: shown at about that many, and more takes longer
SAVED = 8  # tiles in a row of the saved picture
BATCH = 8  # pictures at once: a step of so many costs less than so many steps, and the first are soon done


class AscentSheet(RunWidget):
    """Pictures of many channels of a layer, made in batches; a click, or Enter on the chosen one, opens a channel.

    State: `layer`, `first` and `count` (channels), `preset`, `size` (pixels), `steps` (of each picture), `seed`,
    `batch` (pictures made at once), `theme`; and `channel`, the chosen one. `opened` is the `Ascent` below, if any.
    The result has the pictures so far: `channels` (n,), `pictures` (n, height, width, 3) in 0..1, `values` (n,).

    Olah et al. 2017, Feature Visualization; Yosinski et al. 2015, figure 4.
    """

    _two_themes = True

    layer = traitlets.Unicode(help="whose channels").tag(live=True)
    first = traitlets.Int(0, help="first channel").tag(live=True)
    count = traitlets.Int(24, min=1, max=MOST, help="how many channels").tag(live=True)
    preset = traitlets.Enum([*PRESETS], "Distill", help="whose priors").tag(live=True)
    size = traitlets.Int(QUICK, min=1, help="side of a picture in pixels").tag(live=True)
    steps = traitlets.Int(96, min=1, max=LONGEST, help="after which a picture is done").tag(live=True)
    seed = traitlets.Int(0, min=0, help="the same for all pictures").tag(live=True)
    batch = traitlets.Int(BATCH, min=1, max=MOST, help="pictures made at once").tag(live=True)
    channel = traitlets.Int(0, help="the chosen one").tag(option=True)

    opened: Ascent | None = None
    _below: ipywidgets.VBox | None = None

    def __init__(self, engine: Engine, *, language: str | None = None, **state: Any) -> None:
        super().__init__(engine, language=language, **state)

    def _start(self, state: dict[str, Any]) -> None:
        self.layer = state.pop("layer", None) or _middle_layer(self.engine)
        self.size = min(QUICK, max(self.engine.contract.size))
        self.channel = self.first = state.pop("first", 0)
        super()._start(state)

    @validate("layer")
    def _validate_layer(self, proposal: Any) -> str:
        return check_layer(self.engine, proposal["value"])

    @validate("first", "channel")
    def _validate_channel(self, proposal: Any) -> int:
        return check_channel(self.engine, self.layer, proposal["value"])

    def _panes(self) -> dict[str, tuple[int, int]]:
        return dict.fromkeys(STRIPS, SIZE)

    def _build(self) -> list[ipywidgets.Widget]:
        self._strips, self._room = Strips(self._surface), Room()
        self._title, self._caption = ipywidgets.HTML(), ipywidgets.HTML()
        what, made = what_fields(self, self._failed), made_fields(self, self._failed)
        rows = [ipywidgets.HBox(row) for row in (what, [*made, self.run_bar.box])]
        for row in rows:
            row.add_class("nnviz-row")
        self.observe(self._on_chosen, "channel")
        self.observe(self._on_range, ["layer", "first", "count"])
        return [*rows, self._title, self._strips.box, self._caption, self._room]

    def _on_range(self, _change: Any) -> None:
        """The chosen channel is one of the sheet."""
        channels = self._channels(self)
        if self.channel not in channels:
            self.channel = channels[0]

    def _on_chosen(self, _change: Any) -> None:
        if self._latest is not None and self._open:
            self._shown = None
            self._draw_latest()

    def _channels(self, state: Any) -> range:
        """Those of the sheet; fewer than asked for at the end of a layer."""
        return range(state.first, min(state.first + state.count, self.engine.layers[state.layer].channels))

    def _run(self, state: SimpleNamespace, begin: Moment | None) -> Iterator[Moment]:
        channels = self._channels(state)
        asked = SimpleNamespace(of="channel", layer=state.layer, channel=state.first)
        state.question = question_of(self.engine, asked, self.language)
        objectives = [self.engine.before_activation(channel(state.layer, k)) for k in channels]
        how = {"size": state.size, "steps": state.steps, "priors": state.preset, "seed": state.seed}
        return run_sheet(self.engine, channels, objectives, **how, batch=state.batch, begin=begin)

    def _draw(self, state: SimpleNamespace, moment: Moment) -> None:
        sheet: Sheet = moment.shown
        self._strips.draw(sheet, self.channel, dark=state.dark)
        self._title.value = f'<div class="nnviz-title">{html.escape(self._heading(state, sheet))}</div>'
        self._say_below(self._words(self.channel))
        label = self._say("sheet_label", first=sheet.channels[0], last=sheet.channels[-1], layer=state.layer)
        self._pointer.labels = dict.fromkeys(STRIPS, label)

    def _heading(self, state: SimpleNamespace, sheet: Sheet) -> str:
        return self._say("sheet_title", first=sheet.channels[0], last=sheet.channels[-1], layer=state.layer)

    def _words(self, chosen: int) -> str:
        """What a channel's picture is worth."""
        if self._latest is None:
            return ""
        state, moment = self._latest
        question: Question = state.question
        tile = next((tile for tile in moment.shown.tiles if tile.channel == chosen), None)
        if tile is None:
            return self._say("sheet_tile_waiting", channel=chosen)
        if tile.error is not None:
            return self._say("sheet_tile_failed", channel=chosen, reason=say_error(self.language, tile.error))
        fields = {"channel": chosen, "value": question.value, "number": self._number(tile.value)}
        if tile.top is None:
            return self._say("sheet_tile", **fields)
        name, probability = self._class_names[tile.top[0]], self._number(tile.top[1], digits=2)
        return self._say("sheet_tile_top", **fields, name=name, probability=probability)

    def _say_below(self, words: str) -> None:
        hint = f'<span class="nnviz-faint">{html.escape(self._say("sheet_caption"))}</span>'
        self._caption.value = f'<div class="nnviz-caption">{html.escape(words)}<br>{hint}</div>'

    def _on_event(self, event: Event) -> None:
        moment = self.moment
        if moment is None or (event.pane not in STRIPS and event.kind != "leave"):
            return
        sheet: Sheet = moment.shown
        if event.kind == "leave":
            self._say_below(self._words(self.channel))
        elif event.kind == "key" and event.key == "Enter":
            self.open_channel(self.channel)
        elif event.kind == "key":
            self.channel = step(sheet.channels, self.channel, event.key, self._room.across * ACROSS)
        else:
            self._point_at(event, self._strips.channel_at(sheet, event.pane, event.x))

    def _point_at(self, event: Event, found: int | None) -> None:
        if found is None:
            return
        self._say_below(self._words(found))
        if event.kind == "click":
            self.channel = found
            self.open_channel(found)

    def open_channel(self, channel: int) -> Ascent:
        """Show a channel large, below, in an `Ascent` that begins from the same seed; returns it."""
        from nnviz_widgets.widgets.ascent import Ascent

        self.channel = channel
        asked: dict[str, Any] = {"layer": self.layer, "channel": channel, "preset": self.preset, "seed": self.seed}
        if self.opened is not None:
            self.opened.close()
        self.opened = Ascent(self.engine, language=self.language, theme=self.theme, of="channel", **asked)
        if self._below is None:  # under the status line of the sheet
            self._below = ipywidgets.VBox()
            self.children = (*self.children, self._below)
        self._below.children = (self.opened,)
        return self.opened

    def close(self) -> None:
        """Cancel, and free every comm, timer and thread of this widget and of the one that it has opened."""
        if self.opened is not None and self._below is not None:
            self.opened.close()
            self._below.children, self.opened = (), None
        super().close()

    def _result(self, moment: Moment) -> SheetResult:
        return SheetResult.of(moment.shown)

    def _code(self, script: Script, state: SimpleNamespace) -> None:
        script.engine(self.engine)
        channels = self._channels(state)
        script.let("channels", channels)
        script.add("pictures, values = [], []")
        how = {"size": state.size, "steps": state.steps, "start": preset(state.preset).start}
        how |= {"priors": state.preset, "seed": state.seed}
        one = f"nnviz.channel({write(state.layer)}, k)"
        script.add(
            f"for first in range(0, {len(channels)}, {state.batch}):\n"
            f"    group = channels[first : first + {state.batch}]\n"
            f"    objectives = [engine.before_activation({one}) for k in group]\n"
            f"    for step in {indented(call('methods.ascent', Expr('engine'), Expr('objectives'), **how))}:\n"
            "        pass\n"
            "    pictures.extend(step.image)\n"
            "    values.extend(step.value)"
        )
        script.let("result", Expr("channels, pictures, values"))

    def _spoken(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("layer", "first", "count", "preset", "seed")}

    def _panels(self, state: SimpleNamespace, moment: Moment) -> tuple[list[list[Panel]], str]:
        pixels = self._strips.picture(moment.shown, self.channel, SAVED, dark=state.dark)
        return [[Panel(pixels, self._heading(state, moment.shown))]], self._words(self.channel)


def _middle_layer(engine: Engine) -> str:
    """A layer to begin with: an activation half-way in, where channels stand for textures and parts."""
    layers = layers_with_maps(engine)
    kinds = [layer for layer in layers if layer.activation is None and "relu" in layer.kind.lower()] or layers
    return kinds[len(kinds) // 2].name
