"""Occlusion: hide a square of the photo and see what the network says then; at every position, or where one points."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import ipywidgets
import traitlets

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.live import Partial
from nnviz_widgets.methods.activation_maps import activation_maps
from nnviz_widgets.methods.occluders import check_fill
from nnviz_widgets.methods.occlusion_map import OcclusionMap
from nnviz_widgets.render.figure import Panel
from nnviz_widgets.widgets.code import Expr, Script, call
from nnviz_widgets.widgets.map_layers import check_layer, layers_with_maps, top_layer
from nnviz_widgets.widgets.occlusion_controls import occlusion_controls
from nnviz_widgets.widgets.occlusion_course import Course, Wanted
from nnviz_widgets.widgets.occlusion_hand import Hand
from nnviz_widgets.widgets.occlusion_panes import Shown
from nnviz_widgets.widgets.occlusion_questions import Questions
from nnviz_widgets.widgets.occlusion_square import Corner, check_corner, ground_of
from nnviz_widgets.widgets.occlusion_view import OcclusionView, Seen
from nnviz_widgets.widgets.own_method import OwnMethodWidget
from nnviz_widgets.widgets.pointer import Event
from nnviz_widgets.widgets.scene import Sprite
from nnviz_widgets.widgets.target import TargetWidget
from nnviz_widgets.widgets.validated import validate

if TYPE_CHECKING:
    from nnviz_widgets.engine.engine import Engine

NAP = 0.01  # seconds
SMALL = 0.46  # of the photo's side: two maps of the layer, one over the other


class Occlusion(OwnMethodWidget, TargetWidget):
    """Photo with a square that hides a part of it; maps of what the network says at each of its positions.

    Drag the square, point anywhere, or press arrow keys: bars show the most probable classes at once. Point at a map to
    put the square at that position.

    State: `photo`, `target` (class), `layer` (whose strongest map is added up at each position; "" for none), `size`
    and `stride` of the square in pixels, `fill` ("grey", "black", "white", "blur", "noise", a number in the network's
    input units, or pixel values in 0..1, one a channel), `half` (precision), `square` ((top, left) of the square in
    pixels; None for where it takes most of the class's probability), `theme`.
    `method`: a function f(module, x, target) of your own that gives the class's probability at every position,
    (rows, cols), for this size, stride and fill; it is shown beside the reference with the largest difference.
    The result is the last `OcclusionMap` of `methods.occlusion`.

    Zeiler & Fergus 2014, Visualizing and Understanding Convolutional Networks, figure 7.
    """

    size = traitlets.Int(help="side of the square in pixels").tag(live=True)
    stride = traitlets.Int(help="pixels from one position to the next").tag(live=True)
    # Not `Any`, which lets None pass unchecked.
    fill: Any = traitlets.TraitType("grey", help="of the square").tag(live=True)
    layer = traitlets.Unicode("", help="whose strongest map is added up; empty for none").tag(live=True)
    half = traitlets.Bool(False, help="compute in half precision").tag(live=True)
    square = traitlets.Any(None, help="(top, left) of the square, or None").tag(live=True)

    def __init__(self, engine: Engine, picture: Any = None, *, language: str | None = None, **state: Any) -> None:
        super().__init__(engine, language=language, photo=picture, **state)

    def _start(self, state: dict[str, Any]) -> None:
        spatial = layers_with_maps(self.engine)
        self._side = min(self.engine.contract.size)
        self._course = Course(self.engine)
        self._hand = Hand()
        self.size = state.pop("size", max(1, round(self._side / 7)))
        self.stride = state.pop("stride", max(1, round(self._side / 28)))
        self.layer = state.pop("layer", top_layer(spatial).name)
        self.observe(self._keep_middle, "size")
        super()._start(state)

    @validate("size")
    def _validate_size(self, proposal: Any) -> int:
        height, width = self.engine.contract.size
        if not 1 <= proposal["value"] <= self._side:
            raise NnvizError("occluder_size", size=proposal["value"], height=height, width=width, most=self._side)
        return int(proposal["value"])

    @validate("stride")
    def _validate_stride(self, proposal: Any) -> int:
        if proposal["value"] < 1:
            raise NnvizError("occluder_number", name="stride", value=proposal["value"])
        return int(proposal["value"])

    @validate("fill")
    def _validate_fill(self, proposal: Any) -> str | float | tuple[float, ...]:
        return check_fill(self.engine.contract, proposal["value"])

    @validate("layer")
    def _validate_layer(self, proposal: Any) -> str:
        return check_layer(self.engine, proposal["value"]) if proposal["value"] else ""

    @validate("square")
    def _validate_square(self, proposal: Any) -> Corner | None:
        return check_corner(ground_of(self), proposal["value"])

    def _panes(self) -> dict[str, tuple[int, int]]:
        size = self._photo_size()
        small = round(SMALL * size[0]), round(SMALL * size[1])
        large = dict.fromkeys(("photo", "probability", "predicted", "activation", "own"), size)
        return {**large, "feature": small, "hidden": small}

    def _build(self) -> list[ipywidgets.Widget]:
        self._drawing = OcclusionView(self.engine, self._surface, self.language)
        self._questions = Questions(self.engine, self._worker, self._drawing.answered, self._failed)
        return [*occlusion_controls(self), *self._drawing.rows]

    def _steps(self, state: SimpleNamespace) -> Iterator[Any]:
        clean = self.engine.probabilities(state.x)[0].double().cpu().numpy()
        asked = int(clean.argmax()) if state.target is None else int(state.target)
        shown = Shown(None, asked, clean)
        yield Partial(shown, 0.0)  # the photo and its square are there long before a map
        share = 1.0 if state.method is None else 0.9
        wanted = Wanted(state.x, clean, state.size, state.stride, state.fill, state.layer, state.half)
        for step in self._course.follow(wanted):
            if isinstance(step, OcclusionMap):
                shown = replace(shown, map=step, feature=self._feature(state, step))
            done = step.done if isinstance(step, OcclusionMap) else step
            yield Partial(shown, share * done)
            while done < 1 and self._hand.busy:
                time.sleep(NAP)
                yield Partial(shown, share * done)
        if state.method is not None:
            for own in self._own_steps(state, asked, shown.probability()):
                shown = replace(shown, own=own)
                yield Partial(shown, 1.0 if own.compared else share)

    def _feature(self, state: SimpleNamespace, found: OcclusionMap) -> Any:
        """The clean picture's map whose total is followed, (h, w)."""
        if found.channel is None:
            return None
        return activation_maps(self.engine, state.x, state.layer)[found.channel].float().cpu().numpy()

    def _draw(self, state: SimpleNamespace, shown: Shown) -> None:
        if self._shown is not None and self._shown[0] is state and self._shown[1] is shown:
            return  # only its progress is new
        photo, smooth = self._bitmap(state.x)
        sprite = Sprite(photo, (0, 0, *self._photo_size()), smooth)
        seen = Seen(state.x, sprite, ground_of(self, state), state.fill, state.layer, state.dark, shown)
        self._drawing.draw(seen)
        self._place()
        self._draw_own(state, shown)
        self._pointer.labels = self._drawing.labels()

    def _draw_own(self, state: SimpleNamespace, shown: Shown) -> None:
        if shown.own is None and state.method is not None:
            return  # its turn comes after the map; what it gave before stays so long
        self._say_own(self._drawing.frames["own"], shown.own)
        if shown.own is not None:
            self._surface.show({"own": self._drawing.maps.own_scene(shown.own.compared, dark=state.dark)})

    # The square

    def _place(self) -> None:
        """Show the square where it belongs, and ask what the network says there; from any thread."""
        self._questions.ask(self._drawing.place(self._hand.hover or self.square))

    def _changed(self, change: Any) -> None:
        if change["name"] == "square":  # the map is the same
            self._place()
        else:
            super()._changed(change)

    def _keep_middle(self, change: Any) -> None:
        """A square that was put somewhere grows and shrinks around its middle."""
        if self.square is not None:
            with self._together():
                self.square = ground_of(self).regrown(self.square, change["old"])

    def _on_event(self, event: Event) -> None:
        ground, maps = self._drawing.ground, self._drawing.maps.ready
        if ground is None:
            return
        put = self._hand.take(event, ground, self._drawing.corner, self.square, maps=maps)
        if put == self.square:
            self._place()
        else:
            self.square = put

    def close(self) -> None:
        """Cancel, and free every comm, timer and thread of this widget."""
        if self._open and hasattr(self, "_questions"):
            self._questions.close()
        super().close()
        self._course = Course(self.engine)

    # What is left of it

    def _code(self, script: Script, state: SimpleNamespace) -> None:
        script.engine(self.engine)
        script.input(state.photo)
        options = {"size": state.size, "stride": state.stride, "fill": state.fill}
        options |= {"layer": state.layer} if state.layer else {}
        options |= {"half": True} if state.half else {}
        script.note("code_last")
        script.run(call("methods.occlusion", Expr("engine"), Expr("x"), **options))
        asked = self._asked(state)
        script.note("code_class", name=self.engine.labels[asked])
        script.let("probability", Expr(f"result.probability({asked})"))

    def _result(self, shown: Shown) -> OcclusionMap | None:
        return self.result if shown.map is None else shown.map  # the last one stays until there is another

    def _spoken(self) -> dict[str, Any]:
        return {"target": self.target, "size": self.size, "stride": self.stride, "fill": self.fill}

    def _panels(self, state: SimpleNamespace, shown: Shown) -> tuple[list[list[Panel]], str]:
        return self._drawing.panels()
