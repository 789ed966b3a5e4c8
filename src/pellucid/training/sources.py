"""Where a training's samples come from, in shuffled order: arrays in memory, or a stream read in chunks.

Either gives, for each epoch, chunks of (data, order): arrays placed by the engine and the row numbers of the
chunk as the epoch visits them. The order depends on the seed and the epoch's number alone, so that a resumed
training goes on as the uninterrupted one would.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from ..arrays import aligned
from .engines import Data, Engine

CHUNK_BYTES = 16 * 2**20  # of inputs in a chunk
STREAM_BYTES = 128 * 2**20  # the same for a stream, whose rows are shuffled within a chunk: more is better mixed
COPIED_BYTES = 128 * 2**20  # data up to here are copied to where the engine reads them, larger ones taken in chunks
WORTH_A_THREAD = 4096  # samples: drawing the order of fewer takes less than handing it to a thread


class Source(Protocol):
    """Samples for training."""

    n: int

    def chunks(self, engine: Engine, batch: int, epoch: int, seed: int, shuffle: bool) -> Iterator[tuple[Data, Any]]:
        """The chunks of an epoch as (data placed, order on the host).

        Every chunk but the last holds a whole number of batches.
        """
        ...

    def fingerprint(self, dtype: np.dtype) -> dict[str, str | None]:
        """What tells these samples from others, as the training reads them in this precision."""
        ...


BLOCK_ROWS, LOOKED_AT = 4096, 1024  # rows hashed at a time, and at each place of a stream


def fingerprints(dtype: np.dtype, x: Any, y: Any, weights: Any = None) -> dict[str, str | None]:
    """SHA-256 of inputs, targets and sample weights in the precision in which they are read; None where there are none.

    Example:
        >>> a, b = (fingerprints(np.dtype("float32"), np.ones((2, 3)), np.array([0, i])) for i in (1, 2))
        >>> [name for name in a if a[name] != b[name]]
        ['targets']
    """

    def digest(array: Any) -> str | None:
        if array is None:
            return None
        hashed = hashlib.sha256(repr(tuple(array.shape)).encode())
        for start in range(0, array.shape[0], BLOCK_ROWS):
            block = as_dense(array[start : start + BLOCK_ROWS])
            kind = dtype if block.dtype.kind == "f" else np.float64
            hashed.update(np.ascontiguousarray(block, kind).tobytes())
        return hashed.hexdigest()

    return {"inputs": digest(x), "targets": digest(y), "sample weights": digest(weights)}


def visiting_order(n: int, seed: int, epoch: int, shuffle: bool, part: int = 0) -> np.ndarray:
    """The order in which an epoch visits n rows, as int32."""
    if not shuffle:
        return np.arange(n, dtype=np.int32)
    return np.random.default_rng([seed, epoch, part]).permutation(n).astype(np.int32)


class InMemory:
    """Arrays, or a sparse x: placed once, or in chunks where that would take a second copy of much data.

    Args:
        x, y, weights: inputs (also a sparse matrix), targets, sample weights or None.
        order: the order in which each epoch visits the rows, from its number; None draws it from the seed.
        rows: how many rows a chunk has at least; None takes some 16 MB of inputs.
    """

    def __init__(
        self,
        x: Any,
        y: np.ndarray,
        weights: np.ndarray | None = None,
        order: Callable[[int], np.ndarray] | None = None,
        rows: int | None = None,
    ):
        self.n, self.arrays, self.order, self.rows = x.shape[0], (x, y, weights), order, rows
        self.data: Data | None = None
        self.ahead: tuple[Any, Future] | None = None  # the next epoch's order, being drawn while this one runs

    def chunks(self, engine: Engine, batch: int, epoch: int, seed: int, shuffle: bool) -> Iterator[tuple[Data, Any]]:
        """One chunk with everything, or chunks of the rows that come next; the same rows in the same order."""
        x, y, weights = self.arrays
        order = self._drawn(epoch, seed, shuffle) if self.order is None else self.order(epoch)
        row_bytes = math.prod(x.shape[1:]) * engine.dtype.itemsize
        if self.data is None and (engine.reads(x) or self.n * row_bytes <= COPIED_BYTES):
            self.data = engine.place_rows(as_dense(x)), engine.place_rows(y), engine.place_rows(weights)
        if self.data is not None:
            yield self.data, order
            return
        rows = whole_batches(self.rows or CHUNK_BYTES // row_bytes, batch)
        chunk = aligned((rows, *x.shape[1:]), engine.dtype)
        chunk[:] = 0
        for start in range(0, self.n, rows):
            taken = order[start : start + rows]
            take(x, taken, chunk[: len(taken)])
            some_y, some_weights = (None if a is None else filled(a[taken], rows) for a in (y, weights))
            data = engine.place(chunk), engine.place_rows(some_y), engine.place_rows(some_weights)
            yield data, np.arange(len(taken), dtype=np.int32)

    def fingerprint(self, dtype: np.dtype) -> dict[str, str | None]:
        """Of all samples."""
        return fingerprints(dtype, *self.arrays)

    def _drawn(self, epoch: int, seed: int, shuffle: bool) -> np.ndarray:
        this, following = ((self.n, seed, number, shuffle) for number in (epoch, epoch + 1))
        order = self.ahead[1].result() if self.ahead and self.ahead[0] == this else visiting_order(*this)
        if shuffle and self.n >= WORTH_A_THREAD:
            self.ahead = following, self._drawing.submit(visiting_order, *following)
        return order

    @cached_property
    def _drawing(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(1, thread_name_prefix="order")  # ends with this object


def as_dense(x: Any) -> np.ndarray:
    """A sparse matrix as an array, an array as it is."""
    return x.toarray() if hasattr(x, "toarray") else x


def take(x: Any, rows: np.ndarray, out: np.ndarray) -> None:
    """The given rows of x into `out`."""
    if isinstance(x, np.ndarray) and x.dtype == out.dtype:
        np.take(x, rows, axis=0, out=out, mode="clip")  # "raise" would make a copy on the way
    else:
        out[:] = as_dense(x[rows])


def filled(array: np.ndarray, rows: int) -> np.ndarray:
    """With rows of zeros at its end, so that all chunks have one shape: a compiled program holds it."""
    return np.concatenate([array, np.zeros((rows - len(array), *array.shape[1:]), array.dtype)])


def whole_batches(rows: int, batch: int) -> int:
    """The rows of a chunk: a whole number of batches, at least one."""
    return max(1, rows // batch) * batch


class InChunks:
    """A stream that is read a chunk at a time: chunks in shuffled order, rows shuffled within each chunk.

    The shuffling is coarser than that of data in memory: rows of different chunks never share a batch.

    Args:
        stream: an object with `n` and `read(start, stop) -> (x, y)`.
        rows: how many rows a chunk has at least; None takes some 128 MB of inputs.
        targets: what makes a chunk's targets of those that were read: a function of them, their number and the words
            for where they stand.
        shape: of one sample, where it is not the row that the stream gives.
    """

    def __init__(
        self,
        stream: Any,
        rows: int | None = None,
        targets: Callable[[Any, int, str], np.ndarray] | None = None,
        shape: tuple[int, ...] | None = None,
    ):
        self.n, self.stream, self.rows, self.targets, self.shape = stream.n, stream, rows, targets, shape

    def _read(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows start … stop − 1: inputs in the shape of a sample, targets as the loss reads them."""
        x, y = self.stream.read(start, stop)
        if self.targets:
            y = self.targets(y, len(x), f"rows {start} to {stop - 1} of the stream: y")
        x = np.asarray(x)
        return (x if self.shape is None else x.reshape(len(x), *self.shape)), np.asarray(y)

    def chunks(self, engine: Engine, batch: int, epoch: int, seed: int, shuffle: bool) -> Iterator[tuple[Data, Any]]:
        """The chunks in this epoch's order; the smaller one, if any, comes last."""
        rows = whole_batches(self.rows or STREAM_BYTES // (self.stream.n_inputs * engine.dtype.itemsize), batch)
        whole = self.n // rows
        starts = [int(i) * rows for i in visiting_order(whole, seed, epoch, shuffle)]
        if self.n % rows:
            starts.append(whole * rows)
        for part, start in enumerate(starts, 1):
            stop = min(start + rows, self.n)
            x, y = self._read(start, stop)
            data = engine.place_rows(filled(x, rows)), engine.place_rows(filled(y, rows)), None
            yield data, visiting_order(len(x), seed, epoch, shuffle, part)

    def fingerprint(self, dtype: np.dtype) -> dict[str, str | None]:
        """Of some rows at the beginning, in the middle and at the end: reading all would take as long as an epoch."""
        rows = min(LOOKED_AT, self.n)
        parts = []
        for start in sorted({0, (self.n - rows) // 2, self.n - rows}):
            parts.append(self._read(start, start + rows))
        return fingerprints(dtype, *(np.concatenate([part[which] for part in parts]) for which in (0, 1)))
