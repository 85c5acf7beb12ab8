"""Checks of the lab on embeddings and neighbours: distances."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from nnviz_widgets.labs.checking import fail, judge, passed
from nnviz_widgets.labs.networks import vectors_of
from nnviz_widgets.labs.observed import call_on_tensors
from nnviz_widgets.methods.own_method import name_of

LOOPS = (ast.For, ast.While, ast.ListComp, ast.GeneratorExp)


def check_distances(f: Callable[..., Any], *, seed: int = 0) -> str:
    """f(queries, vectors) -> (M, N), the Euclidean distance of each of M queries (M, units) to each of N vectors
    (N, units); without a loop.

    Raises:
        LabError: says what is wrong.
    """
    queries, vectors = vectors_of(seed, 3, 5, units=7)
    queries[1] = vectors[2]  # where rounding may leave less than nothing under the root
    given = _without_loop(f, queries, vectors)
    away = queries[:, None] - vectors[None]
    wanted = away.square().sum(2).sqrt()
    judge(
        f,
        given,
        wanted,
        {
            "lab_dist_squared": wanted.square(),
            "lab_dist_transposed": wanted.T,
            "lab_dist_l1": away.abs().sum(2),
            "lab_dist_mean": away.square().mean(2).sqrt(),
            "lab_dist_sum_first": away.sum(2).abs(),
            "lab_dist_over_vectors": away.square().sum(1).sqrt(),
            "lab_dist_over_queries": away.square().sum(0).sqrt(),
            "lab_dist_dot": queries @ vectors.T,
            "lab_dist_plus": (queries[:, None] + vectors[None]).square().sum(2).sqrt(),
        },
    )
    return passed(f)


def check_cosine(f: Callable[..., Any], *, seed: int = 0) -> str:
    """f(queries, vectors) -> (M, N), 1 - the cosine of the angle between each query and each vector; without a loop.

    Raises:
        LabError: says what is wrong.
    """
    queries, vectors = vectors_of(seed, 3, 5, units=7)
    given = _without_loop(f, queries, vectors)
    cosine = torch.cosine_similarity(queries[:, None], vectors[None], dim=2)
    unit = torch.nn.functional.normalize
    judge(
        f,
        given,
        1 - cosine,
        {
            "lab_cosine_similarity": cosine,
            "lab_cosine_transposed": (1 - cosine).T,
            "lab_cosine_columns": 1 - unit(queries, dim=0) @ unit(vectors, dim=0).T,
            "lab_cosine_plain": 1 - queries @ vectors.T,
            "lab_cosine_one_side": 1 - queries @ unit(vectors, dim=1).T,
            "lab_cosine_other_side": 1 - unit(queries, dim=1) @ vectors.T,
            "lab_cosine_whole": 1 - queries @ vectors.T / (queries.norm() * vectors.norm()),
            "lab_cosine_angle": cosine.arccos(),
            "lab_cosine_squared_norms": 1
            - queries @ vectors.T / (queries.square().sum(1)[:, None] * vectors.square().sum(1)),
        },
    )
    return passed(f)


def _without_loop(f: Callable[..., Any], *arguments: Tensor) -> Any:
    given = call_on_tensors(f, *arguments)
    if isinstance(given, Tensor) and given.is_floating_point() and given.isnan().any():
        fail("lab_dist_nan", name=name_of(f))
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(f)))
    except (OSError, TypeError, SyntaxError):  # not from a cell or a file
        return given
    if any(isinstance(node, LOOPS) for node in ast.walk(tree)):
        fail("lab_dist_loop", name=name_of(f))
    return given
