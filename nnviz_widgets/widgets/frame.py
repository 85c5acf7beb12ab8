"""A pane with its words: title above, colour bar beside, caption below."""

from __future__ import annotations

import base64
import html

import ipywidgets
import numpy as np

from nnviz_widgets.render.colorbar import ticks
from nnviz_widgets.render.encode import encode_png
from nnviz_widgets.render.scale import Colours, Scale
from nnviz_widgets.widgets.surface import Surface


class Frame:
    """One pane of a surface, framed.

    Args:
        bar: whether there is room for a colour bar beside the pane.
        decimal: the decimal mark of its numbers.
    """

    def __init__(self, surface: Surface, name: str, *, bar: bool = False, decimal: str = ".") -> None:
        width, height = surface.sizes[name]
        self.width, self.height = width, height
        self._shown: tuple[object, ...] = ()
        self._decimal = decimal
        self.title = ipywidgets.HTML()
        self.caption = ipywidgets.HTML(layout=ipywidgets.Layout(width=f"{width}px", max_width="100%"))
        self.bar = ipywidgets.HTML() if bar else None
        # The canvas is as high as it may ever need to be; cutting it to what is shown never wipes it.
        self.cut = ipywidgets.Box([surface.canvases[name]], layout=ipywidgets.Layout(max_width="100%", flex="0 1 auto"))
        self.cut.add_class("nnviz-cut")
        if bar:
            surface.canvases[name].layout.max_width = "none"  # cutting its left off must not shrink it
        self.picture = ipywidgets.HBox([self.cut, self.bar] if self.bar else [self.cut])
        self.picture.add_class("nnviz-picture")
        self.box = ipywidgets.VBox([self.title, self.picture, self.caption], layout=ipywidgets.Layout(max_width="100%"))

    def say(self, title: str, caption: str) -> None:
        """Set title and caption; any character is shown as it is."""
        self.picture.layout.display = None
        self.say_above(title)
        self.say_below(caption)

    def say_above(self, title: str) -> None:
        self.title.value = f'<div class="nnviz-title">{html.escape(title)}</div>'

    def say_below(self, caption: str, *, before: str = "") -> None:
        """Set the caption; `before` it stands HTML whose texts are escaped already."""
        self.caption.value = f'{before}<div class="nnviz-caption">{html.escape(caption)}</div>'

    def refuse(self, title: str, reason: str) -> None:
        """Say in place of the picture why there is none."""
        self.say_above(title)
        self.picture.layout.display = "none"
        self.caption.value = (
            f'<div class="nnviz-refused" style="min-height:{self.height}px">{html.escape(reason)}</div>'
        )

    def show_bar(self, scale: Scale, label: str, colours: Colours, *, height: int | None = None) -> None:
        """The colour bar for a scale, its numbers in the page's own colours; as high as the pane if not said."""
        key = (scale, label, colours, height)
        if self.bar is not None and key != self._shown:
            self._shown = key
            self.bar.value = colour_bar(scale, label, colours, height=height or self.height, decimal=self._decimal)

    def cut_to(self, width: int, height: int) -> None:
        """Show only the upper part of the pane, in CSS pixels; its left too where a colour bar stands beside it."""
        if self.bar is not None:
            self.cut.layout.width = None if width >= self.width else f"{width}px"
        self.cut.layout.height = None if height >= self.height else f"{height}px"


def colour_bar(scale: Scale, label: str, colours: Colours, *, height: int, decimal: str = ".") -> str:
    """A vertical colour bar as HTML: the page gives its own text colours; `decimal` is the decimal mark."""
    pixels = colours(np.linspace(1, -1 if scale.signed else 0, 128)[:, None])
    source = base64.b64encode(encode_png(pixels)).decode()
    marks = "".join(
        f'<span class="nnviz-tick" style="top:{100 * (1 - place):.2f}%">{html.escape(text)}</span>'
        for place, text in ticks(scale, most=6, decimal=decimal)
    )
    return (
        f'<div class="nnviz-bar" style="height:{height}px"><img alt="" src="data:image/png;base64,{source}">{marks}'
        f'<span class="nnviz-what">{html.escape(label)}</span></div>'
    )
