"""The mean over some axes, the samples among them if need be: pooling, the μ and v of a normalisation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..arrays import namespace
from ..spaces import Space
from .base import Operation, Products, Readers, grid
from .contraction import spread


@dataclass(frozen=True)
class Mean(Operation):
    """out = 1/m Σ x over the letters that out does not have.

    Args:
        letters: of x and of out, "rcj->j".
        samples: whether the mean is over the samples too; out is then the same for all samples of a batch.

    Example:
        >>> Mean("tj->j").value(np.array([[[1.0], [3.0]]]))
        array([[2.]])
    """

    letters: str
    samples: bool = False

    sums = linear = True
    says = "the mean of what it reads"

    @cached_property
    def sides(self) -> tuple[tuple[str, ...], str]:
        """The letters of each input, and of out."""
        inside, out = self.letters.split("->")
        return (inside,), out

    @property
    def mixes_samples(self):  # type: ignore[override]
        return self.samples

    def space(self, *inputs):
        (inside,), out = self.sides
        return Space(out, tuple(inputs[0].shape[inside.index(c)] for c in out))

    def lost(self, ndim: int) -> tuple[int, ...]:
        """The axes over which the mean goes."""
        (inside,), out = self.sides
        first = ndim - len(inside)
        return (*((0,) if self.samples else ()), *(first + p for p, c in enumerate(inside) if c not in out))

    def share(self, shape: tuple[int, ...]) -> float:
        """1/m."""
        return 1 / math.prod(shape[axis] for axis in self.lost(len(shape)))

    def value(self, *x):
        return namespace(x[0]).mean(x[0], axis=self.lost(x[0].ndim))

    def pull_back(self, m, x, out, d):
        (inside,), above = self.sides
        if self.samples:  # what every sample's readers send back comes from one number: it is added up over them
            d = namespace(d).sum(d, axis=0, keepdims=True) if d.ndim > len(above) else d[None]
        shape = (
            x[0].shape if self.samples else (*d.shape[: d.ndim - len(above)], *x[0].shape[x[0].ndim - len(inside) :])
        )
        return namespace(d).broadcast_to(spread(d, above, inside), shape) * self.share(x[0].shape)

    def terms(self, x, index):
        (inside,), out = self.sides
        first = x[0].ndim - len(inside)
        sample = index[: len(index) - len(out)]
        fixed = dict(zip(out, index[len(sample) :], strict=True))
        running = ("i" if self.samples else "") + "".join(c for c in inside if c not in fixed)
        sizes = dict(zip(inside, x[0].shape[first:], strict=True)) | {"i": x[0].shape[0]}
        columns = dict(zip(running, grid(sizes[c] for c in running), strict=True))
        count = len(next(iter(columns.values()))) if columns else 1
        at = {c: np.full(count, v) for c, v in fixed.items()} | columns
        front = (at["i"],) if self.samples else tuple(np.full(count, s) for s in sample)
        entries = (*front, *(at[c] for c in inside))
        return (Products(((0, entries),), count, running, tuple(columns.values()), self.share(x[0].shape)),)

    def readers(self, m, x, out, index, sample):
        (inside,), above = self.sides
        first = len(index) - len(inside)
        fixed = dict(zip(inside, index[first:], strict=True))
        front = () if self.samples else index[:first]
        entry = tuple(np.array([i]) for i in (*front, *(fixed[c] for c in above)))
        return Readers(entry, Products((), 1, coefficient=self.share(x[0].shape)))
