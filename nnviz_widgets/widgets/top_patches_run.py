"""The job of a widget of patches: a scan if it makes its own, then the page asked for."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.images.image_set import ImageSet
from nnviz_widgets.live import Partial, State
from nnviz_widgets.methods.patch_index import PatchIndex
from nnviz_widgets.methods.patches import images_of
from nnviz_widgets.methods.scan import scan
from nnviz_widgets.methods.scan_layers import spatial_blocks
from nnviz_widgets.methods.winners import check_network
from nnviz_widgets.widgets.base import LiveWidget
from nnviz_widgets.widgets.code import Expr, Script, call
from nnviz_widgets.widgets.top_patches_looks import PatchBook
from nnviz_widgets.widgets.top_patches_scan import Scanning

SOONEST, SHARE = 0.5, 0.1  # of a scan's time at most this share goes to showing what it has found so far


class TopPatchesRun(LiveWidget):
    """The part of `TopPatches` that has the pictures and their index."""

    _book: PatchBook
    _resume: Any
    _say_scan: Any
    close_picture: Any

    def _take(
        self, index: Any, images: ImageSet | None, *, path: str | Path | None, n: int, layers: Sequence[str] | None
    ) -> None:
        """An index, or pictures to make one of."""
        self._scanning: Scanning | None = None
        self._own_index: PatchIndex | None = None
        if isinstance(index, PatchIndex):
            self._own_index, self._images = index, images_of(index, images)
            self._names, self._n = list(index.layers), index.n
            for name in self._names:
                check_network(self.engine, index, name)
        else:
            pictures = "samples" if index is None else index
            self._images = pictures if isinstance(pictures, ImageSet) else ImageSet(pictures)
            self._names, self._n = list(layers or spatial_blocks(self.engine)), n
            how: dict[str, Any] = {"layers": self._names, "n": n, "path": path or _cache(), "smallest": True}
            self._scanning = Scanning(lambda: scan(self.engine, self._images, **how))
            self._scanned = how
        self._book = PatchBook(self.engine, self._images)

    @property
    def index(self) -> PatchIndex | None:
        """What is known so far; None before the first pictures."""
        if self._scanning is None or self._scanning.latest is None:
            return self._own_index
        return self._scanning.latest.index

    def _index_code(self, script: Script) -> None:
        """The lines that make `engine`, `images` and `index`."""
        script.engine(self.engine)
        images = script.images(self._images)
        if self._own_index is not None:
            script.note("code_index")
            return
        script.run(call("methods.scan", Expr("engine"), images, **self._scanned), last="progress")
        script.let("index", Expr("progress.index"))

    def _steps(self, state: SimpleNamespace) -> Iterator[Any]:
        try:
            if self._scanning is not None:
                yield from self._scan_steps(state, self._scanning)
            index = self.index
            if index is None:
                raise NnvizError("job_cancelled")
            if len(index.broken) == len(index.pictures):
                raise NnvizError("set_unreadable", name=self._images.name, reason=next(iter(index.broken.values())))
            for shown, done in self._book.page(index, state, whole=True):
                yield Partial(shown, done)
        finally:
            if self._scanning is not None:
                self._scanning.settle()

    def _scan_steps(self, state: SimpleNamespace, scanning: Scanning) -> Iterator[Any]:
        """Batch after batch, and now and then what has been found so far."""
        shown, due = None, 0.0
        while scanning.latest is None or scanning.going:
            if not scanning.advance() or scanning.latest is None:
                return
            if time.monotonic() >= due:
                begun = time.monotonic()
                for shown, _ in self._book.page(scanning.latest.index, state, whole=False):
                    if shown.looks and time.monotonic() - begun > SOONEST:
                        yield Partial(shown, min(scanning.latest.done, 0.99))
                due = time.monotonic() + max(SOONEST, (time.monotonic() - begun) * (1 / SHARE - 1))
            yield Partial(shown, min(scanning.latest.done, 0.99))

    def _progressed(self, state: State) -> None:
        scanning = self._scanning
        if scanning is not None:
            if scanning.going and scanning.latest is not None and state.running:
                state = replace(state, done=scanning.latest.done, left=scanning.latest.left)
            resting = scanning.stopped and not scanning.over
            self._resume.layout.display = None if resting else "none"
            self._say_scan()
        super()._progressed(state)

    def cancel(self) -> None:
        """Stop the scan, if one is under way, or the computation; what is done stays. See `resume`."""
        if self._scanning is not None and not self._scanning.over:
            self._scanning.stop()
        super().cancel()

    def resume(self) -> None:
        """Go on with a scan that was stopped."""
        if self._scanning is not None:
            self._scanning.resume()
            self._ticket = self._post()

    def close(self) -> None:
        """Cancel, and free every comm, timer and thread of this widget and of the one that it has opened."""
        if getattr(self, "opened", None) is not None:  # half made, it has none
            self.close_picture()
        scanning = getattr(self, "_scanning", None)
        if scanning is not None:
            scanning.stop()
        super().close()
        if scanning is not None:
            scanning.settle()


def telling_channel(index: PatchIndex, layer: str) -> int:
    """A channel to begin with: one whose best pictures all stand out from the rest."""
    known = index.statistics(layer)
    scale = float(known.greatest.abs().max()) or 1.0
    mean = known.mean.float()
    best = index.values(layer).clamp_min(-scale).mean(1)
    return int(((best - mean) / (mean.abs() + 0.1 * scale)).argmax())


def _cache() -> Path:
    """A folder for temporary files of one's own, where a scan is found again."""
    return Path(tempfile.gettempdir()) / f"nnviz_scan_{os.getuid() if hasattr(os, 'getuid') else 'own'}"
