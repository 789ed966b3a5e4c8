"""Mean, deviation and range of columns that come in pieces. Before it: blocks of rows. After it: preparing.py."""

from __future__ import annotations

import numpy as np


class Moments:
    """Mean, variance and range of columns, piece by piece, in float64; NaN doesn't count.

    With two parts A and B: δ = mean_B − mean_A, mean = mean_A + δ n_B/n, M2 = M2_A + M2_B + δ² n_A n_B/n
    (Chan, Golub, LeVeque: Updating formulae and a pairwise algorithm for computing sample variances, 1979).
    Values are counted from the first row's, so that columns far from zero keep their digits.

    Example:
        >>> m = Moments(1)
        >>> m.add(np.array([[1.0], [2.0]])); m.add(np.array([[6.0]]))
        >>> m.mean, m.deviation.round(3)
        (array([3.]), array([2.16]))
    """

    def __init__(self, width: int, range_only: bool = False):
        self.range_only = range_only
        self.n = np.zeros(width)
        self.origin: np.ndarray | None = None
        self.offset = np.zeros(width)  # mean − origin
        self.m2 = np.zeros(width)
        self.low = np.full(width, np.inf)
        self.high = np.full(width, -np.inf)

    def add(self, block: np.ndarray) -> None:
        """Count a block of rows (m, width)."""
        if self.range_only:
            self.n = self.n + len(block)
            self.low = np.minimum(self.low, block.min(axis=0))
            self.high = np.maximum(self.high, block.max(axis=0))
            return
        self.low = np.fmin(self.low, np.fmin.reduce(block, axis=0))
        self.high = np.fmax(self.high, np.fmax.reduce(block, axis=0))
        if self.origin is None:
            self.origin = np.nan_to_num(block[0].astype(np.float64))
        with np.errstate(over="ignore", invalid="ignore"):
            block = block - self.origin
            gaps = np.isnan(block)
            n = len(block) - gaps.sum(axis=0)
            mean = np.where(gaps, 0.0, block).sum(axis=0) / np.maximum(n, 1) if gaps.any() else block.mean(axis=0)
            block -= mean
            block[gaps] = 0.0
            total = np.maximum(self.n + n, 1)
            delta = np.where(n > 0, mean - self.offset, 0.0)
            self.m2 = self.m2 + np.einsum("ij,ij->j", block, block) + delta**2 * self.n * n / total
            self.offset = self.offset + delta * n / total
        self.n = self.n + n

    @property
    def mean(self) -> np.ndarray:
        """Mean of each column."""
        return self.offset if self.origin is None else self.origin + self.offset

    @property
    def deviation(self) -> np.ndarray:
        """Standard deviation √(M2/n)."""
        return np.sqrt(self.m2 / np.maximum(self.n, 1))

    @property
    def spread(self) -> np.ndarray:
        """The deviation, to divide by: 1 where a column has one value, or its deviation is too small for a number."""
        deviation = self.deviation
        return np.where((self.low == self.high) | (deviation == 0), 1.0, deviation)  # NaN stays, and is refused
