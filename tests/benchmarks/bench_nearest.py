"""The six nearest of one query among 10 000 vectors of 1280 numbers, beside scikit-learn's NearestNeighbors.

    python -m tests.benchmarks.bench_nearest [--vectors 10000] [--units 1280] [--queries 40]

Both look at every vector; the places found must be those of scikit-learn in doubles. One process, taken in turn.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from sklearn.neighbors import NearestNeighbors
from torch import Tensor

from nnviz_widgets.methods.nearest import Metric, nearest, space_of


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vectors", type=int, default=10_000)
    parser.add_argument("--units", type=int, default=1280)
    parser.add_argument("--queries", type=int, default=40)
    options = parser.parse_args()
    generator = torch.Generator().manual_seed(0)
    # As after a ReLU: sparse, and far from the origin.
    vectors = torch.randn(options.vectors, options.units, generator=generator).relu()
    queries = torch.randn(options.queries, options.units, generator=generator).relu()
    print(f"{options.vectors} x {options.units}, milliseconds a query: median, worst")
    for metric in ("euclidean", "cosine"):
        compare(vectors, queries, metric)


def compare(vectors: Tensor, queries: Tensor, metric: Metric) -> None:
    began = time.perf_counter()
    space = space_of(vectors, metric)
    ready = time.perf_counter() - began
    plain, sure = (
        NearestNeighbors(n_neighbors=6, metric=metric, algorithm="brute").fit(points.numpy())
        for points in (vectors, vectors.double())
    )
    truth = sure.kneighbors(queries.double().numpy(), return_distance=False).tolist()
    ours: list[float] = []
    theirs: list[float] = []
    right = 0
    for query, expected in zip(queries, truth, strict=True):
        found = timed(ours, partial(nearest, space, query, 6, metric=metric))
        timed(theirs, partial(plain.kneighbors, query[None].numpy()))
        right += found.numbers.tolist() == expected
    print(f"{metric}, made ready once in {1000 * ready:.0f} ms, {right} of {len(truth)} as in doubles")
    for name, taken in (("nearest", ours), ("scikit-learn, brute", theirs)):
        print(f"  {name:<24}{statistics.median(taken):8.1f}{max(taken):8.1f}")


def timed(taken: list[float], call: Callable[[], Any]) -> Any:
    began = time.perf_counter()
    found = call()
    taken.append(1000 * (time.perf_counter() - began))
    return found


if __name__ == "__main__":
    main()
