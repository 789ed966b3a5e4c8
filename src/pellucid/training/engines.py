"""The two ways to run the same step: NumPy, batch by batch, at once; JAX, one compiled program per run of batches.

An engine places arrays and runs batches `start … stop − 1` of a shuffled order; the epoch's last update is told
apart, for it may be smaller and also reports the gradient. `choose` picks by the size of the work: compiling costs
about a second.
"""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from ..arrays import Array, Parameters, aligned, is_aligned, start_jax, take_rows
from ..backward import losses
from ..errors import InputError, shown
from ..forks import forked_from_jax
from ..forward import forward
from ..losses import Loss
from ..optimisers import State
from ..program import Program
from .flat import OnOneVector
from .steps import Knobs, Rule, norms, step
from .threads import threads_for

Data = tuple[Array, Array, Array | None]  # x, y, sample weights
Total = tuple[float, float]  # a sum that goes on from run to run: what it is, and what rounding took from it
ZERO: Total = (0.0, 0.0)
ROWS = 4096  # how many rows a forward pass without record-keeping takes at a time
SMALL_BYTES = 16 * 2**20  # arrays up to here are filled up to a power of two, larger ones by a sixteenth or not at all
FILL_STEPS = 16


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


class NumPyEngine(Engine):
    """Runs the step as it stands."""

    name = "numpy"

    def __init__(self, rule, dtype, batch, n):
        if rule.optimiser.elementwise:
            rule = replace(rule, optimiser=OnOneVector(rule.optimiser.learning_rate, rule.optimiser))
        super().__init__(rule, dtype, batch, n)

    @contextmanager
    def context(self):
        # The loop itself looks for what is not finite.
        with threads_for(self.rule.program, self.batch), np.errstate(all="ignore"):
            yield

    def place(self, array):
        if array is None or array.dtype.kind in "iub":
            return array
        return np.ascontiguousarray(array, dtype=self.dtype)

    def scalar(self, number):
        return number.item()

    def run(self, parameters, state, data, order, start, stop, rest, knobs, t, total=ZERO):
        (summed, lost), sizes = total, []
        for b in range(start, stop):
            rows = order[b * self.batch : (b + 1) * self.batch]
            parameters, state, sum_C, _ = step(self.rule, parameters, state, rows_of(data, rows), knobs, t + b - start)
            summed += float(sum_C)
        if rest:
            rows = order[stop * self.batch : stop * self.batch + rest]
            batch, t = rows_of(data, rows), t + stop - start
            parameters, state, sum_C, gradient = step(self.rule, parameters, state, batch, knobs, t)
            summed, sizes = summed + float(sum_C), [float(norm) for norm in norms(gradient)]
        return parameters, state, (summed, lost), sizes

    def judge(self, parameters, x, y):
        rule = self.rule
        return in_parts(lambda x, y: judge(rule.program, rule.loss, parameters, self.place(x), y), x, y)


class JAXEngine(Engine):
    """Runs the step inside a compiled loop.

    A compiled program holds the shapes of its arrays. Arrays with a row per sample are filled up to one of few
    sizes, and so is the smaller last batch, so that trainings on about as many samples (the folds of a
    cross-validation) share one program.
    """

    name = "jax"

    def __init__(self, rule, dtype, batch, n):
        self.jax = start_jax()
        super().__init__(rule, dtype, batch, n)

    def context(self):
        # Double precision is a switch of JAX; here it is on for this training only.
        return self.jax.enable_x64(self.dtype == np.float64)

    def place(self, array):
        return None if array is None else self._placed(array, len(array))

    def place_rows(self, array):
        if array is None:
            return None
        small = array.nbytes <= SMALL_BYTES
        if not small and self._in_place(array):
            return self.place(array)  # a second copy of large data costs more than another program
        return self._placed(array, fill(len(array), 1 if small else FILL_STEPS))

    def reads(self, x):
        return super().reads(x) and self._in_place(x)

    def _kind(self, array: np.ndarray) -> np.dtype:
        return np.dtype(np.int32) if array.dtype.kind in "iub" else self.dtype

    def _in_place(self, array: np.ndarray) -> bool:
        """Whether JAX, on a CPU, reads this array where it lies."""
        return array.dtype == self._kind(array) and is_aligned(array)

    def _filled(self, array: np.ndarray, rows: int) -> np.ndarray:
        """The array in this precision where JAX reads it, filled up to `rows` rows."""
        if len(array) == rows and self._in_place(array):
            return array
        made, n = aligned((rows, *array.shape[1:]), self._kind(array)), len(array)
        made[:n], made[n:] = array, 0
        return made

    def _placed(self, array: np.ndarray, rows: int) -> Array:
        return self.jax.device_put(self._filled(array, rows))

    def scalar(self, number):
        return self.jax.device_put(number)

    def place_order(self, order, rows):
        # Whole batches, of the length that the rows have; a NumPy array that the program reads where it lies.
        width = self._width()
        return self._filled(order, -(-rows // width) * width)

    @cached_property
    def _program(self) -> Callable[..., Any]:
        from .compiled import runner

        return runner(sum(self.rule.program.multiplications) * self.dtype.itemsize)

    def _width(self) -> int:
        """The rows of a batch in the compiled program: samples that are one batch are filled up like all rows."""
        return self.batch if self.n > self.batch else fill(self.n, FILL_STEPS)

    def run(self, parameters, state, data, order, start, stop, rest, knobs, t, total=ZERO):
        kind = self.dtype.type
        parameters, state, (summed, lost), sizes = self._program(
            self.rule, self._width(), parameters, state, data, order, np.int32(start), np.int32(stop), np.int32(rest),
            self._numbers(knobs), np.int32(t), (kind(total[0]), kind(total[1])),
        )  # fmt: skip
        return parameters, state, (float(summed), float(lost)), np.asarray(sizes).tolist() if rest else []

    def judge(self, parameters, x, y):
        from .compiled import judged

        n = len(x)
        rows, parts = min(ROWS, fill(n, 1)), []
        for start in range(0, n, rows):
            first = max(0, min(start, n - rows))  # the last part goes back: all have one shape
            x_part, y_part = (self._filled(array[first : first + rows], rows) for array in (x, y))
            part = judged(self.rule.program, self.rule.loss, parameters, x_part, y_part)
            parts.append([array[start - first : n - first] for array in part])
        return joined(parts)

    def _numbers(self, knobs: Knobs) -> Knobs:
        return {name: self.dtype.type(value) for name, value in knobs.items()}


def fill(n: int, steps: int) -> int:
    """n rounded up to one of `steps` equal steps between two powers of two.

    Example:
        >>> fill(1437, 1), fill(1437, 16), fill(1438, 16)
        (2048, 1472, 1472)
    """
    step = max(1, 2 ** (max(n - 1, 0).bit_length() - 1) // steps)
    return -(-n // step) * step


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


ENGINES: dict[str, type[Engine]] = {"numpy": NumPyEngine, "jax": JAXEngine}


def choose(backend: str, rule: Rule, batch: int, updates: int) -> str:
    """The engine's name for `backend` = "numpy", "jax" or "auto".

    "auto" compares two estimates of the whole training (measured on 2 cores, see benchmarks/README.md):
    NumPy takes some 12 µs per layer and step for its calls, JAX a second for import and compilation.

    Raises:
        InputError: an unknown backend, NumPy with an optimiser or schedule that is JAX's, or JAX in a process that
            was forked from one in which it ran: there it would wait for ever.
    """
    if backend not in ("auto", *ENGINES):
        raise InputError("backend", "expected auto, numpy or jax", shown(backend))
    jax_only = rule.optimiser.jax_only or rule.schedule is not None
    if jax_only and backend == "numpy":
        raise InputError(
            "backend", "this optimiser or schedule is Optax's and runs on JAX", "numpy", "Use backend='jax'."
        )
    if backend != "auto":
        return backend
    if forked_from_jax() and not jax_only:
        return "numpy"
    parameters, layers = sum(rule.program.multiplications), rule.program.L
    operations = 6.0 * batch * parameters
    numpy_seconds = updates * (20e-6 + 12e-6 * layers + operations / 60e9 + parameters * 12 / 5e9)
    started = 0.0 if "jax" in sys.modules else 0.8
    jax_seconds = started + 0.3 + 0.1 * layers + updates * (5e-6 + operations / 120e9)
    return "jax" if jax_only or jax_seconds < numpy_seconds else "numpy"
