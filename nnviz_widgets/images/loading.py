"""Batches of a set's pictures as a network's input, decoded by threads or by processes, in the order asked for."""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.images.contract import InputContract
from nnviz_widgets.images.image_set import Broken, ImageSet

AHEAD = 3  # batches decoded before they are asked for
THREADS = 2


@dataclass(frozen=True, eq=False)
class Batch:
    """Pictures ready for a network.

    Attributes:
        indices: their numbers in the set. x: (len(indices), C, H, W), float32, normalised, on the CPU.
        broken: those of this batch that could not be read.
    """

    indices: tuple[int, ...]
    x: Tensor = field(repr=False)
    broken: tuple[Broken, ...] = ()


def batches(
    images: ImageSet, contract: InputContract, indices: Sequence[int] | None = None, *, size: int = 32, workers: int = 0
) -> Iterator[Batch]:
    """The pictures with these numbers, all when left out; those that are broken are told, not raised.

    Every picture goes the way of `engine.prepare`.

    Args:
        workers: processes that decode; 0 decodes in threads of this process, which a few hundred pictures, a set in
            memory or a dataset of a notebook's own are better off with.
    """
    wanted = list(range(len(images)) if indices is None else indices)
    chunks = [tuple(wanted[i : i + size]) for i in range(0, len(wanted), size)]
    executor: Executor
    if workers:
        # A notebook's kernel has threads, and a fork of it may hang: the processes are begun anew.
        context = multiprocessing.get_context("spawn")
        executor = ProcessPoolExecutor(workers, context, initializer=_begin, initargs=(images, contract))
        call: Callable[..., Any] = _decode_here
        arguments: tuple[Any, ...] = ()
    else:
        executor, call, arguments = ThreadPoolExecutor(THREADS), _decode, (images, contract)
    waiting: deque[tuple[tuple[int, ...], list[Future[Tensor | Broken]]]] = deque()
    try:
        for chunk in chunks:
            waiting.append((chunk, [executor.submit(call, *arguments, i) for i in chunk]))
            if len(waiting) > AHEAD:
                yield _gather(*waiting.popleft())
        while waiting:
            yield _gather(*waiting.popleft())
    finally:
        executor.shutdown(wait=False, cancel_futures=True)


def _gather(chunk: tuple[int, ...], futures: Sequence[Future[Tensor | Broken]]) -> Batch:
    found = [future.result() for future in futures]
    good = [(i, x) for i, x in zip(chunk, found, strict=True) if isinstance(x, Tensor)]
    broken = tuple(x for x in found if isinstance(x, Broken))
    x = torch.cat([x for _, x in good]) if good else torch.empty(0)
    return Batch(tuple(i for i, _ in good), x, broken)


def _decode(images: ImageSet, contract: InputContract, index: int) -> Tensor | Broken:
    try:
        return contract.prepare(images[index])
    except NnvizError as error:
        return Broken(images.ids[index], str(error))


_HERE: list[tuple[ImageSet, InputContract]] = []
"""In a worker process: what it decodes."""


def _begin(images: ImageSet, contract: InputContract) -> None:
    torch.set_num_threads(1)
    _HERE[:] = [(images, contract)]


def _decode_here(index: int) -> Tensor | Broken:
    return _decode(*_HERE[0], index)
