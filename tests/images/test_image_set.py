"""Sets of pictures, whatever they are made of; and their batches, by threads and by processes."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import TensorDataset

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.images.contract import InputContract
from nnviz_widgets.images.image_set import ImageSet
from nnviz_widgets.images.loading import batches

CONTRACT = InputContract((12, 16), (0.5, 0.4, 0.3), (0.2, 0.25, 0.3))


def picture(seed: int, size=(20, 14), mode="RGB") -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)
    return Image.fromarray(pixels).convert(mode)


@pytest.fixture
def folder(tmp_path):
    home = tmp_path / "pets"
    for k, name in enumerate(["dog/b.png", "cat/a.jpg", "cat/z.PNG", "cat/deep/x.webp", "loose.bmp"]):
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        picture(k).save(path)
    (home / "notes.txt").write_text("no picture")
    (home / ".hidden.png").write_bytes(b"")
    return home


def test_a_folder_names_its_classes(folder):
    images = ImageSet(folder)
    assert images.ids == ("cat/a.jpg", "cat/deep/x.webp", "cat/z.PNG", "dog/b.png", "loose.bmp")
    assert images.classes == ("cat", "dog")
    assert [images.label(i) for i in range(5)] == ["cat", "cat", "cat", "dog", None]
    assert images[-1] == folder / "loose.bmp"
    assert images.index("dog/b.png") == 3
    assert (len(images), images.name) == (5, "pets")


def test_ids_of_a_folder_do_not_depend_on_where_it_is(folder, tmp_path):
    before = ImageSet(folder).ids
    folder.rename(tmp_path / "moved")
    assert ImageSet(tmp_path / "moved").ids == before


def test_files_stand_once(folder):
    images = ImageSet([folder / "dog" / "b.png", str(folder / "cat" / "a.jpg"), folder / "dog" / "b.png"])
    assert images.ids == ("dog/b.png", "cat/a.jpg")
    assert ImageSet([folder / "dog" / "b.png"]).ids == ("b.png",)


def test_labels_of_ones_own():
    array = np.zeros((3, 4, 4), np.uint8)
    images = ImageSet(array, labels=["pear", "apple", "pear"])
    assert (images.classes, images.labels) == (("apple", "pear"), (1, 0, 1))
    assert ImageSet(array, labels=[2, 0, 1]).classes == ("0", "1", "2")
    assert ImageSet(array, labels=["b", "a", "b"], classes=["b", "a"]).labels == (0, 1, 0)


def test_a_dataset_with_targets_and_one_of_tensors():
    class Pairs:
        targets = (1, 0)
        classes = ("no", "yes")

        def __len__(self):
            return 2

        def __getitem__(self, i):
            return picture(i), self.targets[i]

    images = ImageSet(Pairs())
    assert (images.labels, images.classes, images.name) == ((1, 0), ("no", "yes"), "Pairs")
    assert np.array_equal(np.asarray(images[1]), np.asarray(picture(1)))
    plain = ImageSet(TensorDataset(torch.rand(4, 3, 5, 5)))
    assert plain.labels == (None,) * 4
    assert plain[2].shape == (3, 5, 5)


class Made:
    """A dataset of its own, whose pictures are made of their numbers."""

    def __init__(self, seed, *, broken=(), shaken=False):
        self.seed, self.broken, self.shaken = seed, broken, shaken

    def __len__(self):
        return 30

    def __getitem__(self, i):
        if i in self.broken:
            raise OSError(f"picture {i} is\ntruncated")
        self.seed += self.shaken
        return picture(1000 * self.seed + i), i % 2


def test_datasets_of_one_class_and_length_are_told_apart():
    first, again, other = (ImageSet(Made(seed)) for seed in (0, 0, 1))
    assert [first.mark(i) for i in (0, 7)] == [again.mark(i) for i in (0, 7)]
    assert first.mark(7) != other.mark(7)
    assert ImageSet(Made(0, shaken=True)).mark(7) == ImageSet(Made(5, shaken=True)).mark(7)  # else it never resumes


def test_a_dataset_that_raises_is_a_broken_picture():
    found = list(batches(ImageSet(Made(0, broken=(0, 3))), CONTRACT, size=16))
    assert [b.id for batch in found for b in batch.broken] == ["00", "03"]
    assert [b.reason for b in found[0].broken][1].startswith("Made[3] cannot be read as a picture (picture 3 is)")
    assert sum(len(batch.indices) for batch in found) == 28


@pytest.mark.parametrize("labels", [3, [[0, 1], [1, 0]], ["a", "b"], None, torch.tensor([1, 0])])
def test_only_a_class_a_picture_is_a_label(labels):
    class Labelled(list):
        targets = labels

    images = ImageSet(Labelled([picture(0), picture(1)]))
    assert images.labels == ((1, 0) if torch.is_tensor(labels) else (None, None))


def test_the_offline_sets():
    digits = ImageSet("digits")
    assert (len(digits), digits.classes[3], digits.label(0)) == (1797, "3", "0")
    assert digits[0].dtype == np.uint8
    assert 200 < digits[0].max() <= 255
    samples = ImageSet("samples")
    assert len(samples) > 100
    assert len(set(samples.ids)) == len(samples)
    assert samples[0].size == (160, 160)
    assert samples.label(0) == "cat"


def test_a_mark_changes_with_the_picture(folder):
    images = ImageSet(folder)
    before = [images.mark(i) for i in range(5)]
    picture(99, (30, 30)).save(folder / "dog" / "b.png")
    after = [images.mark(i) for i in range(5)]
    assert [a == b for a, b in zip(before, after, strict=True)] == [True, True, True, False, True]
    array = np.random.default_rng(0).integers(0, 256, (2, 40, 40, 3), np.uint8)
    first = [ImageSet(array).mark(i) for i in range(2)]
    array[1, 20, 20, 1] ^= 1
    assert [ImageSet(array).mark(i) == first[i] for i in range(2)] == [True, False]


@pytest.mark.parametrize(
    ("source", "code"),
    [(3, "set_type"), ("/no/such/folder", "set_folder"), ([], "set_empty"), (np.zeros((3, 4)), "set_array")],
)
def test_what_is_no_set_is_refused(source, code):
    with pytest.raises(NnvizError) as caught:
        ImageSet(source)
    assert caught.value.code == code


def test_an_empty_folder_and_wrong_labels_are_refused(tmp_path):
    with pytest.raises(NnvizError, match="no picture"):
        ImageSet(tmp_path)
    with pytest.raises(NnvizError, match="2 labels for 3"):
        ImageSet(np.zeros((3, 4, 4)), labels=["a", "b"])
    with pytest.raises(NnvizError):
        ImageSet(np.zeros((1, 4, 4)), labels=["c"], classes=["a"])


def test_a_thumbnail_keeps_the_shape():
    images = ImageSet(np.random.default_rng(0).integers(0, 256, (1, 40, 80, 3), np.uint8))
    small = images.thumbnail(0, 32)
    assert (small.shape, small.dtype) == ((16, 32, 3), np.uint8)
    assert ImageSet(np.random.default_rng(0).random((1, 8, 8))).thumbnail(0).shape == (8, 8, 3)


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_are_what_prepare_gives_and_tell_what_is_broken(folder, workers):
    (folder / "cat" / "z.PNG").write_text("a text file")
    (folder / "dog" / "b.png").write_bytes((folder / "dog" / "b.png").read_bytes()[:60])
    picture(7, mode="L").save(folder / "grey.png")
    images = ImageSet(folder)
    found = list(batches(images, CONTRACT, size=4, workers=workers))
    assert [batch.indices for batch in found] == [(0, 1), (4, 5)] or [batch.indices for batch in found] == [
        (0, 1),
        (5, 4),
    ]
    assert [b.id for batch in found for b in batch.broken] == ["cat/z.PNG", "dog/b.png"]
    for batch in found:
        for i, x in zip(batch.indices, batch.x, strict=True):
            assert torch.equal(x[None], CONTRACT.prepare(images[i]))


def test_batches_of_some_in_the_order_asked_for():
    images = ImageSet(np.random.default_rng(0).integers(0, 256, (9, 12, 16, 3), np.uint8))
    assert [batch.indices for batch in batches(images, CONTRACT, [8, 1, 5], size=2)] == [(8, 1), (5,)]


def test_a_set_travels():
    images = ImageSet(np.zeros((2, 4, 4), np.uint8), labels=["a", "b"])
    images.index("1")
    again = pickle.loads(pickle.dumps(images))
    assert (again.ids, again.labels, again.index("1")) == (images.ids, images.labels, 1)
