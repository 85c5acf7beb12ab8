"""Frames -> an animated GIF or WebP, written as they come: memory does not grow with their number.

Pillow's own writers hold every frame until the last; so each is encoded alone, and the files are put together here.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np
from PIL import Image

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.render.colormap import Pixels
from nnviz_widgets.render.resize import resize_smooth

MOST_COLOURS = 256  # of one frame of a GIF
MOST_RATE = 50  # frames a second: browsers slow down what is quicker


def write_animation(
    path: str | Path,
    frames: Iterable[Pixels],
    *,
    rate: float = 12,
    size: int | tuple[int, int] | None = None,
    hold: float = 0,
) -> Path:
    """Write frames uint8 (h, w, 3), all of one size, as an animation that loops; the name's ending says which kind.

    The file appears whole, at the end: when the frames fail or are cancelled on the way, nothing is left.

    Args:
        path: ends in .gif (256 colours a frame, chosen for it, undithered) or .webp (all colours, much smaller).
        frames: an iterator is asked for one frame after another.
        rate: frames a second, up to 50.
        size: of the animation: the longer side in pixels, or (height, width); that of the frames when left out.
        hold: seconds for which the last frame stays longer.

    Raises:
        NnvizError: for another ending, no frame at all, or frames that differ in size.
    """
    path = Path(path).expanduser()
    kind = KINDS.get(path.suffix.lower())
    if kind is None:
        raise NnvizError("animation_suffix", path=str(path))
    if not 0 < rate <= MOST_RATE:
        raise NnvizError("animation_rate", rate=rate, most=MOST_RATE)
    unfinished = path.with_name(f"{path.name}.part")
    try:
        with unfinished.open("wb") as stream:
            writer: Writer | None = None
            for pixels, milliseconds in _timed(_sized(frames, size), rate, hold):
                writer = writer or kind(stream, *pixels.shape[:2])
                writer.add(pixels, milliseconds)
            if writer is None:
                raise NnvizError("animation_empty", path=path.name)
            writer.finish()
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path


def _sized(frames: Iterable[Pixels], size: int | tuple[int, int] | None) -> Iterator[Pixels]:
    first: tuple[int, ...] | None = None
    for frame in frames:
        if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3:
            raise NnvizError("pixels_type", dtype=frame.dtype, shape=frame.shape)
        first = first or frame.shape
        if frame.shape != first:
            raise NnvizError("animation_frames", first=first[:2], other=frame.shape[:2])
        height, width = frame.shape[:2]
        if isinstance(size, tuple):
            new = size
        else:
            scale = 1 if size is None else size / max(height, width)
            new = max(1, round(height * scale)), max(1, round(width * scale))
        yield frame if new == (height, width) else resize_smooth(frame, *new)


def _timed(frames: Iterable[Pixels], rate: float, hold: float) -> Iterator[tuple[Pixels, int]]:
    """Each frame with its milliseconds, in the whole hundredths of a second of a GIF; on average they are right."""
    last: Pixels | None = None
    shown = 0  # hundredths of a second so far
    for number, frame in enumerate(frames):
        if last is not None:
            ends = round(100 * number / rate)
            yield last, 10 * (ends - shown)
            shown = ends
        last = frame
    if last is not None:
        yield last, 10 * max(1, round(100 * (1 / rate + hold)))


def _parts_of_gif(data: bytes) -> tuple[bytes, bytes]:
    """The palette of a file with one picture, and the picture: its place and size (10 bytes), then its pixels."""
    at = 13 + 3 * 2 ** ((data[10] & 7) + 1)
    palette = data[13:at]
    while data[at : at + 1] == b"!":  # an extension: a name of two bytes, and blocks that say how long they are
        at += 2
        while data[at]:
            at += 1 + data[at]
        at += 1
    return palette, data[at:-1]


class Writer(Protocol):
    """One kind of file, frame by frame."""

    def __init__(self, stream: BinaryIO, height: int, width: int) -> None: ...
    def add(self, pixels: Pixels, milliseconds: int) -> None: ...
    def finish(self) -> None: ...


class Gif:
    """GIF89a, each frame with a palette of its own."""

    def __init__(self, stream: BinaryIO, height: int, width: int) -> None:
        self._stream = stream
        stream.write(b"GIF89a" + _little(width, 2) + _little(height, 2) + b"\0\0\0")
        stream.write(b"!\xff\x0bNETSCAPE2.0\x03\x01\0\0\0")  # again and again

    def add(self, pixels: Pixels, milliseconds: int) -> None:
        frame = Image.fromarray(pixels).quantize(MOST_COLOURS, Image.Quantize.MEDIANCUT)  # chosen alone: undithered
        buffer = io.BytesIO()
        frame.save(buffer, "GIF", interlace=False, optimize=False)
        palette, image = _parts_of_gif(buffer.getvalue())
        bits = (len(palette) // 3).bit_length() - 1
        self._stream.write(b"!\xf9\x04\x04" + _little(milliseconds // 10, 2) + b"\0\0")
        self._stream.write(image[:9] + bytes([0x80 | bits - 1]) + palette + image[10:])

    def finish(self) -> None:
        self._stream.write(b";")


class WebP:
    """A RIFF file whose frames are pictures that Pillow has encoded, each whole."""

    def __init__(self, stream: BinaryIO, height: int, width: int) -> None:
        self._stream = stream
        self._size = _little(width - 1, 3) + _little(height - 1, 3)
        stream.write(b"RIFF\0\0\0\0WEBP")  # how long it is: see finish
        self._chunk(b"VP8X", b"\x02\0\0\0" + self._size)
        self._chunk(b"ANIM", b"\xff\xff\xff\xff\0\0")  # again and again

    def add(self, pixels: Pixels, milliseconds: int) -> None:
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "WEBP", quality=85, method=2)
        picture = buffer.getvalue()[12:]  # without its own RIFF header
        self._chunk(b"ANMF", b"\0" * 6 + self._size + _little(milliseconds, 3) + b"\x02" + picture)

    def finish(self) -> None:
        end = self._stream.tell()
        self._stream.seek(4)
        self._stream.write(_little(end - 8, 4))
        self._stream.seek(end)

    def _chunk(self, name: bytes, content: bytes) -> None:
        self._stream.write(name + _little(len(content), 4) + content + b"\0" * (len(content) % 2))


def _little(number: int, size: int) -> bytes:
    return number.to_bytes(size, "little")


KINDS: dict[str, type[Writer]] = {".gif": Gif, ".webp": WebP}
