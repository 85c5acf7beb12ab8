import random
from urllib.error import URLError

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import models

from nnviz_widgets.engine import cifar_net, zoo
from nnviz_widgets.engine.zoo import load_network, names, spec
from nnviz_widgets.errors import NnvizError


@pytest.fixture(autouse=True)
def offline(monkeypatch, tmp_path):
    def download(url, *args, **knobs):
        raise URLError("Temporary failure in name resolution")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(torch.hub, "download_url_to_file", download)
    return tmp_path / "home" / "hub" / "checkpoints"


def noise(height, width, channels=3):
    return Image.fromarray(np.random.default_rng(height).integers(0, 256, (height, width, channels), dtype=np.uint8))


def put(folder, name, state):
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(state, folder / zoo._published(name).url.rpartition("/")[2])


def test_names_are_classifiers_only_offline_ones_first():
    assert names()[:2] == ("efficientnet_lite0", "cifar_net")
    assert {"vgg16", "resnet50", "inception_v3", "googlenet", "vit_b_16", "densenet121"} <= set(names())
    assert len(names()) == len(set(names())) > 60
    assert not any("quantized" in name or "r3d" in name or "rcnn" in name or "raft" in name for name in names())


def test_every_name_has_a_contract_and_labels():
    for name in names():
        contract, labels = spec(name)
        assert contract.channels == 3
        assert min(contract.size) >= 32
        assert len(labels) == (10 if name == "cifar_net" else 1000)
        assert all(isinstance(label, str) for label in labels)
    assert spec("efficientnet_lite0")[1][281:283] == ("tabby", "tiger cat")


@pytest.mark.parametrize(
    "name",
    ["resnet18", "resnet50", "efficientnet_b0", "efficientnet_b1", "efficientnet_v2_l", "inception_v3", "vit_b_16"],
)
@pytest.mark.parametrize("size", [(301, 407), (533, 289), (100, 100)])
def test_a_picture_is_prepared_as_torchvision_prepares_it(name, size):
    picture = noise(*size)
    x = spec(name)[0].prepare(picture)
    torch.testing.assert_close(x, zoo._published(name).transforms()(picture)[None], rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", ["efficientnet_lite0", "cifar_net", "resnet18", "mobilenet_v3_small"])
def test_random_weights_need_nothing_and_keep_the_logits_apart(name):
    network = load_network(name, weights="random")
    x = torch.randn(2, 3, *network.contract.size, generator=torch.Generator().manual_seed(3), requires_grad=True)
    logits = network.module(x)
    assert logits.shape == (2, len(network.labels))
    assert 1e-3 < logits.std() < 10
    assert torch.autograd.grad(logits[0, 0], x)[0].abs().max() > 1e-6
    assert not any(module.training for module in network.module.modules())
    assert network.outputs == "logits"


def test_a_vision_transformer_with_random_weights_tells_classes_apart():
    module = load_network("vit_b_32", weights="random").module
    assert module.heads.head.weight.std() > 0.01


def test_random_weights_are_the_same_every_time_and_leave_the_random_state_alone():
    torch.manual_seed(5)
    random.seed(5)
    before = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()
    first = load_network("mobilenet_v3_small", weights="random").module
    assert torch.equal(torch.get_rng_state(), before[0])
    assert (np.random.get_state()[1].tolist(), random.getstate()) == before[1:]
    torch.manual_seed(6)
    second = load_network("mobilenet_v3_small", weights="random").module
    for (name, one), two in zip(first.state_dict().items(), second.state_dict().values(), strict=True):
        torch.testing.assert_close(one, two, rtol=1e-5, atol=1e-6, msg=name)
    fresh = models.mobilenet_v3_small()
    assert [m.momentum for m in first.modules() if isinstance(m, torch.nn.BatchNorm2d)] == [
        m.momentum for m in fresh.modules() if isinstance(m, torch.nn.BatchNorm2d)
    ]


def test_pretrained_loading_leaves_the_random_state_alone():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    load_network()
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("name", "file"), [("vgg16", "vgg16-397923af.pth"), ("inception_v3", "inception_v3_google-0cc3c7bd.pth")]
)
def test_offline_the_error_says_what_where_and_what_works(offline, capfd, name, file):
    with pytest.raises(NnvizError) as caught:
        load_network(name)
    sentence = str(caught.value)
    assert "\n" not in sentence
    for part in (file, str(offline), "load()", 'load("cifar_net")', 'weights="random"'):
        assert part in sentence
    assert capfd.readouterr() == ("", "")


def test_a_file_put_where_the_error_says_is_used(offline):
    theirs = models.resnet18()
    put(offline, "resnet18", theirs.state_dict())
    x = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(load_network("resnet18").module(x), theirs.eval()(x))


def test_a_file_cut_short_where_torch_keeps_it_gives_one_line(offline):
    put(offline, "resnet18", models.resnet18().state_dict())
    path = next(offline.iterdir())
    path.write_bytes(path.read_bytes()[:1000_000])
    with pytest.raises(NnvizError, match=r"cut short, or not a state dict.*delete it") as caught:
        load_network("resnet18")
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["googlenet", "inception_v3"])
def test_published_auxiliary_heads_are_left_out_and_the_logits_are_theirs(offline, name):
    torch.manual_seed(0)
    theirs = models.get_model(name, weights=None, init_weights=False, aux_logits=True, transform_input=True).eval()
    put(offline, name, theirs.state_dict())
    ours = load_network(name).module
    assert not any("aux" in key.lower() for key in ours.state_dict())
    x = torch.randn(1, 3, 96, 96, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(ours(x), theirs(x))


def test_the_old_names_in_published_densenets_are_understood(offline):
    state = models.densenet121().state_dict()
    old = {}
    for key, tensor in state.items():
        if not key.endswith("num_batches_tracked"):
            old[key.replace("norm1", "norm.1").replace("norm2", "norm.2").replace("conv2", "conv.2")] = tensor
    assert "features.denseblock1.denselayer1.norm.1.weight" in old
    put(offline, "densenet121", old)
    ours = load_network("densenet121").module.state_dict()
    assert all(torch.equal(tensor, ours[key]) for key, tensor in state.items())


def test_a_network_that_checks_the_version_of_its_file_loads(offline):
    put(offline, "mnasnet0_5", models.mnasnet0_5().state_dict())
    assert load_network("mnasnet0_5").name == "mnasnet0_5"


def test_weights_may_be_a_local_file(tmp_path):
    torch.manual_seed(9)
    theirs = cifar_net.CifarNet()
    torch.save(theirs.state_dict(), tmp_path / "mine.pth")
    for path in (tmp_path / "mine.pth", str(tmp_path / "mine.pth")):
        ours = load_network("cifar_net", weights=path).module.state_dict()
        assert all(torch.equal(tensor, ours[key]) for key, tensor in theirs.state_dict().items())
    with pytest.raises(NnvizError, match="does not fit resnet18") as caught:
        load_network("resnet18", weights=tmp_path / "mine.pth")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("weights", ["defualt", "nowhere.pth", None, 3])
def test_unknown_weights_are_refused_before_anything_is_built(monkeypatch, weights):
    monkeypatch.setattr(zoo, "_build", lambda name: pytest.fail("built"))
    with pytest.raises(NnvizError, match='neither "default", "random" nor a file'):
        load_network("vgg16", weights=weights)


@pytest.mark.parametrize(
    ("name", "near"), [("VGG-16", "vgg16"), ("resnet_50", "resnet50"), ("efficientnet_lite", "efficientnet_lite0")]
)
def test_an_unknown_name_meets_its_neighbours(name, near):
    with pytest.raises(NnvizError, match=rf"No network is called '{name}'.*{near}") as caught:
        load_network(name)
    assert caught.value.code == "network_unknown"


def test_a_name_like_nothing_else_meets_the_offline_networks():
    with pytest.raises(NnvizError, match="efficientnet_lite0, cifar_net"):
        spec("zzzz")


def test_a_module_is_sent_to_the_engine():
    with pytest.raises(NnvizError, match=r"A Linear is not a network's name.*Engine"):
        load_network(torch.nn.Linear(2, 2))
