"""Names of the files that a widget writes."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from nnviz_widgets.errors import NnvizError


def picture_path(path: str | Path) -> Path:
    """The path, its ~ resolved; an error where the ending does not say what kind of picture to write."""
    path = Path(path).expanduser()
    if Image.registered_extensions().get(path.suffix.lower()) not in Image.SAVE:
        raise NnvizError("path_suffix", path=str(path))
    return path


def free_path(path: Path) -> Path:
    """The path itself, or with a number where that is taken: nothing is overwritten."""
    found, number = path, 2
    while found.exists():
        found, number = path.with_stem(f"{path.stem}-{number}"), number + 1
    return found
