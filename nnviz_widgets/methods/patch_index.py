"""The index that a scan leaves: which pictures excite each channel most, and where."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.images.image_set import ImageSet
from nnviz_widgets.methods.channel_statistics import ChannelStatistics
from nnviz_widgets.methods.scan_file import load
from nnviz_widgets.methods.scan_state import LayerScan, ScanState
from nnviz_widgets.methods.top_k import NOBODY, TopK

INDEX = "index.safetensors"


@dataclass(frozen=True, eq=False)
class PatchIndex:
    """What a scan found; `methods.scan` makes it, `PatchIndex.open` finds it again.

    Attributes:
        state: the tensors themselves.
        widths: columns of each layer's maps, by name; 1 where there are none.
        images: the pictures, which are not in the file; None where nobody has said.
    """

    state: ScanState
    widths: dict[str, int]
    images: ImageSet | None = None

    @classmethod
    def open(cls, folder: str | Path, widths: dict[str, int], images: ImageSet | None = None) -> PatchIndex:
        """The index in the folder of a finished scan.

        Raises:
            NnvizError: when there is none, or it is broken or another version's.
        """
        path = Path(folder) / INDEX
        if not path.exists():
            raise NnvizError("index_missing", path=str(folder))
        return cls(load(path), widths, images)

    @property
    def layers(self) -> tuple[str, ...]:
        return tuple(self.state.layers)

    @property
    def n(self) -> int:
        """Pictures that are kept of each channel."""
        return next((layer.top.n for layer in self.state.layers.values()), 0)

    @property
    def pictures(self) -> tuple[str, ...]:
        """Ids of all pictures seen, the broken ones too, sorted."""
        return self.state.ids

    @property
    def broken(self) -> dict[str, str]:
        """Why a picture could not be read, by id."""
        return dict(self.state.broken)

    @property
    def vectors(self) -> Tensor:
        """(pictures, units) of the penultimate layer, float32, in the order of `pictures`; NaN for the broken."""
        return self.state.vectors

    def values(self, layer: str, *, smallest: bool = False) -> Tensor:
        """(channels, n) activations, best first; -inf (inf) where there were fewer pictures."""
        top = self._top(layer, smallest)
        return -top.values if smallest else top.values

    def ids(self, layer: str, *, smallest: bool = False) -> list[list[str | None]]:
        """(channels, n) ids of the pictures; None where there were fewer."""
        names = self.state.ids
        numbers = self._top(layer, smallest).pictures.tolist()
        return [[None if i == NOBODY else names[i] for i in row] for row in numbers]

    def positions(self, layer: str, *, smallest: bool = False) -> Tensor:
        """(channels, n, 2) row and column in the layer's maps."""
        places, width = self._top(layer, smallest).places, self.widths[layer]
        return torch.stack([places // width, places % width], 2)

    def statistics(self, layer: str) -> ChannelStatistics:
        """Mean, maximum and share of zeros of each channel."""
        return self._layer(layer).statistics

    def __repr__(self) -> str:
        return f"PatchIndex({len(self.pictures)} pictures, {len(self.layers)} layers)"

    def _top(self, layer: str, smallest: bool) -> TopK:
        found = self._layer(layer)
        if not smallest:
            return found.top
        if found.bottom is None:
            raise NnvizError("index_smallest")
        return found.bottom

    def _layer(self, layer: str) -> LayerScan:
        if layer not in self.state.layers:
            raise NnvizError("index_layer", layer=layer, known=", ".join(self.layers))
        return self.state.layers[layer]
