"""Where a map of pictures tears what belongs together, or joins what does not."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nnviz_widgets.methods.nearest import Metric, unit_length

SAMPLE = 256
"""Pictures that distances are held against."""


def seams(
    vectors: Tensor, points: NDArray[np.float32], *, k: int = 6, metric: Metric = "euclidean", rows: int = 1024
) -> NDArray[np.float32]:
    """How far the neighbours on the map are in truth, (N,): the share of pictures that are nearer than they, 0..1.

    A mean over the k nearest on the map; the share is taken of 256 pictures, drawn evenly. 0.5 is what chance gives.
    """
    from scipy.spatial import cKDTree

    k = min(k, len(points) - 1)
    if k < 1:
        return np.zeros(len(points), np.float32)
    _, near = cKDTree(points).query(points, k + 1)
    # A point that lies on others may not be the first of its own neighbours: the farthest one goes then.
    own = near == np.arange(len(points))[:, None]
    own[~own.any(1), -1] = True
    near = near[~own].reshape(len(points), k)
    space = unit_length(vectors) if metric == "cosine" else vectors
    space = space - space.mean(0)
    held = space[np.unique(np.linspace(0, len(space) - 1, min(len(space), SAMPLE)).astype(int))]
    found = []
    for start in range(0, len(space), rows):
        part = space[start : start + rows]
        others = space[torch.from_numpy(near[start : start + rows])]
        shown = (others - part[:, None]).norm(dim=2)
        true = torch.cdist(part, held)
        counted = (true > 0).sum(1, keepdim=True).clamp_min(1)  # itself, and its copies, are no others
        closer = ((true[:, None] < shown[..., None]) & (true[:, None] > 0)).sum(2)
        found.append((closer / counted).mean(1))
    return torch.cat(found).numpy()
