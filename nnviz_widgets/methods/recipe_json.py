"""Recipes as JSON values and back: objectives, priors, and pictures to the last digit."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from nnviz_widgets.engine.objectives import Objective
from nnviz_widgets.engine.terms import Term
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.methods.priors import KINDS, Prior

RecipeType = TypeVar("RecipeType")


def to_json(recipe: Any) -> dict[str, Any]:
    """The fields of a recipe."""
    values = {each.name: getattr(recipe, each.name) for each in fields(recipe)}
    objective, start, priors = values["objective"], values["start"], values["priors"]
    alone = isinstance(objective, Objective)
    values["objective"] = _objective(objective) if alone else [_objective(each) for each in objective]
    values["priors"] = priors if isinstance(priors, str) else [_prior(each) for each in priors]
    if isinstance(start, Tensor):
        values["start"] = {"picture": _packed(start)}
    elif not isinstance(start, str):
        values["start"] = {"recipe": to_json(start)}
    if values["step_size"] is not None:
        values["step_size"] = float(values["step_size"])
    values["steered"] = [
        [step, {name: float(value) for name, value in changes.items()}] for step, changes in values["steered"]
    ]
    return values


def from_json(kind: type[RecipeType], values: Mapping[str, Any]) -> RecipeType:
    """A recipe of its fields."""
    found = dict(values)
    objective, start, priors, size = (found.get(name) for name in ("objective", "start", "priors", "size"))
    if isinstance(objective, dict):
        found["objective"] = _as_objective(objective)
    elif isinstance(objective, list):
        found["objective"] = tuple(_as_objective(each) for each in objective)
    else:
        raise ValueError("it has no objective")
    if isinstance(start, dict):
        found["start"] = _unpacked(start["picture"]) if "picture" in start else from_json(kind, start["recipe"])
    if isinstance(priors, list):
        found["priors"] = tuple(_as_prior(each) for each in priors)
    if isinstance(size, list):
        found["size"] = tuple(size)
    found["steered"] = tuple((int(step), dict(changes)) for step, changes in found.get("steered", ()))
    return kind(**found)


def _objective(objective: Objective) -> dict[str, Any]:
    if not isinstance(objective, Objective):
        raise NnvizError("objective_type", type=type(objective).__name__)
    return {"terms": [{"weight": weight, **asdict(term)} for term, weight in objective.terms]}


def _as_objective(values: Mapping[str, Any]) -> Objective:
    return Objective(
        (Term(term["kind"], term["layer"], tuple(map(float, term["numbers"]))), term["weight"])
        for term in values["terms"]
    )


def _prior(prior: Prior) -> dict[str, Any]:
    return {"prior": type(prior).__name__, **asdict(prior)}


def _as_prior(values: Mapping[str, Any]) -> Prior:
    found = dict(values)
    return KINDS[found.pop("prior")](**found)


def _packed(x: Tensor) -> dict[str, Any]:
    """Numbers as text, compressed: those of a PNG would be rounded, and the pictures would be others."""
    array = x.detach().cpu().contiguous().numpy()
    array = array.astype(array.dtype.newbyteorder("<"))
    text = base64.b64encode(zlib.compress(array.tobytes())).decode("ascii")
    return {"shape": list(array.shape), "dtype": array.dtype.str, "zlib": text}


def _unpacked(values: Mapping[str, Any]) -> Tensor:
    data = zlib.decompress(base64.b64decode(values["zlib"]))
    array = np.frombuffer(data, np.dtype(values["dtype"])).reshape(values["shape"])
    return torch.from_numpy(array.astype(array.dtype.newbyteorder("=")))
