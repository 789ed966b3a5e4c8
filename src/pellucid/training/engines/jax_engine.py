"""The step under JAX, one compiled program per run of batches. Importing this module imports JAX."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import jax
import numpy as np

from ...arrays import Array, aligned, is_aligned
from ..steps import Knobs
from . import compiled
from .base import ROWS, SMALL_BYTES, ZERO, Engine, joined

FILL_STEPS = 16


class JAXEngine(Engine):
    """Runs the step inside a compiled loop.

    A compiled program holds the shapes of its arrays. Arrays with a row per sample are filled up to one of few
    sizes, and so is the smaller last batch, so that trainings on about as many samples (the folds of a
    cross-validation) share one program.
    """

    name = "jax"

    def __init__(self, rule, dtype, batch, n):
        super().__init__(rule, dtype, batch, n)

    def context(self):
        # Double precision is a switch of JAX; here it is on for this training only.
        return jax.enable_x64(self.dtype == np.float64)

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
        return jax.device_put(self._filled(array, rows))

    def scalar(self, number):
        return jax.device_put(number)

    def place_order(self, order, rows):
        # Whole batches, of the length that the rows have; a NumPy array that the program reads where it lies.
        width = self._width()
        return self._filled(order, -(-rows // width) * width)

    @cached_property
    def _program(self) -> Callable[..., Any]:
        return compiled.runner(sum(self.rule.program.multiplications) * self.dtype.itemsize)

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
        n = len(x)
        rows, parts = min(ROWS, fill(n, 1)), []
        for start in range(0, n, rows):
            first = max(0, min(start, n - rows))  # the last part goes back: all have one shape
            x_part, y_part = (self._filled(array[first : first + rows], rows) for array in (x, y))
            part = compiled.judged(self.rule.program, self.rule.loss, parameters, x_part, y_part)
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
