"""How many strips the page has laid beside each other: what an arrow key up or down must know."""

from __future__ import annotations

from pathlib import Path

import anywidget
import traitlets


class Room(anywidget.AnyWidget):
    """Has no picture of its own; it looks at the strips of the widget that it is a child of."""

    _esm = Path(__file__).parent / "ascent_sheet_room.js"
    across = traitlets.Int(3, help="strips in a row").tag(sync=True)
