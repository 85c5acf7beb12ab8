import pickle
from urllib.error import URLError

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from nnviz_widgets.engine.state_dicts import fetch, fill, read_state
from nnviz_widgets.errors import NnvizError

URL = "https://example.invalid/models/tiny-0123abcd.pth"


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_both_formats_are_read(tmp_path):
    state = {"weight": torch.arange(6.0).view(2, 3)}
    torch.save(state, tmp_path / "a.pth")
    save_file(state, tmp_path / "a.safetensors")
    for name in ("a.pth", "a.safetensors"):
        assert torch.equal(read_state(tmp_path / name)["weight"], state["weight"])


@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
@pytest.mark.parametrize("keep", [0, 10, 600])
def test_a_file_cut_short_is_refused_in_one_line(tmp_path, suffix, keep):
    state = {"weight": torch.zeros(40, 40)}
    path = tmp_path / f"cut.{suffix}"
    torch.save(state, path) if suffix == "pth" else save_file(state, path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(NnvizError, match="cut short") as caught:
        read_state(path)
    assert caught.value.code == "weights_broken"
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [torch.zeros(3), {"epoch": 3, "weight": torch.zeros(2)}, [torch.zeros(2)]])
def test_a_file_of_something_else_is_refused(tmp_path, content):
    torch.save(content, tmp_path / "other.pth")
    with pytest.raises(NnvizError, match="not a state dict"):
        read_state(tmp_path / "other.pth")


def test_whole_modules_and_foreign_pickles_are_never_unpickled(tmp_path):
    torch.save(nn.Linear(2, 2), tmp_path / "module.pth")
    (tmp_path / "plain.pkl").write_bytes(pickle.dumps(print))
    for name in ("module.pth", "plain.pkl"):
        with pytest.raises(NnvizError, match="not a state dict"):
            read_state(tmp_path / name)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(NnvizError, match=r"nowhere\.pth"):
        read_state(tmp_path / "nowhere.pth")


@pytest.mark.parametrize(
    ("change", "tensor"),
    [({"weight": torch.zeros(4, 4)}, "weight"), ({"extra": torch.zeros(1)}, "extra"), ({"bias": None}, "bias")],
)
def test_fill_names_the_first_tensor_that_does_not_fit(tmp_path, change, tensor):
    state = nn.Linear(2, 2).state_dict() | change
    state = {key: value for key, value in state.items() if value is not None}
    with pytest.raises(NnvizError, match=f"first at {tensor}:") as caught:
        fill(nn.Linear(2, 2), state, name="tiny", path=tmp_path)
    assert "\n" not in str(caught.value)


def test_a_fetched_file_is_checked_and_kept_silently(monkeypatch, home, capfd):
    calls = []

    def download(url, target, hash_prefix, progress):
        calls.append((url, hash_prefix, progress))
        torch.save({"weight": torch.ones(2)}, target)

    monkeypatch.setattr(torch.hub, "download_url_to_file", download)
    path = fetch(URL)
    assert path == home / "hub" / "checkpoints" / "tiny-0123abcd.pth"
    assert fetch(URL) == path
    assert calls == [(URL, "0123abcd", False)]
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("error", [URLError("no route"), TimeoutError("timed out"), RuntimeError("invalid hash value")])
def test_a_failed_download_says_what_where_and_what_works_now(monkeypatch, home, error):
    def download(*args, **knobs):
        raise error

    monkeypatch.setattr(torch.hub, "download_url_to_file", download)
    with pytest.raises(NnvizError) as caught:
        fetch(URL)
    sentence = str(caught.value)
    assert "\n" not in sentence
    for part in ("tiny-0123abcd.pth", str(home / "hub" / "checkpoints"), 'load("cifar_net")', 'weights="random"'):
        assert part in sentence
    assert list((home / "hub" / "checkpoints").iterdir()) == []
