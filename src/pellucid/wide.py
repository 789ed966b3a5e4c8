"""Float64 arithmetic on weights that are stored in another precision, without a copy of their size.

`records` wraps large float32 weights in a Wide; the layers' own lines (`a @ w.T`, `delta @ w`) then run on
blocks of rows that are turned to float64 in a buffer of 3 MB. Every stored number is used exactly.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

SHARES = 2  # threads that widen blocks
WHOLE = 1 << 17  # numbers: smaller arrays are simply converted
BLOCK = 3 << 17  # numbers per block: 3 MB of float64 a thread, whatever the matrix's size; less costs more calls


def widened(array: Any, copy: bool = False) -> Any:
    """The array in float64: a copy if it is small or if `copy` says so, else itself, or a Wide.

    Example:
        >>> widened(np.ones((2, 3), np.float32)).dtype
        dtype('float64')
    """
    array = np.asarray(array)
    if copy or array.size <= WHOLE or array.ndim != 2:
        return array.astype(np.float64)
    return array if array.dtype == np.float64 else Wide(array)


class Wide:
    """A large matrix that behaves like its float64 self in products and when it is indexed."""

    __array_ufunc__ = None  # so that `ndarray @ Wide` comes here

    def __init__(self, array: np.ndarray, transposed: bool = False):
        self.array, self.transposed = array, transposed

    @property
    def shape(self) -> tuple[int, ...]:
        """(rows, columns)."""
        return self.array.shape[::-1] if self.transposed else self.array.shape

    @property
    def ndim(self) -> int:
        """Two: it is a matrix."""
        return 2

    @property
    def T(self) -> Wide:
        """The transpose; nothing is moved."""
        return Wide(self.array, not self.transposed)

    def __getitem__(self, where: Any) -> Any:
        if self.transposed:
            raise TypeError("index the matrix, not its transpose")
        return np.asarray(self.array[where]).astype(np.float64)[()]

    def blocks(self, start: int = 0, stop: int | None = None) -> Iterator[tuple[slice, np.ndarray]]:
        """The stored rows start … stop − 1, block by block, in float64. A block is valid until the next one."""
        rows, columns = self.array.shape
        end = rows if stop is None else stop
        height = max(1, BLOCK // columns)
        buffer = np.empty((min(height, rows), columns))
        for first in range(start, end, height):
            part = slice(first, min(first + height, end))
            block = buffer[: part.stop - first]
            np.copyto(block, self.array[part])
            yield part, block

    def __rmatmul__(self, left: Any) -> Any:
        if np.iscomplexobj(left):
            return left.real @ self + 1j * (left.imag @ self)
        left = np.ascontiguousarray(left, dtype=np.float64)

        def product(start: int, stop: int) -> np.ndarray:
            if self.transposed:
                return np.concatenate([left @ block.T for _, block in self.blocks(start, stop)], axis=1)
            out = np.zeros((len(left), self.shape[1]))
            for part, block in self.blocks(start, stop):
                out += left[:, part] @ block
            return out

        # Widening is what takes the time, and it runs on one thread; the number of shares is fixed, so the bits are.
        ends = np.linspace(0, len(self.array), min(SHARES, len(self.array)) + 1).astype(int).tolist()
        with ThreadPoolExecutor(SHARES) as pool:
            shares = list(pool.map(product, ends[:-1], ends[1:]))
        return np.concatenate(shares, axis=1) if self.transposed else sum(shares[1:], shares[0])


def row_blocks(array: Any) -> Iterator[np.ndarray]:
    """A matrix in pieces of some rows each, in float64, for a sum over all its entries."""
    if isinstance(array, Wide):
        yield from (block for _, block in array.blocks())
        return
    height = max(1, BLOCK // max(1, array.shape[-1])) if array.ndim == 2 else len(array)
    for first in range(0, len(array), height):
        yield array[first : first + height]
