"""Where a training's samples come from, in shuffled order: arrays that stay in place, or a stream read in chunks.

Either gives, for each epoch, chunks of (data, order): arrays placed by the engine and the row numbers of the
chunk as the epoch visits them. The order depends on the seed and the epoch's number alone, so that a resumed
training goes on as the uninterrupted one would.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from .engines import Data, Engine

CHUNK_BYTES = 128 * 2**20
WORTH_A_THREAD = 4096  # samples: drawing the order of fewer takes less than handing it to a thread


class Source(Protocol):
    """Samples for training."""

    n: int

    def chunks(self, engine: Engine, batch: int, epoch: int, seed: int, shuffle: bool) -> Iterator[tuple[Data, Any]]:
        """The chunks of an epoch as (data placed, order on the host).

        Every chunk but the last holds a whole number of batches.
        """
        ...


def visiting_order(n: int, seed: int, epoch: int, shuffle: bool, part: int = 0) -> np.ndarray:
    """The order in which an epoch visits n rows, as int32."""
    if not shuffle:
        return np.arange(n, dtype=np.int32)
    return np.random.default_rng([seed, epoch, part]).permutation(n).astype(np.int32)


class InMemory:
    """Arrays that are placed once and stay there.

    Args:
        x, y, weights: inputs, targets, sample weights or None.
        order: the order in which each epoch visits the rows, from its number; None draws it from the seed.
    """

    def __init__(
        self,
        x: np.ndarray,
        y: np.ndarray,
        weights: np.ndarray | None = None,
        order: Callable[[int], np.ndarray] | None = None,
    ):
        self.n, self.arrays, self.order = len(x), (x, y, weights), order
        self.data: Data | None = None
        self.ahead: tuple[Any, Future] | None = None  # the next epoch's order, being drawn while this one runs

    def chunks(self, engine: Engine, batch: int, epoch: int, seed: int, shuffle: bool) -> Iterator[tuple[Data, Any]]:
        """One chunk: everything."""
        if self.data is None:
            x, y, weights = self.arrays
            self.data = engine.place_rows(x), engine.place_rows(y), engine.place_rows(weights)
        yield self.data, self._drawn(epoch, seed, shuffle) if self.order is None else self.order(epoch)

    def _drawn(self, epoch: int, seed: int, shuffle: bool) -> np.ndarray:
        this, following = ((self.n, seed, number, shuffle) for number in (epoch, epoch + 1))
        order = self.ahead[1].result() if self.ahead and self.ahead[0] == this else visiting_order(*this)
        if shuffle and self.n >= WORTH_A_THREAD:
            self.ahead = following, self._drawing.submit(visiting_order, *following)
        return order

    @cached_property
    def _drawing(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(1, thread_name_prefix="order")  # ends with this object


class InChunks:
    """A stream that is read a chunk at a time: chunks in shuffled order, rows shuffled within each chunk.

    The shuffling is coarser than that of data in memory: rows of different chunks never share a batch.

    Args:
        stream: an object with `n` and `read(start, stop) -> (x, y)`.
        rows: how many rows a chunk has; None takes some 128 MB of inputs.
    """

    def __init__(self, stream: Any, rows: int | None = None):
        self.n, self.stream, self.rows = stream.n, stream, rows

    def chunks(self, engine: Engine, batch: int, epoch: int, seed: int, shuffle: bool) -> Iterator[tuple[Data, Any]]:
        """The chunks in this epoch's order; the smaller one, if any, comes last."""
        rows = self.rows or CHUNK_BYTES // (self.stream.n_inputs * engine.dtype.itemsize)
        rows = max(1, rows // batch) * batch
        whole = self.n // rows
        starts = [int(i) * rows for i in visiting_order(whole, seed, epoch, shuffle)]
        if self.n % rows:
            starts.append(whole * rows)
        for part, start in enumerate(starts, 1):
            x, y = self.stream.read(start, min(start + rows, self.n))
            data = engine.place_rows(np.asarray(x)), engine.place_rows(np.asarray(y)), None
            yield data, visiting_order(len(x), seed, epoch, shuffle, part)


class Gathered:
    """Rows that are made for one chunk after the other, in an order over all of them: a sparse matrix as dense rows.

    Args:
        x: a matrix that can be indexed with row numbers and has `toarray`.
        y, weights, order: as for arrays in memory.
        rows: how many rows a chunk has; None takes some 128 MB of inputs.
    """

    def __init__(
        self,
        x: Any,
        y: np.ndarray,
        weights: np.ndarray | None = None,
        order: Callable[[int], np.ndarray] | None = None,
        rows: int | None = None,
    ):
        self.n, self.x, self.y, self.weights, self.order, self.rows = x.shape[0], x, y, weights, order, rows

    def chunks(self, engine: Engine, batch: int, epoch: int, seed: int, shuffle: bool) -> Iterator[tuple[Data, Any]]:
        """The chunks of this epoch, each made of the rows that come next."""
        order = visiting_order(self.n, seed, epoch, shuffle) if self.order is None else self.order(epoch)
        rows = self.rows or CHUNK_BYTES // (self.x.shape[1] * engine.dtype.itemsize)
        rows = max(1, rows // batch) * batch
        for start in range(0, self.n, rows):
            taken = order[start : start + rows]
            weights = None if self.weights is None else self.weights[taken]
            data = [engine.place_rows(array) for array in (self.x[taken].toarray(), self.y[taken], weights)]
            yield (data[0], data[1], data[2]), np.arange(len(taken), dtype=np.int32)
