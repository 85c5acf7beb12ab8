"""What a person sees in a French widget is French: the names of classes, and the decimal comma."""

from __future__ import annotations

import re

import numpy as np
import pytest

from nnviz_widgets import errors
from nnviz_widgets.engine.cifar_net import CIFAR_LABELS
from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.engine.zoo import spec
from nnviz_widgets.images.image_set import ImageSet
from nnviz_widgets.lang.classes import class_names
from nnviz_widgets.methods.embeddings import embed
from nnviz_widgets.widgets.activation_maps import ActivationMaps
from nnviz_widgets.widgets.ascent import Ascent
from nnviz_widgets.widgets.ascent_columns import AscentColumns
from nnviz_widgets.widgets.deepdream import DeepDream
from nnviz_widgets.widgets.embedding_map import EmbeddingMap
from nnviz_widgets.widgets.grad_cam import GradCam
from nnviz_widgets.widgets.neighbours import Neighbours
from nnviz_widgets.widgets.occlusion import Occlusion
from nnviz_widgets.widgets.saliency import Saliency
from nnviz_widgets.widgets.training import Training
from tests.engine.networks import seeded
from tests.widgets.conftest import Net, control_of, engine_of, html_of, noise

IMAGENET = spec("efficientnet_lite0")[1]
NAMES = dict(zip(IMAGENET, class_names("fr", IMAGENET), strict=True))
POINT = re.compile(r"\d\.\d")  # a decimal point


def words_of(widget):
    """What a person reads: HTML without its tags, and what a screen reader says of the panes."""
    texts = [re.sub(r"<[^>]+>", " ", text) for text in html_of(widget)]
    return [*texts, *widget._pointer.labels.values()]


class Wide(Net):
    """The small network with a thousand classes."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = type(self.fc)(8, 1000)


@pytest.fixture
def imagenet() -> Engine:
    return engine_of(Wide, labels=IMAGENET)


@pytest.mark.parametrize("widget", [ActivationMaps, Occlusion, Saliency, GradCam])
def test_classes_and_numbers_are_french(widget, imagenet, opened):
    shown = opened(widget(imagenet, noise(), language="fr"))
    shown.compute()
    top = [imagenet.labels[i] for i, _, _ in imagenet.top(imagenet.prepare(noise()), 2)]
    words = words_of(shown)
    assert any(NAMES[top[0]] in text for text in words)
    for text in words:
        assert top[0] not in text.replace(NAMES[top[0]], "")
        assert not POINT.search(text), text
    assert any(re.search(r"\d,\d", text) for text in words)


def test_ascents_and_dreams_name_classes_in_french(imagenet, opened):
    for widget in (
        opened(Ascent(imagenet, of="class", target="tabby", steps=2, language="fr")),
        opened(AscentColumns(imagenet, target="tabby", steps=2, language="fr")),
        opened(DeepDream(imagenet, noise(), of="class", target="tabby", octaves=1, steps=1, language="fr")),
    ):
        widget.compute()
        words = words_of(widget)
        assert any("chat tigré" in text for text in words), type(widget)
        assert not any("tabby" in text for text in words), type(widget)
        assert not any(POINT.search(text) for text in words), type(widget)


def test_a_class_is_found_by_either_name(imagenet, opened):
    cam = opened(GradCam(imagenet, noise(), language="fr", target="chat tigré"))
    assert cam.target == 281
    field = control_of(cam, "Classe")
    assert field.value == "chat tigré (281)"
    assert "chat tigré · tabby (281)" in field.options
    assert "lion (291)" in field.options
    for typed in ("tabby", "Chat Tigré", "chat tigre", "chat tigré · tabby (281)", "chat tigré (281)"):
        cam.target = None
        field.value = typed
        assert cam.target == 281, typed
        assert field.value == "chat tigré (281)"
    for wanted, index in (
        ("Cardigan", 264),
        ("cardigan", 474),
        ("crane", 517),
        ("grue (oiseau)", 134),
        ("plume d'oie", 749),
        ("boeuf", 345),
        (130, 130),
    ):
        cam.second = wanted
        assert cam.second == index
    with pytest.raises(errors.NnvizError, match="chat tigré"):
        cam.target = "chat tigree"


def test_the_class_that_is_refused_is_named_in_french(imagenet, opened):
    cam = opened(GradCam(imagenet, noise(), language="fr", target="tabby"))
    cam.compute()
    cam.against = "tabby"
    with pytest.raises(errors.NnvizError) as caught:
        cam.compute()
    assert caught.value.fields["name"] == "chat tigré"


def test_an_english_widget_of_the_same_engine_stays_english(imagenet, opened):
    opened(GradCam(imagenet, noise(), language="fr"))
    cam = opened(GradCam(imagenet, noise(), language="en", target="tabby"))
    cam.compute()
    assert control_of(cam, "Class").value == "tabby (281)"
    assert not any("chat" in text for text in words_of(cam))


def test_pictures_of_a_set_are_named_in_french_where_their_classes_are_known(opened):
    pixels = np.random.default_rng(0).integers(0, 256, (20, 16, 16, 3), np.uint8)
    known = ImageSet(pixels, labels=[*range(10)] * 2, classes=CIFAR_LABELS)
    own = ImageSet(pixels, labels=["crane", "kite"] * 10)
    for images, seen, unseen in ((known, "grenouille", "frog"), (own, "kite", "milan")):
        embedding = embed(engine_of(), images)
        shown = opened(EmbeddingMap(engine_of(), embedding, language="fr"))
        shown.compute()
        legend = " ".join(words_of(shown))
        assert seen in legend
        assert unseen not in legend
        near = opened(Neighbours(engine_of(), embedding, language="fr"))
        near.compute()
        names = {near._name(i) for i in range(20)}
        assert seen in names
        assert unseen not in names


def test_a_training_names_the_classes_in_french(opened):
    class Ten(Net):
        def __init__(self) -> None:
            super().__init__()
            self.fc = type(self.fc)(8, 10)

    pixels = np.random.default_rng(0).integers(0, 256, (40, 16, 16, 3), np.uint8)
    images = ImageSet(pixels, labels=[*range(10)] * 4, classes=CIFAR_LABELS)
    widget = opened(Training(seeded(Ten), images, mean=0.5, std=0.25, size=16, epochs=1, batch=8, language="fr"))
    widget.compute()
    words = " ".join(words_of(widget))
    assert "Image 4\N{NO-BREAK SPACE}: cerf" in words
    assert not POINT.search(words)
    assert not set(re.findall(r"\w+", words)) & {"airplane", "bird", "deer", "dog", "frog", "horse", "ship"}
