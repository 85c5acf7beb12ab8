"""A browser in a few lines: it runs the commands that a surface sends, and acknowledges when told to."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from ipycanvas.canvas import COMMANDS, _CanvasManager
from PIL import Image, ImageColor

from nnviz_widgets.render.resize import enlarge_sharp, resize_smooth
from nnviz_widgets.widgets.surface import Surface

NAMES = {number: name for name, number in COMMANDS.items()}
FILL, STROKE, ALPHA, LINE_WIDTH, SMOOTH = 0, 1, 2, 8, 18  # how ipycanvas numbers what can be set


class Pixels:
    """One canvas and the state of its context."""

    def __init__(self, canvas: Any) -> None:
        self.array = np.zeros((int(canvas.height), int(canvas.width), 4), dtype=np.uint8)
        self.state: dict[Any, Any] = {"matrix": (1.0, 1.0, 0.0, 0.0), ALPHA: 1.0, SMOOTH: True}
        self.stack: list[dict[Any, Any]] = []
        self.path: list[tuple[int, int, int, int]] = []

    def box(self, x: float, y: float, w: float, h: float) -> tuple[int, int, int, int]:
        sx, sy, tx, ty = self.state["matrix"]
        return round(tx + x * sx), round(ty + y * sy), round(w * sx), round(h * sy)

    def fill(self, box: tuple[float, ...], colour: tuple[int, ...]) -> None:
        x, y, w, h = self.box(*box)
        self.array[max(0, y) : max(0, y + h), max(0, x) : max(0, x + w)] = colour

    def stroke(self, x: float, y: float, w: float, h: float) -> None:
        line, colour = self.state[LINE_WIDTH], (*ImageColor.getrgb(self.state[STROKE]), 255)
        left, top, right, bottom = x - line / 2, y - line / 2, x + w + line / 2, y + h + line / 2
        for box in (
            (left, top, right - left, line),
            (left, bottom - line, right - left, line),
            (left, top, line, bottom - top),
            (right - line, top, line, bottom - top),
        ):
            self.fill(box, colour)

    def draw(self, picture: np.ndarray, box: tuple[float, ...]) -> None:
        x, y, w, h = self.box(*box)
        over = (resize_smooth if self.state[SMOOTH] else enlarge_sharp)(picture, h, w)
        alpha = (over[..., 3:] if over.shape[2] == 4 else np.full((h, w, 1), 255)) / 255 * self.state[ALPHA]
        under = self.array[y : y + h, x : x + w].astype(float)
        below = under[..., 3:] / 255 * (1 - alpha)
        total = alpha + below
        mixed = (over[..., :3] * alpha + under[..., :3] * below) / np.where(total > 0, total, 1)
        self.array[y : y + h, x : x + w] = np.rint(np.concatenate([mixed, 255 * total], 2))


class Page:
    """Shows a surface as far as its frames have come."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.batches: list[tuple[Any, list[Any], list[bytes]]] = []
        self.canvases: dict[str, Pixels] = {}
        self.acknowledged = 0
        monkeypatch.setattr(_CanvasManager, "_send_custom", lambda *batch: self.batches.append(batch))

    def open(self, surface: Surface) -> None:
        """Load the page (anew): it makes all canvases, empty, and says so."""
        self.surface = surface
        self.batches.clear()
        self.canvases = {f"IPY_MODEL_{canvas.model_id}": Pixels(canvas) for canvas in surface._all()}
        for canvas in surface._all():
            canvas._handle_custom_msg({"event": "client_ready"}, [])

    @property
    def frames(self) -> list[int]:
        """Numbers of the frames that are on their way."""
        ack = f"IPY_MODEL_{self.surface.echo.model_id}"
        found, canvas = [], None
        for _, commands, _ in self.batches:
            for number, *arguments in commands:
                if NAMES[number] == "switchCanvas":
                    (canvas,) = arguments[0]
                elif NAMES[number] == "set" and canvas == ack:
                    found.append(int(arguments[0][1][1:], 16))
        return found

    def bitmaps(self) -> int:
        """How many pictures are on their way, as files or as rectangles."""
        drawing = COMMANDS["putImageData"], COMMANDS["fillStyledRects"]
        return sum(command[0] in drawing for _, commands, _ in self.batches for command in commands)

    def draw_next(self) -> int:
        """Run the oldest batch and acknowledge it; returns its frame's number."""
        number = self.frames[0]
        self.run(*self.batches.pop(0)[1:])
        self.acknowledge(number)
        return number

    def draw_all(self) -> None:
        while self.batches:
            self.draw_next()

    def acknowledge(self, number: int) -> None:
        stream = io.BytesIO()
        Image.new("RGBA", (1, 1), (number >> 16 & 255, number >> 8 & 255, number & 255, 255)).save(stream, "PNG")
        self.surface.echo.set_trait("image_data", stream.getvalue())

    def shows(self, name: str) -> np.ndarray:
        return self.canvases[f"IPY_MODEL_{self.surface.canvases[name].model_id}"].array

    def run(self, commands: list[Any], buffers: list[bytes]) -> None:
        buffers, canvas = list(buffers), None
        for number, *rest in commands:
            name, arguments = NAMES[number], rest[0]
            if name == "switchCanvas":
                canvas = self.canvases[arguments[0]]
                continue
            assert canvas is not None, "a batch must say which canvas it begins with"
            state = canvas.state
            kept = None if state.get("clip") is None else canvas.array.copy()
            sx, sy, tx, ty = state["matrix"]
            if name == "beginPath":
                canvas.path = []
            elif name == "rect":
                canvas.path.append(canvas.box(*arguments))
            elif name == "clip":
                state["clip"] = np.zeros(canvas.array.shape[:2], bool)
                for x, y, w, h in canvas.path:
                    state["clip"][max(0, y) : max(0, y + h), max(0, x) : max(0, x + w)] = True
            elif name == "set":
                state[arguments[0]] = arguments[1]
            elif name == "resetTransform":
                state["matrix"] = (1.0, 1.0, 0.0, 0.0)
            elif name == "scale":
                state["matrix"] = (sx * arguments[0], sy * arguments[1], tx, ty)
            elif name == "translate":
                state["matrix"] = (sx, sy, tx + sx * arguments[0], ty + sy * arguments[1])
            elif name == "save":
                canvas.stack.append(dict(state))
            elif name == "restore":
                canvas.state = canvas.stack.pop() if canvas.stack else canvas.state
            elif name == "clearRect":
                canvas.fill(arguments, (0, 0, 0, 0))
            elif name == "fillRect":
                canvas.fill(arguments, (*ImageColor.getrgb(state.get(FILL, "#000000")), 255))
            elif name == "strokeRect":
                canvas.stroke(*arguments)
            elif name == "drawImage":
                canvas.draw(self.canvases[arguments[0]].array, tuple(arguments[1:]))
            elif name == "fillStyledRects":
                arrays = [np.frombuffer(buffers.pop(0), part["dtype"]).reshape(part["shape"]) for part in arguments[:5]]
                assert arguments[5] == state[ALPHA] == 1
                for *box, colour in zip(*arrays, strict=True):
                    canvas.fill(tuple(map(int, box)), (*colour, 255))
            elif name == "putImageData":
                picture = np.asarray(Image.open(io.BytesIO(buffers.pop(0))).convert("RGBA"))
                canvas.draw(picture, (*arguments, picture.shape[1], picture.shape[0]))
            else:
                raise AssertionError(f"this page does not know {name}")
            if kept is not None and "clip" in state:
                outside = ~state["clip"]
                canvas.array[outside] = kept[outside]
