"""The state of a dream: its traits, what they refuse, and the objective that they stand for."""

from __future__ import annotations

from operator import index
from types import SimpleNamespace
from typing import Any

import traitlets
from torch import Tensor

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.engine.objectives import Objective, channel, layer_energy, logit
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.images.samples import sample
from nnviz_widgets.methods.dream_octaves import open_photo, resize
from nnviz_widgets.widgets.class_choice import ClassChoice
from nnviz_widgets.widgets.map_layers import check_channel, check_layer, layers_with_maps
from nnviz_widgets.widgets.photo_controls import is_sample
from nnviz_widgets.widgets.run_widget import RunWidget
from nnviz_widgets.widgets.still import StillWidget
from nnviz_widgets.widgets.validated import validate

OF = ("layer", "channels", "class")
LARGEST = 2048  # pixels of a photo's longer side
STRIDE = 16  # pixels of the picture for one of a map, where maps answer to eyes, fur and patterns
LIVELY = ("ReLU", "ReLU6", "SiLU", "GELU", "Hardswish", "LeakyReLU", "ELU", "PReLU")


class DreamTraits(RunWidget, ClassChoice, StillWidget):
    """The traits of `DeepDream`; what each means stands there."""

    of = traitlets.Enum(OF, "layer", help="what is strengthened").tag(live=True)
    layer = traitlets.Unicode(help="whose activations are strengthened").tag(live=True)
    channels = traitlets.Any((0,), help="numbers of its channels").tag(live=True)
    guide = traitlets.Any(None, help="a second picture, or None").tag(live=True)
    octaves = traitlets.Int(4, min=1, max=12, help="sizes in which it is dreamt").tag(live=True)
    octave_scale = traitlets.Float(1.4, min=1.05, max=3, help="from one size to the next").tag(live=True)
    steps = traitlets.Int(20, min=1, max=1000, help="in each octave").tag(live=True)
    side = traitlets.Int(384, min=16, max=LARGEST, help="longest side in pixels").tag(live=True)
    tile = traitlets.Int(512, min=16, max=LARGEST, help="side in pixels that goes through at once").tag(live=True)
    seed = traitlets.Int(0, min=0, max=2**31 - 1, help="of the shifts").tag(live=True)
    step_size = traitlets.Float(1.5, min=0, max=50, help="mean change of a pixel, of 255").tag(knob=True)
    jitter = traitlets.Int(32, min=0, max=256, help="pixels").tag(knob=True)

    def _start(self, state: dict[str, Any]) -> None:
        self.layer = state.pop("layer", None) or dreamy_layer(self.engine)
        self._guide: tuple[Any, Tensor] | None = None
        super()._start(state)

    @validate("layer")
    def _validate_layer(self, proposal: Any) -> str:
        return check_layer(self.engine, proposal["value"])

    @validate("channels")
    def _validate_channels(self, proposal: Any) -> tuple[int, ...]:
        value = proposal["value"]
        try:
            found = tuple(map(index, value)) if isinstance(value, list | tuple) else (index(value),)
        except TypeError as error:
            raise NnvizError("index_type", value=value) from error
        if not found:
            raise NnvizError("index_type", value=value)
        return tuple(dict.fromkeys(check_channel(self.engine, self.layer, k) for k in found))

    @validate("guide")
    def _validate_guide(self, proposal: Any) -> Any:
        self._guide_of(proposal["value"])
        return proposal["value"]

    def _prepare(self, photo: Any) -> Tensor:
        """Not cropped to the network's size."""
        return open_photo(self.engine, sample(photo) if is_sample(photo) else photo, LARGEST)

    def _guide_of(self, guide: Any) -> Tensor:
        if self._guide is None or self._guide[0] is not guide:
            source = sample(guide) if is_sample(guide) else guide
            self._guide = guide, open_photo(self.engine, source, max(self.engine.contract.size))
        return self._guide[1]

    def _snapshot(self) -> SimpleNamespace:
        state = super()._snapshot()
        guided = state.guide is not None and state.of != "class"
        state.guide_from = state.guide
        state.guide = self._guide_of(state.guide) if guided else None
        return state

    def _objective_of(self, state: SimpleNamespace) -> Objective:
        """What a state strengthens. Worker's thread."""
        if state.of == "layer" or state.guide is not None:
            return layer_energy(state.layer)
        if state.of == "channels":
            first, *others = (channel(state.layer, k) for k in state.channels)
            return sum(others, first)
        return logit(self._class_of(state))

    def _class_of(self, state: SimpleNamespace) -> int:
        """The class dreamt of; the most probable one where none was chosen."""
        if state.target is None:
            state.target = self.engine.top(resize(state.x, self.engine.contract.size), 1)[0][0]
        return int(state.target)


def dreamy_layer(engine: Engine) -> str:
    """The last rectified layer of a sixteenth of the input's height, else the last before that, else any with maps."""
    layers = layers_with_maps(engine)
    fine = [layer for layer in layers if layer.shape[1] * STRIDE >= engine.contract.size[0]] or layers
    return ([layer for layer in fine if layer.kind in LIVELY] or fine)[-1].name
