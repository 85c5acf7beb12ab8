"""Training: a network learns in a cell, and its filters, maps and mistakes are seen to change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import ipywidgets
import torch
import traitlets
from torch import Tensor, nn

from nnviz_widgets.engine.engine import Engine, Outputs
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.images.image_set import ImageSet
from nnviz_widgets.methods.train import TrainingState, TrainingStep, steps_of_epoch, train
from nnviz_widgets.methods.train_pictures import split
from nnviz_widgets.methods.train_step import KNOBS, learners
from nnviz_widgets.render.figure import Panel
from nnviz_widgets.widgets.code import Expr, Script, call
from nnviz_widgets.widgets.map_layers import check_layer
from nnviz_widgets.widgets.pointer import Event
from nnviz_widgets.widgets.run_bar import Phase
from nnviz_widgets.widgets.run_widget import Moment, RunWidget
from nnviz_widgets.widgets.steered import Steered
from nnviz_widgets.widgets.training_controls import (
    FASTEST,
    LARGEST,
    LONGEST,
    MOST_DECAY,
    MOST_MOMENTUM,
    SLOWEST,
    training_controls,
)
from nnviz_widgets.widgets.training_course import Course
from nnviz_widgets.widgets.training_look import Look, first_filters, look, spatial_layers, telling_layer
from nnviz_widgets.widgets.training_panes import SIDE, TrainingPanes, pane_sizes
from nnviz_widgets.widgets.validated import validate


class Training(RunWidget):
    """The module itself learns from an ImageSet, beside its first filters, the maps of one picture and its curves.

    `engine` is an engine of the same module: any widget of it, `nnviz.Filters(training.engine)`, computes with the
    weights as they are then. Restart puts back the weights that the module had when the widget was made; Stop, the
    end and `close` leave those that it has learned. Over a pane, space pauses and goes on; a click on the mistake
    looks at its maps.

    State: `batch` (pictures a step), `seed`, `test_share` (held out); a change of one of these begins anew. What
    steers: `learning_rate`, `weight_decay`, `momentum`, `epochs`. What is looked at: `example` (number of a picture)
    and `layer` (of its maps). The result is the `TrainingStep` that is shown.

    After Karpathy's ConvNetJS, 2014.
    """

    batch = traitlets.Int(32, min=1, max=LARGEST, help="pictures a step").tag(live=True)
    seed = traitlets.Int(0, min=0, help="of what is held out, of the order, of dropout").tag(live=True)
    test_share = traitlets.Float(0.2, min=0.0, max=0.9, help="of the pictures, held out").tag(live=True)
    learning_rate = traitlets.Float(0.05, min=10.0**SLOWEST, max=10.0**FASTEST, help="of each step").tag(knob=True)
    weight_decay = traitlets.Float(0.0, min=0.0, max=MOST_DECAY, help="pull to 0").tag(knob=True)
    momentum = traitlets.Float(0.9, min=0.0, max=MOST_MOMENTUM, help="share of the last step").tag(knob=True)
    epochs = traitlets.Int(10, min=1, max=LONGEST, help="how often each picture is seen").tag(knob=True)
    example = traitlets.Int(0, help="number of the picture looked at").tag(knob=True)
    layer = traitlets.Unicode(help="whose maps of it are shown").tag(knob=True)

    _side = SIDE

    def __init__(
        self,
        module: nn.Module,
        image_set: ImageSet,
        *,
        mean: float | Sequence[float] | None = None,
        std: float | Sequence[float] | None = None,
        size: int | tuple[int, int] | None = None,
        outputs: Outputs | None = None,
        language: str | None = None,
        **state: Any,
    ) -> None:
        self.image_set = image_set
        engine = _engine_of(module, image_set, mean=mean, std=std, size=size, outputs=outputs)
        super().__init__(engine, language=language, **state)

    def _start(self, state: dict[str, Any]) -> None:
        module = self.engine.module
        self._first, self.spatial = first_filters(self.engine), spatial_layers(self.engine)
        self._weights = [(tensor, tensor.detach().clone()) for tensor in (*module.parameters(), *module.buffers())]
        self._course = Course()
        self._opened: TrainingState | None = None  # its pictures are decoded
        self._seen: tuple[tuple[Any, ...], Tensor, Look] | None = None
        self.layer = state.pop("layer", None) or telling_layer(self.spatial)
        super()._start(state)
        held = split(self.image_set, self.test_share, self.seed)
        if "example" not in state:
            self.example = (*held.test, *held.train)[0]

    @validate("example")
    def _validate_example(self, proposal: Any) -> int:
        index, last = proposal["value"], len(self.image_set) - 1
        if not 0 <= index <= last:
            raise NnvizError("contract_value", field="example", value=index, expected=f"0 to {last}")
        return int(index)

    @validate("layer")
    def _validate_layer(self, proposal: Any) -> str:
        name = proposal["value"]
        return check_layer(self.engine, name) if name or self.spatial else ""

    def _panes(self) -> dict[str, tuple[int, int]]:
        return pane_sizes(self.engine, self._first, self.spatial)

    def _build(self) -> list[ipywidgets.Widget]:
        self._drawn = TrainingPanes(self._surface, self.engine, self.image_set, self.language)
        self.observe(self._on_view, ["example", "layer"])
        self.observe(self._on_epochs, "epochs")
        return [*training_controls(self, self._failed), *self._drawn.rows]

    def _on_view(self, _change: Any) -> None:
        """Something else is looked at: nothing begins anew."""
        if self._open and not self._held:
            self._shown = None
            self._draw_latest()

    def _on_epochs(self, _change: Any) -> None:
        """More of them: a run that was done goes on."""
        if self.phase == "done" and self.moment is not None and self.moment.step < self.epochs * self._each:
            self.phase = "paused"

    @property
    def _each(self) -> int:
        return steps_of_epoch(self.image_set, batch=self.batch, test_share=self.test_share, seed=self.seed)

    def _halt(self, phase: Phase) -> None:
        """What a step has changed is changed: the one under way counts, and then the run ends by itself."""
        if self.phase == "running":
            self._asked = phase
        else:
            super()._halt(phase)

    def _run(self, state: SimpleNamespace, begin: Moment | None) -> Iterator[Moment]:
        if begin is None:
            self._course.clear()
            self._steered = Steered(self._rates())
            with torch.inference_mode(False), torch.no_grad():
                for tensor, first in self._weights:
                    tensor.copy_(first)
        else:
            self._steered.cut(begin.step)
        done, each, steered = 0 if begin is None else begin.step, self._each, self._steered
        made = train(
            self.engine.module,
            self.image_set,
            contract=self.engine.contract,
            outputs=self.engine.outputs,
            epochs=LONGEST,  # where it ends is looked up at each step
            batch=state.batch,
            **self._rates(),
            test_share=state.test_share,
            seed=state.seed,
            knobs=lambda: steered.note(done, self._rates()),
            start=self._opened if begin is None else begin.state,
        )
        for step in made:
            if step.step == 0:
                self._opened = step.state
            done = step.step
            self._course.add(step)
            moment = Moment(step.step, self.epochs * each, step, step.state)
            yield moment
            gone_on = begin is None or step.step > begin.step
            if gone_on and (self._asked is not None or step.step >= moment.steps):
                return

    def _rates(self) -> dict[str, Any]:
        """The knobs that the method has."""
        return {name: getattr(self, name) for name in KNOBS}

    def _code(self, script: Script, state: SimpleNamespace) -> None:
        state, moment = self._latest_shown()
        images = script.images(self.image_set)
        script.note("code_weights")
        contract = self.engine.contract
        options: dict[str, Any] = {"mean": contract.mean, "std": contract.std, "size": contract.size}
        options |= {"outputs": self.engine.outputs, "epochs": self.epochs, "batch": state.batch, **self._steered.begun}
        options |= {"test_share": state.test_share, "seed": state.seed}
        options |= script.steered(self._steered.before(moment.step))
        end = ("step", moment.step) if moment.step < self.epochs * self._each else None
        script.run(call("methods.train", Expr("module"), images, **options), end=end)

    def _draw(self, state: SimpleNamespace, moment: Moment) -> None:
        rate = self.steps_per_second
        x, seen = self._look_at(moment)
        view = SimpleNamespace(
            example=self.example,
            x=x,
            layer=self.layer,
            first=self._first,
            look=seen,
            epochs=self.epochs,
            rate=None if rate is None else rate * state.batch,
        )
        self._pointer.labels = self._drawn.draw(state, view, self._course)

    def _look_at(self, moment: Moment) -> tuple[Tensor, Look]:
        key = moment, self.example, self.layer
        if self._seen is None or self._seen[0] != key:
            x = self._seen[1] if self._seen is not None and self._seen[0][1] == self.example else None
            x = self.engine.prepare(self.image_set[self.example]) if x is None else x
            self._seen = key, x, look(self.engine, x, self._first, self.layer)
        return self._seen[1], self._seen[2]

    def _on_event(self, event: Event) -> None:
        if self._shown is None:
            return
        if event.kind == "key":
            if event.key == " ":
                self.pause() if self.phase == "running" else self.start()
            elif event.key == "Escape":
                self.stop()
        elif event.kind == "click" and event.pane == "wrong" and self._course.wrong is not None:
            self.example = self._course.wrong.index
        elif event.kind == "leave":
            for name in ("filters", "maps"):
                if self._drawn.seen is not None and getattr(self._drawn.seen, name) is not None:
                    self._drawn.frames[name].say_below(self._drawn.caption(name))
        elif event.kind == "move" and event.pane in ("filters", "maps"):
            self._point_at(event)

    def _point_at(self, event: Event) -> None:
        """The value under the pointer, told in the caption."""
        seen, sheet = self._drawn.seen, self._drawn.sheet
        tiles = self._drawn.filters if event.pane == "filters" else None if sheet is None else sheet.tiles
        values = None if seen is None else getattr(seen, event.pane)
        if tiles is None or values is None:
            return
        width, height = self._surface.sizes[event.pane]
        cell = tiles.cell_at(event.x * width, event.y * height, *values.shape[-2:])
        if cell is None:
            return
        index, row, col = cell
        if event.pane == "filters":
            low, high = self._number(values[index].min()), self._number(values[index].max())
            words = self._say("training_filters_hover", filter=index, low=low, high=high)
        else:
            value = self._number(values[index, row, col])
            words = self._say("training_maps_hover", channel=index, row=row, col=col, value=value)
        self._drawn.frames[event.pane].say_below(words)

    def _result(self, moment: Moment) -> TrainingStep:
        assert isinstance(moment.shown, TrainingStep)
        return moment.shown

    def _spoken(self) -> dict[str, Any]:
        names = ("learning_rate", "weight_decay", "momentum", "batch", "epochs", "seed")
        return {name: getattr(self, name) for name in names}

    def _panels(self, state: SimpleNamespace, moment: Moment) -> tuple[list[list[Panel]], str]:
        return self._drawn.panels()


def _engine_of(module: nn.Module, image_set: ImageSet, **settings: Any) -> Engine:
    """An engine where the module is, whose labels are the classes; outputs beyond them have numbers."""
    if not isinstance(image_set, ImageSet):
        raise NnvizError("set_given", type=type(image_set).__name__)
    split(image_set, 0.0, 0)
    if isinstance(module, nn.Module):
        settings["device"] = learners(module)[0].device
    engine = Engine(module, **settings)
    count, known = len(engine.labels), image_set.classes
    highest = max(label for label in image_set.labels if label is not None)
    if highest >= count:
        raise NnvizError("train_outputs", index=highest, outputs=count)
    labels = [*known[:count], *map(str, range(len(known), count))]
    return Engine(module, **{**settings, "outputs": engine.outputs}, labels=labels)
