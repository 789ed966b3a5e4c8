"""The step on NumPy, batch by batch, at once."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from ..flat import OnOneVector
from ..steps import norms, step
from ..threads import threads_for
from .base import ZERO, Engine, in_parts, judge, rows_of


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
