"""A camera that plays a film in which each frame carries its own number, and a browser that has it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

BANDS = 8  # across the picture, between a tenth and nine tenths of its height: a mark, then the bits of the number
DARK, LIGHT = 40, 215
SIZE = (320, 240)  # of the film; the network sees the square in its middle

# What the tests ask of a page: the number that a pane shows, and what became of the streams that were opened.
SCRIPT = """
window.nnvizStreams = [];
if (navigator.mediaDevices) {
  const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    const stream = await open(wanted);
    window.nnvizStreams.push(stream);
    return stream;
  };
}
window.nnvizCamera = {
  on: () => window.nnvizStreams.filter((s) => s.getTracks().some((t) => t.readyState === "live")).length,
  // [number, whether the mark is on the right]; number -1 where there is no picture. Cuts off what is no square.
  read(pen, width, height) {
    const left = (width - height) / 2, bright = (x, band) => {
      const [r, g, b, a] = pen.getImageData(left + x * height, (0.15 + 0.1 * band) * height, 1, 1).data;
      return a < 255 ? NaN : (r + g + b) / 3;
    };
    const marks = [bright(0.3, 0), bright(0.7, 0)];
    if (!(Math.abs(marks[0] - marks[1]) > 60)) return [-1, false];
    let number = 0;
    for (let band = 1; band < 8; band++) number = 2 * number + (bright(0.3, band) > 127 ? 1 : 0);
    return [number, marks[1] > marks[0]];
  },
  pane(name) {
    const canvas = document.querySelector(`canvas.nnviz-pane-${name}`);
    return canvas ? this.read(canvas.getContext("2d"), canvas.width, canvas.height) : [-1, false];
  },
};
"""


def write_film(path: Path, *, frames: int = 128, rate: int = 20) -> Path:
    """A YUV4MPEG film, played again and again by the browser; frame i carries the number i, up to 127."""
    width, height = SIZE
    chroma = np.full(width * height // 2, 128, np.uint8).tobytes()
    with path.open("wb") as stream:
        stream.write(f"YUV4MPEG2 W{width} H{height} F{rate}:1 Ip A1:1 C420jpeg\n".encode())
        for number in range(frames):
            stream.write(b"FRAME\n" + luminance(number).tobytes() + chroma)
    return path


def luminance(number: int) -> np.ndarray:
    """A frame, (height, width): the mark is light on the left, a bit that is set is a light band."""
    width, height = SIZE
    picture = np.full((height, width), 128, np.uint8)
    edges = [round((0.1 + 0.1 * band) * height) for band in range(BANDS + 1)]
    picture[edges[0] : edges[1]] = DARK
    picture[edges[0] : edges[1], : width // 2] = LIGHT
    for band in range(1, BANDS):
        bit = number >> (BANDS - 1 - band) & 1
        picture[edges[band] : edges[band + 1]] = LIGHT if bit else DARK
    return picture


def flags(film: Path, *, ask: bool = False) -> tuple[str, ...]:
    """What makes Chromium play a film as its camera; with `ask` a page still needs a permission."""
    fake = ("--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={film}")
    return fake if ask else (*fake, "--use-fake-ui-for-media-stream")
