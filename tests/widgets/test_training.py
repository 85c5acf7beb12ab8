"""A training in a cell: what it does to the module, its pauses, knobs, pictures and words."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch
from torch import nn

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.images.image_set import ImageSet
from nnviz_widgets.methods import filters, train
from nnviz_widgets.widgets.filters import Filters
from nnviz_widgets.widgets.pointer import Event
from nnviz_widgets.widgets.training import Training
from tests.engine.networks import seeded
from tests.widgets.conftest import control_of, html_of, status_of

WAIT = 10.0
INPUT = {"mean": 0.5, "std": 0.5, "size": 8}


def make():
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 3))


def stripes(count=30, seed=0):
    pixels = np.random.default_rng(seed).integers(0, 90, (count, 8, 8), dtype=np.uint8)
    labels = ["low", "middle", "high"] * (count // 3)
    for i, picture in enumerate(pixels):
        picture[2 * (i % 3) + 1] = 250
    return ImageSet(pixels, labels=labels, classes=["low", "middle", "high"], name="stripes")


def until(holds):
    end = time.monotonic() + WAIT
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.002)


def weights_of(module):
    return [value.clone() for value in module.state_dict().values()]


def same(first, second):
    return all(map(torch.equal, first, second))


@pytest.fixture
def training(opened):
    def show(module=None, images=None, **state):
        return opened(Training(module or seeded(make), images or stripes(), **{**INPUT, "batch": 8, **state}))

    return show


def waiting(training, **state):
    """One that has shown its beginning."""
    widget = training(autorun=False, **state)
    until(lambda: widget.phase == "paused")
    return widget


def test_it_trains_the_module_itself_as_the_method_does(training):
    module, other = seeded(make), seeded(make)
    widget = training(module, epochs=3, learning_rate=0.1, weight_decay=0.01, momentum=0.5, seed=2)
    rates = {"learning_rate": 0.1, "weight_decay": 0.01, "momentum": 0.5}
    steps = [*train(other, stripes(), **INPUT, batch=8, epochs=3, seed=2, **rates)]
    last = widget.compute()
    assert (last.step, last.loss, last.test_accuracy) == (9, steps[-1].loss, steps[-1].test_accuracy)
    assert same(weights_of(module), weights_of(other))
    assert widget.engine.module is module
    assert not module.training
    until(lambda: widget.phase == "done")
    assert widget.result is last


def test_steps_and_pauses_change_nothing(training):
    module, whole = seeded(make), seeded(make)
    [*train(whole, stripes(), **INPUT, batch=8, epochs=2)]
    widget = waiting(training, module=module, epochs=2)
    for expected in (1, 2):
        widget.step()
        until(lambda: widget.phase == "paused")
        assert widget.result.step == expected
    widget.start()
    assert widget.compute().step == 6
    assert same(weights_of(module), weights_of(whole))


def test_a_pause_lets_the_step_under_way_count(training):
    """What is shown is what the weights are: none is taken twice, whenever the pause comes."""
    module, whole = seeded(make), seeded(make)
    epochs = 4
    [*train(whole, stripes(), **INPUT, batch=8, epochs=epochs)]
    widget = waiting(training, module=module, epochs=epochs)
    seen = []
    while widget.phase != "done":
        widget.start()
        begun = widget.moment.step
        until(lambda begun=begun: widget.moment.step > begun)
        widget.pause()
        until(lambda: widget.phase in ("paused", "done"))
        if widget.phase == "paused" and widget.moment.step == 3 * epochs:
            break
        seen.append(widget.result.step)
    assert seen == sorted(set(seen))
    assert widget.result.step == 3 * epochs
    assert same(weights_of(module), weights_of(whole))


def test_restart_puts_the_first_weights_back_and_stop_leaves_those_learned(training):
    module = seeded(make)
    first = weights_of(module)
    widget = training(module, epochs=2)
    widget.compute()
    learned = weights_of(module)
    assert not same(first, learned)
    widget.restart()
    widget.compute()
    assert same(weights_of(module), learned)
    widget.stop()
    widget.autorun = False
    widget.seed = 1
    widget.compute()
    other = weights_of(module)
    assert not same(other, learned)
    widget.close()
    assert same(weights_of(module), other)


def test_knobs_steer_without_a_restart_and_batch_begins_anew(training):
    widget = waiting(training, epochs=2)
    widget.step()
    until(lambda: widget.phase == "paused")
    widget.learning_rate, widget.weight_decay = 0.2, 0.01
    assert widget.phase == "paused"
    widget.step()
    until(lambda: widget.phase == "paused")
    assert widget.result.step == 2
    assert (widget.result.rates.learning_rate, widget.result.rates.weight_decay) == (0.2, 0.01)
    widget.batch = 12
    assert widget.compute().step == 4


def test_more_epochs_go_on(training):
    widget = training(epochs=1)
    widget.compute()
    until(lambda: widget.phase == "done")
    widget.epochs = 3
    assert widget.phase == "paused"
    widget.start()
    assert widget.compute().step == 9


def test_other_widgets_of_its_engine_and_of_the_module_show_it_learn(training, opened):
    module = seeded(make)
    widget = waiting(training, module=module, epochs=2)
    beside = opened(Filters(widget.engine))
    apart = Engine(module, **INPUT)
    before = beside.compute()
    assert torch.equal(before, module[0].weight)
    widget.start()
    widget.compute()
    assert not torch.equal(before, module[0].weight)
    assert torch.equal(beside.compute(), module[0].weight)
    assert torch.equal(filters(apart, "0"), module[0].weight)


def test_the_panes_show_the_weights_of_the_step_that_is_shown(training):
    widget = waiting(training, epochs=2)
    for _ in range(2):
        widget.step()
        until(lambda: widget.phase == "paused")
        seen = widget._drawn.seen
        assert np.array_equal(seen.filters, widget.engine.module[0].weight.detach().numpy())
        x = widget.engine.prepare(widget.image_set[widget.example])
        with torch.no_grad():
            maps = widget.engine.module[:2](x)[0]
        assert np.allclose(seen.maps, maps.numpy(), atol=1e-6)


def test_another_picture_or_layer_is_looked_at_without_a_restart(training):
    widget = waiting(training)
    widget.step()
    until(lambda: widget.phase == "paused")
    step, pixels = widget.result, widget._surface.picture("photo")
    widget.example = 3
    assert not np.array_equal(widget._surface.picture("photo"), pixels)
    assert any("Picture 3: low" in text for text in html_of(widget))
    widget.layer = "0"
    assert any("Maps of layer 0" in text for text in html_of(widget))
    assert widget.result is step
    assert widget.phase == "paused"


def test_a_mistake_is_told_in_words_and_a_click_looks_at_it(training):
    widget = waiting(training)
    wrong = widget.result.wrong
    names = widget.image_set.classes
    (words,) = [text for text in html_of(widget) if "taken for" in text and "but it is" in text]
    assert f"taken for {names[wrong.predicted]}" in words
    assert f"but it is {names[wrong.true]}" in words
    widget._happened(Event("click", "wrong", 0.5, 0.5))
    assert widget.example == wrong.index


def test_without_mistakes_and_without_pictures_held_out_it_says_so(training):
    widget = training(images=stripes(60), epochs=60, learning_rate=0.1)
    assert widget.compute().test_accuracy == 1
    assert any("No mistake" in text for text in html_of(widget))
    assert any("No pictures are held out" in text for text in html_of(waiting(training, test_share=0.0)))


def test_values_under_the_pointer_go_to_the_caption(training):
    widget = waiting(training)
    widget._happened(Event("move", "maps", 0.01, 0.01))
    value = widget._drawn.seen.maps[0, 0, 0]
    assert any("channel 0, row 0, column 0" in text for text in html_of(widget))
    assert value >= 0
    widget._happened(Event("move", "filters", 0.01, 0.01))
    assert any("filter 0:" in text for text in html_of(widget))
    widget._happened(Event("leave", "maps"))
    assert not any("row 0, column 0" in text for text in html_of(widget))


def test_space_pauses_and_goes_on(training):
    widget = waiting(training, epochs=1)
    widget._happened(Event("key", "photo", key=" "))
    assert widget.compute().step == 3
    until(lambda: widget.phase == "done")


def test_a_network_without_convolutions_learns_too(training):
    module = seeded(lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, 3)))
    widget = training(module, epochs=10, mean=(0.5,), std=(0.5,))
    assert widget.compute().test_accuracy > 0.5
    refused = [text for text in html_of(widget) if "nnviz-refused" in text]
    assert len([text for text in refused if "there are no" in text]) == 2
    assert widget.picture.size[0] > 100


def test_a_training_that_diverges_says_what_to_do_and_keeps_its_picture(training):
    widget = waiting(training, epochs=50)
    with torch.no_grad():
        widget.engine.module[4].weight.fill_(torch.inf)
    widget.start()
    until(lambda: widget.phase == "stopped")
    assert "lower the learning rate" in status_of(widget)
    assert widget.result is not None


def test_a_theme_draws_again_and_the_picture_can_be_saved(training, tmp_path):
    widget = waiting(training)
    light = np.asarray(widget.picture)
    widget.theme = "dark"
    assert not np.array_equal(np.asarray(widget.picture), light)
    assert widget.save(tmp_path / "training.png").stat().st_size > 1000


def test_it_speaks_french(training):
    widget = waiting(training, language="fr")
    assert control_of(widget, "Taux d’apprentissage").value == 0.05
    assert any("prise pour" in text and "alors que c’est" in text for text in html_of(widget))


@pytest.mark.parametrize(
    ("code", "arguments", "options"),
    [
        ("train_labels", lambda: (seeded(make), ImageSet(np.zeros((4, 8, 8), np.uint8))), {}),
        ("train_outputs", lambda: (seeded(make), ImageSet(stripes()[:9], labels=[0, 1, 2, 3] * 2 + [3])), {}),
        ("set_given", lambda: (seeded(make), [1, 2]), {}),
        ("module_type", lambda: ("net", stripes()), {}),
        ("train_frozen", lambda: (seeded(make).requires_grad_(False), stripes()), {}),
        ("contract_missing", lambda: (seeded(make), stripes()), {"size": None}),
        ("contract_value", lambda: (seeded(make), stripes()), {"example": 30}),
        ("layer_not_spatial", lambda: (seeded(make), stripes()), {"layer": "4"}),
        ("option_unknown", lambda: (seeded(make), stripes()), {"learning": 1}),
    ],
)
def test_bad_input_is_one_line(code, arguments, options, opened):
    module, images = arguments()
    with pytest.raises(NnvizError) as caught:
        Training(module, images, **{**INPUT, **options})
    assert caught.value.code == code
