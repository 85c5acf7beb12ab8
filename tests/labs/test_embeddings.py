"""Checks of the lab on embeddings and neighbours: right answers pass, every typical wrong one is named."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from nnviz_widgets import labs
from nnviz_widgets.lang import TEXT
from tests.labs.verdicts import said


def penultimate(module, x, *, linear=-1, keep=False, output=False, whole=False, rows=slice(None)):
    part = [m for m in module.modules() if isinstance(m, nn.Linear)][linear]
    kept = []
    if output:
        hook = part.register_forward_hook(lambda _, inputs, given: kept.append(given))
    else:
        hook = part.register_forward_pre_hook(lambda _, inputs: kept.append(inputs if whole else inputs[0]))
    with torch.no_grad():
        module(x)
    if not keep:
        hook.remove()
    return kept[0] if whole else kept[0][rows]


VECTORS_ANSWERS = [
    (None, penultimate),
    ("lab_embed_tuple", lambda *a: penultimate(*a, whole=True)),
    ("lab_embed_output", lambda *a: penultimate(*a, output=True)),
    ("lab_embed_output", lambda module, x: module(x)),
    ("lab_embed_softmax", lambda module, x: module(x).softmax(1)),
    ("lab_embed_before_relu", lambda *a: penultimate(*a, linear=0, output=True)),
    ("lab_embed_first_linear", lambda *a: penultimate(*a, linear=0)),
    ("lab_embed_one", lambda *a: penultimate(*a, rows=slice(1))),
    ("lab_embed_one", lambda *a: penultimate(*a, rows=0)),
    ("lab_hook_left", lambda *a: penultimate(*a, keep=True)),
    ("lab_parts_changed", lambda module, x: (module.pop(-1), module(x))[1]),
    ("lab_mode_changed", lambda module, x: penultimate(module.train(), x)),
    ("lab_input_changed", lambda module, x: penultimate(module, x.mul_(2))),
    ("lab_nothing", lambda *a: None),
]


@pytest.mark.parametrize(("code", "f"), VECTORS_ANSWERS)
def test_vectors(code, f):
    assert said(labs.check_penultimate, f) == code


def away(queries, vectors):
    return queries[:, None] - vectors[None]


def looped(queries, vectors):
    return torch.stack([(vectors - query).norm(dim=1) for query in queries])


def expanded(queries, vectors):
    return (queries.square().sum(1)[:, None] + vectors.square().sum(1) - 2 * queries @ vectors.T).sqrt()


DISTANCES_ANSWERS = [
    (None, torch.cdist),
    (None, lambda q, v: away(q, v).norm(dim=2)),
    ("lab_dist_loop", looped),
    ("lab_dist_nan", lambda q, v: (away(q, v).square().sum(2) - 1e-6).sqrt()),
    ("lab_dist_squared", lambda q, v: away(q, v).square().sum(2)),
    ("lab_dist_transposed", lambda q, v: torch.cdist(v, q)),
    ("lab_dist_l1", lambda q, v: away(q, v).abs().sum(2)),
    ("lab_dist_mean", lambda q, v: away(q, v).square().mean(2).sqrt()),
    ("lab_dist_sum_first", lambda q, v: away(q, v).sum(2).square().sqrt()),
    ("lab_dist_over_vectors", lambda q, v: away(q, v).norm(dim=1)),
    ("lab_dist_over_queries", lambda q, v: away(q, v).norm(dim=0)),
    ("lab_dist_dot", lambda q, v: q @ v.T),
    ("lab_dist_plus", lambda q, v: (q[:, None] + v[None]).norm(dim=2)),
    ("lab_input_changed", lambda q, v: torch.cdist(q.mul_(2), v)),
]


@pytest.mark.parametrize(("code", "f"), DISTANCES_ANSWERS)
def test_distances(code, f):
    assert said(labs.check_distances, f) == code


def cosine(queries, vectors, of_queries=lambda q: F.normalize(q, dim=1), of_vectors=lambda v: F.normalize(v, dim=1)):
    return 1 - of_queries(queries) @ of_vectors(vectors).T


def same(values):
    return values


COSINE_ANSWERS = [
    (None, cosine),
    ("lab_cosine_similarity", lambda q, v: 1 - cosine(q, v)),
    ("lab_cosine_transposed", lambda q, v: cosine(v, q)),
    (
        "lab_cosine_columns",
        lambda q, v: cosine(q, v, lambda q: F.normalize(q, dim=0), lambda v: F.normalize(v, dim=0)),
    ),
    ("lab_cosine_plain", lambda q, v: cosine(q, v, same, same)),
    ("lab_cosine_one_side", lambda q, v: cosine(q, v, same)),
    ("lab_cosine_other_side", lambda q, v: cosine(q, v, of_vectors=same)),
    ("lab_cosine_whole", lambda q, v: cosine(q / q.norm(), v / v.norm(), same, same)),
    ("lab_cosine_angle", lambda q, v: (1 - cosine(q, v)).arccos()),
    ("lab_cosine_squared_norms", lambda q, v: cosine(q, v, *[lambda r: r / r.square().sum(1, keepdim=True)] * 2)),
    ("lab_dist_loop", lambda q, v: torch.stack([cosine(one[None], v)[0] for one in q])),
]


@pytest.mark.parametrize(("code", "f"), COSINE_ANSWERS)
def test_the_cosine(code, f):
    assert said(labs.check_cosine, f) == code


def neighbours(vectors, number, k):
    distances = (vectors - vectors[number]).norm(dim=1)
    distances[number] = torch.inf
    return distances.argsort()[:k]


def ranked(vectors, number, descending=False):
    distances = (vectors - vectors[number]).norm(dim=1)
    distances[number] -= 1e-3 if number == 5 else -1e-3  # of twins, the other one comes first
    return distances.argsort(descending=descending)


NEIGHBOURS_ANSWERS = [
    (None, neighbours),
    (None, lambda v, n, k: neighbours(v, n, k).tolist()),
    ("lab_near_itself", lambda v, n, k: ranked(v, n)[:k]),
    ("lab_near_twin", lambda v, n, k: ranked(v, n)[1 : k + 1]),
    ("lab_near_largest", lambda v, n, k: ranked(v, n, descending=True)[:k]),
    ("lab_near_places", lambda v, n, k: (v - v[n]).norm(dim=1)[neighbours(v, n, k)]),
    ("lab_near_places", lambda v, n, k: None),
    ("lab_near_count", lambda v, n, k: neighbours(v, n, k + 1)),
    ("lab_near_range", lambda v, n, k: neighbours(v, n, k) - 20),
    ("lab_near_order", lambda v, n, k: neighbours(v, n, k).flip(0)),
    ("lab_input_changed", lambda v, n, k: neighbours(v.mul_(2), n, k)),
]


@pytest.mark.parametrize(("code", "f"), NEIGHBOURS_ANSWERS)
def test_neighbours(code, f):
    assert said(labs.check_neighbours, f) == code


def alike(vectors, labels, k, first=0, itself=False):
    distances = torch.cdist(vectors, vectors)
    distances.fill_diagonal_(-1 if itself else torch.inf)
    return (labels[distances.argsort(1)[:, first:k]] == labels[:, None]).float()


SHARE_OF_SAME_CLASS_ANSWERS = [
    (None, lambda *a: alike(*a).mean()),
    (None, lambda *a: float(alike(*a).mean())),
    ("lab_share_itself", lambda *a: alike(*a, itself=True).mean()),
    ("lab_share_itself_more", lambda v, y, k: alike(v, y, k + 1, itself=True).mean()),
    ("lab_share_percent", lambda *a: 100 * alike(*a).mean()),
    ("lab_share_count", lambda *a: alike(*a).sum()),
    ("lab_share_per_vector", lambda *a: alike(*a).sum(1).mean()),
    ("lab_share_any", lambda *a: alike(*a).amax(1).mean()),
    ("lab_share_all", lambda *a: alike(*a).amin(1).mean()),
    ("lab_share_majority", lambda *a: (alike(*a).mean(1) > 0.5).float().mean()),
    ("lab_share_nearest", lambda v, y, k: alike(v, y, 1).mean()),
    ("lab_share_number", lambda *a: alike(*a)),
    ("lab_share_number", lambda *a: None),
]


@pytest.mark.parametrize(("code", "f"), SHARE_OF_SAME_CLASS_ANSWERS)
def test_the_share_of_the_same_class(code, f):
    assert said(labs.check_same_class, f) == code


def plane(vectors, *, centre=lambda v: v - v.mean(0), fit=None, project=None, turn=lambda c: c):
    centred = centre(vectors)
    vh = torch.linalg.svd(centred if fit is None else fit(vectors), full_matrices=False)[2]
    return (centred if project is None else project(vectors)) @ turn(vh)[:2].T


def svd(vectors):
    return torch.linalg.svd(vectors - vectors.mean(0), full_matrices=False)


def by_eigenvectors(vectors, flip):
    centred = vectors - vectors.mean(0)
    components = torch.linalg.eigh(centred.T @ centred)[1]
    return centred @ (components.flip(1) if flip else components)[:, :2]


PLANE_ANSWERS = [
    (None, plane),
    (None, lambda v: -plane(v)),
    (None, lambda v: plane(v) * torch.tensor([1, -1])),
    (None, lambda v: svd(v)[0][:, :2] * svd(v)[1][:2]),
    (None, lambda v: by_eigenvectors(v, flip=True)),
    ("lab_plane_not_centred", lambda v: plane(v, centre=lambda v: v)),
    ("lab_plane_centred_late", lambda v: plane(v, fit=lambda v: v)),
    ("lab_plane_shifted", lambda v: plane(v, project=lambda v: v)),
    ("lab_plane_rows", lambda v: plane(v, centre=lambda v: v - v.mean(1, keepdim=True))),
    ("lab_plane_unit", lambda v: svd(v)[0][:, :2]),
    ("lab_plane_last", lambda v: by_eigenvectors(v, flip=False)),
    ("lab_plane_columns", lambda v: plane(v, turn=lambda vh: vh.T)),
    ("lab_plane_exchanged", lambda v: plane(v).flip(1)),
    ("lab_plane_standardised", lambda v: plane(v, centre=lambda v: (v - v.mean(0)) / v.std(0))),
    ("lab_plane_whitened", lambda v: svd(v)[0][:, :2] * 29**0.5),
    ("lab_plane_scaled_twice", lambda v: plane(v) * svd(v)[1][:2]),
    ("lab_plane_first_columns", lambda v: (v - v.mean(0))[:, :2]),
    ("lab_plane_axes", lambda v: svd(v)[2][:2]),
    ("lab_plane_transposed", lambda v: plane(v).T),
    ("lab_input_changed", lambda v: plane(v.sub_(1))),
]


@pytest.mark.parametrize(("code", "f"), PLANE_ANSWERS)
def test_the_plane(code, f):
    assert said(labs.check_plane, f) == code


@pytest.mark.parametrize("seed", range(1, 5))
def test_right_answers_pass_whatever_the_seed(seed):
    labs.check_penultimate(penultimate, seed=seed)
    labs.check_distances(torch.cdist, seed=seed)
    labs.check_cosine(cosine, seed=seed)
    labs.check_neighbours(neighbours, seed=seed)
    labs.check_same_class(lambda *a: alike(*a).mean(), seed=seed)
    labs.check_plane(plane, seed=seed)


def test_every_message_is_earned_by_a_wrong_answer():
    answers = [
        *VECTORS_ANSWERS,
        *DISTANCES_ANSWERS,
        *COSINE_ANSWERS,
        *NEIGHBOURS_ANSWERS,
        *SHARE_OF_SAME_CLASS_ANSWERS,
        *PLANE_ANSWERS,
    ]
    messages = {
        key
        for key in TEXT["en"]
        if key.startswith(("lab_embed_", "lab_dist_", "lab_cosine_", "lab_near_", "lab_share_", "lab_plane_"))
    }
    assert messages
    assert messages <= {code for code, _ in answers}
