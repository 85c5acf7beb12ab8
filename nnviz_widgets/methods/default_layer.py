"""The layer that Grad-CAM looks at when nobody chose one."""

from __future__ import annotations

from torch import Tensor

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.engine.objectives import Objective
from nnviz_widgets.errors import NnvizError


def default_layer(engine: Engine, x: Tensor, objective: Objective) -> str:
    """The last layer with maps of more than one place on which the objective depends, found on any network.

    A transformer's last tokens are left out where only its class token is read after them. Of a container and its
    last child, which give the same tensor, the shorter name.

    Raises:
        NnvizError: for a network without such a layer.
    """
    layers = engine.layers
    spatial = [layer for layer in layers.distinct() if layer.height is not None and layer.width is not None]
    several = [layer for layer in spatial if layer.shape[1:] != (1, 1)]
    for layer in reversed(several or spatial):
        try:
            found = engine.gradient(x, objective, of=layer).any()
        except NnvizError as error:
            if error.code != "gradient_none":
                raise
            continue
        if found:
            names = [other.name for other in layers if other.same_as == layer.name]
            return min([layer.name, *names], key=len)
    raise NnvizError("network_no_maps", name=engine.name)
