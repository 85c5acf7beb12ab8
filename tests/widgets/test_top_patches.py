"""TopPatches: pages of patches against the method, scans of its own, cancelled and resumed, pointing, errors."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch
from PIL import Image

import nnviz_widgets as nnviz
from nnviz_widgets import methods
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.images.image_set import ImageSet
from nnviz_widgets.methods.patch_index import PatchIndex
from nnviz_widgets.methods.patches import patches
from nnviz_widgets.render.mosaic import Grid
from nnviz_widgets.widgets.activation_maps import ActivationMaps
from nnviz_widgets.widgets.pointer import Event
from nnviz_widgets.widgets.scene import RATIO
from nnviz_widgets.widgets.top_patches import TopPatches
from nnviz_widgets.widgets.top_patches_panes import GAP, TILE, gradient_pixels, pane_names
from nnviz_widgets.widgets.top_patches_run import telling_channel
from nnviz_widgets.widgets.top_patches_sheet import sheet_grid
from tests.widgets.conftest import control_of, engine_of, html_of, seen, status_of

COUNT, N = 24, 4
WAIT = 10.0


def pictures(count=COUNT):
    labels = ["left" if i % 2 else "right" for i in range(count)]
    return ImageSet(np.random.default_rng(0).integers(0, 256, (count, 16, 16, 3), np.uint8), labels=labels)


@pytest.fixture
def index(engine, tmp_path):
    *_, last = methods.scan(engine, pictures(), ["conv1", "relu1", "conv2"], N, tmp_path / "index", smallest=True)
    return last.index


@pytest.fixture
def make(engine, opened):
    return lambda *args, **state: opened(TopPatches(engine, *args, **state))


def until(holds):
    end = time.monotonic() + WAIT
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.002)


def words(widget):
    return " ".join(html_of(widget))


def pixels_equal(patch, other):
    same = np.array_equal(patch.crop, other.crop)
    return same and patch.winner == other.winner and torch.equal(patch.gradient, other.gradient)


@pytest.mark.parametrize("kind", ["largest", "smallest", "random"])
def test_a_page_has_the_patches_of_the_method(engine, index, make, kind):
    widget = make(index, layer="conv2", channel=3, kind=kind, seed=2)
    found = widget.compute()
    expected = list(patches(engine, index, "conv2", 3, kind=kind, rule="guided", seed=2))
    assert len(found) == len(expected) == N
    assert all(pixels_equal(a, b) for a, b in zip(found, expected, strict=True))
    text = words(widget)
    for patch in found:
        label = index.images.label(index.images.index(patch.winner.id))
        assert f"{patch.winner.id}</div>" in text
        assert f" · {label}</div>" in text
    assert "channel 3" in text


def test_what_is_drawn_is_the_crop_and_its_reconstruction(index, make):
    widget = make(index, layer="conv2", channel=1)
    first = widget.compute()[0]
    pane = widget._surface.picture("patch0")
    height, width = first.crop.shape[:2]
    assert max(height, width) == 8
    zoom = TILE * RATIO // 8
    top, left = (8 - height) * zoom, (8 - width) * zoom // 2
    middle = slice(zoom // 2, None, zoom)  # the crop stands on the lower edge of its tile, the other below it
    drawn = pane[top : TILE * RATIO, left : left + width * zoom, :3][middle, middle]
    assert np.array_equal(drawn, first.crop)
    below = pane[(TILE + GAP) * RATIO :, left:, :3][middle, middle][:height, :width]
    assert np.array_equal(below, gradient_pixels(first.reconstruction))


def test_a_reconstruction_is_grey_where_it_is_zero():
    gradient = torch.zeros(3, 4, 4)
    gradient[:, 0, 0], gradient[:, 1, 1] = 2.0, -2.0
    shades = gradient_pixels(gradient)
    assert shades[3, 3].tolist() == [128] * 3
    assert shades[0, 0].tolist() == [255] * 3
    assert shades[1, 1].tolist() == [0] * 3


def test_whole_pictures_have_the_field_drawn(index, make):
    widget = make(index, layer="conv2", channel=1, rule="none", whole=True)
    first = widget.compute()[0]
    assert first.gradient is None
    scene = widget._surface._shown["patch0"]
    zoom, rect = TILE / 16, first.rect
    assert scene.outlines == ((rect.left * zoom, rect.top * zoom, rect.width * zoom, rect.height * zoom),)
    assert np.array_equal(scene.sprites[0].bitmap.pixels, index.images[int(first.winner.id)])
    assert "Outlined" in words(widget)
    widget.whole = False
    widget.compute()
    assert widget._surface._shown["patch0"].outlines == ()


def test_the_page_of_all_channels_has_the_best_of_each(engine, index, make):
    widget = make(index, layer="conv1", page="all")
    found = widget.compute()
    assert [patch.channel for patch in found] == list(range(6))
    best = [next(patches(engine, index, "conv1", k)) for k in range(6)]
    assert [patch.winner for patch in found] == [patch.winner for patch in best]
    grid = sheet_grid(6)
    assert isinstance(grid, Grid)
    pane = widget._surface.picture("sheet")
    for k, patch in enumerate(best):
        if patch.crop.shape[:2] == (3, 3):
            x, y, w, h = grid.box(k)
            tile = pane[y : y + h, x : x + w, :3]
            assert np.array_equal(tile[h // 6 :: h // 3, w // 6 :: w // 3], patch.crop)
    widget.kind = "random"
    assert len({patch.winner.id for patch in widget.compute()}) == 1
    widget.kind = "smallest"
    assert widget.compute()[2].winner.value == float(index.values("conv1", smallest=True)[2, 0])


def test_a_click_on_the_sheet_opens_the_channel(index, make):
    widget = make(index, layer="conv1", channel=0, page="all")
    widget.compute()
    width, height = widget._surface.sizes["sheet"]
    x, y, w, h = widget._sheet[1].tiles(widget._drawn[0].looks, [False] * 6).box(4)
    at = {"x": (x + w / 2) / width, "y": (y + h / 2) / height}
    widget._happened(Event("move", "sheet", **at))
    assert "channel 4 ·" in words(widget)
    widget._happened(Event("key", "sheet", key="ArrowRight"))
    assert (widget.channel, widget.page) == (1, "all")
    widget._happened(Event("click", "sheet", **at))
    assert (widget.channel, widget.page) == (4, "channel")
    assert {patch.channel for patch in widget.compute()} == {4}
    widget.page = "all"
    widget.compute()
    widget._happened(Event("key", "sheet", key="Enter"))
    assert widget.page == "channel"


def test_a_click_opens_the_picture_in_activation_maps_and_escape_closes_it(index, make):
    widget = make(index, layer="conv2", channel=2)
    found = widget.compute()
    widget._happened(Event("click", "patch1", 0.5, 0.5))
    maps = widget.opened
    assert isinstance(maps, ActivationMaps)
    winner = found[1].winner
    assert (maps.layer, maps.channel, maps.unit) == ("conv2", 2, (winner.row, winner.col))
    assert float(maps.compute()[2, winner.row, winner.col]) == pytest.approx(
        winner.value, rel=1e-5
    )  # alone, not in a batch
    assert widget.chosen == 1
    assert widget._surface._shown["patch1"].outlines
    widget._happened(Event("key", "patch1", key="ArrowRight"))
    assert widget.chosen == 2
    widget._happened(Event("key", "patch1", key="Enter"))
    assert widget.opened is not maps
    assert not maps._open
    again = widget.opened
    widget._happened(Event("key", "patch2", key="Escape"))
    assert widget.opened is None
    assert not again._open


def test_arrow_keys_up_and_down_move_the_channel(index, make):
    widget = make(index, layer="conv1", channel=4)
    widget.compute()
    for key, channel in (("ArrowDown", 5), ("ArrowDown", 5), ("ArrowUp", 4)):
        widget._happened(Event("key", "patch0", key=key))
        assert widget.channel == channel


def test_another_layer_has_other_channels(index, make):
    widget = make(index, layer="conv2", channel=7)
    widget.compute()
    widget.layer = "conv1"
    assert widget.channel == 5
    assert control_of(widget, "Channel").max == 5
    assert {patch.layer for patch in widget.compute()} == {"conv1"}
    with pytest.raises(NnvizError, match="channel 0 to 5"):
        widget.channel = 6


def test_the_widget_scans_pictures_itself(engine, index, make, tmp_path):
    images = pictures()
    widget = make(images, path=tmp_path / "own", n=N, layers=["conv1", "conv2"], layer="conv2", channel=3)
    found = widget.compute()
    expected = list(patches(engine, index, "conv2", 3, rule="guided"))
    assert all(pixels_equal(a, b) for a, b in zip(found, expected, strict=True))
    assert widget.index.pictures == images.ids
    widget.kind = "smallest"
    assert len(widget.compute()) == N
    again = make(images, path=tmp_path / "own", n=N, layers=["conv1", "conv2"], layer="conv2", channel=3)
    engine_read = type(engine).read
    try:
        type(engine).read = lambda *_: pytest.fail("a pass")
        assert len(again.compute()) == N  # from the folder
    finally:
        type(engine).read = engine_read


def test_a_scan_shows_what_it_has_found_and_cancel_keeps_it(engine, opened, by_hand, tmp_path):
    images = pictures(400)
    widget = opened(TopPatches(engine, images, path=tmp_path, n=N, layers=["conv1"], channel=1))
    for _ in range(3):
        by_hand[0].step()
    assert len(widget.result) == N
    assert 0 < len(widget.index.pictures) < 400
    assert "pictures/s" in words(widget)
    assert control_of(widget, "Go on scanning").layout.display == "none"
    seen_before = widget.index.pictures
    widget.channel = 2  # it goes on, and does not begin anew
    by_hand[0].step()
    assert set(seen_before) <= set(widget.index.pictures)
    widget.cancel()
    by_hand[0].run_until_idle()
    kept = widget.index.pictures
    assert len(kept) < 400
    assert control_of(widget, "Go on scanning").layout.display is None
    assert f"{len(kept)} of 400 pictures were looked at" in words(widget)
    widget.channel = 3
    assert {patch.channel for patch in widget.compute()} == {3}
    assert widget.index.pictures == kept  # it rests
    passes = []
    read = type(engine).read
    try:
        type(engine).read = lambda self, x, layers: passes.append(len(x)) or read(self, x, layers)
        control_of(widget, "Go on scanning").click()
        widget.compute()
    finally:
        type(engine).read = read
    assert widget.index.pictures == images.ids
    assert sum(passes) == 400 - len(kept)
    assert "were looked at" not in words(widget)


def test_closing_in_the_midst_of_a_scan_leaves_nothing(engine, opened, tmp_path):
    widget = opened(TopPatches(engine, pictures(400), path=tmp_path, n=N, layers=["conv1"]))
    until(lambda: widget.index is not None)
    widget.close()
    (home,) = tmp_path.iterdir()
    assert list(home.glob("shard-*"))  # what was done is kept


def test_the_samples_are_taken_when_nothing_is_given(engine, opened, by_hand, tmp_path):
    widget = opened(TopPatches(engine, path=tmp_path))
    by_hand[0].step()
    assert "of 147 pictures" in words(widget)


def test_changed_weights_are_told(opened, tmp_path):
    engine = engine_of()
    *_, last = methods.scan(engine, pictures(), ["conv1"], N, tmp_path)
    widget = opened(TopPatches(engine, last.index, channel=0))
    widget.compute()
    assert "Warning" not in words(widget)
    with torch.no_grad():
        engine.module.conv1.weight.mul_(1.1)
    found = widget.compute()
    assert not any(patch.reproduced for patch in found)
    assert f"Warning: re-run, {N} of {N} activations" in words(widget)
    assert "Re-running gives" in words(widget)


def test_a_channel_is_told_dead_rare_or_saturated(opened, tmp_path):
    engine = engine_of()
    with torch.no_grad():
        engine.module.conv1.weight.zero_()
        engine.module.conv1.bias.copy_(torch.tensor([-1.0, 2.0, 0, 0, 0, 0]))
        engine.module.conv1.weight[2, 0, 1, 1] = 1.0
        engine.module.conv1.bias[2] = -2.0
    dark = np.zeros((COUNT, 16, 16, 3), np.uint8)
    dark[:, 8, 8] = 255 - np.arange(COUNT)[:, None]
    bright = ImageSet(dark)
    engine.contract.__dict__.update(mean=(0.0,) * 3, std=(0.25,) * 3)
    *_, last = methods.scan(engine, bright, ["relu1", "conv1"], N, tmp_path)
    widget = opened(TopPatches(engine, last.index, layer="relu1", channel=0, rule="none"))
    told = {}
    for channel in (0, 1, 2):
        widget.channel = channel
        widget.compute()
        told[channel] = [word for word in ("Dead", "Rare", "Saturated") if f"{word}:" in words(widget)]
    assert told == {0: ["Dead"], 1: ["Saturated"], 2: ["Rare"]}
    widget.layer, widget.channel = "conv1", 2
    widget.compute()
    assert "which the relu that follows makes zero" in words(widget)
    widget.page = "all"
    widget.compute()
    assert "Flat grey" in words(widget)
    x, y, w, h = sheet_grid(6).box(0)
    assert len(np.unique(widget._surface.picture("sheet")[y : y + h, x : x + w, :3])) == 1


def test_no_relu_on_the_way_is_said(index, make):
    widget = make(index, layer="conv1", channel=0)
    found = widget.compute()
    assert all(patch.gradient is None for patch in found)
    assert "No reconstruction: There is no ReLU on the way" in words(widget)
    widget.rule = "vanilla"
    assert all(patch.gradient is not None for patch in widget.compute())


def test_a_picture_that_is_gone_is_one_line_in_its_place(engine, opened, tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for i, pixels in enumerate(np.random.default_rng(0).integers(0, 256, (6, 16, 16, 3), np.uint8)):
        Image.fromarray(pixels).save(folder / f"{i}.png")
    (folder / "text.jpg").write_text("no picture")
    *_, last = methods.scan(engine, ImageSet(folder), ["conv1"], N, tmp_path / "index")
    (folder / last.index.ids("conv1")[0][1]).unlink()
    widget = opened(TopPatches(engine, last.index, channel=0))
    assert len(widget.compute()) == N - 1
    assert "No picture at" in words(widget)
    assert "One picture could not be read" in words(widget)
    widget._happened(Event("click", "patch1", 0.5, 0.5))
    assert widget.opened is None
    assert "No picture at" in status_of(widget)


def test_only_broken_pictures_are_one_line(engine, opened, tmp_path):
    (tmp_path / "a.jpg").write_text("no")
    widget = opened(TopPatches(engine, str(tmp_path), path=tmp_path / "index"))
    with pytest.raises(NnvizError, match="No picture of"):
        widget.compute()
    assert "No picture of" in status_of(widget)


def test_bad_arguments_are_one_line(engine, index, make, tmp_path):
    bare = PatchIndex(index.state, index.widths)
    with pytest.raises(NnvizError, match="pass the ImageSet"):
        make(bare)
    assert len(make(bare, index.images).compute()) == N
    with pytest.raises(NnvizError, match="not a set of pictures"):
        make(3.5)
    with pytest.raises(NnvizError, match="No folder"):
        make("nowhere")
    with pytest.raises(NnvizError, match="was not scanned"):
        make(index, layer="pool")
    with pytest.raises(NnvizError, match="no option 'chanel'"):
        make(index, chanel=3)
    with pytest.raises(NnvizError, match="belongs to another network"):
        TopPatches(nnviz.load("cifar_net"), index)
    with pytest.raises(NnvizError, match="No layer is called"):
        make(pictures(), path=tmp_path, layers=["nothing"])
    *_, last = methods.scan(engine, pictures(), ["conv1"], N, tmp_path / "largest")
    widget = make(last.index)
    before = widget.compute()
    widget.kind = "smallest"
    with pytest.raises(NnvizError, match="smallest=True"):
        widget.compute()
    assert "smallest=True" in status_of(widget)
    assert len(widget.result) == len(before)


def test_fewer_pictures_than_places(engine, opened, tmp_path):
    widget = opened(TopPatches(engine, pictures(2), path=tmp_path, n=9, layers=["conv1"]))
    assert len(widget.compute()) == 2
    hidden = [widget._patches.frames[name].box.layout.display for name in pane_names(9)]
    assert hidden == [None, None, *["none"] * 7]


def test_random_ones_are_drawn_anew(index, make):
    widget = make(index, layer="conv1")
    button = control_of(widget, "Others")
    assert button.disabled
    widget.kind = "random"
    assert not button.disabled
    first = [patch.winner for patch in widget.compute()]
    button.click()
    assert [patch.winner for patch in widget.compute()] != first


def test_french_picture_and_save(index, make, tmp_path):
    widget = make(index, layer="conv2", channel=0, language="fr")
    widget.compute()
    assert "les 4 images qui l’excitent le plus" in words(widget)
    picture = seen(widget)
    assert picture.shape[1] > N * TILE
    assert widget.save(tmp_path / "patches.png").exists()
    widget.page = "all"
    widget.compute()
    assert seen(widget).shape != picture.shape
    assert "image/png" in widget._repr_mimebundle_()[0]


def test_the_first_channel_is_one_that_tells(index):
    known = index.statistics("conv1")
    channel = telling_channel(index, "conv1")
    assert 0 <= channel < 6
    assert index.values("conv1")[channel].mean() > known.mean[channel]
