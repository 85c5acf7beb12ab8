"""DeepDream: a photo, and beside it the same with more and more of what a layer sees in it."""

from __future__ import annotations

from collections.abc import Iterator
from math import nan
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import ipywidgets

from nnviz_widgets.methods.deepdream import DreamStep, run_dream
from nnviz_widgets.methods.dream_octaves import reduced
from nnviz_widgets.methods.dream_options import Knobs
from nnviz_widgets.methods.dream_plan import DreamState, plan_dream
from nnviz_widgets.render.figure import Panel
from nnviz_widgets.widgets.code import Expr, Script, call
from nnviz_widgets.widgets.controls import bind, dropdown, more
from nnviz_widgets.widgets.deepdream_controls import channels_field, how_sliders, of_buttons, rare
from nnviz_widgets.widgets.deepdream_saving import DreamSaving, dream_pixels
from nnviz_widgets.widgets.frame import Frame
from nnviz_widgets.widgets.map_layers import layer_options, layers_with_maps
from nnviz_widgets.widgets.run_widget import Moment
from nnviz_widgets.widgets.scene import Bitmap, Scene, Sprite
from nnviz_widgets.widgets.steered import Steered

if TYPE_CHECKING:
    from nnviz_widgets.engine.engine import Engine

SIDE = 344  # CSS pixels of a picture's longer side: two of them fit a notebook's column


class DeepDream(DreamSaving):
    """A photo, and beside it the dream that grows out of it, octave by octave.

    State: `photo` (kept at its own size), `of` ("layer", "channels", "class"), `layer`, `channels` (a tuple of
    numbers), `target` (class; None for the most probable), `guide` (a second picture, or None), `octaves`,
    `octave_scale`, `steps` (in each octave), `side` (pixels to which a larger photo is reduced), `tile` (pixels that go
    through the network at once), `seed`, `theme`; a change of one of these begins anew. What steers a running dream:
    `step_size` (mean change of a pixel, of 255), `jitter` (pixels).
    The result is the `DreamStep` that is shown; `save_dream` writes the dream itself, `save_flight` a flight into it.

    Mordvintsev, Olah & Tyka, Inceptionism: Going Deeper into Neural Networks, 2015.
    """

    _side = SIDE
    _two_themes = True

    def __init__(self, engine: Engine, picture: Any = None, *, language: str | None = None, **state: Any) -> None:
        super().__init__(engine, language=language, photo=picture, **state)

    def _panes(self) -> dict[str, tuple[int, int]]:
        return dict.fromkeys(("photo", "dream"), (SIDE, SIDE))

    def _build(self) -> list[ipywidgets.Widget]:
        options = layer_options(layers_with_maps(self.engine))
        self._controls = {
            "of": of_buttons(self.language),
            "layer": dropdown(self.language, "layer", options, tip="dream_layer_tip", width="400px"),
        }
        for trait, control in self._controls.items():
            bind(self, trait, control, self._failed)
        self._controls["channels"] = channels_field(self, self.language, self._failed)
        self._controls["target"] = self._class_field("target", "target_top")
        self.observe(self._on_layer, "layer")
        self.observe(self._on_of, "of")
        self._on_of()
        self._frames_of = {name: Frame(self._surface, name) for name in self._surface.sizes}
        save, *flight = self._saving_controls()
        rows = [
            [*self._photo_controls(), *self._controls.values()],
            how_sliders(self, self.language, self._failed),
            [self.run_bar.box, save, self._told],
        ]
        boxes = [ipywidgets.HBox(row) for row in rows]
        for box in boxes:
            box.add_class("nnviz-row")
        panes = ipywidgets.HBox([frame.box for frame in self._frames_of.values()])
        panes.add_class("nnviz-panes")
        asked, how, player = boxes
        how.add_class("nnviz-knobs")
        folded = more(self.language, [*rare(self, self.language, self._failed), *flight])
        return [asked, how, folded, player, panes]

    def _on_of(self, _change: Any = None) -> None:
        acts = {"layer": self.of != "class", "channels": self.of == "channels", "target": self.of == "class"}
        for name, there in acts.items():
            self._controls[name].layout.display = None if there else "none"

    def _on_layer(self, _change: Any) -> None:
        last = self.engine.layers[self.layer].channels - 1
        with self._together():
            self.channels = tuple(k for k in self.channels if k <= last) or (0,)

    def _run(self, state: SimpleNamespace, begin: Moment | None) -> Iterator[Moment]:
        if begin is None:
            plan = plan_dream(
                self.engine,
                reduced(state.x, state.side),
                self._objective_of(state),
                octaves=state.octaves,
                octave_scale=state.octave_scale,
                steps=state.steps,
                guide=state.guide,
                tile=state.tile,
                seed=state.seed,
            )
            first = DreamState(0, 0, plan.base(0))
            self._steered = Steered(self._knobs())
            yield Moment(0, plan.count, DreamStep(0, 0, 0, 0.0, nan, first, plan), first)
        else:
            plan, first = begin.shown.plan, begin.state
            self._steered.cut(begin.step)
        done, knobs, steered = 0 if begin is None else begin.step, self._knobs(), self._steered
        steering = Knobs(knobs["step_size"], knobs["jitter"], lambda: steered.note(done, self._knobs()))
        for step in run_dream(plan, steering, first):
            done = step.number
            yield Moment(step.number, plan.count, step, step.state)

    def _draw(self, state: SimpleNamespace, moment: Moment) -> None:
        step: DreamStep = moment.shown
        height, width = step.plan.sizes[-1]
        ratio = SIDE / max(height, width)
        box = 0.0, 0.0, width * ratio, height * ratio
        photo, smooth = self._bitmap(step.plan.photo)
        dream = Bitmap(dream_pixels(step), exact=not smooth)
        self._surface.show({n: Scene(Sprite(b, box, smooth=smooth)) for n, b in (("photo", photo), ("dream", dream))})
        title, caption = self._title(state), self._caption(step)
        self._frames_of["photo"].say(self._say("dream_photo"), self._photo_caption(step))
        self._frames_of["dream"].say(title, caption)
        for frame in self._frames_of.values():
            frame.cut_to(SIDE, round(height * ratio))
        self._pointer.labels = {"photo": self._photo_caption(step), "dream": f"{title}: {caption}"}

    def _title(self, state: SimpleNamespace) -> str:
        if state.of == "class":
            return self._say("dream_title_class", name=self._class_names[self._class_of(state)])
        if state.guide is not None:
            return self._say("dream_title_guided", layer=state.layer)
        return self._say(f"dream_title_{state.of}", layer=state.layer, channels=", ".join(map(str, state.channels)))

    def _photo_caption(self, step: DreamStep) -> str:
        height, width = step.plan.sizes[-1]
        return self._say("dream_photo_caption", height=height, width=width)

    def _caption(self, step: DreamStep) -> str:
        if not step.number:
            return self._say("dream_caption_begin")
        plan = step.plan
        height, width = plan.sizes[step.octave]
        return self._say(
            "dream_caption",
            octave=step.octave + 1,
            octaves=len(plan.sizes),
            width=width,
            height=height,
            step=step.step,
            steps=plan.steps,
            value=self._number(step.value),
        )

    def _result(self, moment: Moment) -> DreamStep:
        step: DreamStep = moment.shown
        return step

    def _code(self, script: Script, state: SimpleNamespace) -> None:
        state, moment = self._latest_shown()
        script.engine(self.engine)
        picture = script.photo(state.photo)
        options: dict[str, Any] = {name: getattr(state, name) for name in ("octaves", "octave_scale", "steps")}
        options |= self._steered.begun
        if state.guide is not None:
            options["guide"] = script.photo(state.guide_from, "guide")
        options |= {"tile": state.tile, "max_side": state.side, "seed": state.seed}
        if state.of == "class":
            script.note("code_class", name=self.engine.labels[self._class_of(state)])
        script.let("objective", self._objective_of(state))
        options |= script.steered(self._steered.before(moment.step))
        plan = moment.shown.plan
        end = ("number", max(1, moment.step)) if moment.step < plan.count else None
        script.run(call("methods.deepdream", Expr("engine"), picture, Expr("objective"), **options), end=end)

    def _spoken(self) -> dict[str, Any]:
        if self.of == "class":
            return {"of": self.of, "target": self.target}
        return {"of": self.of, "layer": self.layer} | ({"channels": self.channels} if self.of == "channels" else {})

    def _panels(self, state: SimpleNamespace, moment: Moment) -> tuple[list[list[Panel]], str]:
        step: DreamStep = moment.shown
        photo, smooth = self._bitmap(step.plan.photo)
        before = Panel(photo.pixels, self._say("dream_photo"), smooth=smooth)
        return [[before, Panel(dream_pixels(step), self._title(state), smooth=smooth)]], self._caption(step)
