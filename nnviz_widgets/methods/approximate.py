"""Nearest vectors where there are very many: an index that finds almost all of them, and says how many."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from nnviz_widgets.methods.nearest import Metric, Nearest, nearest_of_all

EXACT = 20_000
"""Vectors among which the nearest are found one by one; above that an index is made, unless there is a GPU."""
MEASURED = 200
"""Queries on which its recall is measured."""
SPARE = 10


class Approximate:
    """An index of vectors (N, units) by pynndescent; making it takes seconds to minutes, once.

    Dong, Moses & Li 2011, Efficient k-nearest neighbor graph construction for generic similarity measures.

    Attributes:
        recall: share of the true 6 nearest that it finds, measured on 200 of the vectors.
    """

    def __init__(self, vectors: Tensor, *, metric: Metric = "euclidean", seed: int = 0) -> None:
        from pynndescent import NNDescent

        self._vectors = vectors.numpy()
        self._index = NNDescent(self._vectors, metric=metric, n_neighbors=30, random_state=seed)
        chosen = torch.linspace(0, len(vectors) - 1, MEASURED).long()
        near, _ = self._index.query(self._vectors[chosen], k=7, epsilon=0.2)
        true = nearest_of_all(vectors, 6, metric=metric, of=chosen).numpy()
        self.recall = float((true[:, :, None] == near[:, None]).any(2).mean())

    def nearest(self, query: Tensor, k: int, *, leave_out: int | None = None) -> Nearest:
        """The k vectors nearest to a query (units,), almost surely."""
        numbers, distances = self._index.query(query.numpy()[None], k=k + SPARE, epsilon=0.2)
        kept = numbers[0] != (-1 if leave_out is None else leave_out)
        found = torch.from_numpy(numbers[0][kept][:k].astype(np.int64))
        return Nearest(found, torch.from_numpy(distances[0][kept][:k]), self.recall)
