"""What an engine is: it places arrays and runs steps with one array library in one precision.

An engine runs batches `start … stop − 1` of a shuffled order; the epoch's last update is told apart, for it may be
smaller and also reports the gradient.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from ...arrays import Array, Parameters, take_rows
from ...backward import losses
from ...forward import forward
from ...losses import Loss
from ...optimisers import State
from ...program import Program
from ..steps import Knobs, Rule

Data = tuple[Array, Array, Array | None]  # x, y, sample weights
Total = tuple[float, float]  # a sum that goes on from run to run: what it is, and what rounding took from it
ZERO: Total = (0.0, 0.0)
ROWS = 4096  # how many rows a forward pass without record-keeping takes at a time
SMALL_BYTES = 16 * 2**20  # arrays up to here are filled up to a power of two, larger ones by a sixteenth or not at all


class Engine(ABC):
    """Runs steps with one array library in one precision, in batches of `batch` of `n` samples."""

    name: str

    def __init__(self, rule: Rule, dtype: str, batch: int, n: int):
        self.rule, self.dtype, self.batch, self.n = rule, np.dtype(dtype), min(batch, n), n

    def context(self) -> AbstractContextManager[Any]:
        """What must be active while this engine works."""
        return nullcontext()

    @abstractmethod
    def place(self, array: np.ndarray | None) -> Array | None:
        """An array where this engine reads it: numbers in its precision, labels as they are."""

    def place_rows(self, array: np.ndarray | None) -> Array | None:
        """The same for an array with a row per sample; it may get rows that only fill it up."""
        return self.place(array)

    def reads(self, x: Any) -> bool:
        """Whether x can be read where it lies."""
        return isinstance(x, np.ndarray) and x.dtype == self.dtype and x.flags.c_contiguous

    @abstractmethod
    def scalar(self, number: np.ndarray) -> Any:
        """One stored number of an optimiser's state, as `start` would give it."""

    def place_order(self, order: np.ndarray, rows: int) -> Array:
        """The order in which some of so many placed rows are visited, where `run` reads it."""
        return order

    @abstractmethod
    def run(
        self,
        parameters: Parameters,
        state: State,
        data: Data,
        order: Array,
        start: int,
        stop: int,
        rest: int,
        knobs: Knobs,
        t: int,
        total: Total = ZERO,
    ) -> tuple[Parameters, State, Total, list[float]]:
        """Updates with batches start … stop − 1 of `order`, and one with the next `rest` rows, if there are any.

        t is the number of updates before, total Σ s_i C_i over those of this epoch. Returns this sum with the new
        ones too, and the gradient's norm per layer in the update with the rest.
        """

    @abstractmethod
    def judge(self, parameters: Parameters, x: Any, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """a^(L) (n, n_L) and C_i (n,) of rows on the host, some at a time, in float64."""


def rows_of(data: Data, rows: Array) -> Data:
    """The rows of one batch."""
    x, y, weights = data
    return take_rows(x, rows), take_rows(y, rows), None if weights is None else take_rows(weights, rows)


def judge(program: Program, loss: Loss, parameters: Parameters, x: Array, y: Array) -> tuple[Array, Array]:
    """a^(L) and C_i of some rows."""
    record = forward(program, parameters, x)
    return record.output, losses(program, loss, record, y)


def in_parts(judge: Callable[[Array, Array], tuple[Array, Array]], x: Array, y: Array) -> tuple[np.ndarray, np.ndarray]:
    """`judge` some rows at a time, so that no record of all rows is held; float64 on the host."""
    return joined([judge(x[i : i + ROWS], y[i : i + ROWS]) for i in range(0, len(x), ROWS)])


def joined(parts: list[Any]) -> tuple[np.ndarray, np.ndarray]:
    """What `judge` found, part after part, on the host in float64."""
    a, C = (np.concatenate([np.asarray(part[which], np.float64) for part in parts]) for which in (0, 1))
    return a, C
