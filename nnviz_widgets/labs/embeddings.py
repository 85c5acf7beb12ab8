"""Checks of the lab on embeddings and neighbours: vectors, neighbours, the plane."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import torch
from torch import Tensor

from nnviz_widgets.engine.cifar_net import build
from nnviz_widgets.labs.checking import Guess, fail, judge, passed
from nnviz_widgets.labs.networks import SIZE, picture, small_network, vectors_of
from nnviz_widgets.labs.observed import call, call_on_tensors
from nnviz_widgets.methods.nearest import nearest, nearest_of_all
from nnviz_widgets.methods.own_method import name_of


def check_penultimate(f: Callable[..., Any], *, seed: int = 0) -> str:
    """f(module, x) -> (N, units), what enters the last linear layer for N pictures x (Krizhevsky et al. 2012).

    Raises:
        LabError: says what is wrong.
    """
    name = name_of(f)
    for module, size in ((small_network(seed), SIZE), (build(), (32, 32))):
        x = torch.cat([picture(seed + i, 3, size) for i in range(3)])
        with torch.no_grad():
            values = [x]
            for part in module:
                values.append(part(values[-1]))
        given = call(f, module, x)
        if isinstance(given, tuple | list):
            fail("lab_embed_tuple", name=name)
        mistakes: dict[str, Guess] = {
            "lab_embed_output": values[-1],
            "lab_embed_softmax": values[-1].softmax(1),
            "lab_embed_before_relu": values[-3],
            "lab_embed_first_linear": values[-4],
            "lab_embed_one": values[-2][:1],
        }
        judge(f, given, values[-2], mistakes)
    return passed(f)


def check_neighbours(f: Callable[..., Any], *, seed: int = 0) -> str:
    """f(vectors, number, k) -> (k,) places of the k vectors nearest to that of this number by Euclidean distance,
    nearest first, itself left out.

    Raises:
        LabError: says what is wrong.
    """
    name, k = name_of(f), 4
    (vectors,) = vectors_of(seed, 12, units=6)
    vectors[3] = vectors[8]  # twins: whoever leaves out the first of the ranking may leave out the wrong one
    for number in (5, 8, 3):
        given = call_on_tensors(f, vectors, number, k)
        try:
            found = torch.as_tensor(given)
        except (TypeError, ValueError, RuntimeError):
            found = torch.zeros(1)
        if found.is_floating_point() or found.dtype == torch.bool:
            fail("lab_near_places", name=name)
        found = found.flatten()
        distances = (vectors - vectors[number]).norm(dim=1)
        order = distances.argsort()
        if found.shape != (k,):
            fail("lab_near_count", name=name, count=len(found), k=k)
        if not 0 <= int(found.min()) <= int(found.max()) < len(vectors):
            fail("lab_near_range", name=name, last=len(vectors) - 1)
        if set(found.tolist()) & set(order[-2:].tolist()):
            fail("lab_near_largest", name=name)
        if number in found:
            fail("lab_near_itself" if number == 5 else "lab_near_twin", name=name)
        wanted = nearest(vectors, vectors[number], k, leave_out=number).numbers
        if set(found.tolist()) == set(wanted.tolist()) and not torch.equal(distances[found], distances[wanted]):
            fail("lab_near_order", name=name)
        judge(f, distances[found], distances[wanted])
    return passed(f)


def check_same_class(f: Callable[..., Any], *, seed: int = 0) -> str:
    """f(vectors, labels, k) -> the share, 0 to 1, of the k nearest neighbours of every vector that are of its class.

    Raises:
        LabError: says what is wrong.
    """
    name, k = name_of(f), 3
    vectors, labels, shares = _labelled(seed, k)
    given = call_on_tensors(f, vectors, labels, k)
    try:
        share = torch.as_tensor(float(given))
    except (TypeError, ValueError, RuntimeError):
        fail("lab_share_number", name=name, type=type(given).__name__)
    judge(f, share, shares.pop("right"), shares)
    return passed(f)


def check_plane(f: Callable[..., Any], *, seed: int = 0) -> str:
    """f(vectors) -> (N, 2), the vectors projected on their first two principal components; the sign of each is free.

    Raises:
        LabError: says what is wrong.
    """
    (vectors,) = vectors_of(seed, 30, units=6)
    vectors = vectors * torch.tensor([1.0, 5.0, 0.3, 2.5, 0.6, 1.6]) + torch.tensor([9.0, -4.0, 7.0, 6.0, 0.0, -8.0])
    given = call_on_tensors(f, vectors)
    centred = vectors - vectors.mean(0)
    left, sizes, right = torch.linalg.svd(centred, full_matrices=False)
    wanted = centred @ right[:2].T
    raw = torch.linalg.svd(vectors, full_matrices=False)[2]
    rows = vectors - vectors.mean(1, keepdim=True)
    scaled = centred / centred.std(0)
    of_rows, of_scaled = (torch.linalg.svd(each, full_matrices=False)[2] for each in (rows, scaled))
    guesses = {
        "lab_plane_not_centred": vectors @ raw[:2].T,
        "lab_plane_centred_late": centred @ raw[:2].T,
        "lab_plane_shifted": vectors @ right[:2].T,
        "lab_plane_rows": rows @ of_rows[:2].T,
        "lab_plane_unit": left[:, :2],
        "lab_plane_last": (centred @ right[-2:].T).flip(1),  # as torch.linalg.eigh orders them
        "lab_plane_columns": centred @ right[:, :2],
        "lab_plane_exchanged": wanted.flip(1),
        "lab_plane_standardised": scaled @ of_scaled[:2].T,
        "lab_plane_whitened": left[:, :2] * (len(vectors) - 1) ** 0.5,
        "lab_plane_scaled_twice": wanted * sizes[:2],
        "lab_plane_first_columns": centred[:, :2],
    }
    if isinstance(given, Tensor) and given.shape == (2, 6):
        fail("lab_plane_axes", name=name_of(f))
    if isinstance(given, Tensor) and given.shape == wanted.T.shape:
        fail("lab_plane_transposed", name=name_of(f))
    mistakes: dict[str, Guess] = {key: _turned(guess, given) for key, guess in guesses.items()}
    judge(f, given, _turned(wanted, given), mistakes)
    return passed(f)


def _labelled(seed: int, k: int) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """Vectors of three classes and their labels, with the share that is right and those of mistakes, all different."""
    labels = torch.arange(20) % 3
    for number in count(100 * seed):
        vectors = vectors_of(number, 20, units=4)[0] + 0.8 * labels[:, None]
        ranked = torch.cat([torch.arange(20)[:, None], nearest_of_all(vectors, 19)], 1)
        same = (labels[ranked] == labels[:, None]).float()
        near = same[:, 1 : k + 1]
        shares = {
            "right": near.mean(),
            "lab_share_itself": same[:, :k].mean(),
            "lab_share_itself_more": same[:, : k + 1].mean(),
            "lab_share_percent": 100 * near.mean(),
            "lab_share_count": near.sum(),
            "lab_share_per_vector": near.sum(1).mean(),
            "lab_share_any": near.amax(1).mean(),
            "lab_share_all": near.amin(1).mean(),
            "lab_share_majority": (near.mean(1) > 0.5).float().mean(),
            "lab_share_nearest": near[:, 0].mean(),
        }
        if len({round(float(share), 3) for share in shares.values()}) == len(shares):
            return vectors, labels, shares
    raise AssertionError  # never: there is no end of vectors


def _turned(values: Tensor, given: Any) -> Tensor:
    """With the signs of the columns that a student's have: a component has none of its own."""
    if not isinstance(given, Tensor) or given.shape != values.shape or not given.is_floating_point():
        return values
    alike = (values * given.to(values)).sum(0)
    return values * torch.where(alike < 0, -1.0, 1.0)
