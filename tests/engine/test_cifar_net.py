"""The small offline network: its shape, its packaged weights, and how well they do on real pictures."""

import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from nnviz_widgets.engine.cifar_net import CIFAR_LABELS, CIFAR_MEAN, CIFAR_STD, WEIGHTS, CifarNet, build, load_weights
from nnviz_widgets.engine.cifar_pictures import load_pictures
from nnviz_widgets.engine.train_cifar_net import accuracy
from nnviz_widgets.errors import NnvizError


def test_it_is_classical_and_every_step_is_a_named_module() -> None:
    allowed = (nn.Conv2d, nn.ReLU, nn.MaxPool2d, nn.Flatten, nn.Linear)
    names = [name for name, layer in CifarNet().named_children() if isinstance(layer, allowed)]
    assert names == [name for name, _ in CifarNet().named_children()]
    assert names[:4] == ["conv1", "relu1", "pool1", "conv2"]


def test_first_filters_are_seven_by_seven_over_colours() -> None:
    assert CifarNet().conv1.weight.shape == (32, 3, 7, 7)
    assert len(CIFAR_MEAN) == len(CIFAR_STD) == 3


@pytest.mark.parametrize("batch", [1, 3])
def test_a_picture_becomes_ten_logits(batch: int) -> None:
    logits = build()(torch.zeros(batch, 3, 32, 32))
    assert logits.shape == (batch, 10) == (batch, len(CIFAR_LABELS))


def test_packaged_weights_are_small_finite_and_loaded() -> None:
    assert WEIGHTS.stat().st_size < 2_000_000
    stored, net = load_file(WEIGHTS), build()
    assert not net.training
    for name, value in net.state_dict().items():
        assert value.dtype == torch.float32
        assert value.isfinite().all()
        torch.testing.assert_close(value, stored[name].float(), rtol=0, atol=0)


def test_packaged_first_filters_are_smooth() -> None:
    filters = build().conv1.weight.detach()
    step = (filters[..., 1:] - filters[..., :-1]).square().sum() + (
        filters[..., 1:, :] - filters[..., :-1, :]
    ).square().sum()
    # White noise gives 4 * 6 / 7 = 3.4; edges and blobs vary more slowly.
    assert step / filters.square().sum() < 2.2


def test_no_packaged_first_filter_is_dead() -> None:
    norms = build().conv1.weight.detach().flatten(1).norm(dim=1)
    assert norms.min() > 0.05 * norms.max()


def test_random_weights_are_seeded_and_differ_from_the_packaged() -> None:
    torch.manual_seed(3)
    one = build(pretrained=False)
    torch.manual_seed(3)
    two = build(pretrained=False)
    assert torch.equal(one.conv1.weight, two.conv1.weight)
    assert not torch.equal(one.conv1.weight, build().conv1.weight)


def test_missing_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(NnvizError, match=r"No weights at .*gone\.safetensors") as caught:
        load_weights(CifarNet(), tmp_path / "gone.safetensors")
    assert caught.value.code == "weights_missing"


@pytest.mark.parametrize("damage", ["not safetensors", "other network"])
def test_unreadable_weights_are_one_clear_line(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "odd.safetensors"
    if damage == "other network":
        save_file({"conv1.weight": torch.zeros(8, 3, 7, 7)}, path)
    else:
        path.write_bytes(b"nonsense" * 4)
    with pytest.raises(NnvizError) as caught:
        load_weights(CifarNet(), path)
    assert caught.value.code == "weights_unreadable"
    assert "\n" not in str(caught.value)


@pytest.mark.skipif("NNVIZ_CIFAR_TEST" not in os.environ, reason="NNVIZ_CIFAR_TEST: an .npz of CIFAR-10 test pictures")
def test_accuracy_on_real_test_pictures() -> None:
    assert accuracy(build(), load_pictures(os.environ["NNVIZ_CIFAR_TEST"])) >= 0.82
