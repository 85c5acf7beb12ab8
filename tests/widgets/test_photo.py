from datetime import UTC, datetime

import numpy as np
import pytest
import torch
from PIL import Image

import nnviz_widgets as nnviz
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.methods import activation_maps
from tests.widgets.conftest import Net, control_of, engine_of, noise, png, seen, status_of


@pytest.fixture
def maps(engine, opened):
    return opened(nnviz.ActivationMaps(engine, layer="conv1", channel=0))


def upload(widget, content, name="mine.png"):
    """What the browser does when a person picks a file."""
    control = control_of(widget, "Upload")
    file = {"name": name, "type": "image/png", "size": len(content), "last_modified": datetime(2024, 1, 1, tzinfo=UTC)}
    control.value = ({**file, "content": memoryview(content)},)


def as_path(tmp_path):
    path = tmp_path / "photo.png"
    path.write_bytes(png(noise()))
    return path


KINDS = {
    "path": as_path,
    "string": lambda tmp_path: str(as_path(tmp_path)),
    "PIL": lambda _: Image.fromarray(noise()),
    "array": lambda _: noise(),
    "floats": lambda _: noise().astype(np.float64) / 255,
    "tensor": lambda _: torch.from_numpy(noise()).permute(2, 0, 1),
    "bytes": lambda _: png(noise()),
}


@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
def test_any_picture_changes_the_maps(engine, maps, tmp_path, make):
    photo = make(tmp_path)
    maps.photo = photo
    # Integers keep their path through Pillow; floats are resized as floats.
    expected = activation_maps(engine, engine.prepare(photo), "conv1")
    assert torch.equal(maps.compute(), expected)
    close = activation_maps(engine, engine.prepare(noise()), "conv1")
    torch.testing.assert_close(maps.result, close, atol=0.05, rtol=0.05)


@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
def test_any_picture_at_the_start(engine, opened, tmp_path, make):
    photo = make(tmp_path)
    widget = opened(nnviz.ActivationMaps(engine, photo, layer="conv1"))
    assert torch.equal(widget.compute(), activation_maps(engine, engine.prepare(photo), "conv1"))


def test_a_picture_by_its_trait_name(engine, opened):
    widget = opened(nnviz.ActivationMaps(engine, photo="rocket"))
    assert widget.photo == "rocket"


def test_a_sample_by_name(engine, maps):
    maps.photo = "rocket"
    assert torch.equal(maps.compute(), activation_maps(engine, engine.prepare(nnviz.sample("rocket")), "conv1"))
    assert control_of(maps, "Picture").value == "rocket"


def test_one_array_after_another_and_the_same_one_changed(engine, maps):
    array = noise(1)
    maps.photo = array
    maps.photo = noise(2)
    assert torch.equal(maps.compute(), activation_maps(engine, engine.prepare(noise(2)), "conv1"))
    maps.photo = array
    array[:] = 255 - array
    maps.photo = array
    assert torch.equal(maps.compute(), activation_maps(engine, engine.prepare(array), "conv1"))


@pytest.mark.parametrize("before", ["cat", "rocket"])
def test_an_upload_is_shown_and_named_in_the_list(engine, maps, before):
    maps.photo = before
    upload(maps, png(noise()))
    assert torch.equal(maps.compute(), activation_maps(engine, engine.prepare(noise()), "conv1"))
    choice = control_of(maps, "Picture")
    assert dict(choice.options)["your picture"] == choice.value
    choice.value = "coffee"
    assert maps.photo == "coffee"
    assert "your picture" not in dict(choice.options)


def test_the_same_file_can_be_uploaded_again(maps):
    upload(maps, png(noise()))
    maps.photo = "cat"
    upload(maps, png(noise()))
    assert maps.photo == png(noise())


@pytest.mark.parametrize(
    "content", [b"no picture", png(noise())[:200], b"\x89PNG\r\n\x1a\n" + b"\0" * 40, b"<svg/>"], ids=range(4)
)
def test_an_upload_that_cannot_be_read_is_one_line_and_the_picture_stays(maps, content):
    result, before = maps.compute(), seen(maps)
    upload(maps, content)
    assert "cannot be read as a picture" in status_of(maps)
    assert "nnviz-error" in status_of(maps)
    assert maps.photo == "cat"
    assert control_of(maps, "Picture").value == "cat"
    assert torch.equal(maps.result, result)
    assert np.array_equal(seen(maps), before)
    upload(maps, png(noise()))
    maps.compute()
    assert "nnviz-error" not in status_of(maps)
    assert not np.array_equal(seen(maps), before)


@pytest.mark.parametrize(
    "photo",
    [None, 3, [], "nothing.png", np.zeros((4, 4, 2)), np.full((4, 4, 3), np.nan), np.zeros((0, 3, 3)), b"", object()],
    ids=lambda photo: type(photo).__name__,
)
def test_what_is_no_picture_is_refused(maps, photo):
    result = maps.compute()
    with pytest.raises(NnvizError):
        maps.photo = photo
    assert maps.photo == "cat"
    assert torch.equal(maps.compute(), result)


def test_a_decompression_bomb_is_refused(maps, monkeypatch):
    monkeypatch.setattr("nnviz_widgets.images.decode.MAX_PIXELS", 100)
    with pytest.raises(NnvizError, match="at most 100"):
        maps.photo = png(noise())
    assert maps.photo == "cat"


def test_a_photo_taken_back_with_another_trait_leaves_the_old_input(maps):
    result = maps.compute()

    def change():
        with maps.hold_trait_notifications():
            maps.photo = noise()
            maps.channel = 99

    with pytest.raises(NnvizError):
        change()
    assert maps.photo == "cat"
    assert torch.equal(maps.compute(), result)


def test_a_grey_network_takes_colour_pictures(opened):
    grey = engine_of(lambda: Net(1), mean=0.5, std=0.25, size=(12, 20))
    widget = opened(nnviz.ActivationMaps(grey, "rocket", layer="conv1"))
    assert widget.compute().shape == (6, 12, 20)
    assert widget._photo_size() == (280, 168)
    assert widget.picture.size[0] > 0


def test_samples_have_names_in_the_language(engine, opened):
    french = opened(nnviz.ActivationMaps(engine, language="fr"))
    assert dict(control_of(french, "Image").options)["fusée"] == "rocket"
