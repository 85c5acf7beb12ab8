"""The numbers that a preset's paper gives, and those that are in force here, beside each other."""

from __future__ import annotations

import html
from typing import Any

import ipywidgets

from nnviz_widgets.lang import TEXT, say
from nnviz_widgets.methods.presets import Preset, preset
from nnviz_widgets.widgets.number import decimal_mark


class Published:
    """A small table that follows the preset and the knobs; nothing where there is no paper."""

    def __init__(self, widget: Any, language: str) -> None:
        self._widget, self._language = widget, language
        self.text = ipywidgets.HTML(layout=ipywidgets.Layout(max_width="100%"))
        widget.observe(self._show, ["preset", "start_from", *widget.trait_names(knob=True)])
        self._show()

    def _show(self, change: Any = None) -> None:
        chosen = preset(self._widget.preset)
        if change is None or change["name"] in ("preset", "start_from", *chosen.published):
            self.text.value = self._table(chosen) if chosen.published else ""

    def _table(self, chosen: Preset) -> str:
        language, names = self._language, list(chosen.published)
        published = say(language, "ascent_published_pixels" if chosen.in_pixels else "ascent_published")
        rows = [
            ("", [say(language, f"ascent_{'start_from' if name == 'start' else name}") for name in names], "th"),
            (published, [translated(language, chosen.published[name]) for name in names], "td"),
            (say(language, "ascent_here"), [self._here(name) for name in names], "td"),
        ]
        body = "".join(
            f"<tr><th>{html.escape(head)}</th>{''.join(f'<{tag}>{html.escape(cell)}</{tag}>' for cell in cells)}</tr>"
            for head, cells, tag in rows
        )
        return f'<table class="nnviz-published" title="{html.escape(chosen.paper)}">{body}</table>'

    def _here(self, name: str) -> str:
        if name == "start":
            return say(self._language, f"ascent_start_{self._widget.start_from}")
        return f"{getattr(self._widget, name):.3g}".replace(".", decimal_mark(self._language))


def translated(language: str, published: str) -> str:
    """A paper's number with its words in a language; what has no words is a number."""
    number = published.replace(".", decimal_mark(language))
    return str(TEXT[language].get(f"ascent_said: {published}", number))
