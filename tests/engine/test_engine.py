"""The engine as a whole: what it says of a network, and what it says of bad input."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.engine.objectives import logit
from nnviz_widgets.errors import NnvizError
from tests.engine.networks import OneChannel, Plain, Raising, Writer, engine_of, picture, seeded


class Softmax(Plain):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).softmax(1)


def code_of(call: Any) -> str:
    with pytest.raises(NnvizError) as caught:
        call()
    assert "\n" not in str(caught.value)
    return caught.value.code


def test_logits_equal_the_network() -> None:
    module, x = seeded(lambda: Plain(inplace=True)), picture(3)
    engine = engine_of(module)
    assert torch.equal(engine.logits(x), module(x).detach())
    assert torch.allclose(engine.probabilities(x), module(x).detach().softmax(1))
    assert engine.module is module


def test_a_module_in_training_mode_is_looked_at_in_eval_mode() -> None:
    module, x = seeded(Plain), picture(3)
    expected = module(x).detach()
    assert torch.equal(engine_of(module.train()).logits(x), expected)


def test_prepare_makes_x() -> None:
    engine = engine_of(seeded(Plain), mean=(0.1, 0.2, 0.3), size=(16, 20))
    x = engine.prepare(np.full((50, 60, 3), 255, np.uint8))
    assert x.shape == (1, 3, 16, 20)
    assert torch.allclose(x[0, :, 3, 4], (1 - torch.tensor([0.1, 0.2, 0.3])) / 0.25)
    assert engine.prepare(Image.new("L", (9, 9))).shape == x.shape
    assert engine_of(seeded(Plain).double()).prepare(Image.new("L", (9, 9))).dtype == torch.float64


def test_other_precisions_and_sizes_are_taken() -> None:
    module = seeded(Plain)
    engine = engine_of(module)
    assert torch.equal(engine.logits(picture().double()), engine.logits(picture()))
    x = picture(size=(24, 31))
    assert torch.equal(engine.activations(x, "conv1"), module.conv1(x.contiguous()).detach())
    half = engine_of(seeded(Plain).bfloat16())
    assert half.logits(picture()).dtype == torch.bfloat16
    assert half.gradient(picture(), logit(0)).dtype == torch.bfloat16


def test_x_is_left_alone_by_a_network_that_changes_its_input_in_place() -> None:
    module, x = seeded(Writer), picture()
    engine = engine_of(module)
    for _ in range(2):
        assert torch.equal(engine.logits(x), module(x.clone()).detach())
        engine.activations(x, "conv")
        engine.read_ahead(x)
        assert torch.equal(x, picture())


def test_the_callers_autocast_does_not_reach_into_the_cache() -> None:
    module, x = seeded(Plain), picture()
    engine = engine_of(module, device="cpu")
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(engine.logits(x), engine_of(module, device="cpu").logits(x))
        gradient = engine.gradient(x, logit(0))
    assert torch.equal(engine.logits(x), module(x).detach())
    assert torch.equal(gradient, engine.gradient(x, logit(0)))


def test_top_classes() -> None:
    engine, x = engine_of(seeded(Plain), labels=["a", "b", "c", "d", "<e>"]), picture()
    top = engine.top(x, 3)
    p = engine.probabilities(x)[0]
    assert [i for i, _, _ in top] == p.argsort(descending=True)[:3].tolist()
    assert [name for _, name, _ in top] == [engine.labels[i] for i, _, _ in top]
    assert len(engine.top(x, 50)) == 5
    assert engine.class_index("<E>") == 4
    assert code_of(lambda: engine.class_index("z")) == "class_unknown"
    assert code_of(lambda: engine.class_index(5)) == "class_range"


def test_repr_says_what_it_is() -> None:
    assert repr(engine_of(seeded(OneChannel), mean=0.5, std=1, size=(20, 12), device="cpu")) == (
        "Engine(OneChannel: 1 x 20 x 12 -> 3 classes, 4 layers, cpu)"
    )


def test_probabilities_are_noticed_and_said() -> None:
    module, x = seeded(Softmax), picture(2)
    with pytest.warns(UserWarning, match="taken for probabilities") as caught:
        engine = engine_of(module, outputs=None)
    assert engine.outputs == "probabilities"
    assert len(caught) == 1
    assert torch.allclose(engine.logits(x), module(x).detach().log())
    assert torch.allclose(engine.probabilities(x), module(x).detach())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert engine_of(module, outputs="probabilities").outputs == "probabilities"
        as_said = engine_of(module, outputs="logits")
        assert engine_of(seeded(Plain), outputs=None).outputs == "logits"
    assert torch.equal(as_said.logits(x), module(x).detach())


def test_log_p_of_nothing_is_finite() -> None:
    module = seeded(Softmax)
    with torch.no_grad():
        module.fc.bias.copy_(torch.tensor([1e4, 0, 0, 0, 0]))
    logits = engine_of(module, outputs="probabilities").logits(picture())
    assert torch.isfinite(logits).all()


@pytest.mark.parametrize("outputs", ["probability", "", 3])
def test_outputs_are_logits_or_probabilities(outputs: Any) -> None:
    assert code_of(lambda: engine_of(seeded(Plain), outputs=outputs)) == "contract_value"


def test_all_that_is_missing_is_asked_for_in_one_error() -> None:
    with pytest.raises(NnvizError, match=r"mean, std, size.*mean=.*std=.*size="):
        Engine(seeded(Plain))


def test_weights_that_are_not_numbers_are_named() -> None:
    module, x = seeded(Plain), picture()
    engine = engine_of(module)
    engine.logits(x)
    for tensor, name in ((module.fc.weight, "fc.weight"), (module.bn1.running_var, "bn1.running_var")):
        kept = tensor.detach().clone()
        with torch.no_grad():
            tensor[0] = torch.nan
        for call in (
            lambda: engine.logits(x),
            lambda: engine.activations(x, "fc"),
            lambda: engine.gradient(x, logit(0)),
            lambda: engine.gradient(x, logit(0), of="conv1"),
            lambda: engine_of(module),
        ):
            with pytest.raises(NnvizError, match=name):
                call()
        with torch.no_grad():
            tensor.copy_(kept)
    assert torch.equal(engine.logits(x), module(x).detach())  # nothing bad was kept


def test_pictures_that_are_not_numbers_or_do_not_fit() -> None:
    engine = engine_of(seeded(Plain))
    bad = picture()
    bad[0, 1, 2, 3] = torch.inf
    for call, code in [
        (lambda: engine.logits(bad), "input_nan"),
        (lambda: engine.gradient(bad, logit(0)), "input_nan"),
        (lambda: engine.prepare(np.full((9, 9, 3), np.nan)), "picture_nan"),
        (lambda: engine.logits(picture(channels=1)), "input_shape"),
        (lambda: engine.logits(picture()[0]), "input_shape"),
        (lambda: engine.gradient(np.zeros((1, 3, 16, 16)), logit(0)), "input_shape"),
        (lambda: engine.read_ahead(picture()[0]), "input_shape"),
        (lambda: engine.activations("photo.png", "conv1"), "input_shape"),
        (lambda: engine.activations(picture(size=(1, 1)), "block"), "module_raised"),
        (lambda: engine.activations(picture(), "conv2"), "layer_unknown"),
    ]:
        assert code_of(call) == code
    assert engine.logits(picture()).shape == (1, 5)


def test_a_network_that_overflows_says_that_its_weights_are_fine() -> None:
    engine = engine_of(seeded(Plain))
    assert code_of(lambda: engine.logits(picture() * 3e38)) in ("output_nan", "input_nan")


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA out of memory"), MemoryError()])
def test_out_of_memory_is_one_line_and_the_next_picture_works(error: Exception) -> None:
    engine = engine_of(seeded(Raising))
    Raising.error = error
    try:
        assert code_of(lambda: engine.logits(picture())) == "out_of_memory"
        assert code_of(lambda: engine.gradient(picture(), logit(0))) == "out_of_memory"
    finally:
        Raising.error = None
    assert engine.logits(picture()).shape == (1, 5)


@pytest.mark.parametrize(
    "tail",
    [nn.Identity(), nn.Flatten(0), nn.Conv2d(3, 3, 3), nn.AdaptiveAvgPool2d(2)],
)
def test_what_is_no_classifier_is_refused(tail: nn.Module) -> None:
    assert code_of(lambda: engine_of(nn.Sequential(nn.Conv2d(3, 3, 1), tail))) == "output_shape"


def test_a_dictionary_is_no_classifiers_output() -> None:
    class Named(Plain):
        def forward(self, x: Tensor) -> dict[str, Tensor]:
            return {"out": super().forward(x)}

    assert code_of(lambda: engine_of(Named())) == "output_shape"


def test_labels_must_be_as_many_as_the_outputs() -> None:
    assert code_of(lambda: engine_of(seeded(Plain), labels=["a"])) == "labels_count"


def test_wrong_channels_said_at_once() -> None:
    assert code_of(lambda: engine_of(seeded(Plain), mean=0.5, std=(0.5,))) == "module_raised"


def test_an_unknown_device() -> None:
    assert code_of(lambda: engine_of(seeded(Plain), device="tpu9")) == "device_unknown"


def test_a_module_without_parameters() -> None:
    engine = engine_of(nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()), mean=(0.5,) * 3)
    assert torch.allclose(engine.logits(picture()), picture().mean((2, 3)))
    assert torch.allclose(engine.gradient(picture(), logit(1))[0, 1], torch.full((16, 16), 1 / 256))
