"""The controls of a map of pictures, in rows: what is shown, how the map is made, and what dragging does."""

from __future__ import annotations

from typing import Any

import ipywidgets

from nnviz_widgets.lang import say
from nnviz_widgets.widgets.controls import bind, dropdown, index_slider
from nnviz_widgets.widgets.embedding_map_layouts import OPTIONS
from nnviz_widgets.widgets.embedding_map_state import COLOURS, KINDS, SHOWN, TOOLS


def made_row(widget: Any, refused: Any) -> list[ipywidgets.Widget]:
    """The map and what it is made with: each kind has options of its own."""
    language = widget.language
    filled = ipywidgets.ToggleButton(
        description=say(language, "filled"),
        tooltip=say(language, "filled_tip"),
        layout=ipywidgets.Layout(width="auto"),
    )
    found = {
        "kind": dropdown(language, "kind", [(say(language, f"kind_{name}"), name) for name in KINDS]),
        "filled": filled,
        "metric": dropdown(
            language, "metric", [(say(language, f"metric_{name}"), name) for name in ("euclidean", "cosine")]
        ),
        "perplexity": _number(language, "perplexity", 2, 200, 1.0),
        "neighbours": _number(language, "neighbours", 2, 200, 1),
        "minimal_distance": _number(language, "minimal_distance", 0, 0.99, 0.01),
        "seed": _number(language, "seed", 0, 2**31 - 1, 1),
    }
    for name, control in found.items():
        bind(widget, name, control, refused)

    def acts(_change: Any = None) -> None:
        for name in {name for names in OPTIONS.values() for name in names} - {"metric"}:
            found[name].layout.display = None if name in OPTIONS[widget.kind] else "none"

    widget.observe(acts, "kind")
    acts()
    return list(found.values())


def drawn_row(widget: Any, refused: Any) -> list[ipywidgets.Widget]:
    """How the pictures of a map are drawn."""
    language = widget.language
    side = index_slider(language, "side", 96, width="250px")
    side.min = 10
    found = {
        "show": dropdown(language, "show", [(say(language, f"show_{name}"), name) for name in SHOWN]),
        "colours": dropdown(language, "colours", [(say(language, f"colours_{name}"), name) for name in COLOURS]),
        "side": side,
    }
    for name, control in found.items():
        bind(widget, name, control, refused)

    def acts(_change: Any = None) -> None:
        side.disabled = widget.filled or widget.show != "pictures"
        reason = "side_filled" if widget.filled else "side_marks"
        side.tooltip = say(language, reason) if side.disabled else say(language, "side_tip")

    widget.observe(acts, ["filled", "show"])
    acts()
    return list(found.values())


def hand_row(widget: Any) -> list[ipywidgets.Widget]:
    """Pan or lasso, closer, farther, all."""
    language = widget.language
    tool = ipywidgets.ToggleButtons(
        options=[(say(language, f"tool_{name}"), name) for name in TOOLS],
        tooltips=[say(language, f"tool_{name}_tip") for name in TOOLS],
        style={"button_width": "auto"},
    )
    bind(widget, "tool", tool, widget._failed)
    buttons = []
    for key, do in (
        ("zoom_in", lambda: widget.zoom(1.5)),
        ("zoom_out", lambda: widget.zoom(1 / 1.5)),
        ("zoom_all", widget.show_all),
    ):
        button = ipywidgets.Button(
            description=say(language, key), tooltip=say(language, f"{key}_tip"), layout=ipywidgets.Layout(width="auto")
        )
        button.on_click(lambda _button, do=do: do())
        buttons.append(button)
    return [tool, *buttons]


def _number(language: str, key: str, least: float, most: float, step: float) -> Any:
    """A field for a number, taken when it is left: a map takes seconds."""
    whole = isinstance(step, int)
    kind = ipywidgets.BoundedIntText if whole else ipywidgets.BoundedFloatText
    return kind(
        min=least,
        max=most,
        step=step,
        description=say(language, key),
        tooltip=say(language, f"{key}_tip"),
        style={"description_width": "initial"},
        layout=ipywidgets.Layout(width="auto", max_width="190px"),
    )
