"""Recipes written and read, and the pictures made from them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.engine.objectives import channel, direction, logit
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.methods import ascent
from nnviz_widgets.methods.priors import L2, Adam, Blur, Diversity, Jitter, Plain, Rotate, Scale
from nnviz_widgets.methods.recipe import Recipe
from tests.engine.networks import Plain as PlainNetwork
from tests.engine.networks import engine_of, picture, seeded

OBJECTIVE = logit(1) - 0.3 * channel("bn1", 2) + direction("bn1", [0.1, 0.2, 0.3, -1, 0, 1 / 3], 2)


@pytest.fixture(scope="module")
def engine() -> Engine:
    return engine_of(seeded(PlainNetwork))


def pictures(steps: Any) -> Tensor:
    return torch.stack([step.x for step in steps])


@pytest.mark.parametrize("start", ["noise", "zeros", "picture", "last"])
def test_a_steered_run_comes_again_to_the_last_digit(engine: Engine, start: str, tmp_path: Path) -> None:
    first = Recipe(logit(0), steps=3, priors=[Plain(), Jitter(1)], start=picture(1, size=(9, 9)))
    begun = {"picture": picture(1, size=(12, 12)), "last": first}.get(start, start)
    changes = iter([{}, {"step_size": 0.03}, {"sigma": 0.5}, {}, {"sigma": 0.0, "l2": 1 / 3}])
    priors = [Adam(), Jitter(2), Scale(0.1), Rotate(5)]
    given = begun
    if isinstance(begun, Recipe):
        *_, last = begun.run(engine)
        given = last.x
    whole = list(
        ascent(
            engine,
            OBJECTIVE,
            size=(16, 20),
            steps=6,
            start=given,
            priors=priors,
            seed=4,
            knobs=lambda: next(changes, {}),
        )
    )
    recipe = Recipe.of(whole[5].state, OBJECTIVE, begun, network=engine.name)
    loaded = Recipe.load(recipe.save(tmp_path / "recipe.json"))
    assert loaded.steered == ((1, {"step_size": 0.03}), (2, {"sigma": 0.5}), (4, {"sigma": 0.0, "l2": 1 / 3}))
    again = list(loaded.run(engine))
    assert torch.equal(pictures(again), pictures(whole[:6]))
    assert [step.value for step in again] == [step.value for step in whole[:6]]


def test_batches_and_presets_are_kept(engine: Engine, tmp_path: Path) -> None:
    recipe = Recipe([logit(0), logit(1)], priors="Yosinski 3", steps=3, seed=2)
    loaded = Recipe.load(recipe.save(tmp_path / "recipe.json"))
    assert (loaded.priors, loaded.size, loaded.step_size) == ("Yosinski 3", None, None)
    assert torch.equal(pictures(loaded.run(engine)), pictures(recipe.run(engine)))
    listed = Recipe(logit(0), priors=[Diversity(1.0, layer="bn1"), Blur(1.0, every=3), L2(0.1)])
    assert Recipe.load(listed.save(tmp_path / "recipe.json")).priors == tuple(listed.priors)


def test_a_recipe_is_read_by_people(tmp_path: Path) -> None:
    path = Recipe(logit(130), priors="Distill", network="net").save(tmp_path / "recipe.json")
    found = json.loads(path.read_text())
    assert found["objective"] == {"terms": [{"weight": 1.0, "kind": "logit", "layer": "", "numbers": [130.0]}]}
    assert (found["priors"], found["network"], found["start"]) == ("Distill", "net", "noise")


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "\x00",
        "[]",
        "{}",
        '{"format": "nnviz_widgets ascent 1"}',
        '{"format": "nnviz_widgets ascent 1", "objective": {"terms": [{}]}}',
        '{"format": "nnviz_widgets ascent 1", "objective": {"terms": []}, "cookies": 1}',
        '{"format": "nnviz_widgets ascent 1", "objective": {"terms": []}, "priors": [{"prior": "Cake"}]}',
        '{"format": "nnviz_widgets ascent 1", "objective": {"terms": []}, "priors": [{"prior": "Decay", "decay": 2}]}',
        '{"format": "nnviz_widgets ascent 1", "objective": {"terms": []}, "steered": [1]}',
        '{"format": "nnviz_widgets ascent 1", "objective": {"terms": []}, "start": {"picture": {"zlib": "AAAA"}}}',
        '{"format": "nnviz_widgets ascent 1", "objective": {"terms": []}, "start": {"recipe": 1}}',
    ],
)
def test_what_is_no_recipe_is_said_in_one_line(text: str | None, tmp_path: Path) -> None:
    path = tmp_path / "recipe.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(NnvizError) as caught:
        Recipe.load(path)
    assert caught.value.code == "recipe_unreadable"
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("recipe.json")


def test_a_picture_with_numbers_missing_is_no_recipe(tmp_path: Path) -> None:
    path = Recipe(logit(1), start=picture()).save(tmp_path / "recipe.json")
    found = json.loads(path.read_text())
    found["start"]["picture"]["shape"] = [1, 3, 16, 17]
    path.write_text(json.dumps(found))
    with pytest.raises(NnvizError, match="cannot be read as a recipe"):
        Recipe.load(path)
