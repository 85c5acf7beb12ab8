"""The front page: its code is run, its pictures and links are there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import ipywidgets
import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
GALLERY = TEXT[TEXT.index("## Gallery") : TEXT.index("## In a cell")]
BLOCKS = dict(re.findall(r"^### (.+?)\n.*?```python\n(.*?)```", GALLERY, re.DOTALL | re.MULTILINE))
SLOW = re.compile(r"^.*\.(compute|save)\(.*$", re.MULTILINE)


@pytest.fixture(scope="module")
def begun() -> dict[str, Any]:
    found: dict[str, Any] = {}
    exec(re.search(r"```python\n(.*?)```", GALLERY, re.DOTALL)[1], found)
    exec("from nnviz_widgets import methods", found)
    return found


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_photos").mkdir()
    for seed in range(2):
        pixels = np.random.default_rng(seed).integers(0, 256, (64, 64, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / "my_photos" / f"{seed}.png")
    return tmp_path


@pytest.mark.parametrize("title", list(BLOCKS))
def test_the_lines_of_the_gallery_run(title: str, begun: dict[str, Any], folder: Path) -> None:
    """All but what takes minutes; a name, an option or a layer that is not there is an error at once."""
    made: list[Any] = []
    names = {**begun, "my_function": lambda module, x, target: x}
    for line in SLOW.sub("", BLOCKS[title]).splitlines():
        if line.startswith(("nnviz.", "methods.", "w")) and " = " not in line.split("(")[0]:
            made.append(eval(line.split("  #")[0], names))
        else:
            exec(line, names)
    made += [value for value in names.values() if isinstance(value, ipywidgets.VBox)]
    for widget in made:
        if hasattr(widget, "close"):
            widget.close()
    assert made


def test_every_widget_is_in_the_gallery_with_three_lines_and_a_picture() -> None:
    assert len(BLOCKS) == 13
    for title, block in BLOCKS.items():
        assert len(block.splitlines()) == 3, title
    assert len(re.findall(r"^!\[.{20,}\]\(notebooks/pictures/", GALLERY, re.MULTILINE)) == len(BLOCKS)


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", TEXT)
    assert len(links) > 30
    missing = [link for link in links if not link.startswith("https://") and not (ROOT / link).exists()]
    assert not missing
    inside = re.findall(r"lab/tree/([^)?#]+)", TEXT)
    assert len(inside) == 3
    assert all((ROOT / path).is_file() for path in inside)
